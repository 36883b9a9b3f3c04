"""Which memberships are in force."""

from uuid import UUID

from server.organisations.models import Membership, OrganisationState


async def memberships(person_id: UUID) -> list[Membership]:
    """Return a person's memberships with their organisations, the oldest first; those of closed ones are none."""
    mine = Membership.filter(person_id=person_id, ended_at=None).exclude(organisation__state=OrganisationState.CLOSED)
    return await mine.select_related("organisation").order_by("id")
