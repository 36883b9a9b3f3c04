"""What a template's keys take, and how a value is made that each takes, whatever was put in: values in, values out.

A key says by its prefix what it is (`thing1`, `time3`). Nothing that is made here is empty or too long, so WeChat has
no value to refuse.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from string import Formatter

from server.kernel import clock
from server.kernel.money import yuan_text

Value = str | int | date | datetime | None


class Sort(StrEnum):
    """What a fact is."""

    TEXT = "text"
    """What people wrote; it may be empty."""
    CODE = "code"
    """Printable ASCII, such as `R2026-000123`."""
    WORD = "word"
    """One of a few codes, for each of which content has a word."""
    NUMBER = "number"
    MONEY = "money"
    """In fen."""
    DAY = "day"
    MOMENT = "moment"


@dataclass(frozen=True, slots=True)
class Fact:
    """What is known of a subject under one name: its sort, whether it may be missing, the codes of a word."""

    sort: Sort
    optional: bool = False
    codes: tuple[str, ...] = ()

    @property
    def may_lack(self) -> bool:
        """Whether content must have words for its absence."""
        return self.optional or self.sort is Sort.TEXT


Facts = Mapping[str, Fact]
Values = Mapping[str, Value]
Words = Mapping[str, Mapping[str, str]]
"""By fact: the word for each code, and under `MISSING` what is said where the fact is not there."""
MISSING = "none"

_HAN = "一-鿿"
_CONSTANTS = {
    "letter": r"[A-Za-z]{1,32}",
    "symbol": r"[^\w\s]{1,5}",
    "phrase": rf"[{_HAN}]{{1,5}}",
    "enum": r"\S{1,20}",
    "number": r"\d{1,32}",
    "character_string": r"[!-~ ]{1,32}",
}
"""How what content itself says must be written under the keys that take no free text."""
_SORTS = {
    "thing": frozenset(Sort),
    "name": frozenset({Sort.TEXT}),
    "phrase": frozenset({Sort.WORD}),
    "number": frozenset({Sort.NUMBER}),
    "character_string": frozenset({Sort.CODE, Sort.NUMBER}),
    "amount": frozenset({Sort.MONEY}),
    "time": frozenset({Sort.MOMENT}),
    "date": frozenset({Sort.DAY, Sort.MOMENT}),
    "letter": frozenset[Sort](),
    "symbol": frozenset[Sort](),
    "enum": frozenset[Sort](),
}
"""Which facts each kind of key takes. Phone numbers and number plates are nobody's to push."""
KEY = re.compile(rf"({'|'.join(_SORTS)})\d{{1,3}}")
_MANY = frozenset({"thing", "character_string"})
"""What may be put together of several facts and words."""
_THING, _STRING, _NAME_HAN, _NAME_LATIN = 20, 32, 10, 20
_MOST_FEN = 999_999_999_999
_NOBODY = "微信用户"
_DROPPED = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "So", "Me", "Zl", "Zp"})
_SIGNS = re.compile(r"[°℀-℡℣-⅏㌀-㏿]")
"""Signs such as ℃ and ㎡, which are no pictures."""
_FORMATTER = Formatter()


def names(expression: str) -> list[str]:
    """Return the facts that an expression such as `{title}（{size}人）` names; raises ValueError for anything else."""
    found = []
    for _words, name, spec, conversion in _FORMATTER.parse(expression):
        if name is None:
            continue
        if not name.isidentifier() or spec or conversion:
            raise ValueError(f"{{{name}}} is no plain name")
        found.append(name)
    return found


def fault(key: str, expression: str, facts: Facts, words: Words) -> str | None:
    """Return why a key could come to a value that WeChat refuses, None where it never can."""
    prefix = key.rstrip("0123456789")
    used = names(expression)
    if not expression or clean(expression) != expression:
        return "is empty, or not plain text on one line"
    if prefix == "name" and not used:
        return "names nobody"
    if not used:
        pattern = _CONSTANTS.get(prefix, r".+" if prefix == "thing" else "(?!)")
        return None if re.fullmatch(pattern, expression) else f"{expression!r} is no {prefix}"
    alone = expression == f"{{{used[0]}}}"
    if not alone and prefix not in _MANY:
        return f"{prefix} is one fact, and nothing beside it"
    if prefix == "character_string" and not expression.isascii():
        return f"{expression!r} is no {prefix}"
    return next((wrong for name in used if (wrong := _misfit(prefix, name, facts[name], words))), None)


