"""What came of a statement that was sent: the payer's result file, all of it back, one payment back, the receipt."""

from uuid import UUID

from sanic import HTTPResponse, Request

from miniprogram_api.imports import FILE_BYTES, FILES
from miniprogram_api.people import Reason, decider
from miniprogram_api.reading import Form
from miniprogram_api.statement_bodies import BankReturned, ReceiptSaid
from miniprogram_api.statement_views import StatementWhole
from miniprogram_api.statements import CLERK, again, deed, shown
from miniprogram_api.web import Face, allow, answers, body, first, form, idempotent
from server.access import owners
from server.awards.mistaken import CORRECTING
from server.organisations.roles import Role
from server.statements import receipts, results, sending, settling, unreturning
from server.statements.models import Receipt

statement_results = Face("statement_results", url_prefix="/statements")
TRIES, SECONDS = 60, 3600


class NewResults(Form):
    """Nothing but the file: it says itself which statement it is about."""


async def _read(request: Request, statement_id: UUID, body: NewResults, file: bytes) -> None:  # noqa: ARG001
    """Read the file before the transaction in which it is checked and done."""
    ctx = request.app.ctx
    async with ctx.limits.counted("statement results", str(request.ctx.caller.person_id), TRIES, SECONDS):
        request.ctx.sent = await results.read(file, ctx.spreadsheets)


@statement_results.post("/<statement_id:uuid>/results", stream=True)
@allow(Role.FINANCE)
@idempotent(again, required=True)
@form(NewResults, FILE_BYTES, *FILES)
@first(_read)
@answers(200, StatementWhole)
async def take_in(request: Request, statement_id: UUID, **_: object) -> HTTPResponse:
    """Take in the payer's file with its two columns filled in; rows may come in several files.

    Every row is compared with what went out, and where one does not fit nothing is done. The same said again changes
    nothing.
    """
    await results.take_in(statement_id, request.ctx.sent, request.ctx.caller.person_id)
    return await shown(request, statement_id)


@deed(statement_results, "return", Role.FINANCE, Reason)
async def take_back(request: Request, statement_id: UUID, body: Reason) -> HTTPResponse:
    """Note that the payer sent all of it back unpaid; its awards can be put on another statement."""
    await sending.take_back(statement_id, decider(request, body))
    return await shown(request, statement_id)


@deed(statement_results, "bank-return", Role.FINANCE, BankReturned)
async def bank_return(request: Request, statement_id: UUID, body: BankReturned) -> HTTPResponse:
    """Note that the bank sent one payment back: its spending is reversed, and the award is to be paid again."""
    await settling.bank_return(statement_id, body.which(), decider(request, body))
    return await shown(request, statement_id)


@deed(statement_results, "undo-bank-return", CORRECTING, BankReturned)
async def undo_bank_return(request: Request, statement_id: UUID, body: BankReturned) -> HTTPResponse:
    """Take back that the bank sent a payment back, as another than who entered it: the award is paid as before."""
    await unreturning.undo_bank_return(statement_id, body.which(), decider(request, body))
    return await shown(request, statement_id)


@statement_results.post("/<statement_id:uuid>/receipt")
@allow(CLERK, owner=owners.statement)
@idempotent(again, required=True)
@body(ReceiptSaid)
@answers(200, StatementWhole)
async def receipt(request: Request, statement_id: UUID, body: ReceiptSaid) -> HTTPResponse:
    """Say for the payee whether the money has come; it can be said anew, and holds nothing up."""
    await receipts.say(statement_id, Receipt(body.verdict), body.note, request.ctx.caller.person_id)
    return await shown(request, statement_id)
