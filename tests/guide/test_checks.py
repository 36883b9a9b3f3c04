import re
import subprocess
from datetime import date
from pathlib import Path
from typing import get_args

import pytest

from server.guide import checks, service
from server.guide.service import Guide
from server.kernel.content import load_yaml
from server.policy import service as policy_service
from server.policy.book import PolicyBook
from server.policy.programmes import Audience
from tests.harness.forking import command
from tests.policy.shelf import CONTENT, Copy

ARTICLE = "guide/2026/feeder-school-reward.md"
LEAFLET = "guide/2026/leaflet-student.md"
UNCONFIRMED = "guide/2026/graduate-shortage.md"
OTHER_CITY = "guide/2026/other-city-policies.md"
EDITION = "guide/2026/edition.yaml"
BORROWED = "每生按照规定的标准给予奖励并且由学校统一收取和使用不得挪作他用"


def faults(copy: Copy) -> list[str]:
    book = policy_service.load(copy.root)
    return list(checks.faults(copy.root, service.load(copy.root, book), book))


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return command(*map(str, arguments), module="scripts.check_content")


@pytest.mark.parametrize(
    "text",
    ["500元", "10万元", "1.4万人", "1,000 元", "20人以上", "30%", "３０％", "12个月", "五百元", "三个月", "十万元"],
)
def test_a_figure_by_hand_is_found(text: str) -> None:
    assert len(checks.figures(f"可得{text}。")) == 1


@pytest.mark.parametrize(
    "text", ["{{ feeder-referral.amount }}", "[[aq-2024-91/15]]", "2026年", "第15条", "每一名", "3+2"]
)
def test_references_dates_and_numbers_of_clauses_are_no_figures(text: str) -> None:
    assert checks.figures(text) == []


@pytest.mark.parametrize(
    ("name", "old", "new", "words"),
    [
        (ARTICLE, "**{{ feeder-referral.amount }}**", "**500元**", "500元 is written by hand"),
        (ARTICLE, "按{{ feeder-referral.rate }}奖励", "按500元奖励", "500元 is written by hand"),
        (ARTICLE, "title: 向", "title: 五百元向", "五百元 is written by hand"),
        (LEAFLET, "学费全免", "学费全免（3000元）", "3000元 is written by hand"),
        (ARTICLE, "## 去哪里", "## 找谁", "the headings are not"),
        (ARTICLE, "## 去哪里\n", "", "the headings are not"),
        (ARTICLE, "在**中职或技工**层次", "在 ** 中职或技工** 层次", "asterisks"),
        (ARTICLE, "奖励，钱只给学校。", "奖励。钱只给学校。", "the answer is not one sentence"),
        (ARTICLE, "奖励，钱只给学校。", "奖励，钱只给学校", "the answer is not one sentence"),
        (UNCONFIRMED, "，现行文件没有提到，", "，", "does not begin by saying 现行文件没有提到"),
        (OTHER_CITY, "不适用于安庆", "安庆不用", "does not begin by saying 不适用于安庆"),
        (LEAFLET, "现行文件没有提到", "仍可申请", "does not begin by saying 现行文件没有提到"),
        (EDITION, "  - free-tuition\n", "", "contents and articles differ: free-tuition"),
        (EDITION, "  - free-tuition\n", "  - free-tuition\n  - paid-tuition\n", "differ: paid-tuition"),
        (EDITION, "  - free-tuition\n", "  - free-tuition\n  - free-tuition\n", "given twice"),
    ],
)
def test_a_text_that_breaks_its_promise_is_found(copy: Copy, name: str, old: str, new: str, words: str) -> None:
    copy.replace(name, old, new)
    found = faults(copy)
    assert len(found) == 1
    assert words in found[0]


def test_a_caution_comes_before_everything_else(copy: Copy) -> None:
    copy.replace(UNCONFIRMED, "，现行文件没有提到，", "，")
    copy.replace(UNCONFIRMED, "## 能得到什么\n", "## 能得到什么\n\n现行文件没有提到这一项。\n")
    assert faults(copy) == []
    copy.replace(UNCONFIRMED, "\n现行文件没有提到这一项。\n", "")
    copy.replace(UNCONFIRMED, "## 谁可以\n", "## 谁可以\n\n现行文件没有提到这一项。\n")
    assert ["does not begin by saying" in fault for fault in faults(copy)] == [True]


@pytest.mark.parametrize(("length", "found"), [(60, 0), (61, 1)])
def test_an_answer_has_at_most_60_characters(copy: Copy, length: int, found: int) -> None:
    copy.replace(ARTICLE, "answer: 市内", f"answer: {'好' * (length - len(answer_of(copy)))}市内")
    assert ["one sentence of at most 60" in fault for fault in faults(copy)] == [True] * found


def answer_of(copy: Copy) -> str:
    guide = service.load(copy.root, policy_service.load(copy.root))
    return service.article(guide, "2026", "feeder-school-reward").answer


