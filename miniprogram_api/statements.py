"""Statements: opened, locked, approved, sent, settled row by row, and what became of them after that."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from uuid import UUID

from sanic import HTTPResponse, Request

from miniprogram_api.idempotent import made
from miniprogram_api.listing import Columns, Table, listed
from miniprogram_api.people import Reason, decider
from miniprogram_api.reading import Body
from miniprogram_api.representation import FixedResponse
from miniprogram_api.shelf import ListView
from miniprogram_api.statement_bodies import NewStatement, StatementQuery
from miniprogram_api.statement_views import ROWS_SHOWN, StatementRowView, StatementView, StatementWhole, rows_table
from miniprogram_api.tables import MEDIA, XLSX, Exportable, attachment, told
from miniprogram_api.web import Face, Handler, allow, answer, answers, body, idempotent, query
from miniprogram_api.words import Words
from server.access import exports, owners, rules
from server.access.rules import Right, own
from server.kernel import clock
from server.kernel.money import yuan_text
from server.kernel.paging import Page
from server.organisations.payee_accounts import PAYEES
from server.organisations.roles import STAFF, Role
from server.statements import giving, holding, listing, locking, opening, options, payer_file, sending
from server.statements.listing import Seen
from server.statements.states import Verb

statements = Face("statements", url_prefix="/statements")
CLERK = own(Role.CLERK)


async def shown(request: Request, statement_id: UUID, status: int = 200) -> FixedResponse:
    """Answer with a statement and its first rows, as its caller may see it."""
    row = await holding.statement(statement_id)
    [seen], lines = await listing.seen([row]), await listing.lines(row, ROWS_SHOWN, None)
    may = await _may(request, [seen])
    view = StatementWhole.whole(seen, lines, may[row.id], staff=request.ctx.caller.of_secretariat)
    return made(answer(view, status, row.version), str(row.id))


async def again(request: Request, statement_id: str) -> HTTPResponse:
    """Answer for a request that was sent again."""
    return await shown(request, UUID(statement_id))


async def _opened_again(request: Request, statement_id: str) -> HTTPResponse:
    return await shown(request, UUID(statement_id), 201)


async def _may(request: Request, seen: Sequence[Seen]) -> Mapping[UUID, Sequence[Verb]]:
    """Return by statement what its caller may do with it."""
    if not request.ctx.caller.of_secretariat:
        return {one.row.id: options.open_to_payee(one.row) for one in seen}
    caller = request.ctx.caller
    found = await options.open_to(seen, caller.person_id, {post.role for post in caller.posts})
    return {one.row.id: found.get(one.row.id, ()) for one in seen}


@statements.post("/")
@allow(Role.FINANCE)
@idempotent(_opened_again, required=True)
@body(NewStatement)
@answers(201, StatementWhole)
async def open_statement(request: Request, body: NewStatement) -> HTTPResponse:
    """Open a statement: approved awards of one payee and one fund, of this year's budget."""
    row = await opening.open_statement(body.wanted(), request.ctx.caller.person_id)
    return await shown(request, row.id, 201)


@statements.get("/")
@allow(Right(Role.CLERK, frozenset(PAYEES)), *STAFF)
@query(StatementQuery)
@answers(200, ListView[StatementView], *MEDIA)
async def index(request: Request, query: StatementQuery) -> HTTPResponse:
    """List statements, the newest first: all for the secretariat, for others their own once they have gone out."""
    staff, within = request.ctx.caller.of_secretariat, rules.within(request.ctx.caller)

    async def fetch(limit: int, cursor: str | None) -> Page[StatementView]:
        found = await listing.statements(query.wanted(), within, limit, cursor)
        may = await _may(request, found.items)
        return Page([StatementView.of(one, may[one.row.id], staff=staff) for one in found.items], found.next_cursor)

    return await listed(request, query, _table(request.app.ctx.words), fetch, lambda view: view)


@statements.get("/<statement_id:uuid>")
@allow(CLERK, *STAFF, owner=owners.statement)
@answers(200, StatementWhole)
async def one(request: Request, statement_id: UUID) -> HTTPResponse:
    """Show a statement with its first rows."""
    return await shown(request, statement_id)


