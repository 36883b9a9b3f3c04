"""The ledger: the one way in which a fen of a budget moves.

Whoever moves money holds the budget's row first, so that what it shows is what there is; the entries and the row's
sums are written together. The database itself refuses a balance below zero, and any change of an entry.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from server.funds.models import Budget, BudgetState, EntryKind, LedgerEntry
from server.funds.sides import CLOSED_SIDES, COLUMNS, OF_NOBODY, SIDES, Sides, balances
from server.kernel import bulk, clock
from server.kernel.errors import DomainError, found
from server.kernel.ids import new_id
from server.kernel.jobs import queue
from server.kernel.transactions import transaction

__all__ = ["FUND_QUEUE", "SIDES", "Move", "hold", "let_queue_move", "post"]

FUND_QUEUE = "fund_queue"
"""The job that gives money to those who wait for it in a fund: `{"fund": id}`."""
AT_ONCE = 500
"""So many entries are written by one statement."""


@dataclass(frozen=True, slots=True)
class Move:
    """So many fen that move as `kind` says; the ids name what moves them. `reverses_id` is the entry turned round."""

    kind: EntryKind
    amount_fen: int
    award_id: UUID | None = None
    statement_id: UUID | None = None
    clawback_id: UUID | None = None
    reverses_id: UUID | None = None


async def hold(budget_id: UUID) -> Budget:
    """Keep every other movement of a budget's money waiting until the transaction ends; raises DomainError 404."""
    return found(await Budget.filter(id=budget_id).select_for_update().get_or_none(), "budget")


@transaction
async def post(budget: Budget, moves: Sequence[Move], by: UUID | None, reason: str = "") -> list[LedgerEntry]:
    """Move money within a held budget, all moves or none, and return their entries; joins the transaction.

    Once there is more to be had than before, those who wait for it get their turn. Raises DomainError 409
    `budget_short` where an account has not enough, `budget_closed` for what a closed year does not take,
    `entry_reversed` where a move turns an entry round that another one did before.
    """
    sides = [_sides(budget, move) for move in moves]
    await _require_reversible(budget, moves)
    change = balances((pair, move.amount_fen) for pair, move in zip(sides, moves, strict=True))
    _apply(budget, change)
    entries = [_entry(budget, move, pair, by, reason) for move, pair in zip(moves, sides, strict=True)]
    for start in range(0, len(entries), AT_ONCE):
        await bulk.insert(entries[start : start + AT_ONCE])
    if entries:
        budget.version += 1
        await bulk.write([budget], [*COLUMNS.values(), "version"])
    if change.get("available_fen", 0) > 0:
        await let_queue_move(budget.fund_id)
    return entries


async def let_queue_move(fund_id: UUID) -> None:
    """Have those who wait for a fund's money get their turn once the transaction has committed."""
    await queue.enqueue(FUND_QUEUE, {"fund": str(fund_id)})


def _sides(budget: Budget, move: Move) -> Sides:
    if move.amount_fen <= 0:
        raise ValueError("money moves by whole fen above zero")
    if (move.award_id is None and move.clawback_id is None) is not (move.kind in OF_NOBODY):
        raise ValueError(f"{move.kind} names what it moves, or is of the budget as a whole")
    if budget.state is BudgetState.OPEN:
        return SIDES[move.kind]
    try:
        return CLOSED_SIDES[move.kind]
    except KeyError:
        raise DomainError("budget_closed", 409, year=budget.year) from None


async def _require_reversible(budget: Budget, moves: Sequence[Move]) -> None:
    """See that what is turned round is of this budget and of the same amount, and was not turned round before.

    The budget is held, so nobody else does it meanwhile; the database would refuse the second one all the same.
    """
    turned = [(move.reverses_id, move.amount_fen) for move in moves if move.reverses_id]
    amounts = dict(turned)
    if not amounts:
        return
    if len(amounts) < len(turned) or await LedgerEntry.exists(reverses_id__in=list(amounts)):
        raise DomainError("entry_reversed", 409)
    reversed_ = await LedgerEntry.filter(id__in=list(amounts), budget_id=budget.id)
    if {entry.id: entry.amount_fen for entry in reversed_} != amounts:
        raise ValueError("an entry is turned round whole, in its own budget")


def _apply(budget: Budget, change: dict[str, int]) -> None:
    """Change the held row's balances; raises DomainError 409 before any of them where one would fall below zero."""
    after = {column: getattr(budget, column) + fen for column, fen in change.items()}
    if any(fen < 0 for column, fen in after.items() if column != "carried_fen"):
        raise DomainError("budget_short", 409, year=budget.year)
    for column, fen in after.items():
        setattr(budget, column, fen)


def _entry(budget: Budget, move: Move, sides: Sides, by: UUID | None, reason: str) -> LedgerEntry:
    return bulk.fresh(
        LedgerEntry,
        id=new_id(),
        budget_id=budget.id,
        kind=move.kind,
        source=sides[0],
        target=sides[1],
        amount_fen=move.amount_fen,
        award_id=move.award_id,
        statement_id=move.statement_id,
        clawback_id=move.clawback_id,
        reverses_id=move.reverses_id,
        actor_id=by,
        reason=reason,
        made_at=clock.now(),
    )
