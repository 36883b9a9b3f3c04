"""To whom things belong: for each kind of thing, from its id as it stands in a path to its owner, or its 404."""

from uuid import UUID

from server.access.rules import Owner
from server.consents import service as consents
from server.labour import service as labour
from server.organisations import service
from server.students import links


async def organisation(organisation_id: UUID) -> Owner:
    """Return the owner of an organisation: itself; raises DomainError 404."""
    found = await service.organisation(organisation_id)
    return Owner("organisation", frozenset({found.id}), secretariat_knows=True)


async def membership(membership_id: UUID) -> Owner:
    """Return the owner of a membership: its organisation and its person; raises DomainError 404."""
    found = await service.membership(membership_id)
    return Owner("membership", frozenset({found.organisation_id}), found.person_id, secretariat_knows=True)


async def student_link(link_id: UUID) -> Owner:
    """Return the owner of a link to a student: the person who speaks; raises DomainError 404."""
    return Owner("student_link", person_id=(await links.link(link_id)).person_id)


async def consent(consent_id: UUID) -> Owner:
    """Return the owner of a consent: who gave it; raises DomainError 404."""
    return Owner("consent", person_id=(await consents.consent(consent_id)).person_id)


async def posting(posting_id: UUID) -> Owner:
    """Return the owner of a posting: its organisation, or who offers their own hands; raises DomainError 404."""
    found = await labour.posting(posting_id)
    if found.organisation_id:
        return Owner("posting", frozenset({found.organisation_id}), secretariat_knows=True)
    return Owner("posting", person_id=found.person_id, secretariat_knows=True)
