"""Whether students were on the day of the census where confirmed claims say, by all that was made known since.

Once its year is over a claim stays as it is, whatever becomes of its enrolment: what follows from it asks here.
"""

from collections.abc import Collection, Mapping
from typing import NamedTuple
from uuid import UUID

from server.enrolments.models import Enrolment, EnrolmentStatus, Intake
from server.kernel.statements import select
from server.referrals import rules, standing, years
from server.referrals.enrolled import IN_THE_GROUP
from server.referrals.standing import Status, Stay

_COLUMNS = ("id", "student_id", "school_id", "year", "repeating", "successor_id")
_OF_ENROLMENTS = "enrolment_id = ANY($1) ORDER BY made_at, id"


class Confirmed(NamedTuple):
    """A claim, and the enrolment by which it was confirmed."""

    id: UUID
    student_id: UUID
    year: int
    intake: Intake
    enrolment_id: UUID


async def absent(claims: Collection[Confirmed]) -> set[UUID]:
    """Return those of some confirmed claims that the census would not confirm by their enrolment now.

    Two statements, and one for each of their years.
    """
    if not claims:
        return set()
    calendars = {year: await years.of_claims(year) for year in sorted({one.year for one in claims})}
    stays = await _stays({one.student_id for one in claims})
    confirming = rules.in_force().census.states
    return {
        one.id
        for one in claims
        if not standing.attended(
            one.enrolment_id,
            stays.get((one.student_id, one.year), ()),
            calendars[one.year].of(one.intake).census_on,
            confirming,
        )
    }


async def _stays(student_ids: Collection[UUID]) -> Mapping[tuple[UUID, int], list[Stay]]:
    """Return the enrolments of students at members of the group by student and year, with all made known of them."""
    rows = await select(Enrolment, IN_THE_GROUP, list(student_ids), only=_COLUMNS)
    said: dict[UUID, list[Status]] = {row.id: [] for row in rows}
    only = ("enrolment_id", "effective_on", "state")
    for one in await select(EnrolmentStatus, _OF_ENROLMENTS, list(said), only=only):
        said[one.enrolment_id].append(Status(one.effective_on, one.state))
    found: dict[tuple[UUID, int], list[Stay]] = {}
    for row in rows:
        same = {name: getattr(row, name) for name in ("id", "school_id", "repeating", "successor_id")}
        stay = Stay(**same, statuses=said[row.id])
        found.setdefault((row.student_id, row.year), []).append(stay)
    return found
