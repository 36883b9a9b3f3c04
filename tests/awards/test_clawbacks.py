"""Claiming paid awards back: two people, no more than was paid, contested or not, and every fen where it belongs."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from server.awards import clawbacks, contesting, deciders, explaining, offsetting, owing, repaying, rules, working
from server.awards.contesting import Verdict
from server.awards.models import Award, AwardRun, AwardState, Clawback, ClawbackState, ContestState, Part
from server.funds.models import BudgetState
from server.kernel import clock
from server.kernel.audit import AuditEntry
from server.kernel.ids import new_id
from server.kernel.outbox import Event
from server.kernel.transactions import transaction
from server.organisations.models import Membership
from server.organisations.roles import Role
from tests.awards.clawing import FEN, World, decided_before, world
from tests.awards.deciding import refused
from tests.factories import make_member, make_organisation, make_person
from tests.harness.funding import make_award

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
async def here() -> World:
    return await world()


async def require_explained(here: World) -> None:
    """Every award's money is where its state says."""
    assert await explaining.unexplained(here.budget.id) == []


async def test_all_of_it_comes_back_in_two_parts(here: World) -> None:
    demanded = await here.demanded()
    assert (demanded.state, demanded.amount_fen) == (ClawbackState.DEMANDED, FEN)
    partly = await clawbacks.recover(here.award.id, 20_000, here.by(here.finance))
    assert (partly.state, owing.owed(partly)) == (ClawbackState.PARTLY, 30_000)
    await require_explained(here)
    over = await clawbacks.recover(here.award.id, 30_000, here.by(here.finance))
    assert (over.state, owing.owed(over)) == (ClawbackState.RECOVERED, 0)
    budget = await here.at()
    assert (budget.spent_fen, budget.available_fen) == (0, 10 * FEN)
    await require_explained(here)
    assert await refused(clawbacks.request(here.award.id, None, here.by(here.reviewer))) == (
        "nothing_to_claw_back",
        409,
    )


async def test_the_whole_way_is_told_and_kept(here: World) -> None:
    demanded = await here.demanded()
    subject = owing.subject_of(demanded.id)
    acts = await AuditEntry.filter(subject=subject).order_by("id").values_list("action", "after", "actor_id")
    assert [(act[0], act[1]) for act in acts] == [
        ("clawback.requested", "requested"),
        ("clawback.approved", "approved"),
        ("clawback.demanded", "demanded"),
    ]
    assert [act[2] for act in acts] == [here.reviewer, here.approver, here.finance]
    told = {event.name: event.people for event in await Event.filter(subject=subject)}
    assert str(here.manager) not in told["clawback.approved"]
    assert set(told["clawback.demanded"]) == {str(here.manager), str(here.reviewer)}


async def test_who_asks_or_had_a_part_never_approves(here: World) -> None:
    await clawbacks.request(here.award.id, None, here.by(here.approver))
    assert await refused(clawbacks.approve(here.award.id, here.by(here.approver))) == ("clawback_another_person", 403)
    await decided_before(here.award, here.other_approver, Part.APPROVAL)
    assert await refused(clawbacks.approve(here.award.id, here.by(here.other_approver))) == ("another_part", 403)
    third = await make_member(here.office, Role.APPROVER)
    approved = await clawbacks.approve(here.award.id, here.by(third.person_id))
    assert approved.approved_by_id == third.person_id
    assert await deciders.parts([here.award.id], third.person_id) == {here.award.id: Part.CLAWBACK}


async def test_nobody_acts_on_their_own_schools_award_or_without_the_role(here: World) -> None:
    await make_member(here.school, Role.CLERK, await make_person(id=new_id()))
    both = await make_person()
    await make_member(here.office, Role.APPROVER, both)
    await make_member(here.school, Role.CLERK, both)
    assert await refused(clawbacks.request(here.award.id, None, here.by(both.id))) == ("decides_for_own", 403)
    await clawbacks.request(here.award.id, None, here.by(here.reviewer))
    assert await refused(clawbacks.approve(here.award.id, here.by(both.id))) == ("decides_for_own", 403)
    assert await refused(clawbacks.approve(here.award.id, here.by(here.finance))) == ("not_yours_to_do", 403)
    assert await refused(clawbacks.request(here.award.id, None, here.by(here.manager))) == ("decides_for_own", 403)


