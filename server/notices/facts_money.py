"""What notices about statements, clawbacks, funds and budgets know, and who is told of them as what."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from server.awards import contesting, owing
from server.awards.models import Clawback
from server.funds.models import Budget, Fund
from server.kernel import clock
from server.kernel.outbox import Event
from server.kernel.statements import identity, returned
from server.notices.facts_awards import SCHOOL, TURNS, number_of, told
from server.notices.subjects import Known, Subject, all_are, ids, subject_id
from server.notices.values import Fact, Sort, Values
from server.organisations.roles import Role
from server.statements import holding
from server.statements.models import RowOutcome, Statement

MENDING, FAILURES, KEPT = "mending", "failures", "kept"
"""The school and finance where some of the payments failed; the school where all was kept back, and nothing comes."""
UNCLOSED = "budget.unclosed"
"""For finance: awards wait until a past year is closed."""
_SETTLED = frozenset({"statement.part_settled", "statement.settled"})
_GONE = _SETTLED | {"statement.sent"}
_WITH_FAILURES = {SCHOOL: MENDING, Role.FINANCE.value: FAILURES}
_RESULTS = """
SELECT line.statement_id, said.outcome, count(line.award_id) AS awards, sum(line.amount_fen) AS fen
FROM statement_row line
JOIN statement_result said ON said.row_id = line.id
WHERE line.statement_id = ANY($1)
GROUP BY line.statement_id, said.outcome"""
_WAITING = """
SELECT fund_id, count(*) AS awards, sum(amount_fen) AS fen
FROM award
WHERE state = 'awaiting_funds' AND fund_id = ANY($1)
GROUP BY fund_id"""


async def _statements(events: Sequence[Event]) -> Mapping[UUID, Known]:
    rows = {row.id: row for row in await Statement.filter(id__in=ids(events)).select_related("payee")}
    results = await _results(rows)
    there = [event for event in events if subject_id(event) in rows]
    audiences = await told(there, {event.id: rows[subject_id(event)].payee_id for event in there})
    found = {}
    for event in there:
        values, audience = _of_statement(rows[subject_id(event)], results), audiences[event.id]
        if values["failed"] and event.name in _SETTLED:
            audience = {one: _WITH_FAILURES.get(as_, as_) for one, as_ in audience.items()}
        elif event.name in _GONE and not values["sum"]:
            audience = {one: KEPT if as_ == SCHOOL else as_ for one, as_ in audience.items()}
        found[event.id] = Known(values, audience)
    return found


async def _results(statement_ids: Collection[UUID]) -> Mapping[tuple[UUID, str], tuple[int, int]]:
    """Return by statement and outcome of how many awards it was said, and how much went with its rows."""
    rows = await returned(_RESULTS, list(statement_ids)) if statement_ids else ()
    return {(identity(row["statement_id"]), str(row["outcome"])): (int(row["awards"]), int(row["fen"])) for row in rows}


def _of_statement(row: Statement, results: Mapping[tuple[UUID, str], tuple[int, int]]) -> dict[str, Any]:
    paid, paid_fen = results.get((row.id, RowOutcome.PAID), (0, 0))
    failed, _ = results.get((row.id, RowOutcome.FAILED), (0, 0))
    for outcome, sign in holding.AFTERWARDS.items():  # what the bank sent back meanwhile did not come
        count, fen = results.get((row.id, outcome), (0, 0))
        paid, paid_fen, failed = paid - sign * count, paid_fen - sign * fen, failed + sign * count
    return {
        "number": row.number,
        "school": row.payee.name,
        "count": row.count,
        "sum": row.total_fen,
        "paid": paid,
        "came": paid_fen,
        "failed": failed,
    }


async def _clawbacks(events: Sequence[Event]) -> Mapping[UUID, Known]:
    query = Clawback.filter(id__in=ids(events)).select_related("award__referral", "payee")
    rows = {row.id: row for row in await query}
    there = [event for event in events if subject_id(event) in rows]
    audiences = await told(there, {event.id: rows[subject_id(event)].payee_id for event in there})
    return {event.id: Known(_of_clawback(rows[subject_id(event)]), audiences[event.id]) for event in there}


def _of_clawback(row: Clawback) -> Values:
    return {
        "award": str(row.award_id),
        "number": number_of(row.award),
        "school": row.payee.name,
        "sum": row.amount_fen,
        "back": row.recovered_fen + row.offset_fen,
        "lost": row.written_off_fen,
        "left": owing.owed(row) + row.offsetting_fen,  # a statement on its way has not kept it back yet
        "until": contesting.contest_until(row),
    }


async def _funds(events: Sequence[Event]) -> Mapping[UUID, Known]:
    rows = {row.id: row for row in await Fund.filter(id__in=ids(events))}
    years = {event.id: event.created_at.astimezone(clock.SHANGHAI).year for event in events}
    budgets = await Budget.filter(fund_id__in=list(rows), year__in=list(years.values()))
    left = {(one.fund_id, one.year): one.available_fen for one in budgets}
    waiting = await _waiting(rows)
    found = {}
    for event in events:
        if row := rows.get(subject_id(event)):
            awards, fen = waiting.get(row.id, (0, 0))
            values: Values = {
                "name": row.name,
                "year": years[event.id],
                "left": left.get((row.id, years[event.id]), 0),
                "waiting": awards,
                "missing": fen,
            }
            found[event.id] = Known(values, all_are(event, Role.FINANCE))
    return found


async def _budgets(events: Sequence[Event]) -> Mapping[UUID, Known]:
    rows = {row.id: row for row in await Budget.filter(id__in=ids(events)).select_related("fund")}
    waiting = await _waiting({row.fund_id for row in rows.values()})
    found = {}
    for event in events:
        if row := rows.get(subject_id(event)):
            values: Values = {
                "name": row.fund.name,
                "fund": str(row.fund_id),
                "year": row.year,
                "waiting": waiting.get(row.fund_id, (0, 0))[0],
            }
            found[event.id] = Known(values, all_are(event, Role.FINANCE if event.name == UNCLOSED else SCHOOL))
    return found


async def _waiting(fund_ids: Collection[UUID]) -> Mapping[UUID, tuple[int, int]]:
    """Return by fund how many awards wait for its money, and for how much."""
    rows = await returned(_WAITING, list(fund_ids)) if fund_ids else ()
    return {identity(row["fund_id"]): (int(row["awards"]), int(row["fen"])) for row in rows}


_TURNS = frozenset(role.value for role in TURNS)
STATEMENT = Subject(
    {
        "number": Fact(Sort.CODE),
        "school": Fact(Sort.TEXT),
        "count": Fact(Sort.NUMBER),
        "sum": Fact(Sort.MONEY),
        "paid": Fact(Sort.NUMBER),
        "came": Fact(Sort.MONEY),
        "failed": Fact(Sort.NUMBER),
    },
    frozenset({SCHOOL, MENDING, FAILURES, KEPT, *_TURNS}),
    _statements,
)
CLAWBACK = Subject(
    {
        "award": Fact(Sort.CODE),
        "number": Fact(Sort.TEXT),
        "school": Fact(Sort.TEXT),
        "sum": Fact(Sort.MONEY),
        "back": Fact(Sort.MONEY),
        "lost": Fact(Sort.MONEY),
        "left": Fact(Sort.MONEY),
        "until": Fact(Sort.DAY, optional=True),
    },
    frozenset({SCHOOL, *_TURNS}),
    _clawbacks,
)
FUND = Subject(
    {
        "name": Fact(Sort.TEXT),
        "year": Fact(Sort.NUMBER),
        "left": Fact(Sort.MONEY),
        "waiting": Fact(Sort.NUMBER),
        "missing": Fact(Sort.MONEY),
    },
    frozenset({Role.FINANCE.value}),
    _funds,
)
BUDGET = Subject(
    {
        "name": Fact(Sort.TEXT),
        "fund": Fact(Sort.CODE),
        "year": Fact(Sort.NUMBER),
        "waiting": Fact(Sort.NUMBER),
    },
    frozenset({SCHOOL, Role.FINANCE.value}),
    _budgets,
)
