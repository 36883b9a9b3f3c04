"""What was entered as come back and did not is turned round by another person; what comes late is entered still."""

import asyncio

import pytest

from server.awards import clawbacks, contesting, explaining, mistaken, owing
from server.awards.contesting import Verdict
from server.awards.models import Clawback, ClawbackState
from server.funds import explaining as accounts
from server.funds.models import BudgetState, EntryKind, LedgerEntry
from server.funds.sides import COLUMNS
from tests.awards.clawing import FEN, World, world
from tests.awards.deciding import refused
from tests.harness.funding import make_award, reserve

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
async def here() -> World:
    return await world()


async def balances(here: World) -> dict[str, int]:
    """What the budget shows that is not zero, every fen of it explained."""
    assert await explaining.unexplained(here.budget.id) == []
    assert [one for one in await accounts.explain(here.budget.id) if not one.holds] == []
    budget = await here.at()
    shown = {account.value: getattr(budget, column) for account, column in COLUMNS.items()}
    return {account: fen for account, fen in shown.items() if fen and account != "appropriated"}


async def test_a_recovery_entered_by_mistake_is_taken_back_by_another_person(here: World) -> None:
    await here.demanded()
    await clawbacks.recover(here.award.id, 20_000, here.by(here.finance))
    await clawbacks.recover(here.award.id, 30_000, here.by(here.finance))
    assert await refused(mistaken.undo_recovery(here.award.id, here.by(here.finance))) == ("entry_another_person", 403)
    assert await refused(mistaken.undo_recovery(here.award.id, here.by(here.reviewer))) == ("not_yours_to_do", 403)
    version = (await Clawback.get(award_id=here.award.id)).version
    tried = [mistaken.undo_recovery(here.award.id, here.by(here.approver), version) for _ in range(4)]
    done = [one for one in await asyncio.gather(*tried, return_exceptions=True) if isinstance(one, Clawback)]
    assert [(one.state, owing.owed(one)) for one in done] == [(ClawbackState.PARTLY, 30_000)]
    entries = {one.kind: one for one in await LedgerEntry.filter(clawback_id=done[0].id).order_by("id")}
    assert entries[EntryKind.UNDO_RECOVER].reverses_id == entries[EntryKind.RECOVER].id
    assert await balances(here) == {"available": 9 * FEN + 20_000, "spent": 30_000}
    over = await mistaken.undo_recovery(here.award.id, here.by(here.other_approver))
    assert (over.state, over.recovered_fen) == (ClawbackState.DEMANDED, 0)
    assert await balances(here) == {"available": 9 * FEN, "spent": FEN}
    assert (await refused(mistaken.undo_recovery(here.award.id, here.by(here.approver))))[0] == "clawback_state"
    assert (await clawbacks.recover(here.award.id, FEN, here.by(here.finance))).state is ClawbackState.RECOVERED


async def test_what_has_gone_to_others_is_not_taken_back(here: World) -> None:
    await here.demanded()
    await clawbacks.recover(here.award.id, FEN, here.by(here.finance))
    await reserve(here.budget, *[await make_award(here.school) for _ in range(10)])
    by = here.by(here.approver)
    assert await refused(mistaken.undo_recovery(here.award.id, by)) == ("returned_money_gone", 409)
    assert (await Clawback.get(award_id=here.award.id)).state is ClawbackState.RECOVERED


async def test_money_that_comes_after_it_was_given_up_is_entered_and_may_be_taken_back(here: World) -> None:
    await here.demanded()
    await clawbacks.recover(here.award.id, 10_000, here.by(here.finance))
    await clawbacks.write_off(here.award.id, here.by(here.other_approver))
    assert await refused(clawbacks.recover(here.award.id, 40_001, here.by(here.finance))) == ("invalid", 422)
    late = await clawbacks.recover(here.award.id, 15_000, here.by(here.finance))
    assert (late.state, late.written_off_fen, late.recovered_fen) == (ClawbackState.WRITTEN_OFF, 25_000, 25_000)
    assert await balances(here) == {"available": 9 * FEN + 25_000, "written_off": 25_000}
    back = await mistaken.undo_recovery(here.award.id, here.by(here.approver))
    assert (back.state, owing.owed(back)) == (ClawbackState.PARTLY, 15_000)
    assert (await clawbacks.recover(here.award.id, FEN - 10_000, here.by(here.finance))).state == "recovered"
    assert await balances(here) == {"available": 10 * FEN}


async def test_in_a_closed_year_it_comes_out_of_what_was_surrendered(here: World) -> None:
    await here.demanded()
    budget = await here.at()
    budget.state = BudgetState.CLOSED
    await budget.save()
    await clawbacks.recover(here.award.id, FEN, here.by(here.finance))
    await mistaken.undo_recovery(here.award.id, here.by(here.approver))
    assert await balances(here) == {"available": 9 * FEN, "spent": FEN}


async def test_of_a_lifted_claim_nothing_is_entered_or_taken_back(here: World) -> None:
    await here.demanded()
    await contesting.contest(here.award.id, "学生在读", here.manager)
    await clawbacks.recover(here.award.id, 10_000, here.by(here.finance))
    await clawbacks.write_off(here.award.id, here.by(here.other_approver))
    await contesting.decide(here.award.id, Verdict.LIFTED, here.by(here.other_approver))
    assert (await refused(mistaken.undo_recovery(here.award.id, here.by(here.approver))))[0] == "clawback_lifted"
    assert (await refused(clawbacks.recover(here.award.id, 1, here.by(here.finance))))[0] == "clawback_lifted"


async def test_a_question_that_was_dropped_hides_no_mistake_before_it(here: World) -> None:
    await here.demanded(20_000)
    await clawbacks.recover(here.award.id, 20_000, here.by(here.finance))
    await clawbacks.request(here.award.id, None, here.by(here.reviewer))
    by = here.by(here.approver)
    assert (await refused(mistaken.undo_recovery(here.award.id, by)))[0] == "clawback_state"
    await clawbacks.drop(here.award.id, here.by(here.reviewer))
    assert (await mistaken.undo_recovery(here.award.id, by)).state is ClawbackState.DEMANDED
