"""Organisations, and how one who belongs to them is shown."""

from datetime import date, datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import Field
from sanic import HTTPResponse, Request

from miniprogram_api.appeals import OutcomeView
from miniprogram_api.auth import Access
from miniprogram_api.idempotent import made
from miniprogram_api.organisation_bodies import Correction, NewOrganisation
from miniprogram_api.reading import Body
from miniprogram_api.representation import FixedResponse
from miniprogram_api.web import Face, allow, answer, answers, body, idempotent, if_match
from server.access import owners, rules
from server.access.rules import Caller, own
from server.kernel.sensitive import Sensitive, if_readable
from server.organisations import applications, service
from server.organisations.applications import contact_of
from server.organisations.decisions import last_decision
from server.organisations.models import Membership, MembershipState, Organisation, OrganisationState
from server.organisations.roles import STAFF, Kind, Role
from server.people.service import readable_name

organisations = Face("organisations", url_prefix="/organisations")


class PendingView(Body):
    """What waits for a reviewer beside what holds; of the name, codes, region and licence only those that change.

    `renewal` says that a recheck is asked for, `refused` that a reviewer said no: then nothing waits any more.
    """

    name: str | None = None
    credit_code: str | None = None
    school_code: str | None = None
    region: str | None = None
    licence_number: str | None = None
    licence_valid_to: Annotated[date | None, Field(strict=False)] = None
    renewal: bool = False
    refused: bool = False


class OrganisationView(Body):
    """An organisation as its members and the secretariat see it.

    `contact_name` is the person handling it, masked; `due_on` the last day on which its check holds, null where that is
    not limited; a vocational school is a member of the group from `member_since`, null for none, to `member_until`,
    null where no end is set; `version` counts writes and is the ETag.
    """

    id: UUID
    kind: Kind
    name: str
    credit_code: str | None
    school_code: str | None
    region: str | None
    address: str | None
    contact_name: Sensitive | None
    licence_number: str | None
    licence_valid_to: date | None
    has_licence_scan: bool
    state: OrganisationState
    pending_revision: PendingView | None
    verified_at: datetime | None
    due_on: date | None
    successor_id: UUID | None
    member_since: date | None
    member_until: date | None
    version: int
    created_at: datetime

    @classmethod
    def of(cls, organisation: Organisation, **more: Any) -> Self:
        """Return the view of a row."""
        made = {
            "contact_name": if_readable(contact_of, organisation),
            "has_licence_scan": organisation.licence_scan_id is not None,
            "pending_revision": organisation.pending_revision and PendingView(**organisation.pending_revision),
            **more,
        }
        return cls(**made, **{name: getattr(organisation, name) for name in cls.model_fields if name not in made})


class DecisionView(Body):
    """How an organisation came to stand as it does; nobody's name is given."""

    event: str
    reason: str
    made_at: datetime


class OrganisationDetailView(OrganisationView):
    """The same with the last decision and what came of the last appeal, each null before there is one."""

    decision: DecisionView | None
    appeal: OutcomeView | None


class RequestedView(Body):
    """The organisation that has the code already; one of its managers decides on the request to join."""

    id: UUID
    name: str
    joined: Literal["requested"]


class MemberPersonView(Body):
    """Who a member is; `name` is null until they said it.

    Its members see it in full, as they act for it under their names; everyone else, the secretariat too, sees it
    masked. Of who only asks to join it is masked, unless the organisation is verified.
    """

    id: UUID
    name: str | None


class MemberView(Body):
    """A membership, or the request for one, with the person; `id` is the membership's own."""

    id: UUID
    role: Role
    state: MembershipState
    created_at: datetime
    person: MemberPersonView

    @classmethod
    def of(cls, membership: Membership, caller: Caller) -> Self:
        """Return the view, for a caller, of a row that was fetched with its person and organisation."""
        person = MemberPersonView(id=membership.person_id, name=_name(membership, caller))
        return cls(
            id=membership.id,
            role=membership.role,
            state=membership.state,
            created_at=membership.created_at,
            person=person,
        )


def _name(membership: Membership, caller: Caller) -> str | None:
    name, verified = readable_name(membership.person), membership.organisation.state is OrganisationState.VERIFIED
    if name is None:
        return None
    known = verified or membership.state is MembershipState.ACTIVE
    return name.reveal() if known and rules.belongs(caller, membership.organisation_id) else name.masked


async def shown(organisation: Organisation, status: int = 200) -> FixedResponse:
    """Answer with an organisation and its ETag, as a handler that made or changed it."""
    entry = await last_decision(organisation.id)
    decision = DecisionView(event=entry.action, reason=entry.reason, made_at=entry.made_at) if entry else None
    subject = f"organisation:{organisation.id}"
    view = OrganisationDetailView.of(organisation, decision=decision, appeal=await OutcomeView.last_of(subject))
    return made(answer(view, status, organisation.version), subject)


async def again(_request: Request, subject: str) -> HTTPResponse:
    """Answer again with an organisation that was changed."""
    return await shown(await service.organisation(UUID(subject.partition(":")[2])))


async def _applied_again(_request: Request, subject: str) -> HTTPResponse:
    organisation = await service.organisation(UUID(subject.partition(":")[2]))
    return await (_requested if subject.startswith("request:") else _founded)(organisation)


async def _founded(organisation: Organisation) -> FixedResponse:
    return await shown(organisation, 201)


async def _requested(organisation: Organisation) -> FixedResponse:
    view = RequestedView(id=organisation.id, name=organisation.name, joined="requested")
    return made(answer(view, 202), f"request:{organisation.id}")


@organisations.post("/")
@allow(Access.SIGNED_IN)
@idempotent(_applied_again)
@body(NewOrganisation)
@answers(201, OrganisationDetailView)
@answers(202, RequestedView)
async def apply(request: Request, body: NewOrganisation) -> HTTPResponse:
    """Apply for an organisation and lead it, or ask to join the one that has its code already."""
    membership = await applications.apply(body.application(), request.ctx.caller.person_id)
    founded = membership.state is MembershipState.ACTIVE
    return await (_founded if founded else _requested)(membership.organisation)


@organisations.get("/<organisation_id:uuid>")
@allow(own(Role.CLERK), *STAFF, owner=owners.organisation)
@answers(200, OrganisationDetailView)
async def organisation(_request: Request, organisation_id: UUID) -> HTTPResponse:
    """Show one organisation."""
    return await shown(await service.organisation(organisation_id))


@organisations.patch("/<organisation_id:uuid>")
@allow(own(Role.MANAGER), owner=owners.organisation)
@if_match(required=True)
@body(Correction)
@answers(200, OrganisationDetailView)
async def correct(request: Request, organisation_id: UUID, body: Correction, version: int | None) -> HTTPResponse:
    """Correct what is said of an organisation; a rejected one applies again.

    Of a verified one a new name, code or region waits for a reviewer, while the old holds.
    """
    by = request.ctx.caller.person_id
    return await shown(await applications.correct(organisation_id, body.given(), by=by, version=version))
