"""Work is done, left and paid as both sides say it; what one side does not say, the clock says."""

import asyncio
from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from miniprogram_api import words
from server.app import CONTENT_DIR
from server.engagements import contests, rules, service, sweeps, working
from server.engagements.models import ContestState, Engagement, EngagementState
from server.engagements.rules import first_shift
from server.engagements.states import Verb
from server.kernel import clock
from server.kernel.errors import DomainError
from server.labour.models import PostingState
from server.people.service import Decider
from tests.engagements.filling import (
    DAY,
    SOON,
    at_work,
    came,
    counted,
    done,
    later,
    make_firm,
    make_worker,
    refused,
    state_of,
    story,
    taken,
    told,
    worker_of,
)
from tests.factories import make_person

pytestmark = pytest.mark.usefixtures("database")
S = EngagementState
RULES = rules.load(CONTENT_DIR)


async def test_both_say_that_it_was_done_and_that_it_was_paid() -> None:
    firm = await make_firm()
    held = await came(firm)
    worker = worker_of(held.person_id)
    one_sided = await working.complete(held.id, firm.actor, 2400)
    assert (one_sided.state, one_sided.completed_at) == (S.ATTENDED, None)
    assert await told(held, "to_be_confirmed") == [str(held.person_id)]
    assert await refused(working.complete(held.id, firm.actor)) == (409, "already_said")
    both = await working.complete(held.id, worker, 2460)
    assert (both.state, both.deemed, bool(both.completed_at)) == (S.COMPLETED, False, True)
    assert {side: said["minutes"] for side, said in both.completed_by.items()} == {"poster": 2400, "worker": 2460}
    assert (await working.confirm_paid(held.id, worker, 88000)).paid_at is None
    assert await refused(working.confirm_paid(held.id, worker)) == (409, "already_said")
    paid = await working.confirm_paid(held.id, firm.actor, 90000)
    assert (paid.state, bool(paid.paid_at), paid.due_at) == (S.COMPLETED, True, None)
    assert {side: said["fen"] for side, said in paid.paid_by.items()} == {"poster": 90000, "worker": 88000}
    expected = ["apply", "accept", "attend", "complete", "complete", "confirm_paid", "confirm_paid"]
    assert await story(held) == expected
    assert await told(held, "paid") == [str(held.person_id)]
    assert (await counted(held.posting)).filled == 1


async def test_nobody_comes_before_the_first_day_or_misses_a_shift_that_has_not_begun() -> None:
    firm = await make_firm()
    held = await taken(firm, await firm.seeks(), await make_worker())
    worker = worker_of(held.person_id)
    assert await refused(working.attend(held.id, worker)) == (409, "work_not_begun")
    assert await refused(working.no_show(held.id, firm.actor)) == (409, "shift_not_begun")
    assert await refused(working.complete(held.id, worker)) == (409, "work_not_over")
    assert held.posting.starts_on
    begins = datetime.combine(held.posting.starts_on, datetime.min.time(), clock.SHANGHAI)
    clock.move_to(begins + timedelta(hours=7, minutes=59))
    assert await refused(working.no_show(held.id, firm.actor)) == (409, "shift_not_begun")
    clock.move_to(begins + timedelta(hours=8, minutes=1))
    assert (await working.no_show(held.id, firm.actor)).state is S.NO_SHOW


async def test_what_is_the_other_sides_to_do_and_what_comes_too_early_or_twice_is_refused() -> None:
    firm = await make_firm()
    held = await at_work(firm)
    worker = worker_of(held.person_id)
    assert await refused(working.no_show(held.id, worker)) == (403, "engagement_not_yours")
    assert await refused(working.cancel(held.id, worker, "不要了")) == (403, "engagement_not_yours")
    assert await refused(working.report_unpaid(held.id, firm.actor)) == (403, "engagement_not_yours")
    assert await refused(working.cancel(held.id, firm.actor, "")) == (422, "/reason missing")
    for verb in (working.leave_early, working.confirm_paid, working.report_unpaid):
        assert await refused(verb(held.id, worker)) == (409, "engagement_state")
    await working.attend(held.id, firm.actor)
    assert await refused(working.attend(held.id, worker)) == (409, "engagement_state")
    assert await refused(working.no_show(held.id, firm.actor)) == (409, "engagement_state")
    assert await refused(service.withdraw(held.id, worker, "不去了")) == (409, "engagement_state")


async def test_who_leaves_early_or_is_cancelled_makes_room_for_who_waits() -> None:
    firm = await make_firm()
    posting = await firm.seeks(2, ends_on=clock.today() + 60 * DAY)
    first, second = [await taken(firm, posting, await make_worker()) for _ in range(2)]
    waiting = [await service.apply(posting.id, by=await make_worker()) for _ in range(2)]
    assert [one.state for one in waiting] == [S.WAITING, S.WAITING]
    later((SOON + 1) * DAY)
    await working.attend(first.id, firm.actor)
    await working.leave_early(first.id, worker_of(first.person_id), "家里有事")
    assert [await state_of(one) for one in waiting] == [S.ACCEPTED, S.WAITING]
    await working.cancel(second.id, firm.actor, "订单取消")
    assert [await state_of(one) for one in waiting] == [S.ACCEPTED, S.ACCEPTED]
    assert await told(second, "cancelled") == [str(second.person_id)]
    assert (await counted(posting)).state is PostingState.FILLED


