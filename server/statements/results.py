"""The payer's result file: read in a process of its own, checked row by row, and then done, all of it or nothing."""

from collections.abc import Sequence
from uuid import UUID

from server.awards import paying
from server.awards.models import Part
from server.awards.paying import Hand
from server.imports import headings
from server.imports.ports import Spreadsheets
from server.imports.stored import Row
from server.kernel.errors import DomainError, invalid
from server.kernel.transactions import transaction
from server.organisations import payee_accounts
from server.organisations.models import PayeeAccount
from server.organisations.roles import Role
from server.statements import checking, giving, holding, settling
from server.statements.checking import Line, Sent
from server.statements.columns import COLUMNS
from server.statements.models import RowOutcome, Statement, StatementRow
from server.statements.settling import Said
from server.statements.states import Verb


async def read(data: bytes, spreadsheets: Spreadsheets) -> Sequence[Row]:
    """Return the rows of a result file; not inside a transaction.

    Raises DomainError `spreadsheet_…`, also for a file without our columns or without a row, and 422 `result_sheets`
    where more sheets than one have results.
    """
    found = headings.table(await spreadsheets.read(data), COLUMNS)
    if found.unread:
        raise DomainError("result_sheets", 422)
    return found.rows


@transaction
async def take_in(statement_id: UUID, rows: Sequence[Row], by: UUID) -> Statement:
    """Do what a result file says: awards are paid, or approved as before, and what was kept back is kept.

    What is said of a row again changes nothing. Raises DomainError 403 for other hands, 404, 409 where the statement
    has not gone out, 422 naming every fault of every row, and then nothing is done.
    """
    held = await holding.hold(statement_id, Verb.SETTLE)
    sent, own = await _sent(held)
    checked = checking.check(sent, rows)
    if checked.faults:
        raise invalid(*checked.faults)
    await paying.admit(Hand(by, Role.FINANCE, Part.SENDING), await paying.hold(held.id))
    await holding.require_not_approved(held.id, by)
    said = [Said(own[one.line.number], one.outcome, one.reason) for one in checked.fresh]
    if said:
        await settling.settle(held, said, by, checking.digest(sent, checked.fresh))
    return held


async def _sent(held: Statement) -> tuple[Sent, dict[int, StatementRow]]:
    """Return a statement as it went out and what came back, and its rows by number."""
    rows = {row.id: row for row in await holding.rows(held.id)}
    said, came_back = dict[UUID, tuple[RowOutcome, str]](), 0
    for one in await holding.results(rows):
        if one.outcome in holding.FINAL:
            said[one.row_id] = one.outcome, one.reason
        else:
            came_back += holding.AFTERWARDS[one.outcome] * rows[one.row_id].amount_fen
    about = await giving.subjects(rows.values())
    lines = {
        row.number: Line(row.id, row.number, row.amount_fen, said.get(row.id), about[row.id]) for row in rows.values()
    }
    account = await PayeeAccount.get(id=held.account_id)
    number = payee_accounts.number_of(account)
    told = number.reveal() if number else ""
    return Sent(held.number, account.holder, account.bank, told, lines, came_back), {
        row.number: row for row in rows.values()
    }
