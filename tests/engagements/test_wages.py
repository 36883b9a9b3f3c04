"""Wages that do not come are reported while the work goes on and after it, and a mistaken word is taken back."""

from datetime import timedelta

import pytest

from server.app import CONTENT_DIR
from server.appeals import service as appeals
from server.appeals.service import Verdict as AppealVerdict
from server.engagements import contests, rules, service, sweeps, working
from server.engagements.contests import Verdict
from server.engagements.models import ContestState, Engagement, EngagementState
from server.engagements.nexts import Cue
from server.kernel import clock
from server.labour.models import Settlement
from tests.engagements.deciding import judge, oneself, reviewer, unpaid
from tests.engagements.filling import (
    DAY,
    SOON,
    Firm,
    counted,
    done,
    later,
    make_firm,
    make_worker,
    refused,
    state_of,
    taken,
    told,
    worker_of,
)
from tests.engagements.test_terms import cue_of
from tests.factories import make_person

pytestmark = pytest.mark.usefixtures("database")
S = EngagementState
RULES = rules.load(CONTENT_DIR)


async def long_at_work(firm: Firm, settlement: Settlement) -> Engagement:
    """Somebody who came to work that lasts for a year."""
    posting = await firm.seeks(settlement=settlement, ends_on=clock.today() + 365 * DAY)
    held = await taken(firm, posting, await make_worker())
    later((SOON + 1) * DAY)
    return await working.attend(held.id, firm.actor)


async def test_who_says_by_mistake_that_the_wages_came_takes_it_back_until_the_poster_says_so_too() -> None:
    firm = await make_firm()
    held = await done(firm)
    worker = worker_of(held.person_id)
    await working.confirm_paid(held.id, worker)
    disputed = await working.report_unpaid(held.id, worker, "点错了，其实没有收到")
    assert (disputed.state, disputed.contest, disputed.paid_by) == (S.WAGE_DISPUTE, ContestState.OPEN, {})
    await working.confirm_paid(held.id, worker, 90000)
    assert await told(held, "payment_said") == [str(firm.clerk)]
    assert bool((await working.confirm_paid(held.id, firm.actor, 90000)).paid_at)
    assert await refused(working.report_unpaid(held.id, worker)) == (409, "wages_confirmed")


@pytest.mark.parametrize("settlement", Settlement)
async def test_wages_that_do_not_come_while_the_work_goes_on_are_reported_as_often_as_they_are_due(
    settlement: Settlement,
) -> None:
    firm = await make_firm()
    held = await long_at_work(firm, settlement)
    worker, instalment = worker_of(held.person_id), RULES.instalments[settlement].time
    later(instalment - timedelta(minutes=1))
    assert await refused(working.report_unpaid(held.id, worker)) == (409, "wages_not_due")
    later(timedelta(minutes=1))
    disputed = await working.report_unpaid(held.id, worker, "到期没有付")
    assert (disputed.state, disputed.holds_place) == (S.WAGE_DISPUTE, True)
    await working.confirm_paid(held.id, firm.actor)
    back = await working.confirm_paid(held.id, worker, 50000)
    assert (back.state, back.contest, back.paid_by, back.paid_at) == (S.ATTENDED, ContestState.NONE, {}, None)
    assert await told(held, "dispute_over") == [str(firm.clerk)]
    assert await refused(working.report_unpaid(held.id, worker)) == (409, "wages_not_due")
    later(instalment)
    assert (await working.report_unpaid(held.id, worker)).state is S.WAGE_DISPUTE


async def test_one_sides_word_on_the_work_counts_again_once_a_dispute_is_over() -> None:
    firm = await make_firm()
    held = await long_at_work(firm, Settlement.DAILY)
    worker = worker_of(held.person_id)
    later(2 * DAY)
    await working.complete(held.id, worker, 480)
    assert (await working.report_unpaid(held.id, worker)).due_at is None
    later(RULES.completion.time * 2)
    await sweeps.watch()
    assert await state_of(held) is S.WAGE_DISPUTE
    await working.confirm_paid(held.id, worker)
    later(RULES.completion.time)
    await sweeps.watch()
    assert await state_of(held) is S.COMPLETED


