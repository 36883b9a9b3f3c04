"""Who decides awards: in which roles, about whom never, and that no one person has two parts in one award."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from uuid import UUID

from server.awards.models import Award, AwardDecider, Part
from server.kernel import bulk, clock
from server.kernel.ids import new_id
from server.kernel.transactions import transaction
from server.organisations import current
from server.organisations.models import Membership
from server.organisations.roles import Kind, Role
from server.people.models import Person, PersonState
from server.students.models import StudentLink


@dataclass(frozen=True, slots=True)
class Standing:
    """What somebody is at this moment: their roles in the secretariat, and of what they keep away."""

    roles: frozenset[Role]
    payees: frozenset[UUID]
    """To which they belong, ever did, or asked to."""
    students: frozenset[UUID]
    """With whom they have to do, or said so."""

    def own(self, award: Award) -> bool:
        """Whether they have an interest of their own in an award."""
        return award.payee_id in self.payees or award.student_id in self.students


async def roles(person_id: UUID) -> frozenset[Role]:
    """Return the roles that a person has in the secretariat now; none for who may not act."""
    if not await Person.exists(id=person_id, state=PersonState.ACTIVE):
        return frozenset()
    mine = await current.memberships(person_id)
    return frozenset(one.role for one in mine if one.organisation.kind is Kind.SECRETARIAT)


async def standing(person_id: UUID, awards: Iterable[Award]) -> Standing:
    """Return what a person is to some awards, read now: whatever they were when they asked counts no more."""
    held = list(awards)
    payees, students = {one.payee_id for one in held}, {one.student_id for one in held if one.student_id}
    joined = Membership.filter(person_id=person_id, organisation_id__in=list(payees))
    linked = StudentLink.filter(person_id=person_id, student_id__in=list(students))
    return Standing(
        await roles(person_id),
        frozenset([one.organisation_id for one in await joined.only("id", "organisation_id")]),
        frozenset([one.student_id for one in await linked.only("id", "student_id")]),
    )


async def belongs(person_id: UUID, payee_id: UUID) -> bool:
    """Whether a person belongs to a payee, ever did, or asked to."""
    return await Membership.exists(person_id=person_id, organisation_id=payee_id)


@transaction
async def claim(award_ids: Collection[UUID], person_id: UUID, part: Part) -> set[UUID]:
    """Give a person this part in held awards; return those in which they have another one already, and keep it.

    What is claimed stays, whatever becomes of the decision: whoever calls has looked at everything else before.
    """
    now, ids = clock.now(), sorted(set(award_ids))
    rows = [
        bulk.fresh(AwardDecider, id=new_id(), award_id=one, person_id=person_id, part=part, made_at=now) for one in ids
    ]
    await bulk.insert(rows, unless_there=True)
    return {award_id for award_id, had in (await parts(ids, person_id)).items() if had is not part}


async def parts(award_ids: Collection[UUID], person_id: UUID) -> dict[UUID, Part]:
    """Return which part a person has in those of some awards in which they have one."""
    mine = AwardDecider.filter(award_id__in=list(award_ids), person_id=person_id)
    return {one.award_id: one.part for one in await mine}
