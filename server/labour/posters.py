"""Who may post what, and whether they may be seen with it today."""

from typing import Any
from uuid import UUID

from server.kernel import clock
from server.kernel.errors import DomainError, FieldFault, invalid
from server.labour.models import Posting, PostingKind, Side, Supplier
from server.organisations import rules
from server.organisations.models import Organisation, OrganisationState
from server.organisations.roles import Kind
from server.people.models import PersonState
from server.students import links
from server.students.models import LinkState, Relation, StudentLink

OF_AGE_TO_WORK = 16
EMPLOYERS = (Kind.ENTERPRISE, Kind.AGENCY, Kind.VOCATIONAL_SCHOOL, Kind.FEEDER_SCHOOL, Kind.AUTHORITY)
"""Who may seek hands: everyone but the secretariat, which decides about it."""
NEVER_INTERNSHIPS = frozenset({Kind.AGENCY})
"""No intermediary may come between a school and where its students practise."""
AS_STUDENT: dict[str, Any] = {"relation": Relation.SELF, "state": LinkState.CONFIRMED}
"""The link of who was confirmed as a student, without which nobody offers their own hands."""


def kinds(side: Side, supplier: Supplier | None) -> tuple[Kind, ...]:
    """Return the kinds of organisation for which such a posting is made, none where a person makes it."""
    if side is Side.DEMAND:
        return EMPLOYERS
    return (Kind.VOCATIONAL_SCHOOL,) if supplier is Supplier.SCHOOL_CLASS else ()


def require_fitting(side: Side, kind: PostingKind, supplier: Supplier | None, poster: Kind | None) -> None:
    """Raise DomainError 422 for what such a poster may not post; `poster` None is a person."""
    if side is Side.DEMAND and supplier:
        raise invalid(FieldFault("/supplier", "supplier_of_demand"))
    if side is Side.SUPPLY and supplier is None:
        raise invalid(FieldFault("/supplier", "missing"))
    internship = kind is PostingKind.INTERNSHIP
    if supplier is Supplier.SCHOOL_CLASS and not internship:
        raise invalid(FieldFault("/kind", "class_internships_only"))
    if side is Side.DEMAND and internship and poster in NEVER_INTERNSHIPS:
        raise invalid(FieldFault("/kind", "internship_agency"))


async def require_fit(posting: Posting) -> None:
    """Raise DomainError 422 for what its poster, as it is by now, may not post: not always who wrote it, or as then."""
    poster = await Organisation.get(id=posting.organisation_id) if posting.organisation_id else None
    require_fitting(posting.side, posting.kind, posting.supplier, poster.kind if poster else None)


def require_placeless(address: str, latitude: float | None, longitude: float | None) -> None:
    """Raise DomainError 422 for a place in somebody's own offer: it would be where they live."""
    said = {"address": address.strip(), "latitude": latitude, "longitude": longitude}
    if faults := [FieldFault(f"/{name}", "offer_place") for name, value in said.items() if value not in {"", None}]:
        raise invalid(*faults)


async def age_of(person_id: UUID) -> int:
    """Return how old somebody is who offers their hands, by the youngest number that counts.

    Raises DomainError 409 where nobody has confirmed which student they are, or they are too young to work.
    """
    if await links.self_link(person_id) is None:
        raise DomainError("supplier_unknown", 409)
    today = clock.today()
    age = min(number.age_on(today) for number in await links.ages(person_id))
    if age < OF_AGE_TO_WORK:
        raise DomainError("supplier_too_young", 409, years=OF_AGE_TO_WORK)
    return age


async def stands(posting: Posting) -> bool:
    """Whether who posts may be seen with it: a verified organisation, a student who may act."""
    if posting.organisation_id is None:
        known = StudentLink.filter(**AS_STUDENT, ended_at=None, person_id=posting.person_id)
        return await known.filter(person__state=PersonState.ACTIVE).exists()
    return verified(await Organisation.get(id=posting.organisation_id))


def verified(organisation: Organisation) -> bool:
    """Whether an organisation's check holds today."""
    in_time = not rules.lapsed(organisation.due_on, clock.today())
    return organisation.state is OrganisationState.VERIFIED and in_time


async def require_standing(posting: Posting) -> None:
    """Raise DomainError 409 where who posts has no standing today."""
    if not await stands(posting):
        raise DomainError("poster_not_verified", 409)
