"""Asking to join an organisation, joining it, another role in it, leaving it.

Only an active membership makes a member; a requested one gives no rights and counts nowhere. Every change holds the
organisation's row, so that two people who are the last managers cannot both leave at once.
"""

from uuid import UUID

from server.kernel import audit, clock, outbox
from server.kernel.errors import DomainError, FieldFault, found, invalid
from server.kernel.transactions import transaction
from server.organisations import dissolving
from server.organisations.models import Membership, MembershipState, Organisation, OrganisationState
from server.organisations.roles import Kind, Role, lead, roles
from server.people import revocations
from server.people.models import Person, PersonState

NOBODY, REQUESTED, LEFT, REMOVED = "none", "requested", "left", "removed"
"""What a membership's history says beside roles: before it began, and how it ended."""


@transaction
async def request(organisation_id: UUID, person_id: UUID, role: Role = Role.CLERK) -> Membership:
    """Let a person ask for a role in an organisation, and tell its managers; asked again, return the same request.

    Raises DomainError 404, 409 for a member and for a closed organisation, 422 as `join` does.
    """
    organisation = await hold_open(organisation_id)
    person = found(await Person.get_or_none(id=person_id), "person")
    require_fit(role, organisation.kind)
    if lasting := await _lasting(organisation_id, person_id):
        return lasting
    requested = await _create(organisation, person, role, MembershipState.REQUESTED)
    await _note("membership.requested", requested, NOBODY, REQUESTED, person_id)
    await outbox.record("membership.requested", _subject(requested), await leading(organisation_id))
    return requested


@transaction
async def join(organisation_id: UUID, person_id: UUID, role: Role, *, by: UUID | None) -> Membership:
    """Give a person a role in an organisation that they do not belong to yet; `by` is None where the system does it.

    A request of theirs is thereby granted. Raises DomainError 404, 409 for a member and for a closed organisation, 422
    for a role that the kind of organisation does not have.
    """
    organisation = await hold_open(organisation_id)
    person = found(await Person.get_or_none(id=person_id), "person")
    require_fit(role, organisation.kind)
    if requested := await _lasting(organisation_id, person_id):
        return await _grant(requested, role, by)
    membership = await _create(organisation, person, role, MembershipState.ACTIVE)
    await _tell("membership.began", membership, NOBODY, role, by)
    return membership


@transaction
async def approve(membership_id: UUID, *, by: UUID) -> Membership:
    """Make a member of who asked to be one, and return the membership with its person.

    Raises DomainError 403 for one's own request, 404, 409 where it is none any more or the organisation is closed.
    """
    membership = await _held(membership_id)
    if membership.state is not MembershipState.REQUESTED:
        raise DomainError("state_already", 409)
    if membership.person_id == by:
        raise DomainError("not_yours_to_do", 403)
    _require_open(membership.organisation)
    return await _grant(membership, membership.role, by)


@transaction
async def change_role(membership_id: UUID, role: Role, *, by: UUID | None) -> Membership:
    """Give a member another role, and return the membership with its person.

    Raises DomainError 404, 403 for who does not lead the organisation any more, 409 for the last who leads it and for
    a mere request, 422 as `join` does.
    """
    membership = await _held(membership_id)
    if by is not None:
        await require_leader(membership.organisation_id, by)
    if membership.state is MembershipState.REQUESTED:
        raise DomainError("membership_requested", 409)
    require_fit(role, membership.organisation.kind)
    if membership.role is role:
        return membership
    if await _leads_alone(membership):
        raise DomainError("last_lead", 409)
    before, membership.role = membership.role, role
    await membership.save(update_fields=["role"])
    await _tell("membership.role_changed", membership, before, role, by)
    return membership


@transaction
async def end(membership_id: UUID, *, by: UUID) -> None:
    """End a membership: its own person leaves, anyone else removes them; of a request: takes it back, or refuses it.

    An organisation that came to nothing is closed when the last who leads it leaves. Raises DomainError 404, 403 as
    `change_role` does, 409 for the last who leads any other.
    """
    membership = await _held(membership_id)
    if by != membership.person_id:
        await require_leader(membership.organisation_id, by)
    await _require_dispensable(membership)
    await _leave(membership, by)


@transaction
async def require_replaceable(person_id: UUID) -> None:
    """Hold a person's organisations until the transaction ends; raises DomainError 409 as `end` does for any."""
    for membership in await hold_all(person_id):
        await _require_dispensable(membership)


@transaction
async def end_all(person_id: UUID) -> None:
    """End whatever a person who goes for good belongs to, even should nobody be left to lead it."""
    for membership in await hold_all(person_id):
        await _leave(membership, person_id)


@transaction
async def hold_all(person_id: UUID, *kinds: Kind) -> list[Membership]:
    """Hold a person's organisations, of `kinds` or all, until the transaction ends; return what they are in them then.

    Each membership comes with its organisation.
    """
    lasting = Membership.filter(person_id=person_id, ended_at=None, organisation__kind__in=kinds or tuple(Kind))
    for organisation_id in sorted([one.organisation_id for one in await lasting]):
        await _hold(organisation_id)
    return await lasting.select_related("organisation").order_by("id")


