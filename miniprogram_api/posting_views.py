"""Postings as anyone, their own people and the secretariat see them."""

from datetime import date, datetime
from types import SimpleNamespace
from typing import Any, Self
from uuid import UUID

from sanic import Request

from miniprogram_api.idempotent import made
from miniprogram_api.people import OrganisationName
from miniprogram_api.problem import Problems
from miniprogram_api.reading import Body
from miniprogram_api.representation import FixedResponse
from miniprogram_api.web import answer
from server.access.rules import Caller
from server.kernel.errors import FieldFault
from server.kernel.sensitive import if_readable
from server.labour import posters, service
from server.labour.contacts import contact_of
from server.labour.drafts import Draft
from server.labour.keeping import PUBLIC, readable
from server.labour.models import (
    ContactShown,
    PayUnit,
    Posting,
    PostingKind,
    PostingState,
    Settlement,
    Shift,
    Side,
    Supplier,
)


class ContactView(Body):
    """Whom one asks for, masked to staff."""

    name: str
    phone: str
    shown: ContactShown


class FindingView(Body):
    """What is to be said of a field: `refuse` must be changed, `warn` be known, `review` be judged by a reviewer."""

    field: str
    code: str
    level: str
    detail: str
    source: str

    @classmethod
    def of(cls, found: dict[str, Any], problems: Problems) -> Self:
        """Return what was found, in words."""
        detail = problems.sentence(FieldFault(f"/{found['field']}", found["code"], found["facts"]))
        return cls(detail=detail, **{name: found[name] for name in ("field", "code", "level", "source")})


class ReasonView(Body):
    """Why it was returned or removed; an empty `field` is all of it."""

    field: str
    text: str


class PendingPostingView(Body):
    """A change that waits for a reviewer, by field, or was `refused` by one."""

    fields: dict[str, Any]
    findings: list[FindingView]
    refused: bool
    reasons: list[ReasonView]

    @classmethod
    def of(cls, pending: dict[str, Any], problems: Problems) -> Self:
        """Return the view of what lies beside a row."""
        return cls(
            fields=pending["fields"],
            findings=[FindingView.of(one, problems) for one in pending["findings"]],
            refused=pending.get("refused", False),
            reasons=[ReasonView(**one) for one in pending.get("reasons", ())],
        )


class PostingView(Body):
    """A posting. `version` counts writes and is the ETag, `pay_fen` is for one `pay_unit`, `hours` as they were given.

    `organisation` is null where a student or a team offers itself. `hourly_fen` is what the pay comes to in an hour,
    null where that cannot be said, and `hourly_assumption` how that was reckoned. `contact` is null for whom it is not
    shown to. From `pending_revision` on all is for its own people and the secretariat, and null or empty to others.
    """

    id: UUID
    version: int
    side: Side
    kind: PostingKind
    supplier: Supplier | None
    organisation: OrganisationName | None
    title: str
    occupation: str | None
    major: str | None
    region: str | None
    address: str
    latitude: float | None
    longitude: float | None
    headcount: int | None
    filled: int
    starts_on: date | None
    ends_on: date | None
    hours: dict[str, Any]
    shift: Shift
    pay_fen: int | None
    pay_unit: PayUnit | None
    pieces_per_hour: int | None
    hourly_fen: int | None
    hourly_assumption: str | None
    settlement: Settlement | None
    deductions: str
    meals: bool
    lodging: bool
    transport: bool
    insurance: str
    age_min: int | None
    age_max: int | None
    requirements: str
    description: str
    contact: ContactView | None
    source: str
    valid_until: date | None
    state: PostingState
    published_at: datetime | None
    pending_revision: PendingPostingView | None = None
    findings: tuple[FindingView, ...] = ()
    reasons: tuple[ReasonView, ...] = ()
    similar_to_id: UUID | None = None
    paused_for: str | None = None
    submitted_at: datetime | None = None
    state_since: datetime | None = None
    created_at: datetime | None = None


_INSIDE = frozenset({
    "pending_revision", "findings", "reasons", "similar_to_id", "paused_for", "submitted_at", "state_since",
    "created_at",
})  # fmt: skip
_MADE = frozenset({"organisation", "contact", "hourly_assumption"})


def belongs(caller: Caller | None, posting: Posting) -> bool:
    """Whether a posting is the caller's own, or of the organisation in which they act."""
    if caller is None:
        return False
    if posting.organisation_id is None:
        return posting.person_id == caller.person_id
    return any(post.organisation_id == posting.organisation_id for post in caller.posts)


def of_secretariat(caller: Caller | None) -> bool:
    """Whether the caller works in the secretariat."""
    return caller is not None and caller.of_secretariat


async def visible(posting: Posting, caller: Caller | None) -> bool:
    """Whether a caller may know of a posting: published by who has standing, their own, or all for the secretariat."""
    if belongs(caller, posting) or of_secretariat(caller):
        return True
    return readable(posting) and await posters.stands(posting)


def view_of(posting: Posting, caller: Caller | None, ctx: SimpleNamespace) -> PostingView:
    """Return the view, for a caller, of a row that was fetched with its organisation; `ctx` is the app's."""
    problems: Problems = ctx.problems
    row = {name: getattr(posting, name) for name in PostingView.model_fields.keys() - _INSIDE - _MADE}
    inside: dict[str, Any] = {}
    if belongs(caller, posting) or of_secretariat(caller):
        inside = {name: getattr(posting, name) for name in _INSIDE - {"pending_revision", "findings", "reasons"}}
        inside["pending_revision"] = posting.pending and PendingPostingView.of(posting.pending, problems)
        inside["findings"] = tuple(FindingView.of(one, problems) for one in posting.findings)
        inside["reasons"] = tuple(ReasonView(**one) for one in posting.reasons)
    hourly = ctx.fairness.hourly(Draft.of(posting))
    row["hourly_assumption"] = hourly.assumption if hourly else None
    organisation = OrganisationName.of(posting.organisation) if posting.organisation else None
    return PostingView(organisation=organisation, contact=_contact(posting, caller), **row, **inside)


def shown(request: Request, posting: Posting, status: int = 200) -> FixedResponse:
    """Answer with a posting and its ETag, as a handler that made or changed it."""
    view = view_of(posting, request.ctx.caller, request.app.ctx)
    return made(answer(view, status, posting.version), str(posting.id))


async def again(request: Request, posting_id: str) -> FixedResponse:
    """Answer again with a posting that was changed."""
    return shown(request, await service.posting(UUID(posting_id)))


async def made_again(request: Request, posting_id: str) -> FixedResponse:
    """Answer again with a posting that was made."""
    return shown(request, await service.posting(UUID(posting_id)), 201)


def _contact(posting: Posting, caller: Caller | None) -> ContactView | None:
    """Return the contact, if readable: in full for its people and whom it is shown to, masked for the secretariat."""
    contact = if_readable(contact_of, posting) if caller else None
    if contact is None:
        return None
    if belongs(caller, posting) or (posting.state in PUBLIC and contact.shown is ContactShown.SIGNED_IN):
        return ContactView(name=contact.name.reveal(), phone=contact.phone.reveal(), shown=contact.shown)
    if of_secretariat(caller):
        return ContactView(name=contact.name.masked, phone=contact.phone.masked, shown=contact.shown)
    return None