async def test_only_what_was_paid_is_claimed_back_once_and_no_more_than_that(here: World) -> None:
    proposed = await make_award(here.school)
    assert await refused(clawbacks.request(proposed.id, None, here.by(here.reviewer))) == ("award_not_paid", 409)
    assert await refused(clawbacks.request(here.award.id, FEN + 1, here.by(here.reviewer))) == ("invalid", 422)
    await clawbacks.request(here.award.id, 20_000, here.by(here.reviewer))
    assert await refused(clawbacks.request(here.award.id, None, here.by(here.finance))) == ("clawed_back_already", 409)
    await clawbacks.approve(here.award.id, here.by(here.approver))
    assert await refused(clawbacks.recover(here.award.id, 1, here.by(here.finance))) == ("clawback_state", 409)
    await clawbacks.demand(here.award.id, here.by(here.finance))
    assert await refused(clawbacks.recover(here.award.id, 20_001, here.by(here.finance))) == ("invalid", 422)
    await clawbacks.recover(here.award.id, 20_000, here.by(here.finance))
    second = await clawbacks.request(here.award.id, None, here.by(here.reviewer))
    assert second.amount_fen == FEN - 20_000


async def test_many_who_ask_at_once_make_one(here: World) -> None:
    asked = [clawbacks.request(here.award.id, None, here.by(here.reviewer)) for _ in range(8)]
    found = await asyncio.gather(*asked, return_exceptions=True)
    assert len([one for one in found if isinstance(one, Clawback)]) == 1
    assert await Clawback.filter(award_id=here.award.id).count() == 1


async def test_no_more_comes_back_than_is_owed_however_many_say_so_at_once(here: World) -> None:
    await here.demanded()
    said = [clawbacks.recover(here.award.id, 20_000, here.by(here.finance)) for _ in range(6)]
    found = await asyncio.gather(*said, return_exceptions=True)
    assert len([one for one in found if isinstance(one, Clawback)]) == 2
    assert (await here.at()).spent_fen == FEN - 40_000
    await require_explained(here)


async def test_what_is_given_up_is_given_up_by_another_approver(here: World) -> None:
    await here.demanded()
    await clawbacks.recover(here.award.id, 10_000, here.by(here.finance))
    assert await refused(clawbacks.write_off(here.award.id, here.by(here.approver))) == ("clawback_another_person", 403)
    over = await clawbacks.write_off(here.award.id, here.by(here.other_approver))
    assert (over.state, over.written_off_fen) == (ClawbackState.WRITTEN_OFF, 40_000)
    budget = await here.at()
    assert (budget.spent_fen, budget.written_off_fen) == (0, 40_000)
    await require_explained(here)


async def test_a_question_is_taken_up_by_a_person_before_another_approves_it(here: World) -> None:
    assert len(await clawbacks.questions([here.award], "登记有争议")) == 1
    assert await clawbacks.questions([here.award], "登记有争议") == []
    assert await refused(clawbacks.approve(here.award.id, here.by(here.approver))) == ("clawback_not_requested", 409)
    taken = await clawbacks.request(here.award.id, 30_000, here.by(here.reviewer))
    assert (taken.requested_by_id, taken.amount_fen) == (here.reviewer, 30_000)
    assert (await clawbacks.approve(here.award.id, here.by(here.approver))).state is ClawbackState.APPROVED
    assert await Clawback.filter(award_id=here.award.id).count() == 1


async def test_what_was_approved_is_dropped_by_another_approver_only(here: World) -> None:
    await clawbacks.request(here.award.id, None, here.by(here.reviewer))
    assert (await clawbacks.drop(here.award.id, here.by(here.finance))).state is ClawbackState.DROPPED
    await here.demanded()
    assert await refused(clawbacks.drop(here.award.id, here.by(here.finance))) == ("not_yours_to_do", 403)
    assert await refused(clawbacks.drop(here.award.id, here.by(here.approver))) == ("clawback_another_person", 403)
    assert (await clawbacks.drop(here.award.id, here.by(here.other_approver))).state is ClawbackState.DROPPED
    assert (await here.at()).spent_fen == FEN


