"""Statements as they are listed, their rows with what came of them, and sums of that."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from tortoise.functions import Count

from server.awards.models import Award, Clawback
from server.kernel.paging import Page, Sort, page
from server.organisations import payee_accounts
from server.statements import holding
from server.statements.models import (
    RowOutcome,
    Statement,
    StatementApproval,
    StatementResult,
    StatementRow,
    StatementState,
)
from server.statements.states import GONE_OUT

NEWEST = Sort("created_at")
BY_NUMBER = Sort("number", descending=False, parse=int)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which statements; None is any."""

    payee_id: UUID | None = None
    fund_id: UUID | None = None
    state: StatementState | None = None
    year: int | None = None
    """The fiscal year whose money they take."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A statement with its parts, who let it go out, and of how many awards what came, less what came wrong.

    `account_pending` says that its payee has named another account, which waits for finance.
    """

    row: Statement
    approvals: Sequence[StatementApproval]
    outcomes: Mapping[str, int]
    account_pending: bool


@dataclass(frozen=True, slots=True)
class Line:
    """A row, what it is about, and what came back for it, the oldest first; `number` is None before it is locked."""

    id: UUID
    number: int | None
    amount_fen: int
    award: Award | None
    clawback: Clawback | None
    results: Sequence[StatementResult]


async def statements(wanted: Wanted, within: Collection[UUID] | None, limit: int, cursor: str | None) -> Page[Seen]:
    """Return a page of statements, the newest first, by a settled number of statements.

    `within` narrows them to those that have gone out to these payees, None does not.
    """
    rows = Statement.all()
    if within is not None:
        rows = rows.filter(payee_id__in=list(within), state__in=list(GONE_OUT))
    exact = {
        "payee_id": wanted.payee_id,
        "fund_id": wanted.fund_id,
        "state": wanted.state,
        "budget__year": wanted.year,
    }
    rows = rows.filter(**{name: value for name, value in exact.items() if value is not None})
    found = await page(holding.with_parts(rows), NEWEST, limit, cursor)
    return Page(await seen(found.items), found.next_cursor)


async def seen(rows: Sequence[Statement]) -> list[Seen]:
    """Return statements that were fetched with their parts as they are shown."""
    ids = [row.id for row in rows]
    given, came = await _approvals(ids), await _outcomes(ids)
    named = await payee_accounts.waiting({row.payee_id for row in rows})
    return [Seen(row, given[row.id], came[row.id], row.payee_id in named) for row in rows]


async def _approvals(statement_ids: Collection[UUID]) -> Mapping[UUID, list[StatementApproval]]:
    given = defaultdict[UUID, list[StatementApproval]](list)
    for one in await StatementApproval.filter(statement_id__in=list(statement_ids)).order_by("id"):
        given[one.statement_id].append(one)
    return given


async def _outcomes(statement_ids: Collection[UUID]) -> Mapping[UUID, Mapping[str, int]]:
    results = StatementResult.filter(row__statement_id__in=list(statement_ids), row__award_id__isnull=False)
    counted = results.annotate(rows=Count("id")).group_by("row__statement_id", "outcome")
    found = defaultdict[UUID, dict[str, int]](dict)
    for statement_id, outcome, count in await counted.values_list("row__statement_id", "outcome", "rows"):
        found[UUID(str(statement_id))][str(outcome)] = count
    for outcomes in found.values():
        if undone := outcomes.pop(RowOutcome.RETURN_UNDONE, 0):
            outcomes[RowOutcome.BANK_RETURNED] -= undone
    return found


async def lines(one: Statement, limit: int, cursor: str | None) -> Page[Line]:
    """Return a page of the rows of a statement in their order, of an open one the awards that are on it."""
    if one.locked_at is None:
        on_it = Award.filter(statement_id=one.id).select_related("referral")
        awards = await page(on_it, Sort("id", descending=False, parse=UUID), limit, cursor)
        return Page([Line(row.id, None, row.amount_fen, row, None, []) for row in awards.items], awards.next_cursor)
    rows = StatementRow.filter(statement_id=one.id).select_related("award__referral", "clawback__award__referral")
    found = await page(rows, BY_NUMBER, limit, cursor)
    came = await holding.results_by_row([row.id for row in found.items])
    told = [Line(row.id, row.number, row.amount_fen, row.award, row.clawback, came[row.id]) for row in found.items]
    return Page(told, found.next_cursor)
