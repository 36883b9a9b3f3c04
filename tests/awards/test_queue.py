"""Money in the order of approval: nobody passes who waits, and no fen is given twice, however many come at once."""

import asyncio
from datetime import date

import pytest

from server.awards import closing, life, queue, undoing
from server.awards.models import Award, AwardState, RunKind
from server.funds import budgets
from server.funds.budgets import ByHand
from server.funds.ledger import FUND_QUEUE
from server.funds.models import EntryKind, FundPaper, LedgerEntry, PaperKind
from server.kernel import clock
from server.kernel.errors import DomainError
from server.kernel.jobs.models import Job
from server.people.service import Decider
from server.statements import opening, waiting
from server.statements.waiting import Waits
from tests.awards.deciding import World, acts, now, states, world
from tests.harness import statements
from tests.harness.funding import REWARD_FEN, make_budget

pytestmark = pytest.mark.usefixtures("database")


async def served(here: World) -> int:
    """Work the queue off, and forget what was asked for."""
    await Job.filter(kind=FUND_QUEUE).delete()
    return int((await queue.work({"fund": str(here.fund.id)}))["served"])


async def asked(here: World) -> bool:
    """Whether the queue is to be looked at; forgets it."""
    jobs = await Job.filter(kind=FUND_QUEUE)
    await Job.filter(kind=FUND_QUEUE).delete()
    return any(job.payload == {"fund": str(here.fund.id)} for job in jobs)


async def approve(here: World, *awards: Award) -> None:
    for one in awards:
        assert await here.codes(here.approver, RunKind.APPROVE, one) == [None]


async def more(here: World, rewards: int) -> None:
    assert here.budget
    await budgets.enter(
        here.fund.id, here.budget.year, ByHand(EntryKind.APPROPRIATE, rewards * REWARD_FEN, here.finance, "追加")
    )


async def test_what_there_is_not_enough_for_waits_in_order() -> None:
    here = await world(2)
    awards = await here.ready(5)
    assert await here.codes(here.approver, RunKind.APPROVE, *awards) == [None] * 5
    assert await states(*awards) == ["approved"] * 2 + ["awaiting_funds"] * 3
    assert await acts(awards[4]) == ["reviewed", "publicised", "awaiting_funds"]
    await more(here, 2)
    assert await asked(here)
    assert await served(here) == 2
    assert await states(*awards) == ["approved"] * 4 + ["awaiting_funds"]
    assert (await acts(awards[3]))[-1] == "funded"
    assert (await here.money(), await here.explained()) == ((0, 4), True)


async def test_a_small_one_does_not_pass_a_large_one() -> None:
    here = await world(2)
    large, small = await here.ready(amount_fen=3 * REWARD_FEN), await here.ready()
    await approve(here, *large, *small)
    assert await states(*large, *small) == ["awaiting_funds"] * 2
    assert await served(here) == 0
    [late] = await here.ready()
    await approve(here, late)
    assert await states(late) == ["awaiting_funds"]
    await asked(here)
    await here.says(here.approver, RunKind.CANCEL, *large)
    assert await asked(here)
    assert await served(here) == 2
    assert await states(*small, late) == ["approved"] * 2


async def test_a_held_one_lets_others_pass_and_keeps_its_place() -> None:
    here = await world(0)
    first, second = await here.approved(2)
    await here.says(here.approver, RunKind.HOLD, first)
    await more(here, 1)
    assert await served(here) == 1
    assert await states(first, second) == ["held", "approved"]
    [third] = await here.ready()
    await approve(here, third)
    await here.says(here.approver, RunKind.RELEASE, first)
    assert await asked(here)
    await more(here, 1)
    assert await served(here) == 1
    assert await states(first, third) == ["approved", "awaiting_funds"]


async def test_without_a_budget_of_this_year_all_wait() -> None:
    here = await world(None)
    awards = await here.approved(2)
    assert await states(*awards) == ["awaiting_funds"] * 2
    here.budget = await make_budget(here.fund, 5 * REWARD_FEN)
    assert await served(here) == 2
    assert await here.explained()


async def test_nothing_leaves_the_queue_while_a_paper_is_missing() -> None:
    here = await world(0)
    [award] = await here.approved()
    await FundPaper.filter(fund=here.fund, kind=PaperKind.LEGAL_BASIS).update(valid_to=date(2020, 1, 1))
    await more(here, 3)
    assert await served(here) == 0
    await FundPaper.filter(fund=here.fund, kind=PaperKind.LEGAL_BASIS).update(valid_to=None)
    assert (await queue.watch())["queues"] >= 1
    assert await asked(here)
    assert await served(here) == 1
    assert await states(award) == ["approved"]


