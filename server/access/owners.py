"""To whom things belong: for each kind of thing, from its id as it stands in a path to its owner, or its 404."""

from uuid import UUID

from server.access.rules import Owner
from server.organisations import service


async def organisation(organisation_id: UUID) -> Owner:
    """Return the owner of an organisation: itself; raises DomainError 404."""
    found = await service.organisation(organisation_id)
    return Owner("organisation", frozenset({found.id}), secretariat_knows=True)


async def membership(membership_id: UUID) -> Owner:
    """Return the owner of a membership: its organisation and its person; raises DomainError 404."""
    found = await service.membership(membership_id)
    return Owner("membership", frozenset({found.organisation_id}), found.person_id, secretariat_knows=True)
