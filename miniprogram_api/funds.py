"""Funds, and the papers without which nothing of theirs is paid."""

from uuid import UUID

from sanic import HTTPResponse, Request

from miniprogram_api import scans
from miniprogram_api.fund_views import (
    TABLE,
    BasisQuery,
    BasisView,
    FundChange,
    FundsQuery,
    FundView,
    NewFundBody,
    PaperForm,
)
from miniprogram_api.idempotent import made
from miniprogram_api.listing import listed
from miniprogram_api.people import Reason, decider
from miniprogram_api.representation import FixedResponse
from miniprogram_api.scans import SCAN_BYTES, SCAN_MEDIA
from miniprogram_api.shelf import ListView
from miniprogram_api.tables import MEDIA
from miniprogram_api.web import Face, allow, answer, answers, body, form, idempotent, if_match, query
from server.awards import refunding
from server.funds import filing, papers, service
from server.funds.models import Fund
from server.funds.service import Change, NewFund
from server.kernel import clock
from server.organisations.roles import STAFF, Role

funds = Face("funds", url_prefix="/funds")


def _shown(request: Request, fund: Fund, status: int = 200) -> FixedResponse:
    return made(answer(FundView.of(fund, request.app.ctx.book), status, fund.version), str(fund.id))


async def _again(request: Request, fund_id: str) -> HTTPResponse:
    return _shown(request, await service.fund(UUID(fund_id)), 201)


async def _basis(fund_id: UUID, year: int | None) -> FixedResponse:
    await service.fund(fund_id)
    year = year or clock.today().year
    return answer(BasisView.of(year, await papers.missing(fund_id, year), await filing.history(fund_id)))


@funds.post("/")
@allow(Role.FINANCE, Role.ADMIN)
@idempotent(_again, required=True)
@body(NewFundBody)
@answers(201, FundView)
async def make(request: Request, body: NewFundBody) -> HTTPResponse:
    """Make a fund for programmes in force here; nothing of it is paid before its papers and its budget are there."""
    new = NewFund(**body.model_dump())
    return _shown(request, await service.make(new, request.app.ctx.book, request.ctx.caller.person_id), 201)


@funds.get("/")
@allow(*STAFF)
@query(FundsQuery)
@answers(200, ListView[FundView], *MEDIA)
async def index(request: Request, query: FundsQuery) -> HTTPResponse:
    """List funds, the oldest first."""
    book = request.app.ctx.book
    return await listed(request, query, TABLE, service.listed, lambda fund: FundView.of(fund, book))


@funds.get("/<fund_id:uuid>")
@allow(*STAFF)
@answers(200, FundView)
async def show(request: Request, fund_id: UUID) -> HTTPResponse:
    """Show one fund."""
    return _shown(request, await service.fund(fund_id))


@funds.patch("/<fund_id:uuid>")
@allow(Role.FINANCE, Role.ADMIN)
@if_match(required=True)
@body(FundChange)
@answers(200, FundView)
async def change(request: Request, fund_id: UUID, body: FundChange, version: int) -> HTTPResponse:
    """Correct a fund; a programme leaves it only while no award of that programme is paid from it."""
    ctx, said = request.app.ctx, Change(**body.model_dump())
    return _shown(request, await refunding.change(fund_id, said, ctx.book, request.ctx.caller.person_id, version))


@funds.put("/<fund_id:uuid>/basis", stream=True)
@allow(Role.FINANCE, Role.ADMIN)
@form(PaperForm, SCAN_BYTES, *SCAN_MEDIA)
@answers(200, BasisView)
async def put_paper(request: Request, fund_id: UUID, body: PaperForm, file: bytes) -> HTTPResponse:
    """Put a paper on file: legal basis, payer or the recognition of an entry year, with a scan of up to 5 MB."""
    ctx = request.app.ctx
    paper = await filing.put(fund_id, body.paper(request.ctx.caller.person_id), file, ctx.scans, ctx.files)
    return await _basis(fund_id, paper.year)


async def _withdrawn_again(_request: Request, paper_id: str) -> HTTPResponse:
    paper = await filing.paper(UUID(paper_id))
    return await _basis(paper.fund_id, paper.year)


@funds.post("/<fund_id:uuid>/basis/<paper_id:uuid>/withdraw")
@allow(Role.FINANCE, Role.ADMIN)
@idempotent(_withdrawn_again, required=True)
@body(Reason)
@answers(200, BasisView)
async def withdraw_paper(request: Request, fund_id: UUID, paper_id: UUID, body: Reason) -> HTTPResponse:
    """Take a paper off at once, which is wrong or holds no more; nothing is paid on it any more."""
    paper = await filing.withdraw(fund_id, paper_id, decider(request, body))
    return made(await _basis(fund_id, paper.year), str(paper_id))


@funds.get("/<fund_id:uuid>/basis")
@allow(*STAFF)
@query(BasisQuery)
@answers(200, BasisView)
async def basis(_request: Request, fund_id: UUID, query: BasisQuery) -> HTTPResponse:
    """Show what is on file, what is missing, and what was on file before."""
    return await _basis(fund_id, query.year)


@funds.get("/<fund_id:uuid>/basis/<paper_id:uuid>/file")
@allow(*STAFF)
@answers(200, None, "image/jpeg")
async def paper(request: Request, fund_id: UUID, paper_id: UUID) -> HTTPResponse:
    """Show the scan of a paper, also of one that a newer one has replaced."""
    return scans.shown(await filing.picture(fund_id, paper_id, request.app.ctx.files))