async def test_a_contest_holds_nothing_up_and_where_it_is_right_a_new_award_is_proposed(here: World) -> None:
    await here.demanded()
    contested = await contesting.contest(here.award.id, "学生在读", here.manager)
    assert contested.contest is ContestState.OPEN
    assert await refused(contesting.contest(here.award.id, "学生在读", here.manager)) == ("contested_already", 409)
    await clawbacks.recover(here.award.id, 20_000, here.by(here.finance))
    decide = contesting.decide
    asked = here.by(here.reviewer)
    assert await refused(decide(here.award.id, Verdict.LIFTED, asked)) == ("clawback_another_person", 403)
    over = await decide(here.award.id, Verdict.LIFTED, here.by(here.other_approver))
    assert (over.state, over.contest, over.recovered_fen) == (ClawbackState.DROPPED, ContestState.LIFTED, 20_000)
    assert (await here.at()).spent_fen == FEN - 20_000
    await require_explained(here)
    again = await Award.get(payee=here.school, state=AwardState.PROPOSED)
    assert (again.amount_fen, again.referral_id, again.budget_id) == (20_000, None, None)
    alike = ("programme", "year", "student_id", "matter", "entered_on", "rule_version", "facts", "verdict")
    assert [getattr(again, name) for name in alike] == [getattr(here.award, name) for name in alike]
    assert again.exception_reason == repaying.WHY
    run = await AwardRun.get(id=again.run_id)
    assert (run.kind, run.state, run.actor_id, run.counts) == ("propose", "done", here.other_approver, {"proposed": 1})
    await queue_work(run)
    assert await refused(owing.require_none([here.award.id])) == ("clawback_in_the_way", 409)


async def queue_work(run: AwardRun) -> None:
    """Do what the run's job does; nothing is proposed a second time."""
    before = await Award.all().count()
    assert await working.work({"run": str(run.id)}) == {"more": False}
    assert await Award.all().count() == before


async def test_who_had_a_part_in_the_award_lifts_nothing(here: World) -> None:
    await here.demanded()
    await contesting.contest(here.award.id, "学生在读", here.manager)
    await clawbacks.recover(here.award.id, 20_000, here.by(here.finance))
    await decided_before(here.award, here.other_approver, Part.APPROVAL)
    lift = contesting.decide(here.award.id, Verdict.LIFTED, here.by(here.other_approver))
    assert await refused(lift) == ("another_part", 403)
    assert not await Award.exists(payee=here.school, state=AwardState.PROPOSED)


async def test_who_approved_it_neither_demands_nor_collects_it_later_in_another_role(here: World) -> None:
    await clawbacks.request(here.award.id, None, here.by(here.reviewer))
    await clawbacks.approve(here.award.id, here.by(here.approver))
    await Membership.filter(person_id=here.approver).update(role=Role.FINANCE)
    by = here.by(here.approver)
    assert await refused(clawbacks.demand(here.award.id, by)) == ("clawback_another_person", 403)
    await clawbacks.demand(here.award.id, here.by(here.finance))
    assert await refused(clawbacks.recover(here.award.id, 1, by)) == ("clawback_another_person", 403)


async def test_a_contest_of_a_part_is_decided_before_more_is_claimed_back(here: World) -> None:
    await here.demanded(20_000)
    await contesting.contest(here.award.id, "学生在读", here.manager)
    await clawbacks.recover(here.award.id, 20_000, here.by(here.finance))
    more = here.by(here.reviewer)
    assert await refused(clawbacks.request(here.award.id, None, more)) == ("contest_undecided", 409)
    await clawbacks.questions([here.award], "登记有争议")
    assert await refused(clawbacks.request(here.award.id, None, more)) == ("contest_undecided", 409)
    assert (await clawbacks.newest(here.award.id, told_only=False)).contest is ContestState.OPEN
    stands = await contesting.decide(here.award.id, Verdict.STANDS, here.by(here.other_approver))
    assert stands.amount_fen == 20_000
    assert (await clawbacks.request(here.award.id, None, more)).amount_fen == FEN - 20_000
    assert await refused(contesting.contest(here.award.id, "学生在读", here.manager)) == ("contested_already", 409)


async def test_a_contest_that_is_wrong_changes_nothing(here: World) -> None:
    await here.demanded()
    await contesting.contest(here.award.id, "学生在读", here.manager)
    stands = await contesting.decide(here.award.id, Verdict.STANDS, here.by(here.other_approver))
    assert (stands.state, stands.contest) == (ClawbackState.DEMANDED, ContestState.STANDS)
    again = contesting.decide(here.award.id, Verdict.LIFTED, here.by(here.other_approver))
    assert await refused(again) == ("clawback_not_contested", 409)


