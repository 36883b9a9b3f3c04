"""Closing a fiscal year: what is reserved is let go, what is left lapses, and only what is said is carried over."""

from collections.abc import Sequence
from uuid import UUID

from server.awards import holding, states
from server.awards.holding import Change
from server.awards.models import Award, AwardState
from server.funds import budgets, ledger
from server.funds.ledger import Move
from server.funds.models import Budget, BudgetState, EntryKind
from server.kernel import clock, outbox
from server.kernel.errors import DomainError
from server.kernel.outbox import Occurrence
from server.kernel.transactions import transaction
from server.organisations import current
from server.people.service import Decider


@transaction
async def close(fund_id: UUID, year: int, carry_over_fen: int, by: Decider) -> Budget:
    """Close a fund's budget of this or a past fiscal year, for ever, and return it; joins the transaction.

    Awards whose money was reserved keep their approvals and wait for the next year's money, each in the place that its
    approval gave it: whoever waited already was approved after them. Raises DomainError 404, 409 `budget_ahead` for a
    year that has not begun, `budget_closed`, `budget_in_flight` while anything is on a statement, `budget_moving` where
    an award moved meanwhile (it may be tried again), `budget_short` where less is left than is to be carried over.
    """
    shown = await budgets.of_year(fund_id, year)
    if year > (this_year := clock.today().year):
        raise DomainError("budget_ahead", 409, year=year, this_year=this_year)
    awards = await _reserving(shown.id)
    budget = await ledger.hold(shown.id)
    await _require_at_rest(budget, awards)
    await _empty(budget, awards, carry_over_fen, by)
    budget.state, budget.closed_at, budget.version = BudgetState.CLOSED, clock.now(), budget.version + 1
    await budget.save(update_fields=["state", "closed_at", "version"])
    await budgets.note(budget, "closed", by.person_id, by.reason, before=BudgetState.OPEN)
    await _carry(fund_id, year + 1, carry_over_fen, by)
    await _queue_up(budget, awards, by)
    return budget


async def _reserving(budget_id: UUID) -> list[Award]:
    """Return the awards that a budget's money may be reserved for, held, in the order of their ids."""
    here = Award.filter(budget_id=budget_id, state__in=[AwardState.APPROVED, AwardState.HELD])
    held = await here.order_by("id").select_for_update()
    return [one for one in held if states.reserved(one.state, one.held_from)]


async def _require_at_rest(budget: Budget, awards: Sequence[Award]) -> None:
    """See that what is reserved is reserved for the held awards, and that nothing is on its way to be paid."""
    if budget.state is BudgetState.CLOSED:
        raise DomainError("budget_closed", 409, year=budget.year)
    if budget.committed_fen or await Award.exists(budget_id=budget.id, state=AwardState.ON_STATEMENT):
        raise DomainError("budget_in_flight", 409, year=budget.year)
    if budget.reserved_fen != sum(one.amount_fen for one in awards):
        raise DomainError("budget_moving", 409, year=budget.year)


async def _empty(budget: Budget, awards: Sequence[Award], carry_over_fen: int, by: Decider) -> None:
    """Let go of what is reserved, carry over what is said, and let the rest lapse."""
    lapsing = budget.available_fen + budget.reserved_fen - carry_over_fen
    if lapsing < 0:
        raise DomainError("budget_short", 409, year=budget.year)
    moves = [Move(EntryKind.RELEASE, one.amount_fen, award_id=one.id) for one in awards]
    last = ((EntryKind.CARRY_OUT, carry_over_fen), (EntryKind.LAPSE, lapsing))
    moves += [Move(kind, fen) for kind, fen in last if fen]
    await ledger.post(budget, moves, by.person_id, by.reason)


async def _carry(fund_id: UUID, year: int, carry_over_fen: int, by: Decider) -> None:
    if carry_over_fen:
        budget = await budgets.hold_or_make(fund_id, year)
        await ledger.post(budget, [Move(EntryKind.CARRY_IN, carry_over_fen)], by.person_id, by.reason)
        await budgets.note(budget, "carried_in", by.person_id, by.reason)


async def _queue_up(budget: Budget, awards: Sequence[Award], by: Decider) -> None:
    """Have awards wait for the fund's money, each in the place that its approval gave it; a held one stays held."""
    changes = [Change(one, one.state, "requeued") for one in awards]
    for one in awards:
        if one.state is AwardState.HELD:
            one.held_from = AwardState.AWAITING_FUNDS
        else:
            holding.enter(one, AwardState.AWAITING_FUNDS)
        one.budget_id, one.queued_at = None, one.queued_at or clock.now()
    await holding.write(changes, by.person_id, by.reason, tell=False)
    await _tell(budget, awards)
    await ledger.let_queue_move(budget.fund_id)


async def _tell(budget: Budget, awards: Sequence[Award]) -> None:
    """Tell each payee, once, that its awards wait for another year's money."""
    payees = sorted({one.payee_id for one in awards})
    people = await current.acting(payees)
    await outbox.record_many(Occurrence("budget.requeued", f"budget:{budget.id}", people[one]) for one in payees)