async def test_one_sides_word_counts_after_some_days_and_both_are_reminded_of_the_wages() -> None:
    firm = await make_firm()
    held = await came(firm)
    await working.complete(held.id, worker_of(held.person_id), 480)
    later(RULES.completion.time - timedelta(minutes=1))
    await sweeps.watch()
    assert await state_of(held) is S.ATTENDED
    later(timedelta(minutes=2))
    assert (await sweeps.watch())["due"] == 1
    deemed = await Engagement.get(id=held.id)
    assert (deemed.state, deemed.deemed) == (S.COMPLETED, True)
    assert await refused(working.complete(held.id, firm.actor)) == (409, "engagement_state")
    later(RULES.payment.time + timedelta(minutes=1))
    await sweeps.watch()
    assert {str(firm.clerk), str(held.person_id)} == set(await told(held, "payment_open"))
    assert (await sweeps.watch())["due"] == 0
    assert (await story(held))[-1] == "deem"


async def test_a_place_of_who_did_not_come_is_kept_until_nobody_can_contest_it() -> None:
    firm = await make_firm()
    posting = await firm.seeks(ends_on=clock.today() + 90 * DAY)
    held = await taken(firm, posting, await make_worker())
    waiting = await service.apply(posting.id, by=await make_worker())
    later((SOON + 1) * DAY)
    marked = await working.no_show(held.id, firm.actor, "未到岗，电话未接")
    assert (marked.holds_place, marked.contest) == (True, ContestState.NONE)
    later(RULES.contest.time - timedelta(minutes=1))
    await sweeps.watch()
    assert await state_of(waiting) is S.WAITING
    later(timedelta(minutes=2))
    await sweeps.watch()
    assert [await state_of(one) for one in (held, waiting)] == [S.NO_SHOW, S.ACCEPTED]
    assert (await counted(posting)).filled == 1


async def test_silence_after_the_work_ends_it() -> None:
    firm = await make_firm()
    held, absent = await came(firm), await at_work(firm)
    ends_on = max(held.posting.ends_on or date.min, absent.posting.ends_on or date.min)
    after = datetime.combine(ends_on, datetime.min.time(), clock.SHANGHAI) + RULES.silence.time + timedelta(hours=25)
    clock.move_to(after - timedelta(days=1, hours=2))
    await sweeps.watch()
    assert await state_of(absent) is S.ACCEPTED
    clock.move_to(after)
    await sweeps.watch()
    assert [await state_of(one) for one in (held, absent)] == [S.COMPLETED, S.UNANSWERED]
    assert (await Engagement.get(id=held.id)).deemed
    assert (await counted(absent.posting)).filled == 0


async def test_who_never_said_that_they_came_may_still_say_that_it_was_done() -> None:
    firm = await make_firm()
    held = await at_work(firm)
    later(20 * DAY)
    await working.complete(held.id, worker_of(held.person_id))
    assert (await working.complete(held.id, firm.actor)).state is S.COMPLETED


async def test_unpaid_wages_are_told_to_the_secretariat_and_end_with_the_workers_word() -> None:
    firm = await make_firm()
    held = await done(firm)
    worker = worker_of(held.person_id)
    disputed = await working.report_unpaid(held.id, worker, "约定按周结算，至今没有付")
    assert (disputed.state, disputed.contest) == (S.WAGE_DISPUTE, ContestState.OPEN)
    assert await told(held, "wage_dispute") == [str(firm.clerk)]
    assert (await working.confirm_paid(held.id, firm.actor, 5000)).state is S.WAGE_DISPUTE
    over = await working.confirm_paid(held.id, worker, 5000)
    assert (over.state, over.contest, bool(over.paid_at)) == (S.COMPLETED, ContestState.NONE, True)
    assert await refused(working.report_unpaid(held.id, worker)) == (409, "wages_confirmed")


async def test_no_place_is_taken_away_once_the_work_is_done_by_the_workers_word_or_the_calendars() -> None:
    firm = await make_firm()
    said, silent, unsaid = await came(firm), await came(firm), await at_work(firm)
    await working.complete(said.id, worker_of(said.person_id), 480)
    assert await refused(working.cancel(said.id, firm.actor, "不用来了")) == (409, "work_done")
    await working.complete(silent.id, firm.actor, 480)
    assert unsaid.posting.ends_on
    clock.move_to(datetime.combine(unsaid.posting.ends_on + DAY, datetime.min.time(), clock.SHANGHAI))
    for held in (silent, unsaid):
        assert await refused(working.cancel(held.id, firm.actor, "不用来了")) == (409, "work_done")
    left = await working.leave_early(said.id, firm.actor, "没有做完")
    await contests.contest(left.id, worker_of(said.person_id), "做完了")
    await contests.decide(left.id, contests.Verdict.LIFTED, Decider((await make_person()).id, "属实"))
    later(RULES.completion.time + timedelta(minutes=1))
    await sweeps.watch()
    assert await state_of(said) is S.COMPLETED


