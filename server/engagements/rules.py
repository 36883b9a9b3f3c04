"""The periods of an engagement as content has them, and the moments that follow from them: values in, values out.

Handed to a process once, as the rules of referrals are: whoever needs a period asks `in_force`.
"""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, field_validator

from server.kernel import clock
from server.kernel.content import Content, read
from server.kernel.handed import Handed
from server.labour.models import Settlement

Words = Annotated[str, Field(min_length=1)]
WEEK_DAYS = 7
ONE_DAY = timedelta(days=1)


class Hours(Content):
    """How many hours before something, and who says so."""

    hours: Annotated[int, Field(ge=0, le=24 * 14)]
    source: Words

    @property
    def time(self) -> timedelta:
        """The same as a span of time."""
        return timedelta(hours=self.hours)


class Days(Content):
    """How many days after something, and who says so."""

    days: Annotated[int, Field(ge=0, le=365)]
    source: Words

    @property
    def time(self) -> timedelta:
        """The same as a span of time."""
        return timedelta(days=self.days)


class Rules(Content):
    """`content/engagements.yaml`.

    `withdrawal`: before the first shift, within which who was accepted stays. `contest`: how long a no-show or an early
    leaving may be contested. `completion`: after one side's word, until it counts for both. `silence`: after the end of
    the work, until nobody is asked any more. `payment`: after completion, until both are reminded. `unpaid`: after
    completion, before which nobody is said to owe. `instalments`: the same while the work goes on, by how often the
    posting pays out.
    """

    withdrawal: Hours
    contest: Days
    completion: Days
    silence: Days
    payment: Days
    unpaid: Days
    instalments: Mapping[Settlement, Days]

    @field_validator("instalments")
    @classmethod
    def _whole(cls, instalments: Mapping[Settlement, Days]) -> Mapping[Settlement, Days]:
        if missing := set(Settlement) - instalments.keys():
            raise ValueError(f"{', '.join(sorted(missing))} is missing")
        return instalments


_handed = Handed[Rules]("rules for engagements were")
use, in_force = _handed.use, _handed.in_force


def load(content_dir: Path) -> Rules:
    """Return the rules; raises ContentError."""
    return read(Rules, content_dir / "engagements.yaml")


def first_shift(
    starts_on: date, ends_on: date | None, hours: Mapping[str, Any], after: datetime | None = None
) -> datetime:
    """Return when the first shift begins, or the first one `after` a moment, for who came in later.

    `hours` are a posting's, `{weekday 1–7: [["08:00", "17:30"], …]}`; where they are open, days begin at midnight. For
    who came in after the last one it is the moment `after` itself.
    """
    day = max(starts_on, after.astimezone(clock.SHANGHAI).date()) if after else starts_on
    for later in range(min(WEEK_DAYS, (date.max - day).days) + 1):
        on = day + later * ONE_DAY
        spans = hours.get(str(on.isoweekday()), ()) if hours else (("00:00",),)
        begins = sorted(_moment(on, span[0]) for span in spans if not over(ends_on, on))
        if found := next((one for one in begins if after is None or one >= after), None):
            return found
    return after or _moment(starts_on, "00:00")


def over(ends_on: date | None, today: date) -> bool:
    """Whether the last day of the work is past; work without one is never over."""
    return ends_on is not None and ends_on < today


def finished(starts_on: date | None, ends_on: date | None, hours: Mapping[str, Any], now: datetime) -> bool:
    """Whether the last shift is over; where hours are open, that is with its last day."""
    if ends_on is None or starts_on is None:
        return False
    for earlier in range(min(WEEK_DAYS, (ends_on - starts_on).days + 1)):
        on = ends_on - earlier * ONE_DAY
        if spans := hours.get(str(on.isoweekday())):
            return max(_end(on, *span) for span in spans) <= now
    return over(ends_on, now.astimezone(clock.SHANGHAI).date())


def _end(on: date, begins: str, ends: str) -> datetime:
    return _moment(on + ONE_DAY if ends <= begins else on, ends)


def _moment(day: date, begins: str) -> datetime:
    return datetime.combine(day, time.fromisoformat(begins), clock.SHANGHAI)