def test_no_article_is_longer_than_its_edition_allows(copy: Copy) -> None:
    copy.replace("guide/2026/free-tuition.md", "## 去哪里\n", f"## 去哪里\n\n{'字' * 1000}\n")
    [told] = faults(copy)
    length = int(re.findall(r": (1[23]\d\d) characters, more than 380$", told)[0])
    copy.edit(EDITION, lambda text: text.update(longest_article=length))
    assert faults(copy) == []
    copy.edit(EDITION, lambda text: text.update(longest_article=length - 1))
    assert len(faults(copy)) == 1


def test_an_article_without_a_clause_is_found(copy: Copy) -> None:
    sections = ("能得到什么", "谁可以", "怎么办", "去哪里", "依据")
    front = (
        (copy.root / ARTICLE).read_text(encoding="utf-8").split("---\n")[1].replace("{{ feeder-referral.rate }}", "")
    )
    copy.write(ARTICLE, f"---\n{front}---\n" + "".join(f"\n## {section}\n\n文字。\n" for section in sections))
    assert [fault.rpartition(": ")[2] for fault in faults(copy)] == ["cites no clause"]


@pytest.mark.parametrize(("left", "found"), [(24, []), (23, ["guide/2026: 23 articles, fewer than 24"])])
def test_an_edition_has_at_least_24_articles(copy: Copy, left: int, found: list[str]) -> None:
    contents = load_yaml(copy.root / EDITION)["contents"]
    for slug in contents[left:]:
        (copy.root / f"guide/2026/{slug}.md").unlink()
    copy.edit(EDITION, lambda text: text.update(contents=contents[:left]))
    assert faults(copy) == found


@pytest.mark.parametrize("audience", get_args(Audience))
def test_every_reader_has_a_leaflet(copy: Copy, audience: str) -> None:
    (copy.root / f"guide/2026/leaflet-{audience}.md").unlink()
    assert faults(copy) == [f"guide/2026: no leaflet for {audience}"]


def test_the_guide_keeps_its_promises(guide: Guide, book: PolicyBook) -> None:
    assert list(checks.faults(CONTENT, guide, book)) == []


def test_what_should_have_been_rechecked_is_told_from_the_next_day(guide: Guide) -> None:
    assert list(checks.overdue(guide, date(2027, 6, 30))) == []
    assert len(list(checks.overdue(guide, date(2027, 7, 1)))) == len(guide.articles) + len(guide.leaflets)


@pytest.mark.parametrize(
    ("text", "original", "run"),
    [("一二三四", "零二三五", "二三"), ("一二", "三四", ""), ("", "一", ""), ("一二", "一二", "一二")],
)
def test_the_longest_run_in_common(text: str, original: str, run: str) -> None:
    assert checks.longest_shared(text, original) == run


def test_the_script_passes_the_content_as_it_is() -> None:
    done = run()
    assert (done.returncode, done.stderr) == (0, "")
    assert "content is in order" in done.stdout
    assert re.search(r"[1-9]\d* policies, [1-9]\d* clauses, [1-9]\d* programmes, [1-9]\d* cases", done.stdout)


def test_the_script_fails_on_a_case_that_comes_out_otherwise(copy: Copy) -> None:
    copy.replace("programmes/feeder-referral.yaml", "amount_fen: 50000, per", "amount_fen: 60000, per")
    done = run("--content", copy.root)
    assert done.returncode == 1
    assert "amount_fen is 60000, expected 50000" in done.stdout


def test_the_script_lists_what_does_not_load(copy: Copy) -> None:
    copy.replace("policies/aq-2024-91.yaml", "standing: current", "standing: valid")
    done = run("--content", copy.root)
    assert (done.returncode, done.stderr) == (1, "")
    assert "aq-2024-91.yaml: standing" in done.stdout


def test_the_script_finds_borrowed_sentences_but_not_declared_names(copy: Copy, tmp_path: Path) -> None:
    sources = tmp_path / "sources"
    sources.mkdir()
    title = "安庆市人民政府关于深化职业教育集团化办学的实施意见"
    (sources / "one.txt").write_text(f"{title}\n{BORROWED[:10]}，\n{BORROWED[10:]}。", encoding="utf-8")
    assert run("--content", copy.root, "--sources", sources).returncode == 0
    copy.replace(ARTICLE, "## 去哪里\n", f"## 去哪里\n\n{BORROWED}\n")
    done = run("--content", copy.root, "--sources", sources)
    assert done.returncode == 1
    assert f"{len(BORROWED)} characters as in a source: {BORROWED}" in done.stdout


@pytest.mark.sources
def test_no_sentence_is_borrowed_from_the_official_texts(pytestconfig: pytest.Config) -> None:
    done = run("--sources", Path(pytestconfig.getoption("--sources")).absolute())
    assert done.returncode == 0, done.stdout
    assert "longest run shared" in done.stdout
