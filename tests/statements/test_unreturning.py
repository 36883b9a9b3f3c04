"""A return of the bank that was entered by mistake: another person takes it back, and the award is paid as before."""

import asyncio
from uuid import UUID

import pytest

from server.awards import closing, life
from server.awards.models import Award, AwardState, Clawback, RunKind
from server.funds import explaining as accounts
from server.funds.models import EntryKind, LedgerEntry
from server.kernel import clock
from server.kernel.outbox import Event
from server.people.service import Decider
from server.statements import listing, locking, opening, settling, unreturning
from server.statements.models import Statement
from server.statements.opening import Wanted
from server.statements.settling import Returned
from tests.harness.funding import REWARD_FEN
from tests.statements.paying_world import World, slug_of, world

pytestmark = pytest.mark.usefixtures("database")
FIRST = Returned(number=1)


async def returned(here: World, count: int = 2) -> tuple[Statement, Award]:
    """A statement that was paid, of which the bank is said to have sent the first row back."""
    sent = await here.sent(count)
    await here.settle(sent)
    await settling.bank_return(sent.id, FIRST, Decider(here.finance, "退汇"))
    return sent, await Award.get(payee_id=here.school.id, state=AwardState.APPROVED)


async def undo(here: World, sent: Statement, by: UUID | None = None) -> Statement:
    return await unreturning.undo_bank_return(sent.id, FIRST, Decider(by or here.other_finance, "登记错了行"))


async def require_explained(here: World) -> None:
    assert [one for one in await accounts.explain(here.budget.id) if not one.holds] == []


async def test_another_person_takes_it_back_once_and_the_award_is_paid_as_before() -> None:
    here = await world()
    sent, award = await returned(here)
    assert await here.money() == (1, 0, 1)
    assert await slug_of(undo(here, sent, here.finance)) == "entry_another_person"
    assert await slug_of(undo(here, sent, here.manager)) == "not_yours_to_do"
    done = await asyncio.gather(*[undo(here, sent) for _ in range(4)], return_exceptions=True)
    assert sorted(type(one).__name__ for one in done) == ["DomainError"] * 3 + ["Statement"]
    award = await Award.get(id=award.id)
    assert (award.state, award.statement_id, award.budget_id, award.failure) == (
        AwardState.PAID, sent.id, here.budget.id, "",
    )  # fmt: skip
    assert await here.money() == (0, 0, 2)
    await require_explained(here)
    back = await LedgerEntry.get(award_id=award.id, kind=EntryKind.UNDO_RETURN)
    assert back.reverses_id == (await LedgerEntry.get(award_id=award.id, kind=EntryKind.BANK_RETURN)).id
    assert str(here.manager) in (await Event.get(name="award.return_undone")).people
    assert await slug_of(undo(here, sent)) == "return_not_noted"
    [seen] = await listing.seen([await Statement.get(id=sent.id)])
    assert dict(seen.outcomes) == {"paid": 2, "bank_returned": 0}


async def test_what_really_comes_back_after_that_is_entered_again() -> None:
    here = await world()
    sent, award = await returned(here)
    await undo(here, sent, here.other_approver)
    await settling.bank_return(sent.id, FIRST, Decider(here.finance, "确已退汇"))
    assert ((await Award.get(id=award.id)).state, await here.money()) == (AwardState.APPROVED, (1, 0, 1))
    await undo(here, sent)
    assert await here.money() == (0, 0, 2)
    await require_explained(here)


async def test_what_went_on_meanwhile_is_not_turned_round() -> None:
    here = await world()
    sent, award = await returned(here)
    follow = await opening.open_statement(Wanted(here.school.id, follows_id=sent.id), here.finance)
    assert await slug_of(undo(here, sent)) == "award_moved_on"
    await here.settle(await here.send(await locking.lock(follow.id, here.finance)))
    assert await slug_of(undo(here, sent)) == "award_moved_on"
    assert (await Award.get(id=award.id)).statement_id == follow.id


async def test_a_held_one_is_paid_and_what_is_doubtful_of_it_is_asked() -> None:
    here = await world()
    sent, award = await returned(here)
    await life.decide_one(award.id, RunKind.HOLD, Decider(here.other_approver, "再看一看"))
    await Award.filter(id=award.id).update(doubt="referral_in_dispute")
    await undo(here, sent)
    award = await Award.get(id=award.id)
    assert award.state is AwardState.PAID
    assert award.held_from is None
    assert (await Clawback.get(award_id=award.id)).reason == "referral_in_dispute"


async def test_after_the_year_is_closed_it_comes_out_of_what_was_surrendered() -> None:
    here = await world()
    sent, award = await returned(here)
    await closing.close(here.fund.id, clock.today().year, 0, Decider(here.finance, "年终结账"))
    assert (await Award.get(id=award.id)).state is AwardState.AWAITING_FUNDS
    await undo(here, sent)
    award = await Award.get(id=award.id)
    assert (award.state, award.budget_id) == (AwardState.PAID, here.budget.id)
    budget = await here.now()
    assert (budget.spent_fen, budget.surrendered_fen) == (2 * REWARD_FEN, 98 * REWARD_FEN)
    assert await here.money() == (0, 0, 2)
    await require_explained(here)


async def test_money_that_others_have_by_now_is_not_taken_back() -> None:
    here = await world()
    sent, award = await returned(here)
    await closing.close(here.fund.id, clock.today().year, 99 * REWARD_FEN, Decider(here.finance, "年终结账"))
    assert await slug_of(undo(here, sent)) == "returned_money_gone"
    assert (await Award.get(id=award.id)).state is AwardState.AWAITING_FUNDS
