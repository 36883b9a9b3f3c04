"""Joining an organisation, another role in it, leaving it.

Every change holds the organisation's row, so that two people who are the last managers cannot both leave at once.
"""

from uuid import UUID

from server.kernel import audit, clock, outbox
from server.kernel.errors import DomainError, FieldFault, found, invalid
from server.kernel.transactions import transaction
from server.organisations.models import Membership, Organisation
from server.organisations.roles import Kind, Role, lead, roles
from server.people import revocations
from server.people.models import Person, PersonState

NOBODY, LEFT, REMOVED = "none", "left", "removed"
"""What a membership's history says beside roles: before it began, and how it ended."""


@transaction
async def join(organisation_id: UUID, person_id: UUID, role: Role, *, by: UUID | None) -> Membership:
    """Give a person a role in an organisation that they do not belong to yet; `by` is None where the system does it.

    Raises DomainError 404, 409 for a member, 422 for a role that the kind of organisation does not have.
    """
    organisation = await _hold(organisation_id)
    person = found(await Person.get_or_none(id=person_id), "person")
    _require_fit(role, organisation.kind)
    if await Membership.exists(organisation=organisation, person=person, ended_at=None):
        raise DomainError("already_member", 409)
    membership = await Membership.create(organisation=organisation, person=person, role=role, created_at=clock.now())
    await _tell("membership.began", membership, NOBODY, role, by)
    return membership


@transaction
async def change_role(membership_id: UUID, role: Role, *, by: UUID | None) -> Membership:
    """Give a member another role, and return the membership with its person.

    Raises DomainError 404, 409 for the last who leads the organisation, 422 as `join` does.
    """
    membership = await _held(membership_id)
    _require_fit(role, membership.organisation.kind)
    if membership.role is role:
        return membership
    await _require_lead_beside(membership)
    before, membership.role = membership.role, role
    await membership.save(update_fields=["role"])
    await _tell("membership.role_changed", membership, before, role, by)
    return membership


@transaction
async def end(membership_id: UUID, *, by: UUID) -> None:
    """End a membership; its own person leaves, anyone else removes them.

    Raises DomainError 404, 409 for the last who leads the organisation.
    """
    membership = await _held(membership_id)
    await _require_lead_beside(membership)
    membership.ended_at = clock.now()
    await membership.save(update_fields=["ended_at"])
    await _tell("membership.ended", membership, membership.role, LEFT if by == membership.person_id else REMOVED, by)


async def _hold(organisation_id: UUID) -> Organisation:
    """Keep every other change of the organisation's members waiting until the transaction ends."""
    return found(await Organisation.filter(id=organisation_id).select_for_update().get_or_none(), "organisation")


async def _held(membership_id: UUID) -> Membership:
    """Return a membership that lasts, as it is once its organisation is held."""
    lasting = Membership.filter(id=membership_id, ended_at=None)
    await _hold(found(await lasting.get_or_none(), "membership").organisation_id)
    return found(await lasting.select_related("organisation", "person").get_or_none(), "membership")


def _require_fit(role: Role, kind: Kind) -> None:
    if not role.fits(kind):
        raise invalid(FieldFault("/role", "role_of_other_kind", {"roles": "、".join(roles(kind))}))


async def _require_lead_beside(membership: Membership) -> None:
    """Raise DomainError 409 where `membership` leads its organisation and nobody else who may act does."""
    leading = lead(membership.organisation.kind)
    others = Membership.filter(
        organisation_id=membership.organisation_id, role=leading, ended_at=None, person__state=PersonState.ACTIVE
    ).exclude(id=membership.id)
    if membership.role is leading and not await others.exists():
        raise DomainError("last_lead", 409)


async def _tell(event: str, membership: Membership, before: str, after: str, by: UUID | None) -> None:
    """Leave a change in the history, in the outbox, and with whoever remembers the person's rights."""
    subject = f"membership:{membership.id}"
    await audit.note(subject, event, actor_id=by, before=before, after=after)
    await outbox.record(event, subject, [membership.person_id])
    await revocations.revoke(membership.person_id)
