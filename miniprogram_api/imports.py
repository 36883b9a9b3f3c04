"""Lists of students as spreadsheets: sent, worked off, looked at, and what was refused taken back to be mended.

Feeder schools send referrals and vocational schools enrolments; the routes are the same for both.
"""

import asyncio
from collections.abc import Sequence
from uuid import UUID

from sanic import HTTPResponse, Request

from miniprogram_api.auth import OwnerOf
from miniprogram_api.idempotent import made
from miniprogram_api.import_views import (
    FailedQuery,
    ImportsQuery,
    ImportView,
    NewEnrolments,
    NewReferrals,
    RowsQuery,
    RowView,
    failed_row,
    imports_table,
)
from miniprogram_api.listing import listed
from miniprogram_api.representation import FixedResponse
from miniprogram_api.shelf import ListView, paged
from miniprogram_api.tables import MEDIA, XLSX, attachment, told
from miniprogram_api.web import Face, First, allow, answer, answers, first, form, idempotent, query
from server.access import acting, owners
from server.access.rules import own
from server.imports import service, sheets
from server.imports.models import Import, ImportKind, ImportRow
from server.kernel import clock
from server.organisations.roles import Kind, Role
from server.people import service as people
from server.referrals import arrivals, importing
from server.referrals.arrivals import Sender

FILE_BYTES = 8 * 1024 * 1024
FILES = (XLSX, "text/csv")
TRIES, SECONDS = 60, 3600
SENDERS = {ImportKind.REFERRAL: Kind.FEEDER_SCHOOL, ImportKind.ENROLMENT: Kind.VOCATIONAL_SCHOOL}
"""Which schools send which kind of list."""


def _face(kind: ImportKind, said: type[NewEnrolments], owner: OwnerOf) -> Face:
    """Return the routes of one kind of list; `owner` tells whose an import of this kind is."""
    face = Face(f"{kind}_imports", url_prefix=f"/{kind}s")
    _sent_by(face, kind, said)
    _looked_at(face, kind, owner)
    return face


def _sent_by(face: Face, kind: ImportKind, said: type[NewEnrolments]) -> None:
    """Add how a school sends a list of its own, and sees which ones it sent."""
    school = SENDERS[kind]

    @face.get("/template.xlsx")
    @allow(Role.CLERK, of=school)
    @answers(200, None, XLSX)
    async def template(request: Request) -> HTTPResponse:
        """Give out the spreadsheet to fill in, with an example, words to choose from and notes."""
        lists = request.app.ctx.lists
        columns, title = await importing.columns(kind, lists), lists.of(kind).title
        body = await asyncio.to_thread(sheets.template, columns, title)
        return attachment(body, XLSX, f"{title}.xlsx")

    @face.post("/imports", stream=True)
    @allow(Role.CLERK, of=school)
    @idempotent(_received_again)
    @form(said, FILE_BYTES, *FILES)
    @first(_reading(kind))
    @answers(202, ImportView)
    async def send(request: Request, **_: object) -> HTTPResponse:
        """Send a list, xlsx or csv, up to 10,000 rows; it is worked off when its turn comes."""
        rows_id, sent = request.ctx.sent
        return await _received(request, await service.receive(rows_id, sent, request.app.ctx.wakeup))

    @face.get("/imports")
    @allow(Role.CLERK, of=school)
    @query(ImportsQuery)
    @answers(200, ListView[ImportView], *MEDIA)
    async def index(request: Request, query: ImportsQuery) -> HTTPResponse:
        """List the lists that one's school sent, the newest first."""
        schools = acting.organisations(request.ctx.caller, Role.CLERK, school, query.organisation)
        ctx = request.app.ctx
        return await listed(
            request,
            query,
            imports_table(kind, ctx.words, ctx.lists.of(kind).title),
            lambda limit, cursor: service.listed(kind, schools, limit, cursor),
            lambda row: ImportView.of(row, ctx.problems),
        )


def _looked_at(face: Face, kind: ImportKind, owner: OwnerOf) -> None:
    """Add what is seen of one list, and how its refused rows are taken back."""
    school = SENDERS[kind]

    @face.get("/imports/<import_id:uuid>")
    @allow(own(Role.CLERK, of=school), owner=owner)
    @answers(200, ImportView)
    async def one(request: Request, import_id: UUID) -> HTTPResponse:
        """Show how far a list is worked off."""
        return answer(ImportView.of(await service.imported(import_id), request.app.ctx.problems))

    @face.get("/imports/<import_id:uuid>/rows")
    @allow(own(Role.CLERK, of=school), owner=owner)
    @query(RowsQuery)
    @answers(200, ListView[RowView])
    async def rows(request: Request, import_id: UUID, query: RowsQuery) -> HTTPResponse:
        """List what became of the rows, in their order, with what is to be said of them."""
        source = await service.imported(import_id)
        found = await service.rows(import_id, query.outcome, query.limit, query.cursor)
        return paged(found, lambda row: RowView.of(row, source, request))

    @face.get("/imports/<import_id:uuid>/failed.xlsx")
    @allow(own(Role.CLERK, of=school), owner=owner)
    @query(FailedQuery)
    @answers(200, None, XLSX)
    async def failed(request: Request, import_id: UUID, query: FailedQuery) -> HTTPResponse:
        """Give the refused rows back in full with what is wrong, to be mended and sent again; that is noted."""
        source, by = await service.imported(import_id), request.ctx.caller.person_id
        reason = query.reason or request.app.ctx.lists.failed.reason
        refused = await service.failed_rows(source, by, reason)
        return await _given_back(request, source, refused)


def _reading(kind: ImportKind) -> First:
    """Return what reads and keeps a list of `kind` before the transaction that takes it in."""

    async def receive(request: Request, body: NewEnrolments, file: bytes) -> None:
        ctx, caller = request.app.ctx, request.ctx.caller
        async with ctx.limits.counted("imports", str(caller.person_id), TRIES, SECONDS):
            school = acting.organisation(caller, Role.CLERK, SENDERS[kind], body.organisation)
            sender, given = Sender(kind, school, caller.person_id), body.wanted()
            request.ctx.sent = await arrivals.take_in(sender, given, file, ctx.spreadsheets, ctx.lists, ctx.files)

    return receive


async def _received(request: Request, source: Import) -> FixedResponse:
    return made(answer(ImportView.of(source, request.app.ctx.problems), 202), str(source.id))


async def _received_again(request: Request, import_id: str) -> HTTPResponse:
    rows_id, _ = request.ctx.sent
    await request.app.ctx.files.delete(rows_id)  # sent once more, kept once
    return await _received(request, await service.imported(UUID(import_id)))


async def _given_back(request: Request, source: Import, rows: Sequence[ImportRow]) -> HTTPResponse:
    ctx = request.app.ctx
    title, name = ctx.lists.failed.title, people.readable_name(await people.person(request.ctx.caller.person_id))
    who = f"{source.organisation.name} {name.masked if name else ''}".strip()
    mark = f"{title}　{who}　{told(clock.now())}　{len(rows)}"

    def write() -> bytes:
        found = (failed_row(row, source, ctx.problems, ctx.lists) for row in rows)
        ours = ctx.lists.headings(source.kind)  # theirs may stand over two rows, be cut, or hold a number
        return sheets.failed([ours[field] for field, _ in source.headings], found, mark)

    return attachment(await asyncio.to_thread(write), XLSX, f"{title}.xlsx")


referral_imports = _face(ImportKind.REFERRAL, NewReferrals, owners.referral_import)
enrolment_imports = _face(ImportKind.ENROLMENT, NewEnrolments, owners.enrolment_import)
