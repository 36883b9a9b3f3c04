"""What goes with an organisation that is closed, and the closing of one that came to nothing."""

from uuid import UUID

from server.kernel import audit, clock, outbox
from server.organisations.models import Invitation, Membership, MembershipState, Organisation, OrganisationState
from server.people import revocations


async def comes_to_nothing(organisation: Organisation, person_id: UUID) -> bool:
    """Whether nothing is lost of an organisation once a person, who alone leads it, has left it.

    So it is of one that was rejected, and of one not yet verified to which nobody else belongs.
    """
    if organisation.state is OrganisationState.APPLIED:
        others = Membership.filter(organisation_id=organisation.id, state=MembershipState.ACTIVE, ended_at=None)
        return not await others.exclude(person_id=person_id).exists()
    return organisation.state is OrganisationState.REJECTED


async def close(organisation: Organisation, by: UUID) -> None:
    """Close a held organisation that the last who led it has left."""
    before, organisation.state = organisation.state, OrganisationState.CLOSED
    organisation.version += 1
    await organisation.save(update_fields=["state", "version"])
    subject, event = f"organisation:{organisation.id}", "organisation.closed"
    await audit.note(subject, event, actor_id=by, before=before, after=organisation.state)
    await outbox.record(event, subject, [by])
    await dismiss(organisation.id, by)


async def dismiss(organisation_id: UUID, by: UUID) -> None:
    """End every membership and request of an organisation, and take its invitations back."""
    now = clock.now()
    for membership in await Membership.filter(organisation_id=organisation_id, ended_at=None).order_by("id"):
        subject = f"membership:{membership.id}"
        membership.ended_at = now
        await membership.save(update_fields=["ended_at"])
        active = membership.state is MembershipState.ACTIVE
        before = membership.role if active else membership.state
        action, after = "membership.ended", OrganisationState.CLOSED
        await audit.note(subject, action, actor_id=by, before=before, after=after)
        await outbox.record(action, subject, [membership.person_id])
        await revocations.revoke(membership.person_id)
    open_ones = Invitation.filter(organisation_id=organisation_id, used_at=None, revoked_at=None)
    await open_ones.update(revoked_at=now)
