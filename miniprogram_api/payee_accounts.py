"""The account that an organisation is paid into."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import StringConstraints
from sanic import HTTPResponse, Request

from miniprogram_api import scans
from miniprogram_api.idempotent import made
from miniprogram_api.people import Reason
from miniprogram_api.reading import IMPERSONAL, Body, Paged, Query
from miniprogram_api.scans import SCAN_BYTES, SCAN_MEDIA
from miniprogram_api.shelf import ListView, paged
from miniprogram_api.web import Face, allow, answer, answers, body, idempotent, query, upload
from server.access import owners
from server.access.rules import own
from server.kernel.sensitive import Sensitive, if_readable
from server.organisations import payee_accounts as service
from server.organisations import payee_documents, payee_warnings
from server.organisations.models import AccountBasis, AccountState, PayeeAccount
from server.organisations.payee_accounts import Named, Verdict
from server.organisations.roles import Role

payee_accounts = Face("payee_accounts", url_prefix="/organisations/<organisation_id:uuid>/payee-account")
_PRINTED = r"^[^\x00-\x1f\x7f]*$"
Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100, pattern=_PRINTED)]


class NewAccount(Body):
    """An account: one's own, or for a school that of its documented holder, with the reason (`agent_reason`)."""

    basis: AccountBasis
    holder: Line
    bank: Line
    number: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    agent_reason: Annotated[str, StringConstraints(strip_whitespace=True, max_length=500), IMPERSONAL] = ""


class Confirming(Body):
    """`account` and `document_scan` are ids of what was looked at: what came in its place is not confirmed unseen."""

    account: UUID | None = None
    document_scan: UUID | None = None
    reason: Annotated[str, StringConstraints(strip_whitespace=True, max_length=500), IMPERSONAL] = ""


class Refusing(Reason):
    """Why the account is refused, and as in confirming, which one."""

    account: UUID | None = None
    document_scan: UUID | None = None


class DocumentQuery(Query):
    """Of which account, by its id; left out: of the one that waits, else of the one in force."""

    account: UUID | None = None


class AccountView(Body):
    """An account, its number masked, null once it is kept no longer or where it cannot be read.

    `document_scan` is the id of its document. What follows `reason` is for finance to weigh and never keeps anything
    from going.
    `also_used_by` counts other organisations with the same number, null to its managers; `holder_differs` says that an
    own account goes by another name than the organisation's.
    """

    id: UUID
    basis: AccountBasis
    holder: str
    bank: str
    number: Sensitive | None
    agent_reason: str
    document_scan: UUID | None
    state: AccountState
    named_by: UUID
    named_at: datetime
    decided_by: UUID | None
    decided_at: datetime | None
    reason: str
    holder_differs: bool
    also_used_by: int | None

    @classmethod
    def of(cls, row: PayeeAccount, also_used_by: int | None) -> Self:
        """Return the view of a row that was fetched with its organisation."""
        same = {name: getattr(row, name) for name in cls.model_fields if hasattr(row, name)}
        return cls(
            **same,
            number=if_readable(service.number_of, row),
            document_scan=row.document_scan_id,
            named_by=row.named_by_id,
            decided_by=row.decided_by_id,
            holder_differs=payee_warnings.holder_differs(row),
            also_used_by=also_used_by,
        )


class AccountsView(Body):
    """The account in force, and the one that waits for finance."""

    current: AccountView | None
    pending: AccountView | None


async def _views(rows: Sequence[PayeeAccount], request: Request) -> list[AccountView]:
    finance = any(post.role is Role.FINANCE for post in request.ctx.caller.posts)
    used = await payee_warnings.also_used_by(rows) if finance else {}
    return [AccountView.of(row, used.get(row.id)) for row in rows]


async def _again(request: Request, account_id: str) -> HTTPResponse:
    [view] = await _views([await service.account(UUID(account_id))], request)
    return made(answer(view), account_id)


