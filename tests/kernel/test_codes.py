"""Typed and pasted codes are made plain, and nothing that only looks like a digit becomes one."""

import unicodedata

import pytest

from server.kernel import codes
from server.kernel.codes import plain


@pytest.mark.parametrize(
    "typed",
    [
        "34a",
        "３４Ａ",
        "３４ａ",
        " 34\ta\n",
        "3\u30004\u00a0A",
        "\u202d34A\u202c",
        "\ufeff3\u200b4\u200dA",
    ],
)
def test_what_people_type_and_paste_is_made_plain(typed: str) -> None:
    assert plain(typed) == "34A"


@pytest.mark.parametrize("foreign", ["٣", "۳", "३", "³", "③", "Ⅲ", "ſ", "ı", "K", "А", "\0", "-", "😀"])
def test_look_alikes_stay_what_they_are(foreign: str) -> None:
    assert plain(foreign) == foreign


def test_every_blank_is_one() -> None:
    blanks = "".join(chr(code) for code in range(0x110000) if chr(code).isspace())
    assert plain(blanks).strip("\x1c\x1d\x1e\x1f") == ""


def test_the_short_ways_lead_where_the_long_ones_do() -> None:
    for text in map(chr, (*range(0xD800), *range(0xE000, 0x11000))):
        assert codes.plain(text) == text.translate(codes._PLAIN)  # noqa: SLF001 -- the long way
        assert codes.seen(text) == text.translate(codes._SEEN)  # noqa: SLF001
        assert not codes.chinese(text) or unicodedata.normalize("NFKC", text) == text
    assert codes.plain("3a") == "3A"


@pytest.mark.parametrize("text", ["1385550000１", "１３８５５５０００01", "138-5550-0001", "3408 0120 1105 0512 3x"])
def test_numbers_are_somebodys_however_they_are_written(text: str) -> None:
    assert codes.personal(text)
    assert not codes.personal(text[:10])


@pytest.mark.parametrize("which", ["019f2c31-3912-7345-9678-a0b1c2d3e4f5", "019F2C31-A912-7345-9138-123456789012"])
def test_an_id_of_ours_is_nobodys_number(which: str) -> None:
    assert not codes.personal(f"与{which}重复")
    assert codes.personal(f"与{which}重复，电话 138-5550-0001")
