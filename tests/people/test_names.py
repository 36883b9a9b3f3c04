"""What is a name, and how it is spelt."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.people.names import LONGEST, normalised


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("王小明", "王小明"),
        ("  王 小明　", "王 小明"),
        ("阿卜杜拉•买买提", "阿卜杜拉·买买提"),
        ("阿卜杜拉 ・ 买买提", "阿卜杜拉·买买提"),
        ("Anna  Müller", "Anna Müller"),
        ("Mu\u0308ller", "Müller"),
        ("𠮷野", "𠮷野"),
        ("㛃" * LONGEST, "㛃" * LONGEST),
    ],
)
def test_a_name_has_one_spelling(text: str, name: str) -> None:
    assert normalised(text) == name
    assert normalised(name) == name


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "·",
        "·王",
        "王·",
        "王··明",
        "王\n明",
        "王\t明",
        "王\x00明",
        "王\u200b明",
        "王\u202e明",
        "\u3164",
        "王\u115f",
        "王\ufe0f",
        "王小明1",
        "<b>王</b>",
        "王😀",
        "=1+1",
        "张三,李四",
        "王\ue000",
        "王" * (LONGEST + 1),
    ],
)
def test_what_is_no_name_is_none(text: str) -> None:
    assert normalised(text) is None


@given(st.text(max_size=80))
def test_whatever_is_taken_stays_as_it_is_and_can_be_read(text: str) -> None:
    name = normalised(text)
    if name is not None:
        assert normalised(name) == name
        assert name.isprintable()
        assert 0 < len(name) <= LONGEST