async def hold_open(organisation_id: UUID) -> Organisation:
    """Keep every other change of an organisation's members waiting until the transaction ends, and return it.

    Raises DomainError 404, 409 for a closed one.
    """
    organisation = await _hold(organisation_id)
    _require_open(organisation)
    return organisation


def require_fit(role: Role, kind: Kind) -> None:
    """Raise DomainError 422 for a role that a kind of organisation does not have."""
    if not role.fits(kind):
        raise invalid(FieldFault("/role", "role_of_other_kind", {"roles": "、".join(roles(kind))}))


async def require_leader(organisation_id: UUID, person_id: UUID) -> None:
    """Raise DomainError 403 for who does not lead an organisation, or may not act.

    Asked again once the organisation is held: the caller may have lost the right since the request was let in.
    """
    if person_id not in await leading(organisation_id):
        raise DomainError("not_yours_to_do", 403)


async def leading(organisation_id: UUID) -> list[UUID]:
    """Return the people who lead an organisation and may act."""
    members = Membership.filter(
        organisation_id=organisation_id,
        role__in=[Role.MANAGER, Role.ADMIN],
        state=MembershipState.ACTIVE,
        ended_at=None,
        person__state=PersonState.ACTIVE,
    )
    return [row.person_id for row in await members.order_by("id")]


async def _hold(organisation_id: UUID) -> Organisation:
    """Keep every other change of the organisation's members waiting until the transaction ends."""
    return found(await Organisation.filter(id=organisation_id).select_for_update().get_or_none(), "organisation")


def _require_open(organisation: Organisation) -> None:
    if organisation.state is OrganisationState.CLOSED:
        raise DomainError("organisation_closed", 409)


async def _lasting(organisation_id: UUID, person_id: UUID) -> Membership | None:
    """Return a person's request to an organisation that is held, if any; raises DomainError 409 for a member."""
    lasting = await Membership.get_or_none(organisation_id=organisation_id, person_id=person_id, ended_at=None)
    if lasting and lasting.state is MembershipState.ACTIVE:
        raise DomainError("already_member", 409)
    return lasting


async def _create(organisation: Organisation, person: Person, role: Role, state: MembershipState) -> Membership:
    return await Membership.create(
        organisation=organisation, person=person, role=role, state=state, created_at=clock.now()
    )


async def _grant(requested: Membership, role: Role, by: UUID | None) -> Membership:
    requested.role, requested.state = role, MembershipState.ACTIVE
    await requested.save(update_fields=["role", "state"])
    await _tell("membership.began", requested, REQUESTED, role, by)
    return requested


async def _held(membership_id: UUID) -> Membership:
    """Return a membership that lasts, as it is once its organisation is held."""
    lasting = Membership.filter(id=membership_id, ended_at=None)
    await _hold(found(await lasting.get_or_none(), "membership").organisation_id)
    return found(await lasting.select_related("organisation", "person").get_or_none(), "membership")


async def _leave(membership: Membership, by: UUID) -> None:
    """End a membership of a held organisation, and close that if it came to nothing."""
    organisation, person_id = membership.organisation, membership.person_id
    goes = await _leads_alone(membership) and await dissolving.comes_to_nothing(organisation, person_id)
    await _end(membership, by)
    if goes:
        await dissolving.close(organisation, by)


async def _end(membership: Membership, by: UUID) -> None:
    membership.ended_at = clock.now()
    await membership.save(update_fields=["ended_at"])
    before = REQUESTED if membership.state is MembershipState.REQUESTED else membership.role
    await _tell("membership.ended", membership, before, LEFT if by == membership.person_id else REMOVED, by)


async def _require_dispensable(membership: Membership) -> None:
    """Raise DomainError 409 where `membership` alone leads its organisation, unless that comes to nothing anyway."""
    organisation, person_id = membership.organisation, membership.person_id
    if await _leads_alone(membership) and not await dissolving.comes_to_nothing(organisation, person_id):
        raise DomainError("last_lead", 409)


async def _leads_alone(membership: Membership) -> bool:
    """Whether `membership` leads its organisation and nobody else who may act does."""
    leads = membership.role is lead(membership.organisation.kind) and membership.state is MembershipState.ACTIVE
    return leads and not set(await leading(membership.organisation_id)) - {membership.person_id}


def _subject(membership: Membership) -> str:
    return f"membership:{membership.id}"


async def _note(event: str, membership: Membership, before: str, after: str, by: UUID | None) -> None:
    await audit.note(_subject(membership), event, actor_id=by, before=before, after=after)


async def _tell(event: str, membership: Membership, before: str, after: str, by: UUID | None) -> None:
    """Leave a change in the history, in the outbox, and with whoever remembers the person's rights."""
    await _note(event, membership, before, after, by)
    await outbox.record(event, _subject(membership), [membership.person_id])
    await revocations.revoke(membership.person_id)
