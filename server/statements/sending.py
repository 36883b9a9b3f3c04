"""Letting a locked statement go out: approved by as many as its total asks for, sent by yet another, or voided."""

from collections.abc import Sequence
from uuid import UUID

from server.awards import offsetting, paying, rules
from server.awards.models import Part
from server.awards.paying import Hand
from server.funds import ledger, papers
from server.funds.ledger import Move
from server.funds.models import EntryKind
from server.kernel import clock, outbox
from server.kernel.errors import DomainError
from server.kernel.transactions import transaction
from server.organisations import current
from server.organisations.roles import Role
from server.people.service import Decider
from server.statements import holding, locking, settling
from server.statements.models import RowOutcome, Statement, StatementApproval, StatementState
from server.statements.settling import Said
from server.statements.states import Verb


def needed(held: Statement) -> int:
    """Return how many approvers a locked statement needs."""
    return rules.in_force().approvals.needed(held.total_fen)


async def approvals(statement_id: UUID) -> list[StatementApproval]:
    """Return who let a statement go out, the first first."""
    return await StatementApproval.filter(statement_id=statement_id).order_by("id")


async def counting(given: Sequence[StatementApproval]) -> int:
    """Return how many of these approvals count: of those who are approvers still, and may act."""
    approvers = await current.staff(Role.APPROVER)
    return sum(1 for one in given if one.person_id in approvers)


@transaction
async def approve(statement_id: UUID, by: Decider) -> Statement:
    """Let a locked statement go out, as one of those whom it needs; with the last of them finance is told.

    It is no part in its awards: who approved a statement may yet approve that one of them is claimed back. Raises
    DomainError 403 for other hands, for who opened or locked it, and for who has a part in one of its awards, other
    than having approved it; 404, 409 where it is not locked, or was approved by the same person before.
    """
    held = await holding.hold(statement_id, Verb.APPROVE)
    if by.person_id in {held.opened_by_id, held.locked_by_id}:
        raise DomainError("another_person", 403)
    given = await approvals(held.id)
    if by.person_id in {one.person_id for one in given}:
        raise DomainError("statement_approved_already", 409)
    awards = await paying.hold(held.id)
    await paying.admit(Hand(by.person_id, Role.APPROVER), awards)
    await paying.require_no_other_part(by.person_id, awards, Part.APPROVAL)
    await StatementApproval.create(statement=held, person_id=by.person_id, reason=by.reason, made_at=clock.now())
    await holding.change(held, "approved", by.person_id, by.reason)
    if await counting(given) + 1 == needed(held):
        finance = await current.staff(Role.FINANCE)
        await outbox.record("statement.cleared", holding.subject_of(held.id), sorted(finance))
    return held


@transaction
async def send(statement_id: UUID, by: UUID) -> Statement:
    """Send an approved statement to its payer; one that comes to nothing after what is kept back is settled by that.

    Raises DomainError 403 for other hands and for who approved it, 404, 409 where it is not locked, approvals or papers
    are missing, account or payer are not the locked ones any more, or something came up about an award.
    """
    held, payee = await holding.hold_with_payee(statement_id, Verb.SEND)
    await holding.require_not_approved(held.id, by)
    given = await counting(await approvals(held.id))
    if given < needed(held):
        raise DomainError("approvals_missing", 409, needed=needed(held), given=given)
    awards = await paying.hold(held.id)
    await paying.require_sound(awards)
    if (await locking.require_ready(held, payee, awards)).id != held.account_id:
        raise DomainError("account_since_lock", 409)
    if (await papers.payer(held.fund_id)).id != held.payer_id:
        raise DomainError("payer_since_lock", 409)
    await paying.admit(Hand(by, Role.FINANCE, Part.SENDING), awards)
    held.sent_by_id, held.sent_at = by, clock.now()
    await holding.change(held, "sent", by, state=StatementState.SENT)
    if held.total_fen == 0:
        await settling.settle(held, [Said(row, RowOutcome.PAID) for row in await holding.rows(held.id)], by, "")
    return held


@transaction
async def void(statement_id: UUID, by: Decider) -> Statement:
    """Give a statement up before it goes out: its awards are to be had again, what it kept back is owed again.

    Raises DomainError 403 for other hands, 404, 409 once it was sent.
    """
    held = await holding.hold(statement_id, Verb.VOID)
    await _come_to_nothing(held, by, StatementState.VOIDED)
    return held


@transaction
async def take_back(statement_id: UUID, by: Decider) -> Statement:
    """Note that the payer sent all of a statement back, unpaid; its awards are to be had again.

    Raises DomainError 403 for other hands, 404, 409 unless it was sent and nothing came of it yet.
    """
    held = await holding.hold(statement_id, Verb.RETURN)
    await _come_to_nothing(held, by, StatementState.RETURNED)
    return held


async def _come_to_nothing(held: Statement, by: Decider, state: StatementState) -> None:
    awards, returned = await paying.hold(held.id), state is StatementState.RETURNED
    await paying.admit(Hand(by.person_id, Role.FINANCE, Part.SENDING), awards)
    await holding.require_not_approved(held.id, by.person_id)
    await (paying.fail if returned else paying.take_off)(awards, by.person_id, by.reason)
    await offsetting.free(held.id)
    locked = held.locked_at is not None
    await holding.change(held, state.value, by.person_id, by.reason, state)
    if locked:
        moves = [Move(EntryKind.UNCOMMIT, award.amount_fen, award.id, held.id) for award in awards]
        await ledger.post(await ledger.hold(held.budget_id), moves, by.person_id, by.reason)
