"""To whom things belong: for each kind of thing, from its id as it stands in a path to its owner, or its 404."""

from uuid import UUID

from server.access.rules import Owner
from server.awards import holding as awards
from server.awards import publications
from server.consents import service as consents
from server.engagements import holding as engagements
from server.engagements import searches
from server.enrolments import service as enrolments
from server.imports import service as imports
from server.imports.models import ImportKind
from server.kernel.errors import not_found
from server.labour import service as labour
from server.organisations import service
from server.referrals import holding
from server.statements import holding as statements
from server.statements.states import GONE_OUT
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


async def enrolment(enrolment_id: UUID) -> Owner:
    """Return the owner of an enrolment: the school that has the student; raises DomainError 404."""
    found = await enrolments.enrolment(enrolment_id)
    return Owner("enrolment", frozenset({found.school_id}), secretariat_knows=True)


async def referral(referral_id: UUID) -> Owner:
    """Return the owner of a referral: the school that registered it; raises DomainError 404."""
    found = await holding.referral(referral_id)
    return Owner("referral", frozenset({found.school_id}), secretariat_knows=True)


async def student(student_id: UUID) -> Owner:
    """Return the owners of a student: whoever is confirmed to speak for it; raises DomainError 404."""
    return Owner("student", people=await links.speaking(student_id), secretariat_knows=True)


async def referral_import(import_id: UUID) -> Owner:
    """Return the owner of a list of referrals: the school that sent it; raises DomainError 404."""
    return await _import(import_id, ImportKind.REFERRAL)


async def enrolment_import(import_id: UUID) -> Owner:
    """Return the owner of a list of enrolments: the school that sent it; raises DomainError 404."""
    return await _import(import_id, ImportKind.ENROLMENT)


async def _import(import_id: UUID, kind: ImportKind) -> Owner:
    found = await imports.imported(import_id)
    if found.kind is not kind:
        raise not_found("import")
    return Owner("import", frozenset({found.organisation_id}))


async def posting(posting_id: UUID) -> Owner:
    """Return the owner of a posting: its organisation, or who offers their own hands; raises DomainError 404."""
    found = await labour.posting(posting_id)
    if found.organisation_id:
        return Owner("posting", frozenset({found.organisation_id}), secretariat_knows=True)
    return Owner("posting", person_id=found.person_id, secretariat_knows=True)


async def engagement(engagement_id: UUID) -> Owner:
    """Return the owners of an engagement: who gives the place, and who takes it; raises DomainError 404.

    Of a class that is its school, whoever of it wrote the offer.
    """
    found = await engagements.engagement(engagement_id)
    school = found.supply.organisation_id if found.supply else None
    organisations = frozenset(filter(None, (found.posting.organisation_id, school)))
    return Owner("engagement", organisations, None if school else found.person_id, secretariat_knows=True)


async def saved_search(search_id: UUID) -> Owner:
    """Return the owner of a search: who keeps it; raises DomainError 404."""
    return Owner("saved_search", person_id=(await searches.search(search_id)).person_id)


async def award(award_id: UUID) -> Owner:
    """Return the owner of an award: the school to which it is paid; raises DomainError 404."""
    found = await awards.award(award_id)
    return Owner("award", frozenset({found.payee_id}), secretariat_knows=True)


async def statement(statement_id: UUID) -> Owner:
    """Return the owner of a statement: its payee, once it has gone out; raises DomainError 404."""
    found = await statements.statement(statement_id)
    owners = frozenset({found.payee_id}) if found.state in GONE_OUT else frozenset[UUID]()
    return Owner("statement", owners, secretariat_knows=True)


async def publication(publication_id: UUID) -> Owner:
    """Return the owner of a publication: nobody, since everybody may read it; raises DomainError 404."""
    await publications.publication(publication_id)
    return Owner("publication", secretariat_knows=True)
