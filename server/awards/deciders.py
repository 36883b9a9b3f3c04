"""Who decides awards: in which roles, about whom never, and that no one person has two parts in one award."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from server.awards.models import Award, AwardDecider, Part
from server.kernel import bulk, clock
from server.kernel.errors import DomainError
from server.kernel.ids import new_id
from server.kernel.statements import select
from server.kernel.transactions import transaction
from server.organisations import current, heirs
from server.organisations.models import Membership
from server.organisations.roles import Kind, Role
from server.people.models import Person, PersonState
from server.referrals.models import Referral
from server.students.models import StudentLink

EITHER = frozenset({Role.REVIEWER, Role.APPROVER})
"""Who draws, publishes, looks again and decides objections: two roles, since all of one may have had a part in it."""
_SENT = ("id", "school_id")
_PARTS = "person_id = $1 AND award_id = ANY($2)"


@dataclass(frozen=True, slots=True)
class Standing:
    """What somebody is at this moment: their roles in the secretariat, and the awards they keep away from."""

    roles: frozenset[Role]
    owned: frozenset[UUID]

    def own(self, award: Award) -> bool:
        """Whether they have an interest of their own in an award.

        They belong to its payee or to the school that sent the student, or to what carries one of these on, ever did,
        or asked to; or they have to do with the student, or said so.
        """
        return award.id in self.owned

    def require(self, roles: Collection[Role], awards: Iterable[Award]) -> None:
        """Raise DomainError 403 for who has none of these roles, or an interest of their own in one of the awards."""
        if self.roles.isdisjoint(roles):
            raise DomainError("not_yours_to_do", 403)
        if any(map(self.own, awards)):
            raise DomainError("decides_for_own", 403)


async def roles(person_id: UUID) -> frozenset[Role]:
    """Return the roles that a person has in the secretariat now; none for who may not act."""
    if not await Person.exists(id=person_id, state=PersonState.ACTIVE):
        return frozenset()
    mine = await current.memberships(person_id)
    return frozenset(one.role for one in mine if one.organisation.kind is Kind.SECRETARIAT)


async def require_either(person_id: UUID) -> None:
    """Raise DomainError 403 for who neither reviews nor approves, at this moment."""
    if EITHER.isdisjoint(await roles(person_id)):
        raise DomainError("not_yours_to_do", 403)


async def standing(person_id: UUID, awards: Iterable[Award]) -> Standing:
    """Return what a person is to some awards, read now: whatever they were when they asked counts no more."""
    held = list(awards)
    sent = await _senders(held)
    joined = Membership.filter(person_id=person_id).only("id", "organisation_id")
    linked = StudentLink.filter(person_id=person_id).only("id", "student_id")
    theirs, known = await with_carried(await joined), {one.student_id for one in await linked}
    owned = [one.id for one in held if one.student_id in known or not theirs.isdisjoint({one.payee_id, sent[one.id]})]
    return Standing(await roles(person_id), frozenset(owned))


async def _senders(awards: Iterable[Award]) -> dict[UUID, UUID]:
    """Return by award the school that sent the student, of another kind of award the payee.

    The two differ where a school that closed named another one to carry it on.
    """
    held = list(awards)
    claims = await select(Referral, "id = ANY($1)", [one.referral_id for one in held if one.referral_id], only=_SENT)
    schools = {one.id: one.school_id for one in claims}
    return {one.id: schools.get(one.referral_id, one.payee_id) if one.referral_id else one.payee_id for one in held}


async def with_carried(joined: Iterable[Membership]) -> set[UUID]:
    """Return the organisations of some memberships, and all that these carry on."""
    theirs = {one.organisation_id for one in joined}
    return theirs.union(one.id for one in await heirs.carried(theirs))


async def belongs(person_id: UUID, payee_id: UUID) -> bool:
    """Whether a person belongs to a payee, or to what carries it on, ever did, or asked to."""
    payees = (await heirs.onward([payee_id]))[payee_id]
    return await Membership.exists(person_id=person_id, organisation_id__in=list(payees))


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


async def everyones(award_ids: Collection[UUID]) -> Mapping[UUID, Mapping[UUID, Part]]:
    """Return by award and person which part each had in it; one statement."""
    found: dict[UUID, dict[UUID, Part]] = {one: {} for one in award_ids}
    for row in await select(AwardDecider, "award_id = ANY($1)", list(award_ids)) if found else ():
        found[row.award_id][row.person_id] = row.part
    return found


async def parts(award_ids: Collection[UUID], person_id: UUID) -> dict[UUID, Part]:
    """Return which part a person has in those of some awards in which they have one."""
    rows = await select(AwardDecider, _PARTS, person_id, list(award_ids), only=("id", "award_id", "part"))
    return {one.award_id: one.part for one in rows}