async def test_a_new_year_has_its_own_money() -> None:
    here = await world(5)
    [award] = await here.ready()
    clock.move_to(clock.midnight(date(clock.today().year + 1, 2, 1)))
    assert await here.codes(here.approver, RunKind.APPROVE, award) == [None]
    assert await states(award) == ["awaiting_funds"]
    assert (await here.money())[1] == 0


async def test_the_last_money_is_given_once_however_many_come() -> None:
    here = await world(3)
    awards = await here.ready(12)
    racing = [here.says(by, RunKind.APPROVE, one) for one in awards for by in (here.approver, here.approver_2)]
    results = await asyncio.gather(*racing)
    assert sum(one.code is None for [one] in results) == 12
    found = await Award.filter(id__in=[one.id for one in awards]).order_by("queued_at", "id")
    assert [one.state for one in found] == [AwardState.APPROVED] * 3 + [AwardState.AWAITING_FUNDS] * 9
    assert await LedgerEntry.filter(budget=here.budget, kind=EntryKind.RESERVE).count() == 3
    assert (await here.money(), await here.explained()) == ((0, 3), True)


async def test_money_cancellations_and_approvals_at_once_leave_no_gap() -> None:
    """Whoever holds and waits for whom, in the end what there is has been given to those who came first."""
    here = await world(4)
    approved, waiting = await here.approved(4), await here.approved(6)
    fresh = await here.ready(4)
    work = [queue.work({"fund": str(here.fund.id)}) for _ in range(4)]
    cancel = [here.says(here.approver_2, RunKind.CANCEL, one) for one in (*approved[:2], *waiting[1:3])]
    come = [here.says(here.approver, RunKind.APPROVE, one) for one in fresh]
    undone = [undoing.undo(waiting[0].id, Decider(here.approver, "看错"))]
    await asyncio.gather(*work, more(here, 2), *cancel, *come, *undone)
    await served(here)
    found = await Award.filter(programme=here.programme, state__in=["approved", "awaiting_funds"]).order_by(
        "queued_at", "id"
    )
    assert [str(one.state) for one in found] == ["approved"] * 6 + ["awaiting_funds"] * 3
    assert {one.id for one in found[:2]} == {one.id for one in approved[2:]}
    assert (await here.money(), await here.explained()) == ((0, 6), True)


async def test_no_two_undo_one_approval() -> None:
    here = await world(2)
    [award] = await here.approved()
    tries = [undoing.undo(award.id, Decider(by, "看错")) for by in (here.approver, here.approver_2) * 3]
    results = await asyncio.gather(*tries, return_exceptions=True)
    assert await LedgerEntry.filter(budget=here.budget, award_id=award.id, kind=EntryKind.RELEASE).count() <= 1
    assert await here.explained()
    assert len([one for one in results if isinstance(one, Award)]) >= 1


async def test_deciding_many_takes_as_many_statements_as_deciding_few() -> None:
    here = await world(100)
    few, many = await here.ready(2), await here.ready(40)
    counts = []
    for awards in (few, many):
        with statements.sent() as seen:
            await life.decide([one.id for one in awards], RunKind.APPROVE, Decider(here.approver, "同意"))
        counts.append(len(seen))
    assert counts[0] == counts[1]


async def test_a_budget_is_short_for_nobody_twice() -> None:
    here = await world(1)
    one, other = await here.ready(2)
    await asyncio.gather(approve(here, one), approve(here, other))
    assert sorted(await states(one, other)) == ["approved", "awaiting_funds"]
    assert await here.money() == (0, 1)
    assert (await now(one)).queued_at != (await now(other)).queued_at


async def test_nobody_passes_those_whose_money_is_reserved_in_a_year_that_is_not_closed() -> None:
    here = await world(2)
    older = await here.approved(2)
    year = clock.today().year
    [newer, last] = await here.ready(2)
    clock.move_to(clock.midnight(date(clock.today().year + 1, 2, 1)))
    await make_budget(here.fund, 3 * REWARD_FEN)
    assert await here.codes(here.approver, RunKind.APPROVE, newer, last) == [None, None]
    assert await served(here) == 0
    assert await states(newer, last) == ["awaiting_funds"] * 2
    waits = {one.waits: one.count for one in await waiting.waiting() if one.fund and one.fund.id == here.fund.id}
    assert waits == {Waits.YEAR_END: 4}
    with pytest.raises(DomainError) as refusal:
        await opening.open_statement(opening.Wanted(here.school.id, here.fund.id), here.finance)
    assert (refusal.value.slug, refusal.value.facts) == ("year_unclosed", {"year": year})
    await closing.close(here.fund.id, year, 0, Decider(here.finance, "年终结账"))
    assert await served(here) == 3
    assert await states(*older, newer, last) == ["approved"] * 3 + ["awaiting_funds"]
