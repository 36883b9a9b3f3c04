"""What one side says of the other is decided by the secretariat, by nobody of either side, and appealed once."""

import pytest

from server.access.rules import Caller, Post
from server.appeals import service as appeals
from server.appeals.service import Verdict as AppealVerdict
from server.engagements import contests, rules, service, sweeps, working
from server.engagements.contests import Verdict
from server.engagements.models import ContestState, Engagement, EngagementState
from server.kernel import clock
from server.kernel.ids import new_id
from server.kernel.outbox import Event
from server.organisations.roles import Kind, Role
from server.people.service import Decider
from server.students.models import Relation, StudentLink
from tests.engagements.deciding import contested, judge, manager, missed, oneself, reviewer, unpaid
from tests.engagements.filling import (
    DAY,
    SOON,
    counted,
    later,
    make_firm,
    make_worker,
    offers_class,
    refused,
    state_of,
    story,
    taken,
    worker_of,
)
from tests.factories import make_member, make_organisation, make_person

pytestmark = pytest.mark.usefixtures("database")
S = EngagementState


async def test_a_no_show_that_is_contested_keeps_its_place_until_it_is_decided() -> None:
    firm = await make_firm()
    held = await contested(firm)
    waiting = await service.apply(held.posting_id, by=await make_worker())
    later(rules.in_force().contest.time * 2)
    await sweeps.watch()
    assert [await state_of(one) for one in (held, waiting)] == [S.NO_SHOW, S.WAITING]
    decided = await contests.decide(held.id, Verdict.STANDS, await reviewer())
    assert (decided.state, decided.contest) == (S.NO_SHOW, ContestState.STANDS)
    assert [await state_of(one) for one in (held, waiting)] == [S.NO_SHOW, S.ACCEPTED]
    event = await Event.get(subject=f"engagement:{held.id}", name="engagement.decided")
    assert set(event.people) == {str(held.person_id), str(firm.clerk)}
    assert (await counted(held.posting)).filled == 1


async def test_a_no_show_that_is_lifted_was_work() -> None:
    firm = await make_firm()
    held = await contested(firm)
    decided = await contests.decide(held.id, Verdict.LIFTED, await reviewer())
    assert (decided.state, decided.contest, decided.holds_place) == (S.ATTENDED, ContestState.LIFTED, True)
    for actor in (firm.actor, worker_of(held.person_id)):
        await working.complete(held.id, actor)
    assert await state_of(held) is S.COMPLETED
    assert (await story(held))[2:] == ["no_show", "contest", "decide", "complete", "complete"]


async def test_only_the_others_word_is_contested_once_and_in_time() -> None:
    firm = await make_firm()
    held = await missed(firm)
    worker = worker_of(held.person_id)
    assert await refused(contests.contest(held.id, firm.actor, "x")) == (403, "engagement_not_yours")
    assert await refused(contests.contest(held.id, worker, "")) == (422, "/reason missing")
    assert await refused(contests.decide(held.id, Verdict.STANDS, await reviewer())) == (409, "nothing_contested")
    await contests.contest(held.id, worker, "在岗")
    assert await refused(contests.contest(held.id, worker, "在岗")) == (409, "contested_already")
    late = await missed(firm)
    later(rules.in_force().contest.time)
    assert await refused(contests.contest(late.id, worker_of(late.person_id), "在岗")) == (409, "contest_over")
    left = await taken(firm, await firm.seeks(), await make_worker())
    later((SOON + 1) * DAY)
    await working.attend(left.id, firm.actor)
    await working.leave_early(left.id, worker_of(left.person_id))
    assert await refused(contests.contest(left.id, worker_of(left.person_id), "x")) == (409, "own_word")