def _misfit(prefix: str, name: str, fact: Fact, words: Words) -> str | None:
    if fact.sort not in _SORTS[prefix]:
        return f"{{{name}}} is a {fact.sort}, no {prefix}"
    if fact.optional and prefix not in {"thing", "name"}:
        return f"{{{name}}} may be missing"
    if prefix == "phrase":
        long = [word for word in words[name].values() if not re.fullmatch(_CONSTANTS["phrase"], word)]
        return f"{long[0]!r} is no phrase" if long else None
    return None


def made(key: str, expression: str, facts: Facts, values: Values, words: Words) -> str:
    """Return the value of a key for which `fault` found nothing."""
    prefix = key.rstrip("0123456789")
    used = names(expression)
    value = values.get(used[0]) if used else None
    if prefix == "name":
        return name_of(str(value or ""))
    if prefix == "date" and isinstance(value, date):
        return day_text(value)
    if prefix == "amount" and isinstance(value, int):
        return f"{yuan_text(min(max(value, 0), _MOST_FEN))}元"
    said = told(expression, facts, values, words)
    return said[:_STRING].strip() if prefix == "character_string" else cut(said, _THING)


def told(expression: str, facts: Facts, values: Values, words: Words) -> str:
    """Return an expression with what its facts are as people read them; what is missing is said in content's words."""
    shown = {name: _shown(name, facts[name], values.get(name), words) for name in names(expression)}
    return expression.format_map(shown)


def _shown(name: str, fact: Fact, value: Value, words: Words) -> str:  # noqa: PLR0911 -- one for each sort
    if fact.sort is Sort.TEXT:
        return clean(str(value or "")) or words[name][MISSING]
    if value is None:
        return words[name][MISSING]
    if fact.sort is Sort.WORD:
        return words[name][str(value)]
    if fact.sort is Sort.MONEY and isinstance(value, int):
        return f"{yuan_text(value)}元"
    if isinstance(value, datetime):
        local = value.astimezone(clock.SHANGHAI)
        return f"{day_text(local)} {local:%H:%M}"
    if isinstance(value, date):
        return day_text(value)
    return str(value)


def day_text(day: date) -> str:
    """Return a day, or the one of a moment in Shanghai, as `2026年11月21日`."""
    local = day.astimezone(clock.SHANGHAI) if isinstance(day, datetime) else day
    return f"{local.year:04}年{local.month}月{local.day}日"


def clean(text: str) -> str:
    """Return text on one line, without pictures and what cannot be seen."""
    one_line = "".join(" " if char.isspace() else char for char in text)
    kept = [char for char in one_line if _SIGNS.match(char) or not _pictured(char)]
    return " ".join("".join(kept).split())


def _pictured(char: str) -> bool:
    selector = "\ufe00" <= char <= "\ufe0f"
    return selector or unicodedata.category(char) in _DROPPED or (char > "\uffff" and not char.isalpha())


def cut(text: str, most: int) -> str:
    """Return text of at most so many characters as WeChat counts them, the end of a longer one as `…`."""
    if _length(text) <= most:
        return text
    kept, room = "", most - 1
    for char in text:
        room -= _length(char)
        if room < 0:
            break
        kept += char
    return kept.rstrip() + "…"


def _length(text: str) -> int:
    return len(text) + sum(char > "\uffff" for char in text)


def name_of(text: str) -> str:
    """Return a name of at most ten Chinese characters or twenty letters; what has neither is somebody without one."""
    cleaned = clean(text)
    han = re.sub(rf"[^{_HAN}·]", "", cleaned)
    latin = re.sub(r"[^A-Za-z .·'\-]", "", cleaned).strip(" .·'-")
    if re.search(rf"[{_HAN}]", han):
        return han[:_NAME_HAN]
    return latin[:_NAME_LATIN].strip() or _NOBODY
