"""Applying for an organisation, and correcting what was said of it.

A code that an organisation has already does not make a second one: the applicant asks to join that one. The database
keeps codes single; of two who apply with one code at once, one founds and the other asks to join.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from tortoise.expressions import Q
from tortoise.queryset import QuerySet

from server.kernel import clock, sensitive
from server.kernel.errors import DomainError, FieldFault, invalid
from server.kernel.ids import new_id
from server.kernel.sensitive import Cell, Sensitive
from server.kernel.transactions import transaction
from server.organisations import keeping, memberships
from server.organisations.credit_codes import CreditCode, SchoolCode
from server.organisations.keeping import Change
from server.organisations.models import Membership, Organisation, OrganisationState
from server.organisations.roles import Kind, Role

A_DAY = timedelta(days=1)
MOST_A_DAY = 20
"""How many organisations one person may found or ask to join in a day: codes are public, who is here is not."""
CHECKED = ("name", "credit_code", "school_code", "region", "licence_number", "licence_valid_to")
"""What a verified organisation changes only once a reviewer has looked: who it is, where it counts, by what right."""
CODES = ("credit_code", "school_code")
GONE = (OrganisationState.REJECTED, OrganisationState.CLOSED)


@dataclass(frozen=True, slots=True)
class Application:
    """What is said of an organisation, each value checked and in its normal form, at least one code."""

    kind: Kind
    name: str
    credit_code: CreditCode | None
    school_code: SchoolCode | None
    region: str
    address: str
    contact_name: Sensitive
    licence_number: str | None
    licence_valid_to: date | None


@transaction
async def apply(application: Application, person_id: UUID) -> Membership:
    """Found an organisation that its applicant leads, or ask to join the one that has the code.

    Return the membership with its organisation; its state tells which. Raises DomainError 409 for a member, 429 past
    `MOST_A_DAY`.
    """
    await _require_patience(person_id)
    organisation = _row(application)
    # skipped where the code is taken: a refused row would undo the whole transaction on PostgreSQL
    await Organisation.bulk_create([organisation], ignore_conflicts=True)
    standing = await _standing(application).order_by("id").first()
    if standing is None:
        raise RuntimeError("an organisation was neither made nor met")
    if standing.id != organisation.id:
        membership = await memberships.request(standing.id, person_id)
    else:
        await keeping.note(organisation, Change("applied", "", person_id), [person_id])
        membership = await memberships.join(organisation.id, person_id, Role.MANAGER, by=person_id)
    membership.organisation = standing
    return membership


@transaction
async def correct(organisation_id: UUID, given: Mapping[str, Any], *, by: UUID, version: int | None) -> Organisation:
    """Change what is said of an organisation; `given` holds columns and `contact_name`, checked as in `Application`.

    A rejected one thereby applies again. Of a verified or lapsed one, `CHECKED` is kept apart until a reviewer decides.
    Raises DomainError 404, 409 for a suspended or closed one and for a code of another, 412, 422 where no code is left.
    """
    organisation = await keeping.hold(organisation_id, version)
    before = organisation.state
    if before in {OrganisationState.SUSPENDED, OrganisationState.CLOSED}:
        raise DomainError("organisation_state", 409)
    changed = _write(organisation, given)
    if before is OrganisationState.REJECTED:
        organisation.state = OrganisationState.APPLIED
    if not changed and organisation.state is before:
        return organisation
    if not given.keys().isdisjoint(CODES):
        await _require_free_codes(organisation)
    event = "corrected" if organisation.state is before else "applied"
    await keeping.keep(organisation, Change(event, before, by, fields=changed))
    return organisation


def contact_cell(organisation_id: UUID) -> Cell:
    """Return where the name of the person handling an organisation lies."""
    return Cell(Organisation.Meta.table, "contact_name_sealed", organisation_id)


def contact_of(organisation: Organisation) -> Sensitive | None:
    """Return who handles an organisation's affairs, None where that was never said."""
    return sensitive.unseal(contact_cell(organisation.id), sensitive.Kind.NAME, organisation.contact_name_sealed)


