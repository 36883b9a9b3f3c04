"""Money for approved awards: reserved in the order in which they were approved, and freed again.

An award's place, `queued_at`, is the moment of its approval, kept with its money and without: what returns to the
queue is where it was. Nobody passes an award that waits, but for those whose payee may not be paid now: money that is
kept for them nobody gets. Whoever puts one into the queue, or takes money while others may wait, holds the fund's
budget, or the fund where it has none this year. While a past year that is not closed still reserves money, nobody is
served: what is reserved there comes back to the queue, before whoever was approved later.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from server.awards import holding, states
from server.awards.holding import Change
from server.awards.models import Award, AwardState
from server.awards.payees import unpayable
from server.funds import budgets, ledger, papers
from server.funds import service as funds
from server.funds.ledger import Move
from server.funds.models import Budget, EntryKind
from server.kernel import clock
from server.kernel.errors import DomainError
from server.kernel.statements import identity, returned, select
from server.kernel.transactions import transaction

AT_ONCE = 500
_HEAD = "fund_id = $1 AND state = $2 AND NOT payee_id = ANY($3) ORDER BY queued_at, id LIMIT $4"
_PAYEES = "SELECT DISTINCT payee_id FROM award WHERE fund_id = $1 AND state = 'awaiting_funds'"


async def take(rows: Iterable[Award], by: UUID | None, reason: str = "") -> None:
    """Reserve money for held awards that each name their fund, in the order of their ids, or queue them for it.

    From the first on for which there is not enough, and behind whoever waits already, all wait.
    """
    by_fund: defaultdict[UUID, list[Award]] = defaultdict(list)
    for row in rows:
        by_fund[_known(row.fund_id)].append(row)
    for fund_id in sorted(by_fund):
        await _take(fund_id, sorted(by_fund[fund_id], key=lambda row: row.id), by, reason)


async def free(rows: Iterable[Award], by: UUID | None, reason: str = "") -> None:
    """Give back what is reserved for held awards, of which each that has a budget has money there."""
    by_budget: defaultdict[tuple[UUID, UUID], list[Award]] = defaultdict(list)
    for row in rows:
        if row.budget_id:
            by_budget[_known(row.fund_id), row.budget_id].append(row)
    for key in sorted(by_budget):
        moves = [Move(EntryKind.RELEASE, row.amount_fen, award_id=row.id) for row in by_budget[key]]
        await ledger.post(await ledger.hold(key[1]), moves, by, reason)
        for row in by_budget[key]:
            row.budget_id = None


async def look(fund_ids: Iterable[UUID | None]) -> None:
    """Have the queues of these funds looked at: somebody left one, or came back to it."""
    for fund_id in sorted(set(filter(None, fund_ids))):
        await ledger.let_queue_move(fund_id)


async def work(payload: Mapping[str, Any]) -> Mapping[str, Any]:
    """Give the money that there is to those who wait for it in a fund, the first first; return how many got some."""
    fund_id, served = UUID(payload["fund"]), 0
    while count := await _serve(fund_id):
        served += count
    return {"served": served}


async def watch() -> Mapping[str, int]:
    """Look at every queue: what keeps one waiting, such as a paper, may have come without money; return how many."""
    waiting = Award.filter(state=AwardState.AWAITING_FUNDS, fund_id__isnull=False).distinct()
    fund_ids: list[UUID] = await waiting.values_list("fund_id", flat=True)  # type: ignore[assignment]  # one column
    await look(fund_ids)
    return {"queues": len(fund_ids)}


async def _take(fund_id: UUID, rows: Sequence[Award], by: UUID | None, reason: str) -> None:
    budget, now = await budgets.hold_current(fund_id), clock.now()
    await _require_paid_by(fund_id, {row.programme for row in rows})
    passed = await _passed(fund_id, {row.payee_id for row in rows})
    waiting = await _must_wait(fund_id, budget) or bool(await _head(fund_id, passed, 1))
    lucky = [] if waiting else _affordable([row for row in rows if row.payee_id not in passed], budget)
    for row in rows:
        row.queued_at = row.queued_at or now
        holding.enter(row, AwardState.AWAITING_FUNDS)
    await _reserve(lucky, budget, by, reason)


async def _require_paid_by(fund_id: UUID, programmes: Collection[str]) -> None:
    """Raise DomainError 409 where a programme left the fund before its budget was held, as by who changes it."""
    if not set((await funds.fund(fund_id)).programmes).issuperset(programmes):
        raise DomainError("fund_missing", 409)


async def _reserve(rows: Sequence[Award], budget: Budget | None, by: UUID | None, reason: str) -> None:
    if budget is None or not rows:
        return
    for row in rows:
        row.budget_id = budget.id
        holding.enter(row, AwardState.APPROVED)
    await ledger.post(budget, [Move(EntryKind.RESERVE, row.amount_fen, award_id=row.id) for row in rows], by, reason)


@transaction
async def _serve(fund_id: UUID) -> int:
    """Serve as many of the head of a queue as there is money for; return how many, 0 where that was all."""
    passed = await _passed(fund_id)
    seen = await _head(fund_id, passed)
    held = {row.id: row for row in await holding.hold_all([row.id for row in seen])}
    budget = await budgets.hold_current(fund_id) if held else None
    if await _must_wait(fund_id, budget):
        return 0
    first = []
    for row in await _head(fund_id, passed):  # anew: nobody comes or goes while the budget is held, but for who leaves
        if row.id not in held or not states.queued(held[row.id].state):
            break
        first.append(held[row.id])
    lucky = _affordable(await _papered(fund_id, first), budget)
    await _reserve(lucky, budget, None, "")
    await holding.write([Change(row, AwardState.AWAITING_FUNDS, "funded") for row in lucky], None)
    return len(lucky)


async def _must_wait(fund_id: UUID, budget: Budget | None) -> bool:
    """Whether nobody is given money now: there is none this year, or older awards wait until the last is closed."""
    return budget is None or await budgets.unclosed(fund_id) is not None


async def _head(fund_id: UUID, passed: Collection[UUID], most: int = AT_ONCE) -> list[Award]:
    waiting = AwardState.AWAITING_FUNDS
    return await select(Award, _HEAD, fund_id, waiting, sorted(passed), most, only=("id", "queued_at"))


async def _passed(fund_id: UUID, payees: Collection[UUID] = ()) -> set[UUID]:
    """Return those of who waits for a fund's money, and of some payees, who are passed over."""
    waiting = {identity(row["payee_id"]) for row in await returned(_PAYEES, fund_id)}
    return await unpayable(waiting.union(payees))


async def _papered(fund_id: UUID, rows: Sequence[Award]) -> list[Award]:
    """Return the first of some awards, as far as the papers for them are all on file."""
    missing = {year: await papers.missing(fund_id, year) for year in sorted({row.year for row in rows})}
    end = next((place for place, row in enumerate(rows) if missing[row.year]), len(rows))
    return list(rows[:end])


def _affordable(rows: Sequence[Award], budget: Budget | None) -> list[Award]:
    """Return the first of some awards, as far as what is available goes."""
    left, found = budget.available_fen if budget else 0, []
    for row in rows:
        left -= row.amount_fen
        if left < 0:
            break
        found.append(row)
    return found


def _known(fund_id: UUID | None) -> UUID:
    if fund_id is None:
        raise ValueError("only an award that names its fund has to do with money")
    return fund_id
