"""Dates that official documents state only to the month, to the year, or not at all."""

import calendar
import re
from datetime import date, timedelta
from typing import Literal, Self

from pydantic import model_validator

from server.kernel.content import Content

Precision = Literal["day", "month", "year", "unknown"]

_SHAPES = {"day": r"\d{4}-\d{2}-\d{2}", "month": r"\d{4}-\d{2}", "year": r"\d{4}"}


class PolicyDate(Content):
    """A date as a document gives it: `2019-08-03`, `2019-09`, `2024`, or null where it gives none."""

    value: str | None
    precision: Precision

    @model_validator(mode="after")
    def _value_fits_precision(self) -> Self:
        if (self.value is None) != (self.precision == "unknown"):
            raise ValueError("a value is there exactly when the precision is known")
        if self.value and not re.fullmatch(_SHAPES[self.precision], self.value, re.ASCII):
            raise ValueError(f"{self.value!r} is no date to the {self.precision}")
        self.span()
        return self

    def span(self) -> tuple[date, date] | None:
        """Return the first and the last day it can mean, None for an unknown date."""
        if self.value is None:
            return None
        first = date.fromisoformat(f"{self.value}-01-01"[:10])
        if self.precision == "day":
            return first, first
        last_month = first.month if self.precision == "month" else 12
        return first, date(first.year, last_month, calendar.monthrange(first.year, last_month)[1])

    def text(self) -> str:
        """Return it as Chinese readers see it, saying what is not known."""
        if self.value is None:
            return "未载明"
        numbers = [int(part) for part in self.value.split("-")]
        words = "".join(f"{number}{unit}" for number, unit in zip(numbers, "年月日", strict=False))
        return words if self.precision == "day" else f"{words}（具体日期未载明）"


UNKNOWN = PolicyDate(value=None, precision="unknown")


def reached(start: PolicyDate, on: date) -> bool | None:
    """Tell whether `start` has come by `on`; None where `on` lies inside a start known only roughly.

    An unknown start is undecided on every day.
    """
    span = start.span()
    if span is None:
        return None
    first, last = span
    if on < first:
        return False
    return True if on > last or start.precision == "day" else None


def ended(end: PolicyDate, on: date) -> bool | None:
    """Tell whether `end`, itself included, is over on `on`; None inside an end known only roughly.

    An unknown end is one the document does not state: never over.
    """
    span = end.span()
    if span is None:
        return False
    first, last = span
    if on > last:
        return True
    return False if on < first or end.precision == "day" else None


def within(start: PolicyDate, end: PolicyDate, on: date) -> bool | None:
    """Tell whether `on` lies in the period, both ends included; None where that cannot be decided."""
    has_come, is_over = reached(start, on), ended(end, on)
    if has_come is False or is_over is True:
        return False
    return None if has_come is None or is_over is None else True


def until(successor: PolicyDate) -> PolicyDate:
    """Return the end of what `successor` replaces: the day before it, or the same month or year.

    A month or year is left undecided on the very days on which the successor is.
    """
    if successor.precision != "day" or successor.value is None:
        return successor
    eve = date.fromisoformat(successor.value) - timedelta(days=1)
    return PolicyDate(value=eve.isoformat(), precision="day")
