"""The dates of an entry year: those of content, until the secretariat sets its own."""

from collections.abc import Iterator
from datetime import date
from functools import lru_cache
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict
from tortoise.exceptions import IntegrityError

from server.enrolments.models import Intake
from server.kernel import audit, clock, outbox
from server.kernel.errors import DomainError, FieldFault, invalid
from server.kernel.jobs import queue
from server.kernel.statements import returned
from server.kernel.transactions import transaction
from server.people.service import Decider
from server.referrals import rules
from server.referrals.models import ReferralYear

FIRST_YEAR, YEARS_AHEAD = 2024, 2
"""Nothing was registered before, and nobody plans further."""
CHANGED = "settle_referral_year"
"""The kind of job that brings the claims of a `year` into line with dates that were changed."""


class IntakeDates(BaseModel):
    """The days of one intake, each itself included.

    Claims are taken from `opens_on` to `closes_on`; students enter on `enters_on`; the census looks at `census_on`; a
    claim without an enrolment by `match_by` lapses.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    opens_on: date
    closes_on: date
    enters_on: date
    census_on: date
    match_by: date

    def open_on(self, day: date) -> bool:
        """Whether claims are taken on `day`."""
        return self.opens_on <= day <= self.closes_on


class Calendar(BaseModel):
    """The days of an entry year; after `ends_on` nothing changes but by decision."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    autumn: IntakeDates
    spring: IntakeDates
    ends_on: date

    def of(self, intake: Intake) -> IntakeDates:
        """Return the days of an intake."""
        return self.autumn if intake is Intake.AUTUMN else self.spring

    def over_on(self, day: date) -> bool:
        """Whether the year has ended by `day`."""
        return day > self.ends_on


class Year(NamedTuple):
    """An entry year with its dates; `version` is 0 while nobody set any."""

    year: int
    calendar: Calendar
    version: int


def possible(year: int, today: date) -> bool:
    """Whether there is such an entry year, or may be."""
    return FIRST_YEAR <= year <= today.year + YEARS_AHEAD


def default(year: int) -> Calendar:
    """Return the dates of content."""
    found = rules.in_force()
    intakes = {
        str(intake): IntakeDates(**{name: getattr(days, name).of(year) for name in IntakeDates.model_fields})
        for intake, days in found.intakes.items()
    }
    return Calendar(**intakes, ends_on=found.ends_on.of(year))


async def calendar(year: int) -> Calendar:
    """Return the dates of an entry year; one statement."""
    return (await dated(year)).calendar


async def dated(year: int) -> Year:
    """Return an entry year, in one statement; raises DomainError 404 for one that cannot be."""
    if not possible(year, clock.today()):
        raise DomainError("not_found", 404, what="referral_year")
    return await _dated(year)


async def of_claims(year: int) -> Calendar:
    """Return the dates of an entry year of which there are claims, however long ago; one statement."""
    return (await _dated(year)).calendar


async def _dated(year: int) -> Year:
    rows = await returned("SELECT dates, version FROM referral_year WHERE year = $1", year)
    if not rows:
        return _year(year, None)
    return Year(year, _read(rows[0]["dates"]), rows[0]["version"])


@lru_cache(maxsize=8)
def _read(dates: str) -> Calendar:
    return Calendar.model_validate_json(dates)


async def listed() -> list[Year]:
    """Return the years that anybody set, and those around today whether set or not, the newest first."""
    rows = {row.year: row for row in await ReferralYear.all()}
    this = clock.today().year
    years = {*rows, *(year for year in range(this - 1, this + 2) if possible(year, clock.today()))}
    return [_year(year, rows.get(year)) for year in sorted(years, reverse=True)]


async def set_dates(year: int, dates: Calendar, version: int | None, by: Decider) -> Year:
    """Set the dates of an entry year; `version` is the one that was read, None for any.

    Raises DomainError 404, 412, and 422 with every date that is out of order.
    """
    if faults := list(_faults(year, dates)):
        raise invalid(*faults)
    try:
        return await _set(year, dates, version, by)
    except IntegrityError:  # somebody else was the first to set them
        raise DomainError("stale_version", 412) from None


@transaction
async def _set(year: int, dates: Calendar, version: int | None, by: Decider) -> Year:
    row = await ReferralYear.filter(year=year).select_for_update().get_or_none()
    before = (await dated(year)) if row is None else _year(year, row)
    if version not in {None, before.version}:
        raise DomainError("stale_version", 412)
    row = row or ReferralYear(year=year, version=0)
    row.dates, row.version, row.changed_at = dates.model_dump(mode="json"), row.version + 1, clock.now()
    await row.save(force_create=row.version == 1)
    subject, action = f"referral_year:{year}", "referral_year.set"
    changed = _changed(before.calendar, dates)
    await audit.note(subject, action, actor_id=by.person_id, reason=by.reason, fields=changed)
    await outbox.record(action, subject)
    if changed:
        await queue.enqueue(CHANGED, {"year": year})
    return _year(year, row)


def _changed(before: Calendar, after: Calendar) -> list[str]:
    """Return which dates differ, as `autumn.census_on`."""
    found = []
    for intake in Intake:
        old, new = before.of(intake), after.of(intake)
        found += [f"{intake}.{name}" for name in IntakeDates.model_fields if getattr(old, name) != getattr(new, name)]
    return [*found, *(["ends_on"] if before.ends_on != after.ends_on else [])]


_ORDER = (("opens_on", "closes_on"), ("closes_on", "match_by"), ("enters_on", "census_on"), ("census_on", "match_by"))


def _faults(year: int, dates: Calendar) -> Iterator[FieldFault]:
    """Yield every date that comes before one it follows, or lies far from its year."""
    for intake in Intake:
        days = dates.of(intake)
        for name in IntakeDates.model_fields:
            yield from _near(year, f"/{intake}/{name}", getattr(days, name))
        for earlier, later in _ORDER:
            if getattr(days, later) < getattr(days, earlier):
                facts = {"day": getattr(days, earlier).isoformat()}
                yield FieldFault(f"/{intake}/{later}", "day_before", facts)
        if dates.ends_on < days.match_by:
            yield FieldFault("/ends_on", "day_before", {"day": days.match_by.isoformat()})
    yield from _near(year, "/ends_on", dates.ends_on)


def _near(year: int, pointer: str, day: date) -> Iterator[FieldFault]:
    if abs(day.year - year) > 1:
        yield FieldFault(pointer, "day_far_from_year", {"first": year - 1, "last": year + 1})


def _year(year: int, row: ReferralYear | None) -> Year:
    return Year(year, Calendar.model_validate(row.dates), row.version) if row else Year(year, default(year), 0)
