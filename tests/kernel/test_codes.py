"""Typed and pasted codes are made plain, and nothing that only looks like a digit becomes one."""

import pytest

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
