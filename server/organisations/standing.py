"""Suspending an organisation, restoring it, closing it."""

from uuid import UUID

from server.kernel import clock, outbox
from server.kernel.errors import DomainError, FieldFault, invalid
from server.kernel.transactions import transaction
from server.organisations import current, dissolving, group, keeping, memberships, rules
from server.organisations.keeping import Change
from server.organisations.models import Organisation, OrganisationState
from server.people import revocations
from server.people.service import Decider


@transaction
async def suspend(organisation_id: UUID, by: Decider) -> Organisation:
    """Take an organisation's standing away until it is restored or closed.

    Raises DomainError 403 for its own people, 404, 409 where it has none.
    """
    organisation = await _held(organisation_id, by, OrganisationState.VERIFIED, OrganisationState.LAPSED)
    before, organisation.state = organisation.state, OrganisationState.SUSPENDED
    organisation.decided_by_id = by.person_id
    await keeping.keep(organisation, Change("suspended", before, by.person_id, by.reason))
    await group.look_again(organisation)
    return organisation


@transaction
async def restore(organisation_id: UUID, by: Decider) -> Organisation:
    """Give a suspended organisation its standing back: verified, or lapsed where its time has run out meanwhile.

    Raises DomainError 403 for its own people, 404, 409 for one that is not suspended.
    """
    organisation = await _held(organisation_id, by, OrganisationState.SUSPENDED)
    late = rules.lapsed(organisation.due_on, clock.today())
    organisation.state = OrganisationState.LAPSED if late else OrganisationState.VERIFIED
    organisation.decided_by_id = by.person_id
    await keeping.keep(organisation, Change("restored", OrganisationState.SUSPENDED, by.person_id, by.reason))
    await group.look_again(organisation)
    return organisation


@transaction
async def close(organisation_id: UUID, by: Decider, successor_id: UUID | None = None) -> Organisation:
    """Close an organisation for good; of a merger, `successor_id` is what carries it on.

    Its members lose their rights at once, its invitations and requests fall; what was its own is in the hands of those
    who act for its successor from now on. Raises DomainError 403 for its own people, 404, 409 where it is closed, 422
    for a successor that is the organisation itself or not a verified one.
    """
    await _hold_both(organisation_id, successor_id)
    others = [state for state in OrganisationState if state is not OrganisationState.CLOSED]
    organisation = await _held(organisation_id, by, *others)
    told = await memberships.leading(organisation_id)
    await _require_successor(organisation_id, successor_id)
    before, organisation.state = organisation.state, OrganisationState.CLOSED
    organisation.successor_id, organisation.decided_by_id = successor_id, by.person_id
    organisation.pending_revision = None
    await keeping.keep(organisation, Change("closed", before, by.person_id, by.reason), told)
    await dissolving.dismiss(organisation_id, by.person_id)
    if successor_id:
        await _hand_on(organisation_id, successor_id)
    await group.look_again(organisation)
    return organisation


async def _hand_on(organisation_id: UUID, successor_id: UUID) -> None:
    """Tell who leads a successor, and have what is remembered of its people forgotten: they may do more than before."""
    told = await memberships.leading(successor_id)
    await outbox.record("organisation.carried_on", keeping.subject_of(organisation_id), told)
    for person_id in (await current.acting([successor_id]))[successor_id]:
        await revocations.revoke(person_id)


async def _held(organisation_id: UUID, by: Decider, *states: OrganisationState) -> Organisation:
    organisation = await keeping.hold(organisation_id)
    await keeping.require_outsider(organisation_id, by.person_id)
    if organisation.state not in states:
        raise DomainError("organisation_state", 409)
    return organisation


async def _hold_both(organisation_id: UUID, successor_id: UUID | None) -> None:
    """Hold both rows in a settled order: of two that are merged into each other at once, one closes."""
    ids = [organisation_id, *([successor_id] if successor_id else [])]
    await Organisation.filter(id__in=ids).order_by("id").select_for_update()


async def _require_successor(organisation_id: UUID, successor_id: UUID | None) -> None:
    if successor_id is None:
        return
    standing = Organisation.filter(id=successor_id, state=OrganisationState.VERIFIED)
    if successor_id == organisation_id or not await standing.exists():
        raise invalid(FieldFault("/successor", "successor"))