async def test_who_took_other_work_during_a_dispute_is_not_at_work_twice() -> None:
    firm = await make_firm()
    held = await long_at_work(firm, Settlement.DAILY)
    waiting = await service.apply(held.posting_id, by=await make_worker())
    later(2 * DAY)
    await working.report_unpaid(held.id, worker_of(held.person_id))
    tomorrow = clock.today() + DAY
    await taken(firm, await firm.seeks(starts_on=tomorrow, ends_on=tomorrow + DAY), held.person_id)
    over = await working.confirm_paid(held.id, worker_of(held.person_id))
    assert (over.state, over.holds_place) == (S.LEFT_EARLY, False)
    await sweeps.watch()
    assert await state_of(waiting) is S.ACCEPTED
    assert (await counted(held.posting)).filled == 1


async def test_what_was_decided_while_the_work_went_on_is_not_of_what_is_owed_afterwards() -> None:
    firm = await make_firm()
    held = await long_at_work(firm, Settlement.WEEKLY)
    worker = worker_of(held.person_id)
    later(7 * DAY)
    await working.report_unpaid(held.id, worker)
    lifted = await contests.decide(held.id, Verdict.LIFTED, await reviewer())
    assert (lifted.state, lifted.contest, lifted.holds_place) == (S.ATTENDED, ContestState.LIFTED, True)
    assert await refused(working.report_unpaid(held.id, worker)) == (409, "wages_not_due")
    for actor in (firm.actor, worker):
        await working.complete(held.id, actor)
    assert await cue_of(held) is Cue.UNPAID
    await working.report_unpaid(held.id, worker)
    assert (await contests.decide(held.id, Verdict.LIFTED, await reviewer())).state is S.COMPLETED
    assert await refused(working.report_unpaid(held.id, worker)) == (409, "wages_decided")
    await working.confirm_paid(held.id, worker)
    assert await cue_of(held) is Cue.NOT_OWED


async def test_wages_that_were_found_owed_are_owed_again_where_they_were_confirmed_by_mistake() -> None:
    firm = await make_firm()
    held = await unpaid(firm)
    worker = worker_of(held.person_id)
    await contests.decide(held.id, Verdict.STANDS, await reviewer())
    await working.confirm_paid(held.id, worker)
    assert (await working.report_unpaid(held.id, worker, "点错了")).contest is ContestState.OPEN


async def test_a_dispute_goes_back_to_where_it_came_from_last() -> None:
    """Who was found to work elsewhere by then has left, also once an appeal turned that round."""
    firm = await make_firm()
    held = await long_at_work(firm, Settlement.DAILY)
    later(2 * DAY)
    await working.report_unpaid(held.id, worker_of(held.person_id))
    tomorrow = clock.today() + DAY
    await taken(firm, await firm.seeks(starts_on=tomorrow, ends_on=tomorrow), held.person_id)
    await contests.decide(held.id, Verdict.LIFTED, await reviewer())
    await overturned(held)
    assert await state_of(held) is S.WAGE_DISPUTE
    later(3 * DAY)
    assert (await working.confirm_paid(held.id, worker_of(held.person_id))).state is S.LEFT_EARLY


async def test_an_appeal_takes_back_the_workers_own_word_and_comes_too_late_after_both() -> None:
    firm = await make_firm()
    said, settled = await unpaid(firm), await unpaid(firm)
    for held in (said, settled):
        await contests.decide(held.id, Verdict.LIFTED, await reviewer())
        await working.confirm_paid(held.id, worker_of(held.person_id))
    await overturned(said)
    assert (await working.confirm_paid(said.id, worker_of(said.person_id))).state is S.COMPLETED
    await working.confirm_paid(settled.id, firm.actor)
    assert await refused(overturned(settled)) == (409, "nothing_refused")


async def overturned(held: Engagement) -> None:
    """An appeal of the worker turns the last decision round."""
    made = await appeals.appeal(f"engagement:{held.id}", "有记录", oneself(held))
    await appeals.judge(made.id, AppealVerdict.OVERTURN, judge((await make_person()).id), "属实")
