"""A student whom a school has, found by the whole of their number.

One statement whatever there is, of the schools' own rows alone: neither the answer nor its time tells whether a number
is known elsewhere.
"""

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from server.enrolments.models import Enrolment
from server.kernel import audit, blind_index
from server.kernel.sensitive import Sensitive
from server.kernel.transactions import transaction
from server.people.ports import Limits
from server.referrals import enrolled, lists
from server.referrals.models import Referral

HOURLY, DAILY = (120, 3600), (600, 24 * 3600)
"""How often a person looks for a student, whether there is one or not, in how many seconds."""


async def count(person_id: UUID, limits: Limits) -> None:
    """Count a search before it is made, not inside a transaction; raises DomainError 429 past `HOURLY` or `DAILY`."""
    for most, seconds in (HOURLY, DAILY):
        await limits.take(f"student search in {seconds} s", str(person_id), most, seconds)


@transaction
async def referrals(
    number: Sensitive, year: int | None, within: Collection[UUID] | None, *, by: UUID
) -> list[Referral]:
    """Return the referrals of who has a number, the newest first, as the list has them, and note who looked.

    `within` narrows them to those of these schools, None does not.
    """
    await audit.note(f"person:{by}", "referral.sought", actor_id=by)
    rows = await lists.shown(Referral.filter(**_of(number, year, within)))
    return sorted(rows, key=lambda row: row.id, reverse=True)


@transaction
async def enrolments(
    number: Sensitive, year: int | None, within: Collection[UUID] | None, *, by: UUID
) -> list[Enrolment]:
    """Return the enrolments of who has a number, as `referrals` does."""
    await audit.note(f"person:{by}", "enrolment.sought", actor_id=by)
    rows = await enrolled.shown(Enrolment.filter(**_of(number, year, within)))
    return sorted(rows, key=lambda row: row.id, reverse=True)


def _of(number: Sensitive, year: int | None, within: Collection[UUID] | None) -> Mapping[str, Any]:
    wanted: dict[str, Any] = {"student__id_number_index__in": blind_index.find(number)}
    wanted |= {} if year is None else {"year": year}
    return wanted | ({} if within is None else {"school_id__in": list(within)})
