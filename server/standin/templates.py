"""Message templates and the limits of their values, by the prefix of each key."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from server.standin.refusals import RefusedError

_DAY = r"(?:\d{4}年\d{1,2}月\d{1,2}日|\d{4}[-/]\d{1,2}[-/]\d{1,2})"
_CLOCK = r"(?:[01]?\d|2[0-3]):[0-5]\d(?::[0-5]\d)?"
_TIME = rf"(?:{_DAY} ?)?{_CLOCK}"
_DATE = rf"{_DAY}(?: ?{_CLOCK})?"
_LIMITS = {
    "thing": r".{1,20}",
    "number": r"(?=.{1,33}$)-?\d{1,32}(?:\.\d+)?",
    "letter": r"[A-Za-z]{1,32}",
    "symbol": r"[^\w\s]{1,5}",
    "character_string": r"[!-~ ]{1,32}",
    "time": rf"{_TIME}(?: ?~ ?{_TIME})?",
    "date": rf"{_DATE}(?: ?~ ?{_DATE})?",
    "amount": r"[¥￥$€£]?\d{1,10}(?:\.\d+)?元?",
    "phone_number": r"[\d+\-() ]{1,17}",
    "car_number": r"[A-Za-z0-9一-鿿][A-Za-z0-9]{0,6}[A-Za-z0-9一-鿿]?",
    "name": r"(?=.*[一-鿿])[^\d]{1,10}|[A-Za-z .·'\-]{1,20}",
    "phrase": r"[一-鿿]{1,5}",
}
_PATTERNS = {prefix: re.compile(pattern) for prefix, pattern in _LIMITS.items()}
KEY = re.compile(rf"({'|'.join([*_LIMITS, 'enum'])})\d{{1,3}}")
"""How a key of a template is written."""


class Side(StrEnum):
    """Which account a template, a token or a message belongs to."""

    MINI_PROGRAM = "mini_program"
    SERVICE_ACCOUNT = "service_account"


@dataclass(frozen=True, slots=True)
class Template:
    """A template. `choices` lists what each `enum` key takes; a long-term one uses no permission up."""

    id: str
    keys: tuple[str, ...]
    side: Side = Side.MINI_PROGRAM
    long_term: bool = False
    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def check(self, data: object) -> None:
        """Refuse `data` unless it fills exactly the keys of this template within their limits."""
        if not isinstance(data, dict):
            raise RefusedError(47003, "data")
        for key in [*self.keys, *data]:
            entry = data.get(key)
            value = entry.get("value") if isinstance(entry, dict) else None
            if not value:
                raise RefusedError(47003, f"data.{key}.value is empty")
            if key not in self.keys or not isinstance(value, str) or not self._fits(key, value):
                raise RefusedError(47003, f"data.{key}.value invalid")

    def _fits(self, key: str, value: str) -> bool:
        prefix = key.rstrip("0123456789")
        if prefix == "enum":
            return value in self.choices.get(key, ())
        return bool(_PATTERNS[prefix].fullmatch(value))


_PROGRESS = ("thing1", "phrase2", "time3", "thing4")
_NEWS = ("thing1", "thing2", "time3")
TEMPLATES = (
    Template("standin-application", _PROGRESS),
    Template("standin-hiring", _PROGRESS),
    Template("standin-work", _PROGRESS),
    Template("standin-referral", _PROGRESS),
    Template("standin-import", ("thing1", "number2", "number3", "time4")),
    Template("standin-review", _PROGRESS),
    Template("standin-search", ("thing1", "number2", "time3", "thing4")),
    Template("standin-news", _NEWS),
    Template("standin-task", _PROGRESS),
    Template("standin-service-progress", _PROGRESS, Side.SERVICE_ACCOUNT),
    Template("standin-service-news", _NEWS, Side.SERVICE_ACCOUNT),
    Template("standin-referral-decided", ("thing1", "phrase2", "date3")),
    Template("standin-posting-match", ("thing1", "amount2", "date3", "thing4")),
    Template("standin-award-progress", ("thing1", "phrase2", "amount3", "time4"), long_term=True),
    Template("standin-service-review", ("thing1", "character_string2", "time3"), Side.SERVICE_ACCOUNT),
    Template("standin-service-award", ("thing1", "amount2", "date3", "phrase4"), Side.SERVICE_ACCOUNT),
)
"""What both accounts have from the start; `POST /control/templates` adds to them."""
