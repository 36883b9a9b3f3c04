"""What came of a statement's rows: paid, failed, or sent back by the bank after that."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from server.awards import clawbacks, offsetting, owing, paying, repaying
from server.awards.models import Award, AwardState, Clawback, ClawbackState, Part
from server.awards.paying import Hand
from server.funds import ledger
from server.funds.ledger import Move
from server.funds.models import BudgetState, EntryKind, LedgerEntry
from server.kernel import bulk, clock
from server.kernel.errors import DomainError, found, not_found
from server.kernel.ids import new_id
from server.kernel.transactions import transaction
from server.organisations.roles import Role
from server.people.service import Decider
from server.statements import holding
from server.statements.models import RowOutcome, Statement, StatementResult, StatementRow, StatementState
from server.statements.states import Verb


@dataclass(frozen=True, slots=True)
class Said:
    """What is said of a row, and of one that failed why."""

    row: StatementRow
    outcome: RowOutcome
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Returned:
    """Which payment the bank sent back: that of an award, or of the row with a number."""

    award_id: UUID | None = None
    number: int | None = None


async def settle(held: Statement, said: Sequence[Said], by: UUID, digest: str) -> None:
    """Do what is said of rows of a held statement of which nothing was said before; its awards change, its money moves.

    `digest` is that of the file in which it was said. Whoever calls has seen that it may be done.
    """
    awards = {
        award.id: award for award in await paying.hold(held.id, [one.row.award_id for one in said if one.row.award_id])
    }
    await write_results(said, by, digest)
    paid = [awards[one.row.award_id] for one in said if one.row.award_id and one.outcome is RowOutcome.PAID]
    await paying.pay(paid, by)
    failed = [
        (awards[one.row.award_id], one.reason) for one in said if one.row.award_id and one.outcome is RowOutcome.FAILED
    ]
    for reason in sorted({reason for _, reason in failed}):
        await paying.fail([award for award, why in failed if why == reason], by, reason)
    over = await _is_over(held)
    await _keep_back(held, said, by, over=over)
    await holding.change(
        held,
        "settled" if over else "part_settled",
        by,
        state=StatementState.SETTLED if over else StatementState.PART_SETTLED,
    )
    moves = [Move(EntryKind.SPEND, award.amount_fen, award.id, held.id) for award in paid]
    moves += [Move(EntryKind.UNCOMMIT, award.amount_fen, award.id, held.id) for award, _ in failed]
    if moves:
        await ledger.post(await ledger.hold(held.budget_id), moves, by)


async def write_results(said: Sequence[Said], by: UUID, digest: str) -> None:
    """Write what is said of rows, for ever."""
    now = clock.now()
    made = [
        bulk.fresh(
            StatementResult,
            id=new_id(),
            row_id=one.row.id,
            outcome=one.outcome,
            reason=one.reason,
            file_digest=digest,
            actor_id=by,
            made_at=now,
        )
        for one in said
    ]
    await bulk.insert(made)


async def _is_over(held: Statement) -> bool:
    """Whether something was said of every row."""
    told = StatementResult.filter(row__statement_id=held.id, outcome__in=list(holding.FINAL))
    return await told.count() == await StatementRow.filter(statement_id=held.id).count()


async def _keep_back(held: Statement, said: Sequence[Said], by: UUID, *, over: bool) -> None:
    """Count what was kept back; once all is said, what was not kept back is owed again."""
    await Clawback.filter(statement_id=held.id).order_by("id").select_for_update()
    applied = [one.row.clawback_id for one in said if one.row.clawback_id and one.outcome is RowOutcome.PAID]
    if applied:
        await offsetting.applied(applied, held.id, by)
    if over:
        await offsetting.free(held.id)


@transaction
async def bank_return(statement_id: UUID, which: Returned, by: Decider) -> Statement:
    """Note that the bank sent back what was paid for an award, which is to be paid again; its spending is reversed.

    Raises DomainError 403 for other hands, 404 for a row that the statement has not, 409 where it was not paid by it,
    came back before, is claimed back, was given again after that and is not paid yet, or more came back than was sent.
    """
    held = await holding.hold(statement_id, Verb.BANK_RETURN)
    row = await row_of(held, which)
    award = found(await Award.filter(id=row.award_id).select_for_update().get_or_none(), "statement_row")
    if award.state is not AwardState.PAID or award.statement_id != held.id:
        raise DomainError("award_not_paid_by_it", 409)
    await _require_sent(held, row)
    await repaying.require_none_waits(award)
    await paying.admit(Hand(by.person_id, Role.FINANCE, Part.SENDING), [award])
    await holding.require_not_approved(held.id, by.person_id)
    await _settle_questions(award, by)
    await write_results([Said(row, RowOutcome.BANK_RETURNED, by.reason[: paying.FAILURE_LENGTH])], by.person_id, "")
    budget = await ledger.hold(held.budget_id)
    await paying.come_back(award, by.person_id, by.reason, budget_open=budget.state is BudgetState.OPEN)
    await holding.change(held, "bank_returned", by.person_id, by.reason)
    spent = await last_entry(award.id, held.id, EntryKind.SPEND, EntryKind.UNDO_RETURN)
    move = Move(EntryKind.BANK_RETURN, award.amount_fen, award.id, held.id, reverses_id=spent.id)
    await ledger.post(budget, [move], by.person_id, by.reason)
    return held


async def _settle_questions(award: Award, by: Decider) -> None:
    """Drop the question whether a held award is claimed back: the money is back. Raises DomainError 409 for more."""
    await owing.require_none([award.id])
    if await Clawback.exists(award_id=award.id, state=ClawbackState.REQUESTED):
        await clawbacks.drop(award.id, by)


async def row_of(held: Statement, which: Returned) -> StatementRow:
    """Return which row of a statement is meant; raises DomainError 404."""
    rows = StatementRow.filter(statement_id=held.id, award_id__isnull=False)
    chosen = rows.filter(award_id=which.award_id) if which.award_id else rows.filter(number=which.number)
    if (row := await chosen.get_or_none()) is None:
        raise not_found("statement_row")
    return row


async def last_entry(award_id: UUID, statement_id: UUID, *kinds: EntryKind) -> LedgerEntry:
    """Return the last of the entries of some kinds that a statement made for an award, which is there."""
    rows = LedgerEntry.filter(award_id=award_id, statement_id=statement_id, kind__in=list(kinds))
    return found(await rows.order_by("-id").first(), "award")


async def _require_sent(held: Statement, row: StatementRow) -> None:
    """Raise DomainError 409 where more would have come back than was really sent: a part of it was kept back."""
    rows = {one.id: one for one in await holding.rows(held.id)}
    left = -row.amount_fen
    for one in await holding.results(rows):
        fen = rows[one.row_id].amount_fen
        left += fen if one.outcome is RowOutcome.PAID else -fen * holding.AFTERWARDS.get(one.outcome, 0)
    if left < 0:
        raise DomainError("more_than_sent", 409)