async def test_nobody_decides_who_has_to_do_with_either_side() -> None:
    firm = await make_firm()
    held = await contested(firm)
    relative, outsider = await make_person(), await make_member(await make_organisation(Kind.ENTERPRISE), Role.CLERK)
    own = await StudentLink.get(person_id=held.person_id, relation=Relation.SELF)
    await StudentLink.create(
        person_id=relative.id, student_id=own.student_id, relation=Relation.GUARDIAN, name_sealed=own.name_sealed,
        created_at=clock.now(),
    )  # fmt: skip
    for person_id in (held.person_id, firm.clerk, relative.id):
        deciding = contests.decide(held.id, Verdict.STANDS, Decider(person_id, "x"))
        assert await refused(deciding) == (403, "decides_for_own")
    assert (await contests.decide(held.id, Verdict.STANDS, Decider(outsider.person_id, "x"))).contest == "stands"


async def test_an_early_leaving_that_is_lifted_gets_its_place_back_only_where_it_is_free() -> None:
    firm = await make_firm()
    posting = await firm.seeks(2, ends_on=clock.today() + 90 * DAY)
    pair = [await taken(firm, posting, await make_worker()) for _ in range(2)]
    later((SOON + 1) * DAY)
    for held in pair:
        await working.attend(held.id, firm.actor)
        await working.leave_early(held.id, firm.actor, "擅自离开")
        await contests.contest(held.id, worker_of(held.person_id), "是对方让走的")
    await taken(firm, posting, await make_worker())
    lifted = [await contests.decide(held.id, Verdict.LIFTED, await reviewer()) for held in pair]
    assert [(one.state, one.holds_place) for one in lifted] == [(S.ATTENDED, True), (S.ATTENDED, False)]
    assert (await counted(posting)).filled == 2


async def test_who_has_work_elsewhere_by_now_is_not_at_work_twice() -> None:
    firm = await make_firm()
    held = await contested(firm)
    await taken(firm, await firm.seeks(starts_on=clock.today() + DAY, ends_on=clock.today() + 3 * DAY), held.person_id)
    decided = await contests.decide(held.id, Verdict.LIFTED, await reviewer())
    assert (decided.state, decided.contest, decided.holds_place) == (S.LEFT_EARLY, ContestState.LIFTED, False)
    assert (await working.report_unpaid(held.id, worker_of(held.person_id))).state is S.WAGE_DISPUTE


async def test_unpaid_wages_stand_until_paid_or_are_found_paid_for_good() -> None:
    firm = await make_firm()
    owed, settled = await unpaid(firm), await unpaid(firm)
    stands = await contests.decide(owed.id, Verdict.STANDS, await reviewer())
    assert (stands.state, stands.contest) == (S.WAGE_DISPUTE, ContestState.STANDS)
    assert (await working.confirm_paid(owed.id, worker_of(owed.person_id), 1)).state is S.COMPLETED
    lifted = await contests.decide(settled.id, Verdict.LIFTED, await reviewer())
    assert (lifted.state, lifted.contest) == (S.COMPLETED, ContestState.LIFTED)
    again = working.report_unpaid(settled.id, worker_of(settled.person_id))
    assert await refused(again) == (409, "wages_decided")


async def test_who_lost_appeals_once_and_nobody_else() -> None:
    firm = await make_firm()
    held = await contested(firm)
    by = await reviewer()
    await contests.decide(held.id, Verdict.STANDS, by)
    subject = f"engagement:{held.id}"
    assert await refused(appeals.appeal(subject, "x", manager(firm))) == (404, "not_found")
    made = await appeals.appeal(subject, "有考勤照片", oneself(held))
    assert await refused(appeals.appeal(subject, "x", oneself(held))) == (409, "already_appealed")
    own_judge = appeals.judge(made.id, AppealVerdict.OVERTURN, judge(by.person_id), "x")
    assert await refused(own_judge) == (403, "another_person")
    other = judge((await make_person()).id)
    await appeals.judge(made.id, AppealVerdict.OVERTURN, other, "照片属实")
    found = await Engagement.get(id=held.id)
    assert (found.state, found.contest, found.holds_place) == (S.ATTENDED, ContestState.LIFTED, True)
    for caller in (oneself(held), manager(firm)):
        assert await refused(appeals.appeal(subject, "x", caller)) == (409, "nothing_refused")
    assert (await counted(held.posting)).filled == 1


