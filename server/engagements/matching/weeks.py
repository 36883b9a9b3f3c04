"""The minutes of a week as bits of a number, so that two weeks are compared at once; pure.

A week is read as one that repeats itself; what begins on Sunday evening may end on Monday.
"""

from dataclasses import dataclass
from datetime import date
from functools import cache, lru_cache

import orjson

DAY_MINUTES, WEEK_DAYS = 24 * 60, 7
WEEK_MINUTES = WEEK_DAYS * DAY_MINUTES
_ALL = (1 << WEEK_MINUTES) - 1
_KEPT = 4096
FULL = 100


@dataclass(frozen=True, slots=True)
class Week:
    """`minutes` are all of them, `days` those of the spans that begin on each weekday, Monday first."""

    minutes: int
    days: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Meeting:
    """On which weekdays two weeks meet, 0 Monday to 6 Sunday, and how many per cent of the first one that is."""

    weekdays: frozenset[int]
    share: int


@lru_cache(_KEPT)
def week(hours: str) -> Week:
    """Return a posting's hours as a week: JSON of `{weekday 1–7: [["08:00", "17:30"], …]}`; none at all are all."""
    spans = {int(day) - 1: all_ for day, all_ in orjson.loads(hours).items() if all_}
    if not spans:
        return Week(_ALL, tuple(_span(day * DAY_MINUTES, DAY_MINUTES) for day in range(WEEK_DAYS)))
    days = [0] * WEEK_DAYS
    for day, all_ in spans.items():
        for begins, ends in all_:
            first, last = _minute(begins), _minute(ends)
            days[day] |= _span(day * DAY_MINUTES + first, (last - first) % DAY_MINUTES or DAY_MINUTES)
    minutes = 0
    for one in days:
        minutes |= one
    return Week(minutes, tuple(days))


@lru_cache(_KEPT)
def meeting(work: str, time: str) -> Meeting:
    """Return where the hours of some work and the hours somebody has meet, both as `week` takes them."""
    wanted, given = week(work), week(time)
    weekdays = frozenset(day for day, minutes in enumerate(wanted.days) if minutes & given.minutes)
    both, all_ = (wanted.minutes & given.minutes).bit_count(), wanted.minutes.bit_count()
    return Meeting(weekdays, both * FULL // all_)


@lru_cache(_KEPT)
def by_night(work: str) -> bool:
    """Whether some work, where it says its hours, falls between 22:00 and 06:00."""
    minutes = week(work).minutes
    return minutes != _ALL and bool(minutes & _nights())


def days_between(first: date, last: date, weekdays: frozenset[int]) -> int:
    """Return how many days of these weekdays lie between two days, both included."""
    if last < first:
        return 0
    weeks, rest = divmod((last - first).days + 1, WEEK_DAYS)
    begins = first.weekday()
    return weeks * len(weekdays) + sum((begins + number) % WEEK_DAYS in weekdays for number in range(rest))


@cache
def _nights() -> int:
    nights = 0
    for day in range(WEEK_DAYS):
        nights |= _span(day * DAY_MINUTES + 22 * 60, 8 * 60)
    return nights


def _span(begins: int, minutes: int) -> int:
    """Return so many minutes from one on; what is past the week's end is its beginning."""
    bits = ((1 << minutes) - 1) << begins
    return (bits & _ALL) | (bits >> WEEK_MINUTES)


def _minute(text: str) -> int:
    return int(text[:2]) * 60 + int(text[3:5])
