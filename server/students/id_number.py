"""Citizen ID numbers (公民身份号码, GB 11643): six digits of region, eight of birth, three of order, one to check."""

import operator
import re
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Protocol

from server.kernel.codes import plain
from server.kernel.sensitive import Kind, Sensitive

_LENGTH = 18
_LONGEST_TYPED = 100
_SHAPE = re.compile(r"[0-9]{17}[0-9X]")
_OLD_SHAPE = re.compile(r"[0-9]{15}")
_EARLIEST = 1900
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
"""2^17 … 2^1 modulo 11, as ISO 7064 MOD 11-2 has them."""
_CHECK_CHARACTERS = "10X98765432"
_OF_ZEROS = ord("0") * sum(_WEIGHTS)
"""What the characters of seventeen zeros come to: those of any digits exceed it by what the digits come to."""


class Reason(StrEnum):
    """Why a text is no ID number: each is a code of `content/problems.yaml` under `faults`."""

    LENGTH = "id_number_length"
    OLD = "id_number_old"
    """Fifteen digits, as until 1999; out of use since 2013."""
    CHARACTERS = "id_number_characters"
    REGION = "id_number_region"
    BIRTH = "id_number_birth"
    CHECK = "id_number_check"


@dataclass(frozen=True, slots=True)
class IdNumber:
    """A number that passed the check. Whether it was ever given to anyone, only the police know."""

    number: Sensitive
    """Eighteen characters, the normal form: what is sealed and indexed."""
    born: date = field(repr=False)

    def age_on(self, day: date) -> int:
        """Return the full years of life on `day`; who was born on 29 February completes one on 1 March otherwise."""
        return day.year - self.born.year - ((day.month, day.day) < (self.born.month, self.born.day))


class Regions(Protocol):
    """The region codes that numbers may begin with."""

    def __contains__(self, code: str, /) -> bool: ...


def check(text: object, regions: Regions, today: date) -> IdNumber | Reason:
    """Return the number that `text` is, or the first reason why it is none.

    What is no text is refused too: a spreadsheet that holds the number as a number has lost its last digits.
    """
    if not isinstance(text, str):
        return Reason.CHARACTERS
    number = plain(text) if len(text) <= _LONGEST_TYPED else ""
    if not _SHAPE.fullmatch(number):
        return _misshapen(number)
    if number[:6] not in regions:
        return Reason.REGION
    born = _birth(number)
    if born is None or born > today:
        return Reason.BIRTH
    if number[-1] != check_character(number):
        return Reason.CHECK
    return IdNumber(Sensitive(Kind.ID_NUMBER, number), born)


def check_character(number: str) -> str:
    """Return the last character of a number, of which the first 17, ASCII digits, are read."""
    return _CHECK_CHARACTERS[(sum(map(operator.mul, _WEIGHTS, number.encode())) - _OF_ZEROS) % 11]


def _misshapen(number: str) -> Reason:
    if _OLD_SHAPE.fullmatch(number):
        return Reason.OLD
    return Reason.CHARACTERS if len(number) == _LENGTH else Reason.LENGTH


def _birth(number: str) -> date | None:
    try:
        born = date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        return None
    return born if born.year >= _EARLIEST else None
