"""One cell as the text of a field: what Excel and people do to numbers, names, dates and words, mended. Pure.

Whether the text is a fit value is for whoever takes it to say. Only what cannot be mended is refused here, as a Remark
that never holds the value.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta

from server.imports.headings import Column, Kind, key
from server.imports.ports import Cell
from server.imports.remarks import Remark
from server.kernel import codes

_EXACT = 10**15
"""Up to here a number of Excel's keeps all its digits."""
_SCIENTIFIC = re.compile(r"[+-]?\d(?:\.\d*)?E\+?\d{1,3}")
_WHOLE = re.compile(r"(\d+)\.0+")
_DOTS = str.maketrans(dict.fromkeys("•‧∙⋅・･．﹒●", "·"))
_CHINESE = "\u2e80-\u2fdf\u3005-\u3007\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_BETWEEN_CHINESE = re.compile(rf"(?<=[{_CHINESE}])\s+(?=[{_CHINESE}])")
_LIKE_X = str.maketrans(dict.fromkeys("×✕╳ХхΧχⅩⅹ", "X"))
_AROUND = "='\"’‘`´＇"
"""What programs and people put around a number so that Excel leaves it alone."""
_DIGITS, _MOBILE = re.compile(r"[0-9]+X?"), re.compile(r"1[0-9]{10}")
"""Numbers as they should be: nothing about them is to be mended."""
_PHONE_MARKS = re.compile(r"[-()‐-―−]")
_ABROAD = re.compile(r"^(?:(?:\+|00)86|86(?=1\d{10}$))")
_DAY = re.compile(r"(\d{4})(?:年|([-/.]))(\d{1,2})(?:月|\2)(\d{1,2})日?")
_MONTH = re.compile(r"(\d{4})(?:[-/.]?(?=\d\d$)|年(?=\d{1,2}月$))(\d{1,2})月?")
"""Without a tenth of `2026.1`, which may have been October."""
_TIME = re.compile(r"[\sT]\d{1,2}:\d{2}[\d:.]*")
_EIGHT_DIGITS = re.compile(r"\d{8}")
_ISO_DAY = re.compile(r"\d{4}-\d{2}-\d{2}(T[\d:.]+)?")
_SERIAL_ZERO = date(1899, 12, 30)
_SERIALS = range(18_264, 73_416)
"""1950 to 2100, as Excel counts days."""


def values(row: Mapping[str, Cell], columns: Sequence[Column]) -> tuple[dict[str, str | None], list[Remark]]:
    """Return a row's fields as text, None for what is not said, and what is wrong with those that cannot be read."""
    texts = dict[str, str | None](dict.fromkeys((column.field for column in columns), None))
    wrong = []
    for column in columns:
        if (cell := row.get(column.field)) is None:
            continue
        found = read(column, cell)
        if isinstance(found, Remark):
            wrong.append(found)
        else:
            texts[column.field] = found
    return texts, wrong


def read(column: Column, cell: Cell) -> str | Remark | None:
    """Return what a cell says: dates as `YYYY-MM-DD`, a CHOICE as what its word means, None for nothing."""
    text = as_sent(cell)
    if not text:
        return None
    found = _READERS[column.kind](text, column)
    return Remark(column.field, *found) if isinstance(found, tuple) else (found or None)


def as_sent(cell: Cell) -> str:
    """Return a cell as its sender sees it, without the blanks around it: to be given back, or to be read again."""
    text = cell if isinstance(cell, str) else _spelt(cell)
    return codes.seen(text).replace("_x000D_", "").strip()


def _spelt(cell: Cell) -> str:
    match cell:
        case None:
            return ""
        case bool():
            return "是" if cell else "否"
        case float():
            return f"{cell:.14E}" if abs(cell) >= _EXACT else repr(cell)
        case datetime() if cell.time() == cell.min.time():
            return cell.date().isoformat()
        case date():
            return cell.isoformat()
        case _:
            return str(cell)


_Read = str | tuple[str, dict[str, str]] | tuple[str]


def _id_number(text: str, _column: Column) -> _Read:
    if _DIGITS.fullmatch(text):
        return text
    number = codes.plain(text).strip(_AROUND).translate(_LIKE_X)
    return ("id_number_lost_digits",) if _SCIENTIFIC.fullmatch(number) else _whole(number)


def _phone(text: str, _column: Column) -> _Read:
    if _MOBILE.fullmatch(text):
        return text
    number = codes.plain(text).strip(_AROUND)
    if _SCIENTIFIC.fullmatch(number):
        return ("digits_lost",)
    return _ABROAD.sub("", _PHONE_MARKS.sub("", _whole(number)), count=1)


def _name(text: str, _column: Column) -> _Read:
    if codes.chinese(text):
        return text
    spelt = unicodedata.normalize("NFC", text).translate(_DOTS).strip("'’‘`")
    return _BETWEEN_CHINESE.sub("", spelt)


def _plain_text(text: str, _column: Column) -> _Read:
    if _SCIENTIFIC.fullmatch(text.upper()):
        return ("digits_lost",)
    if _ISO_DAY.fullmatch(text):
        return ("text_is_date",)  # as Excel makes of `3-1`
    return _whole(" ".join(text.split()).removeprefix("'"))


def _day(text: str, _column: Column) -> _Read:
    plain = codes.plain(_TIME.sub("", text)).strip(_AROUND)
    serial = _whole(plain)
    if serial.isdecimal() and len(serial) == len("45000") and int(serial) in _SERIALS:
        return (_SERIAL_ZERO + timedelta(days=int(serial))).isoformat()
    try:
        return _spelt_day(plain).isoformat()
    except ValueError:
        return ("date_parsing",)


def _first_day(text: str, column: Column) -> _Read:
    month = _MONTH.fullmatch(codes.plain(text).strip(_AROUND))
    return _day(f"{month[1]}-{month[2]}-01" if month else text, column)


def _spelt_day(text: str) -> date:
    """Return the day that `2026-9-1`, `2026/9/1`, `2026.9.1`, `2026年9月1日` or `20260901` is; raises ValueError."""
    if _EIGHT_DIGITS.fullmatch(text):
        return date(int(text[:4]), int(text[4:6]), int(text[6:]))
    if not (found := _DAY.fullmatch(text)):
        raise ValueError("no day")
    return date(int(found[1]), int(found[3]), int(found[4]))


def _choice(text: str, column: Column) -> _Read:
    meant = column.choices.get(text) or column.meanings.get(key(text))
    if meant is None and text in column.choices.values():
        meant = text
    return meant or ("enum", {"expected": "、".join(offered(column))})


def offered(column: Column) -> list[str]:
    """Return the words of a CHOICE that the template offers: the first of each meaning."""
    first: dict[str, str] = {}
    for word, meaning in column.choices.items():
        first.setdefault(meaning, word)
    return list(first.values())


def _whole(text: str) -> str:
    """Return `13812345678.0` as `13812345678`."""
    found = _WHOLE.fullmatch(text)
    return found[1] if found else text


_READERS: Mapping[Kind, Callable[[str, Column], _Read]] = {
    Kind.NAME: _name,
    Kind.ID_NUMBER: _id_number,
    Kind.PHONE: _phone,
    Kind.DATE: _day,
    Kind.FIRST_DAY: _first_day,
    Kind.TEXT: _plain_text,
    Kind.CHOICE: _choice,
}
