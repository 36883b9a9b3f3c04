"""Codes as people type and paste them, made plain before they are checked."""

import re

_BLANKS = (*range(0x09, 0x0E), 0x20, 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F, 0x205F, 0x3000)
"""Whatever `str.isspace` calls one, and may stand in a line."""
_UNSEEN = (*range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x206A), 0xFEFF)
"""What messengers and contact lists leave around a copied number: joiners and marks of direction."""
_FULL_WIDTH = range(0xFF01, 0xFF5F)
_TO_ASCII = 0xFF01 - ord("!")
_DASHES = dict.fromkeys((ord("-"), *range(0x2010, 0x2016), 0x2212, 0xFE58, 0xFE63))
_PERSONAL = re.compile(r"\d{16}|1[3-9]\d{9}")
"""Of whom or whose account: citizen and card numbers have sixteen digits in a row or more, mobile numbers eleven."""
_ID = re.compile("-".join(rf"[0-9a-f]{{{length}}}" for length in (8, 4, 4, 4, 12)), re.IGNORECASE)
"""Of a record of ours, which anyone may name: of a hundred one looks like a mobile number with dashes in it."""

_SHORTEST = 11
"""Of these numbers; a text made plain is never longer than it was."""
_CHINESE = re.compile(r"[\u4e00-\u9fff]+")

_PLAIN: dict[int, str | None] = {
    **dict.fromkeys((*_BLANKS, *_UNSEEN)),
    **{code: chr(code).upper() for code in range(ord("a"), ord("z") + 1)},
    **{code: chr(code - _TO_ASCII).upper() for code in _FULL_WIDTH},
}
_SEEN: dict[int, str | None] = dict.fromkeys(_UNSEEN)


def plain(text: str) -> str:
    """Return `text` without blanks and unseen marks, full-width characters in ASCII, ASCII letters in capitals.

    Nothing else changes: digits of other scripts stay what they are, and are then refused by whoever checks the code.
    """
    if text.isascii() and text.isalnum():  # as nearly all are, and a translation takes ten times as long
        return text.upper()
    return text.translate(_PLAIN)


def undashed(text: str) -> str:
    """Return `text` made plain, without dashes of any kind."""
    return plain(text).translate(_DASHES)


def personal(text: str) -> bool:
    """Whether a text holds somebody's citizen, mobile or account number, however it is spaced; ids are none."""
    return len(text) >= _SHORTEST and any(map(_PERSONAL.search, map(undashed, _ID.split(text))))


def seen(text: str) -> str:
    """Return `text` without marks that nobody sees; all else stays, blanks too."""
    return text if text.isprintable() else text.translate(_SEEN)


def chinese(text: str) -> bool:
    """Whether a text is of common Chinese characters alone, which have one spelling, and of one at least."""
    return bool(_CHINESE.fullmatch(text))