@payee_accounts.put("/")
@allow(own(Role.MANAGER), owner=owners.organisation)
@body(NewAccount)
@answers(200, AccountView)
async def name(request: Request, organisation_id: UUID, body: NewAccount) -> HTTPResponse:
    """Name the account to be paid into; it counts once the secretariat's finance has confirmed it."""
    named = Named(**body.model_dump())
    row = await service.name(organisation_id, named, by=request.ctx.caller.person_id)
    return await _again(request, str(row.id))


@payee_accounts.get("/")
@allow(own(Role.MANAGER), Role.FINANCE, owner=owners.organisation)
@answers(200, AccountsView)
async def show(request: Request, organisation_id: UUID) -> HTTPResponse:
    """Show the account in force and the one that waits."""
    found = await service.accounts(organisation_id)
    views = {view.id: view for view in await _views([row for row in (found.current, found.pending) if row], request)}
    current, pending = [views[row.id] if row else None for row in (found.current, found.pending)]
    return answer(AccountsView(current=current, pending=pending))


@payee_accounts.get("/history")
@allow(own(Role.MANAGER), Role.FINANCE, owner=owners.organisation)
@query(Paged)
@answers(200, ListView[AccountView])
async def history(request: Request, organisation_id: UUID, query: Paged) -> HTTPResponse:
    """List every account that the organisation ever named, the newest first."""
    found = await service.history(organisation_id, query.limit, query.cursor)
    views = {view.id: view for view in await _views(found.items, request)}
    return paged(found, lambda row: views[row.id])


@payee_accounts.put("/document", stream=True)
@allow(own(Role.MANAGER), owner=owners.organisation)
@upload(SCAN_BYTES, *SCAN_MEDIA)
@answers(200, AccountView)
async def put_document(request: Request, organisation_id: UUID) -> HTTPResponse:
    """Put a scan of the paper by which an agent holds the account that waits: a JPEG or PNG of up to 5 MB."""
    await request.receive_body()  # type: ignore[no-untyped-call]
    ctx, by = request.app.ctx, request.ctx.caller.person_id
    row = await payee_documents.put(organisation_id, request.body, ctx.scans, ctx.files, by=by)
    return await _again(request, str(row.id))


@payee_accounts.get("/document")
@allow(own(Role.MANAGER), Role.FINANCE, owner=owners.organisation)
@query(DocumentQuery)
@answers(200, None, "image/jpeg")
@answers(204)
async def document(request: Request, organisation_id: UUID, query: DocumentQuery) -> HTTPResponse:
    """Show the document of an account; 204 where there is none. Staff who look are noted."""
    looks, files = scans.from_outside(request.ctx.caller, organisation_id), request.app.ctx.files
    return scans.shown(await payee_documents.picture(organisation_id, query.account, files, by=looks))


@payee_accounts.post("/confirm")
@allow(Role.FINANCE, owner=owners.organisation)
@idempotent(_again)
@body(Confirming, optional=True)
@answers(200, AccountView)
async def confirm(request: Request, organisation_id: UUID, body: Confirming) -> HTTPResponse:
    """Let money go to the account that waits; by finance who neither named it nor belongs to the organisation.

    An agent's needs its document first.
    """
    verdict = Verdict(request.ctx.caller.person_id, body.reason, body.account, body.document_scan)
    row = await service.confirm(organisation_id, verdict)
    return await _again(request, str(row.id))


@payee_accounts.post("/refuse")
@allow(Role.FINANCE, owner=owners.organisation)
@idempotent(_again)
@body(Refusing)
@answers(200, AccountView)
async def refuse(request: Request, organisation_id: UUID, body: Refusing) -> HTTPResponse:
    """Refuse the account that waits, with a reason; the one in force stays."""
    verdict = Verdict(request.ctx.caller.person_id, body.reason, body.account, body.document_scan)
    row = await service.refuse(organisation_id, verdict)
    return await _again(request, str(row.id))