async def test_a_place_taken_away_leaves_wages_owed_only_to_who_may_have_come() -> None:
    firm = await make_firm()
    never = await taken(firm, await firm.seeks(), await make_worker())
    await working.cancel(never.id, firm.actor, "停工")
    unsaid = await at_work(firm)
    await working.cancel(unsaid.id, firm.actor, "停工")
    held = await came(firm)
    await working.cancel(held.id, firm.actor, "停工")
    assert (await working.report_unpaid(unsaid.id, worker_of(unsaid.person_id))).state is S.WAGE_DISPUTE
    assert await refused(working.report_unpaid(never.id, worker_of(never.person_id))) == (409, "engagement_state")
    assert await refused(working.confirm_paid(never.id, firm.actor)) == (409, "engagement_state")
    disputed = await working.report_unpaid(held.id, worker_of(held.person_id))
    assert disputed.state is S.WAGE_DISPUTE
    back = await working.confirm_paid(held.id, worker_of(held.person_id), 100)
    assert back.state is S.CANCELLED_BY_EMPLOYER


async def test_who_is_back_on_the_same_posting_settles_that_first() -> None:
    firm = await make_firm()
    held = await came(firm)
    worker = worker_of(held.person_id)
    await working.cancel(held.id, firm.actor, "停工")
    again = await service.apply(held.posting_id, by=held.person_id)
    assert await refused(working.report_unpaid(held.id, worker)) == (409, "engaged_again")
    await service.withdraw(again.id, worker)
    assert (await working.report_unpaid(held.id, worker)).state is S.WAGE_DISPUTE


async def test_of_what_both_say_at_the_same_moment_nothing_is_lost() -> None:
    firm = await make_firm()
    held = await came(firm)
    sides = (firm.actor, worker_of(held.person_id))
    await asyncio.gather(*(working.complete(held.id, side, 480) for side in sides))
    await asyncio.gather(*(working.confirm_paid(held.id, side, 9000) for side in sides))
    found = await Engagement.get(id=held.id)
    assert (found.state, set(found.completed_by), bool(found.paid_at)) == (S.COMPLETED, {"poster", "worker"}, True)
    assert (await story(held))[3:] == ["complete"] * 2 + ["confirm_paid"] * 2


async def test_of_two_things_that_exclude_each_other_one_happens() -> None:
    firm = await make_firm()
    held = await at_work(firm)
    both = (working.no_show(held.id, firm.actor), working.attend(held.id, worker_of(held.person_id)))
    outcomes = await asyncio.gather(*both, return_exceptions=True)
    [lost] = [one.slug for one in outcomes if isinstance(one, DomainError)]
    assert lost in {"engagement_state", "engagement_not_yours"}  # that somebody did come is then the poster's to say
    assert len(await story(held)) == 3


@given(
    start=st.dates(date(2026, 1, 1), date(2026, 12, 31)),
    length=st.integers(0, 20),
    days=st.sets(st.integers(1, 7), max_size=7),
    begins=st.lists(st.times(), min_size=1, max_size=2),
    after=st.none() | st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31)),  # noqa: DTZ001 -- put there below
)
def test_the_first_shift_is_the_earliest_of_all_that_somebody_can_come_to(
    start: date, length: int, days: set[int], begins: list[datetime], after: datetime | None
) -> None:
    moments = sorted(f"{one:%H:%M}" for one in begins)
    hours = {str(day): [[moment, "23:59"] for moment in moments] for day in days}
    ends, moment = start + timedelta(days=length), after and after.replace(tzinfo=clock.SHANGHAI)
    all_ = [
        datetime.combine(day, datetime.strptime(one, "%H:%M").time(), clock.SHANGHAI)  # noqa: DTZ007 -- no date
        for day in (start + timedelta(days=number) for number in range(length + 1))
        if not days or day.isoweekday() in days
        for one in (moments if days else ["00:00"])
    ]
    fitting = [one for one in all_ if moment is None or one >= moment]
    expected = fitting[0] if fitting else moment or datetime.combine(start, datetime.min.time(), clock.SHANGHAI)
    assert first_shift(start, ends, hours, moment) == expected


@pytest.mark.parametrize("hours", [{}, {"1": [["08:00", "12:00"]]}, {"5": [["22:00", "06:00"]]}])
def test_the_last_day_there_is_has_a_first_shift_too(hours: dict[str, list[list[str]]]) -> None:
    assert first_shift(date.max, None, hours, datetime(2026, 1, 1, tzinfo=clock.SHANGHAI)) is not None


def test_every_verb_has_its_words() -> None:
    acts = words.load(CONTENT_DIR).acts
    assert {f"engagement.{verb}" for verb in Verb} <= acts.keys()