async def test_a_contest_has_its_days(here: World) -> None:
    await clawbacks.request(here.award.id, None, here.by(here.reviewer))
    assert await refused(contesting.contest(here.award.id, "学生在读", here.manager)) == ("not_found", 404)
    await clawbacks.drop(here.award.id, here.by(here.reviewer))
    demanded = await here.demanded()
    days = rules.in_force().contest.days
    until = contesting.contest_until(demanded)
    assert until == clock.today() + timedelta(days=days)
    clock.move_to(clock.now() + timedelta(days=days + 1))
    assert await refused(contesting.contest(here.award.id, "学生在读", here.manager)) == ("contest_over", 409)
    clock.move_to(clock.now() - timedelta(days=1))
    assert (await contesting.contest(here.award.id, "学生在读", here.manager)).contest is ContestState.OPEN


async def test_money_that_comes_back_after_the_year_was_closed_is_surrendered(here: World) -> None:
    await here.demanded()
    budget = await here.at()
    budget.available_fen, budget.surrendered_fen, budget.state = 0, budget.available_fen, BudgetState.CLOSED
    await budget.save()
    surrendered = budget.surrendered_fen
    await clawbacks.recover(here.award.id, 20_000, here.by(here.finance))
    closed = await here.at()
    assert (closed.available_fen, closed.surrendered_fen) == (0, surrendered + 20_000)
    await require_explained(here)
    await contesting.contest(here.award.id, "学生在读", here.manager)
    await contesting.decide(here.award.id, Verdict.LIFTED, here.by(here.other_approver))
    assert (await here.at()).spent_fen == FEN - 20_000
    assert (await Award.get(payee=here.school, state=AwardState.PROPOSED)).amount_fen == 20_000
    assert await refused(owing.require_none([here.award.id])) == ("clawback_in_the_way", 409)
    await require_explained(here)


async def test_a_statement_keeps_back_what_is_owed_the_oldest_first_and_frees_it_again(here: World) -> None:
    await here.demanded(30_000)
    other = await here.another()
    await clawbacks.request(other.id, None, here.by(here.reviewer))
    await clawbacks.approve(other.id, here.by(here.approver))
    clock.move_to(clock.now() + timedelta(minutes=1))
    await clawbacks.demand(other.id, here.by(here.finance))
    statement = new_id()

    @transaction
    async def set_aside(most_fen: int) -> list[int]:
        pairs = await offsetting.choose([here.school.id], here.budget.fund_id, most_fen)
        await offsetting.reserve(statement, pairs)
        return [fen for _, fen in pairs]

    assert await set_aside(45_000) == [30_000, 15_000]
    assert await set_aside(45_000) == []
    assert await refused(clawbacks.recover(other.id, 1, here.by(here.finance))) == ("clawback_on_statement", 409)
    freed = await offsetting.free(statement)
    assert len(freed) == 2
    assert await set_aside(45_000) == [30_000, 15_000]
    ids = [one.id for one in freed]
    assert {one.state for one in await offsetting.applied(ids, statement, here.finance)} == {"offset", "partly"}
    assert await offsetting.applied(ids, statement, here.finance) == []
    budget = await here.at()
    assert budget.spent_fen == 2 * FEN - 45_000
    await require_explained(here)
    left = await Clawback.get(award_id=other.id)
    assert (owing.owed(left), left.statement_id) == (35_000, None)


async def test_another_fund_or_school_keeps_nothing_back(here: World) -> None:
    await here.demanded()
    stranger = await make_organisation()

    @transaction
    async def choose(payee: Any, fund: Any) -> list[Any]:
        return list(await offsetting.choose([payee], fund, FEN))

    assert await choose(stranger.id, here.budget.fund_id) == []
    assert await choose(here.school.id, new_id()) == []
    assert len(await choose(here.school.id, here.budget.fund_id)) == 1


async def test_money_that_is_claimed_back_is_not_sent_back_by_the_bank_as_well(here: World) -> None:
    await clawbacks.request(here.award.id, None, here.by(here.reviewer))
    await owing.require_none([here.award.id])
    await clawbacks.approve(here.award.id, here.by(here.approver))
    assert await refused(owing.require_none([here.award.id])) == ("clawback_in_the_way", 409)
    assert here.award.state is AwardState.PAID
