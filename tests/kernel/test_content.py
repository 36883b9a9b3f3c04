from datetime import date
from pathlib import Path

import pytest

from server.kernel.content import Content, ContentError, load_markdown, load_yaml, parse


class Sample(Content):
    name: str
    size: int
    day: date
    tags: tuple[str, ...] = ()


def written(folder: Path, text: str) -> Path:
    path = folder / "sample.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def faults_of(path: Path, data: object) -> tuple[str, ...]:
    with pytest.raises(ContentError) as raised:
        parse(Sample, data, path)
    return raised.value.faults


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("on: 2019-08-03", {"on": "2019-08-03"}),
        ("value: 2019-09", {"value": "2019-09"}),
        ("moment: 2019-08-03 10:00:00", {"moment": "2019-08-03 10:00:00"}),
        ("answer: yes", {"answer": "yes"}),
        ("answer: no", {"answer": "no"}),
        ("answer: true", {"answer": True}),
        ("answer: false", {"answer": False}),
        ("base: &b {x: 1, y: 2}\nmore: {<<: *b, y: 3}", {"base": {"x": 1, "y": 2}, "more": {"x": 1, "y": 3}}),
    ],
)
def test_yaml_reads_what_is_written(tmp_path: Path, text: str, value: object) -> None:
    assert load_yaml(written(tmp_path, text)) == value


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("a: 1\nb: 2\na: 3", "'a' is given twice"),
        ("list:\n  - {x: 1, x: 1}", "'x' is given twice"),
        ("a: [1, 2", "sample.yaml"),
        ("a: !!python/object:os.system x", "sample.yaml"),
        ("? [1, 2]\n: x\n? {}\n: y", "unhashable"),
    ],
)
def test_broken_yaml_names_the_file_and_the_fault(tmp_path: Path, text: str, word: str) -> None:
    with pytest.raises(ContentError) as raised:
        load_yaml(written(tmp_path, text))
    assert len(raised.value.faults) == 1
    assert str(tmp_path / "sample.yaml") in raised.value.faults[0]
    assert word in raised.value.faults[0]


def test_a_file_that_is_not_there_or_not_utf8_is_a_content_error(tmp_path: Path) -> None:
    with pytest.raises(ContentError, match=r"nowhere\.yaml"):
        load_yaml(tmp_path / "nowhere.yaml")
    (tmp_path / "gbk.yaml").write_bytes("安庆".encode("gbk"))
    with pytest.raises(ContentError, match=r"gbk\.yaml"):
        load_yaml(tmp_path / "gbk.yaml")


def test_parse_lists_every_fault_with_the_file_and_the_field(tmp_path: Path) -> None:
    faults = faults_of(tmp_path / "x.yaml", {"name": 1, "size": "20", "day": "2019-02-30", "more": 1, "tags": ["a", 2]})
    assert all(fault.startswith(f"{tmp_path / 'x.yaml'}: ") for fault in faults)
    assert [fault.split(": ")[1] for fault in faults] == ["name", "size", "day", "tags.1", "more"]


@pytest.mark.parametrize("size", [True, 20.5, "20", None])
def test_parse_takes_no_number_from_anything_else(tmp_path: Path, size: object) -> None:
    (fault,) = faults_of(tmp_path / "x.yaml", {"name": "a", "size": size, "day": "2019-08-03"})
    assert ": size: " in fault


def test_parse_returns_a_frozen_model(tmp_path: Path) -> None:
    sample = parse(Sample, {"name": "a", "size": 20, "day": "2019-08-03", "tags": ["x"]}, tmp_path)
    assert sample == Sample(name="a", size=20, day=date(2019, 8, 3), tags=("x",))
    with pytest.raises(ValueError, match="frozen"):
        sample.size = 21  # type: ignore[misc]


def test_what_json_cannot_hold_is_a_content_error(tmp_path: Path) -> None:
    data = load_yaml(written(tmp_path, "name: !!binary YWJj\nsize: 1\nday: 2019-08-03"))
    (fault,) = faults_of(tmp_path / "sample.yaml", data)
    assert "bytes" in fault


def test_a_file_that_is_no_mapping_is_a_fault_of_the_file(tmp_path: Path) -> None:
    (fault,) = faults_of(tmp_path / "x.yaml", ["a"])
    assert ": file: " in fault


def test_markdown_is_front_matter_and_body(tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    path.write_text("---\ntitle: 题\non: 2026-11-21\n---\n\n## 一\n\n---\n\n正文\n", encoding="utf-8")
    assert load_markdown(path) == ({"title": "题", "on": "2026-11-21"}, "## 一\n\n---\n\n正文")


@pytest.mark.parametrize(
    "text", ["", "正文", "---\ntitle: 题\n", "前言\n---\ntitle: 题\n---\n正文", "---\n- 1\n---\n正文", "---\n---\n正文"]
)
def test_markdown_without_front_matter_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.md"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ContentError, match="front matter"):
        load_markdown(path)
