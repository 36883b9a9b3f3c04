"""Whether two pieces of work fall into the same time: values in, values out."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import product
from typing import Any, Protocol

DAY, WEEK_DAYS = 24 * 60, 7
_ALL_DAY = (0, DAY)
_ALWAYS = [(weekday, *_ALL_DAY) for weekday in range(1, WEEK_DAYS + 1)]

Hours = Mapping[str, Sequence[Sequence[str]]]
Span = tuple[int, int, int]
"""A weekday, 1 Monday to 7 Sunday, and from which to before which minute of it; past 1440 is the next day."""


class Dated(Protocol):
    """What says when its work is done, as a posting does."""

    @property
    def starts_on(self) -> date | None:
        """The first day."""

    @property
    def ends_on(self) -> date | None:
        """The last day."""

    @property
    def hours(self) -> Any:
        """The hours of each weekday."""


@dataclass(frozen=True, slots=True)
class Times:
    """When work is done: first and last day, None for an open end, and the hours of each weekday.

    `hours` are a posting's, `{weekday 1–7: [["08:00", "17:30"], …]}`; a span that ends no later than it begins ends on
    the next day, also after the last one. Where they are empty, whole days are taken.
    """

    starts_on: date
    ends_on: date | None
    hours: Hours

    @classmethod
    def of(cls, posting: Dated) -> "Times":
        """Return when a posting's work is done; one that does not say from when on is always there."""
        return cls(posting.starts_on or date.min, posting.ends_on, posting.hours)

    def since(self, day: date) -> "Times":
        """Return what of it begins on a day or later."""
        return replace(self, starts_on=max(day, self.starts_on))


def clash(one: Times, other: Times) -> date | None:
    """Return the first day on which both are at work at the same minute, None where there is none.

    Where one ends as the other begins, they only touch.
    """
    if _last(one) + 1 < other.starts_on.toordinal() or _last(other) + 1 < one.starts_on.toordinal():
        return None  # a night's end reaches one day beyond the last
    days = [day for mine, theirs in product(_spans(one), _spans(other)) for day in _meetings(one, other, mine, theirs)]
    return date.fromordinal(min(*days, date.max.toordinal())) if days else None


def _meetings(one: Times, other: Times, mine: Span, theirs: Span) -> Iterator[int]:
    """Yield the first day on which these spans meet: theirs beginning the day before mine, the same day, the next."""
    for later in (-1, 0, 1):
        if (theirs[0] - mine[0] - later) % WEEK_DAYS:
            continue
        begins = max(mine[1], theirs[1] + later * DAY)
        if begins >= min(mine[2], theirs[2] + later * DAY):
            continue
        first = max(one.starts_on.toordinal(), other.starts_on.toordinal() - later)
        day = first + (mine[0] - first) % WEEK_DAYS  # day 1 was a Monday
        if day <= min(_last(one), _last(other) - later):
            yield day + begins // DAY


def _spans(times: Times) -> list[Span]:
    if not times.hours:
        return _ALWAYS
    return [
        (int(weekday), begins, ends if ends > begins else ends + DAY)
        for weekday, spans in times.hours.items()
        for begins, ends in ([_minute(said) for said in span] for span in spans)
    ]


def _minute(said: str) -> int:
    hours, minutes = said.split(":")
    return int(hours) * 60 + int(minutes)


def _last(times: Times) -> int:
    return (times.ends_on or date.max).toordinal()
