"""Days of the calendar that people are told of: a window opens or soon closes, a new edition of the guide is there.

Each is told of once, whatever restarts or runs twice: beside the events stands a mark, of which there is one.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from uuid import UUID

from tortoise.exceptions import IntegrityError

from server.enrolments.models import Intake
from server.kernel import clock, outbox
from server.kernel.outbox import Occurrence
from server.kernel.statements import returned
from server.kernel.transactions import transaction
from server.notices import quiet
from server.organisations.models import Membership, MembershipState, OrganisationState
from server.organisations.roles import Kind
from server.people.models import Person, PersonState
from server.referrals import years
from server.referrals.years import IntakeDates

MARK = "calendar.announced"
"""The event that is the mark: its subject is there once, by an index."""
OPENING, CLOSING, EDITION = "window.opening", "window.closing", "guide.published"
PART = 500
"""How many people one event concerns at most."""
_MARKS = "SELECT subject FROM event WHERE name = 'calendar.announced'"  # as the index has it


async def announce(content_dir: Path) -> Mapping[str, int]:
    """Tell of all that has come and nobody was told of; return of how many things."""
    marked = {row["subject"] for row in await returned(_MARKS)}
    told = [await once(mark, occurrences) for mark, occurrences in await _windows(clock.today(), marked)]
    return {"announced": sum(told) + await _edition(content_dir, marked)}


async def _windows(today: date, marked: set[str]) -> list[tuple[str, list[Occurrence]]]:
    due = [
        (event, subject)
        for year in await years.listed()
        for intake in Intake
        for event, subject in _due(today, f"{year.year}-{intake}", year.calendar.of(intake))
        if f"{event}:{subject}" not in marked
    ]
    schools = await _schools() if due else []
    return [(f"{event}:{subject}", _occurrences(event, f"window:{subject}", schools)) for event, subject in due]


def _due(today: date, subject: str, days: IntakeDates) -> Iterator[tuple[str, str]]:
    if not days.open_on(today):
        return
    if today > days.closes_on - timedelta(days=quiet.in_force().calendar.closing_days):
        yield CLOSING, subject
    else:
        yield OPENING, subject


async def _schools() -> list[UUID]:
    """Return who acts for the schools that register students."""
    acting = Membership.filter(
        state=MembershipState.ACTIVE,
        ended_at=None,
        person__state=PersonState.ACTIVE,
        organisation__kind=Kind.FEEDER_SCHOOL,
        organisation__state=OrganisationState.VERIFIED,
    )
    return sorted({row.person_id for row in await acting.only("person_id")})


async def _edition(content_dir: Path, marked: set[str]) -> int:
    """Tell everyone of the newest edition; one that was there before anything was announced is news to nobody."""
    newest = max((path.parent.name for path in (content_dir / "guide").glob("*/edition.yaml")), default=None)
    mark = f"{EDITION}:{newest}"
    if newest is None or mark in marked:
        return 0
    first = not any(one.startswith(f"{EDITION}:") for one in marked)
    return await once(mark, _occurrences(EDITION, f"guide:{newest}", [] if first else await _everyone()))


async def _everyone() -> list[UUID]:
    return [row.id for row in await Person.filter(state=PersonState.ACTIVE).order_by("id").only("id")]


def _occurrences(event: str, subject: str, people: Sequence[UUID]) -> list[Occurrence]:
    return [Occurrence(event, subject, people[at : at + PART]) for at in range(0, len(people), PART)]


async def once(mark: str, occurrences: Sequence[Occurrence]) -> bool:
    """Record what somebody is to be told of beside its mark, unless that is there; return whether anything was."""
    try:
        await _record(mark, occurrences)
    except IntegrityError:  # another process was the first
        return False
    return bool(occurrences)


@transaction
async def _record(mark: str, occurrences: Sequence[Occurrence]) -> None:
    await outbox.record(MARK, mark)
    await outbox.record_many(occurrences)
