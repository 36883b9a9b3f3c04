"""Taking back that the bank sent a payment back, where it was entered by mistake: the award is paid, as before."""

from collections.abc import Mapping
from uuid import UUID

from server.awards import deciders, mistaken, paying, queue, states
from server.awards.mistaken import CORRECTING
from server.awards.models import Award, AwardState, Part
from server.awards.paying import Hand
from server.funds import ledger
from server.funds.models import BudgetState, EntryKind
from server.kernel.errors import DomainError, found
from server.kernel.transactions import transaction
from server.organisations.roles import Role
from server.people.service import Decider
from server.statements import holding, settling
from server.statements.models import RowOutcome, Statement, StatementResult, StatementRow
from server.statements.settling import Returned, Said
from server.statements.states import Verb

PARTS: Mapping[Role, Part] = {Role.FINANCE: Part.SENDING, Role.APPROVER: Part.APPROVAL}
"""Which part in the award it is, by the role of who does it."""


@transaction
async def undo_bank_return(statement_id: UUID, which: Returned, by: Decider) -> Statement:
    """Take back that the bank sent back what was paid for an award; its spending stands again.

    Raises DomainError 403 for other hands and for who entered it, 404, 409 where nothing is entered, the award has
    moved on since, or the money is gone.
    """
    held = await holding.hold(statement_id, Verb.UNDO_BANK_RETURN)
    row = await settling.row_of(held, which)
    award = found(await Award.filter(id=row.award_id).select_for_update().get_or_none(), "statement_row")
    noted = await _noted(row)
    _require_as_returned(award)
    await _admit(award, held, by)
    mistaken.require_another(noted.actor_id, by.person_id)
    said = Said(row, RowOutcome.RETURN_UNDONE, by.reason[: paying.FAILURE_LENGTH])
    await settling.write_results([said], by.person_id, "")
    await _spend_again(award, held, by)
    await paying.stay_paid(award, held.id, held.budget_id, by.person_id, by.reason)
    await holding.change(held, "return_undone", by.person_id, by.reason)
    return held


async def _noted(row: StatementRow) -> StatementResult:
    last = await StatementResult.filter(row_id=row.id).order_by("-id").first()
    if last is None or last.outcome is not RowOutcome.BANK_RETURNED:
        raise DomainError("return_not_noted", 409)
    return last


def _require_as_returned(award: Award) -> None:
    """Raise DomainError 409 where an award is no more what it became when its payment came back."""
    if not (states.reserved(award.state, award.held_from) or _awaits(award)):
        raise DomainError("award_moved_on", 409)


def _awaits(award: Award) -> bool:
    return AwardState.AWAITING_FUNDS in {award.state, award.held_from}


async def _admit(award: Award, held: Statement, by: Decider) -> None:
    """Raise DomainError 403 for other hands; keep the part that this is."""
    roles = await deciders.roles(by.person_id)
    role = next((one for one in CORRECTING if one in roles), Role.FINANCE)
    await paying.admit(Hand(by.person_id, role, PARTS[role]), [award])
    if role is Role.FINANCE:
        await holding.require_not_approved(held.id, by.person_id)


async def _spend_again(award: Award, held: Statement, by: Decider) -> None:
    """Turn the return round in the ledger; in an open year with the money reserved for the award, which it needs."""
    for budget_id in sorted({held.budget_id, award.budget_id or held.budget_id}):
        budget = await ledger.hold(budget_id)
        if budget.id == held.budget_id != award.budget_id and budget.state is BudgetState.OPEN:
            raise DomainError("returned_money_gone", 409, year=budget.year)
    if award.budget_id != held.budget_id:
        await queue.free([award], by.person_id, by.reason)
    entry = await settling.last_entry(award.id, held.id, EntryKind.BANK_RETURN)
    await mistaken.turn_round(entry, EntryKind.UNDO_RETURN, by)