async def test_the_poster_appeals_what_was_lifted_and_what_it_is_to_owe() -> None:
    firm = await make_firm()
    lifted, owed = await contested(firm), await unpaid(firm)
    await contests.decide(lifted.id, Verdict.LIFTED, await reviewer())
    await contests.decide(owed.id, Verdict.STANDS, await reviewer())
    for held, mark, after in ((lifted, S.NO_SHOW, ContestState.STANDS), (owed, S.COMPLETED, ContestState.LIFTED)):
        subject = f"engagement:{held.id}"
        assert await refused(appeals.appeal(subject, "x", oneself(held))) == (404, "not_found")
        made = await appeals.appeal(subject, "另有证明", manager(firm))
        await appeals.judge(made.id, AppealVerdict.OVERTURN, judge((await make_person()).id), "证明属实")
        found = await Engagement.get(id=held.id)
        assert (found.state, found.contest) == (mark, after)
    assert (await counted(lifted.posting)).filled == 0


async def test_a_decision_about_what_has_gone_on_since_is_appealed_no_more() -> None:
    firm = await make_firm()
    held = await contested(firm)
    await contests.decide(held.id, Verdict.LIFTED, await reviewer())
    made = await appeals.appeal(f"engagement:{held.id}", "x", manager(firm))
    await working.leave_early(held.id, worker_of(held.person_id))
    overturn = appeals.judge(made.id, AppealVerdict.OVERTURN, judge((await make_person()).id), "x")
    assert await refused(overturn) == (409, "nothing_refused")


async def test_of_a_class_its_school_contests_and_appeals_and_none_of_it_decides() -> None:
    firm = await make_firm()
    offer, other_clerk = await offers_class()
    school = offer.organisation_id
    assert school
    posting = await firm.seeks(10, kind="internship", ends_on=clock.today() + 90 * DAY)
    held = await service.apply(posting.id, by=offer.person_id, size=10, supply_id=offer.id)
    await service.accept(held.id, firm.actor)
    later((SOON + 1) * DAY)
    await working.no_show(held.id, firm.actor)
    await contests.contest(held.id, worker_of(other_clerk), "学生已到岗")
    assert await refused(contests.decide(held.id, Verdict.STANDS, Decider(other_clerk, "x"))) == (
        403,
        "decides_for_own",
    )
    await contests.decide(held.id, Verdict.STANDS, await reviewer())
    lead = Caller(other_clerk, new_id(), (Post(school, Kind.VOCATIONAL_SCHOOL, Role.MANAGER),))
    assert (await appeals.appeal(f"engagement:{held.id}", "有签到表", lead)).person_id == other_clerk


async def test_wages_that_were_found_paid_are_not_owed_again_while_the_worker_has_another_place_there() -> None:
    firm, worker = await make_firm(), await make_worker()
    posting = await firm.seeks(2, ends_on=clock.today() + 90 * DAY)
    held = await taken(firm, posting, worker)
    later((SOON + 1) * DAY)
    await working.attend(held.id, firm.actor)
    await working.cancel(held.id, firm.actor, "订单取消")
    await working.report_unpaid(held.id, worker_of(worker))
    await contests.decide(held.id, Verdict.LIFTED, await reviewer())
    again = await service.apply(posting.id, by=worker)
    made = await appeals.appeal(f"engagement:{held.id}", "有工时记录", oneself(held))
    other = judge((await make_person()).id)
    assert await refused(appeals.judge(made.id, AppealVerdict.OVERTURN, other, "属实")) == (409, "engaged_again")
    await service.withdraw(again.id, worker_of(worker))
    await appeals.judge(made.id, AppealVerdict.OVERTURN, other, "属实")
    assert await state_of(held) is S.WAGE_DISPUTE