def licence_asked(organisation: Organisation) -> date | None:
    """Return until when the licence is valid by what waits for a reviewer, or by the row; None: without end."""
    waiting = organisation.pending_revision or {}
    if "licence_valid_to" not in waiting:
        return organisation.licence_valid_to
    return date.fromisoformat(waiting["licence_valid_to"]) if waiting["licence_valid_to"] else None


async def _require_patience(person_id: UUID) -> None:
    since = clock.now() - A_DAY
    if await Membership.filter(person_id=person_id, created_at__gt=since).count() >= MOST_A_DAY:
        raise DomainError("too_many_requests", 429, seconds=int(A_DAY.total_seconds()))


def _row(application: Application) -> Organisation:
    said = {item.name: getattr(application, item.name) for item in fields(application) if item.name != "contact_name"}
    made = Organisation(id=new_id(), created_at=clock.now(), **said)
    made.contact_name_sealed = sensitive.seal(contact_cell(made.id), application.contact_name)
    return made


def _standing(application: Application) -> QuerySet[Organisation]:
    """Return the query of the organisations that have a code of the application and are neither rejected nor closed."""
    codes = [Q(**{name: code}) for name in CODES if (code := getattr(application, name))]
    return Organisation.filter(Q(*codes, join_type="OR")).exclude(state__in=GONE)


def _write(organisation: Organisation, given: Mapping[str, Any]) -> tuple[str, ...]:
    """Put what was given into the row, or beside it; return the names of what has changed."""
    checked = {name: value for name, value in given.items() if name in CHECKED}
    direct = {name: value for name, value in given.items() if name not in CHECKED and name != "contact_name"}
    aside = organisation.state in {OrganisationState.VERIFIED, OrganisationState.LAPSED}
    changed = _set(organisation, direct if aside else {**direct, **checked})
    if "contact_name" in given and given["contact_name"] != contact_of(organisation):
        organisation.contact_name_sealed = sensitive.seal(contact_cell(organisation.id), given["contact_name"])
        changed.append("contact_name")
    if aside and checked:
        changed += put_aside(organisation, checked)
    return tuple(changed)


def _set(organisation: Organisation, values: Mapping[str, Any]) -> list[str]:
    changed = [name for name, value in values.items() if getattr(organisation, name) != value]
    organisation.update_from_dict({name: values[name] for name in changed})
    return changed


def put_aside(organisation: Organisation, checked: Mapping[str, Any]) -> list[str]:
    """Keep what differs from the row for a reviewer, together with what waits already; what was refused is let go.

    Return the names of what was given, none where nothing has changed.
    """
    before = organisation.pending_revision
    waiting = {} if before and before.get("refused") else before or {}
    asked = {
        name: value
        for name, value in {**waiting, **{name: _plain(value) for name, value in checked.items()}}.items()
        if name not in CHECKED or _plain(getattr(organisation, name)) != value
    }
    organisation.pending_revision = asked or None
    return [] if organisation.pending_revision == before else list(checked)


def _plain(value: Any) -> Any:
    """Return a value as JSON holds it."""
    return value.isoformat() if isinstance(value, date) else value


async def _require_free_codes(organisation: Organisation) -> None:
    """Raise DomainError where no code is left, or one that is asked for is another's: merging is the secretariat's."""
    asked = {**{name: getattr(organisation, name) for name in CHECKED}, **(organisation.pending_revision or {})}
    codes = {name: asked[name] for name in CODES if asked[name]}
    if not codes:
        raise invalid(FieldFault("/credit_code", "code_missing"))
    same = Q(*(Q(**{name: code}) for name, code in codes.items()), join_type="OR")
    if await Organisation.filter(same).exclude(id=organisation.id).exclude(state__in=GONE).exists():
        raise DomainError("code_taken", 409)
