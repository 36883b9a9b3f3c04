"""Which vocational schools are members of the group, and from when to when.

What counts is the day on which a student enters: a school that joins or leaves later changes nothing for those who
were there before.
"""

from datetime import date
from typing import NamedTuple
from uuid import UUID

from server.kernel import audit, outbox
from server.kernel.errors import DomainError, FieldFault, invalid
from server.kernel.jobs import queue
from server.kernel.transactions import transaction
from server.organisations import keeping, memberships
from server.organisations.models import Organisation
from server.organisations.roles import Kind
from server.people.service import Decider

CHANGED = "settle_school"
"""The kind of job that looks again at what follows from a `school` having students: whether it counts has changed."""


class Period(NamedTuple):
    """From when to when a school is a member, both days included; without a first day it never was."""

    since: date | None
    until: date | None = None

    def covers(self, day: date) -> bool:
        """Whether it is a member on a day."""
        return self.since is not None and self.since <= day and (self.until is None or day <= self.until)

    def over_on(self, day: date) -> bool:
        """Whether it is no member on a day, nor becomes one."""
        return self.since is None or (self.until is not None and self.until < day)

    def __str__(self) -> str:
        return f"{self.since or ''}/{self.until or ''}"


def period_of(school: Organisation) -> Period:
    """Return from when to when a school is a member."""
    return Period(school.member_since, school.member_until)


@transaction
async def set_period(organisation_id: UUID, period: Period, by: Decider, version: int | None = None) -> Organisation:
    """Say from when to when a vocational school is a member; return it.

    Raises DomainError 403 for its own people, 404, 409 for what is none, 412 where `version` is given and it has
    another by now, 422 for days that are out of order.
    """
    school = await keeping.hold(organisation_id, version)
    await keeping.require_outsider(organisation_id, by.person_id)
    if school.kind is not Kind.VOCATIONAL_SCHOOL:
        raise DomainError("not_a_vocational_school", 409)
    _require_order(period)
    before = period_of(school)
    if period == before:
        return school
    school.member_since, school.member_until = period
    school.version += 1
    await school.save(update_fields=["member_since", "member_until", "version"])
    subject, action = keeping.subject_of(school.id), "organisation.group_set"
    await audit.note(subject, action, actor_id=by.person_id, before=str(before), after=str(period), reason=by.reason)
    await outbox.record(action, subject, await memberships.leading(school.id))
    await look_again(school)
    return school


async def look_again(organisation: Organisation) -> None:
    """Have what follows from students of a school, whose standing has changed, looked at again; joins the transaction.

    Nothing follows from those of others.
    """
    if organisation.kind is Kind.VOCATIONAL_SCHOOL:
        await queue.enqueue(CHANGED, {"school": str(organisation.id)})


def _require_order(period: Period) -> None:
    if period.until is None:
        return
    if period.since is None:
        raise invalid(FieldFault("/member_since", "missing"))
    if period.until < period.since:
        raise invalid(FieldFault("/member_until", "day_before", {"day": period.since.isoformat()}))
