"""Which memberships are in force."""

from uuid import UUID

from server.organisations.models import Membership, MembershipState, OrganisationState


async def memberships(person_id: UUID) -> list[Membership]:
    """Return a person's memberships with their organisations, the oldest first.

    Those that are only asked for, or of closed organisations, are none.
    """
    mine = Membership.filter(person_id=person_id, state=MembershipState.ACTIVE, ended_at=None)
    in_force = mine.exclude(organisation__state=OrganisationState.CLOSED)
    return await in_force.select_related("organisation").order_by("id")