@statements.get("/<statement_id:uuid>/rows")
@allow(CLERK, *STAFF, owner=owners.statement)
@query(Exportable)
@answers(200, ListView[StatementRowView], *MEDIA)
async def rows(request: Request, statement_id: UUID, query: Exportable) -> HTTPResponse:
    """List the rows of a statement with what came of each; of an open one the awards that are on it."""
    row = await holding.statement(statement_id)
    table = rows_table(request.app.ctx.words, row.number)
    return await listed(
        request, query, table, lambda limit, cursor: listing.lines(row, limit, cursor), StatementRowView.of
    )


def deed(
    face: Face, verb: str, role: Role | Sequence[Role], said: type[Body] | None = None
) -> Callable[[Handler], Handler]:
    """State what somebody of the secretariat does, by `verb`, with a statement, and what is said with it."""

    def state(handler: Handler) -> Handler:
        stated = answers(200, StatementWhole)(idempotent(again, required=True)(handler))
        declared = allow(*([role] if isinstance(role, Role) else role))(body(said)(stated) if said else stated)
        face.add_route(declared, f"/<statement_id:uuid>/{verb}", methods=["POST"])
        return declared

    return state


@deed(statements, "lock", Role.FINANCE)
async def lock(request: Request, statement_id: UUID) -> HTTPResponse:
    """Lock a statement: its rows, sums, account and payer never change from then on, and its money is committed."""
    await locking.lock(statement_id, request.ctx.caller.person_id)
    return await shown(request, statement_id)


@deed(statements, "approve", Role.APPROVER, Reason)
async def approve(request: Request, statement_id: UUID, body: Reason) -> HTTPResponse:
    """Let a locked statement go out; by as many different people as its total asks for."""
    await sending.approve(statement_id, decider(request, body))
    return await shown(request, statement_id)


@deed(statements, "send", Role.FINANCE)
async def send(request: Request, statement_id: UUID) -> HTTPResponse:
    """Send a statement to its payer; not by who approved it, and only while the account in force is the locked one."""
    await sending.send(statement_id, request.ctx.caller.person_id)
    return await shown(request, statement_id)


@deed(statements, "void", Role.FINANCE, Reason)
async def void(request: Request, statement_id: UUID, body: Reason) -> HTTPResponse:
    """Give a statement up before it is sent; its awards can be put on another one."""
    await sending.void(statement_id, decider(request, body))
    return await shown(request, statement_id)


@statements.get("/<statement_id:uuid>/file.xlsx")
@allow(Role.FINANCE)
@answers(200, None, XLSX)
async def file(request: Request, statement_id: UUID) -> HTTPResponse:
    """Give out the payer's file of a locked statement, with the account in full; that is noted for the payee to see."""
    caller = request.ctx.caller
    mark = f"导出：{await exports.who(caller)}　时间：{told(clock.now())}"
    found = await giving.give(statement_id, caller.person_id, mark)
    return attachment(await asyncio.to_thread(payer_file.write, found), XLSX, f"结算单-{found.number}.xlsx")


def _table(words: Words) -> Table[StatementView]:
    columns: Columns[StatementView] = (
        ("编号", lambda one: one.number),
        ("状态", lambda one: words.statement_states[one.state]),
        ("收款单位", lambda one: one.payee.name),
        ("资金渠道", lambda one: one.fund.name),
        ("预算年度", lambda one: one.year),
        ("笔数", lambda one: one.count),
        ("应付（元）", lambda one: yuan_text(one.total_fen)),
        ("抵扣（元）", lambda one: yuan_text(one.offset_fen)),
        ("付款单位", lambda one: one.payer and one.payer.name),
        ("户名", lambda one: one.account and one.account.holder),
        ("账号", lambda one: one.account and one.account.number and one.account.number.masked),
        ("已支付", lambda one: one.outcomes.paid),
        ("失败", lambda one: one.outcomes.failed),
        ("退汇", lambda one: one.outcomes.bank_returned),
        ("回执", lambda one: words.receipts[one.receipt.verdict]),
        ("锁定时间", lambda one: one.locked_at),
        ("送出时间", lambda one: one.sent_at),
        ("开立时间", lambda one: one.created_at),
        ("现状态起于", lambda one: one.state_since),
    )
    return Table("statements", "结算单", columns)
