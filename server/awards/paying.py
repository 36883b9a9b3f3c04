"""What a statement does to awards: takes them on, and lets go of each, paid or to be paid otherwise.

Whoever calls holds the statement, holds the awards here, and moves the money afterwards: statement, awards, budget.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from tortoise.queryset import QuerySet

from server.awards import clawbacks, deciders, holding, queue, soundness
from server.awards.holding import Change
from server.awards.models import Award, AwardState, Part
from server.funds import budgets
from server.kernel import clock
from server.kernel.errors import DomainError
from server.organisations.roles import Role

MOST_AWARDS = 5000
"""Of one statement: what is left waits for the next."""
FAILURE_LENGTH = 200
"""So much of why a payment failed stays with the award."""


@dataclass(frozen=True, slots=True)
class Hand:
    """Who acts on awards, in which role, and which part in each that is; None is none."""

    person_id: UUID
    role: Role
    part: Part | None = None


def payable(payees: Collection[UUID]) -> QuerySet[Award]:
    """Return the awards that a statement could take: approved, on none, and not in doubt.

    `payees` are who is paid, and what it carries on.
    """
    return Award.filter(payee_id__in=list(payees), state=AwardState.APPROVED, statement_id=None, doubt="")


async def hold_payable(payees: Collection[UUID], budget_id: UUID, ids: Collection[UUID] | None) -> list[Award]:
    """Hold those of them that a budget reserves money for, only `ids` where they are given; `MOST_AWARDS` at most."""
    rows = payable(payees).filter(budget_id=budget_id)
    if ids is not None:
        rows = rows.filter(id__in=list(ids))
    return await rows.order_by("id").limit(MOST_AWARDS).select_for_update()


async def hold(statement_id: UUID, ids: Collection[UUID] | None = None) -> list[Award]:
    """Hold the awards that are on a statement, or those of `ids` that are, in the order of their ids."""
    rows = Award.filter(statement_id=statement_id, state=AwardState.ON_STATEMENT)
    if ids is not None:
        rows = rows.filter(id__in=list(ids))
    return await rows.order_by("id").select_for_update()


async def admit(hand: Hand, awards: Sequence[Award]) -> None:
    """Let somebody act on held awards, and keep the part that they have in them by it.

    Raises DomainError 403 for who has not the role now, has to do with the payee or a student, or has another part in
    one of the awards.
    """
    standing = await deciders.standing(hand.person_id, awards)
    standing.require([hand.role], awards)
    if hand.part and await deciders.claim([award.id for award in awards], hand.person_id, hand.part):
        raise DomainError("another_part", 403)


async def require_no_other_part(person_id: UUID, awards: Sequence[Award], part: Part) -> None:
    """Raise DomainError 403 for who has a part in one of these held awards, other than `part`."""
    if set((await deciders.parts([award.id for award in awards], person_id)).values()) - {part}:
        raise DomainError("another_part", 403)


async def require_sound(awards: Sequence[Award]) -> None:
    """Raise DomainError 409 where something came up about one of these awards, or what it follows from holds no more.

    Nothing is marked by that: what comes off the statement is looked at again.
    """
    unsound = await soundness.now(awards)
    if doubted := sum(1 for award in awards if award.doubt or award.id in unsound):
        raise DomainError("awards_doubted", 409, count=doubted)


async def take(awards: Sequence[Award], statement_id: UUID, by: UUID) -> None:
    """Put held awards on a statement."""
    before = _states(awards)
    for award in awards:
        award.statement_id = statement_id
        holding.enter(award, AwardState.ON_STATEMENT)
    await _write(awards, before, "on_statement", by)


async def pay(awards: Sequence[Award], by: UUID) -> None:
    """Note of held awards that they are paid; of what came up meanwhile it is asked whether it is claimed back."""
    before, doubted = _states(awards), defaultdict[str, list[Award]](list)
    for award in awards:
        award.failure = ""
        holding.enter(award, AwardState.PAID)
        if award.doubt:
            doubted[award.doubt].append(award)
    await _write(awards, before, "paid", by)
    for doubt, asked in doubted.items():
        await clawbacks.questions(asked, doubt)


async def fail(awards: Sequence[Award], by: UUID, reason: str) -> None:
    """Note of held awards that their payment failed: they are approved as before, with the money reserved for them."""
    for award in awards:
        award.failure = reason[:FAILURE_LENGTH]
    await _let_go(awards, "failed", by, reason)


async def take_off(awards: Sequence[Award], by: UUID, reason: str) -> None:
    """Take held awards off a statement that came to nothing: they are approved as before."""
    await _let_go(awards, "off_statement", by, reason)


async def come_back(award: Award, by: UUID, reason: str, *, budget_open: bool) -> None:
    """Note of a held award that was paid that the bank sent the money back.

    In a year that is closed that money is gone, and the award waits for other money where it was in the queue.
    """
    before = award.state
    award.statement_id, award.failure = None, reason[:FAILURE_LENGTH]
    if budget_open:
        holding.enter(award, AwardState.APPROVED)
    else:
        if award.fund_id:
            await budgets.hold_current(award.fund_id)
        award.budget_id, award.queued_at = None, award.queued_at or clock.now()
        holding.enter(award, AwardState.AWAITING_FUNDS)
        await queue.look([award.fund_id])
    await holding.write([Change(award, before, "bank_returned")], by, reason)
    await _look_again([award], by)


async def stay_paid(award: Award, statement_id: UUID, budget_id: UUID, by: UUID, reason: str) -> None:
    """Note of a held award that what the bank sent back it did not: it is paid, as it was by that statement.

    Of what came up meanwhile it is asked whether it is claimed back.
    """
    before = award.state
    award.statement_id, award.budget_id, award.failure = statement_id, budget_id, ""
    award.doubt = (await soundness.now([award])).get(award.id, "")
    holding.enter(award, AwardState.PAID)
    await holding.write([Change(award, before, "return_undone")], by, reason)
    await queue.look([award.fund_id])
    if award.doubt:
        await clawbacks.questions([award], award.doubt)


async def _let_go(awards: Sequence[Award], event: str, by: UUID, reason: str) -> None:
    before = _states(awards)
    for award in awards:
        award.statement_id = None
        holding.enter(award, AwardState.APPROVED)
    await _write(awards, before, event, by, reason)
    await _look_again(awards, by)


async def _look_again(awards: Sequence[Award], by: UUID) -> None:
    """Hold those of some awards that came back from a statement about which something came up meanwhile."""
    doubts = await soundness.now(awards)
    for award in awards:
        award.doubt = doubts.get(award.id, "")
    await holding.hold_doubted(awards, by)


def _states(awards: Sequence[Award]) -> list[AwardState]:
    return [award.state for award in awards]


async def _write(awards: Sequence[Award], before: Sequence[AwardState], event: str, by: UUID, reason: str = "") -> None:
    """Write them and note it; those concerned are told of the statement as one."""
    changes = [Change(award, was, event) for award, was in zip(awards, before, strict=True)]
    await holding.write(changes, by, reason, tell=False)
