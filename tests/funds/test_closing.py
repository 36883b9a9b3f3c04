"""The end of a fiscal year: nothing in flight, every reserve let go in its order, only what is said carried over."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from server.awards import closing, explaining, holding, queue
from server.awards.models import Award, AwardState
from server.funds import budgets, ledger
from server.funds import explaining as sums
from server.funds.budgets import ByHand
from server.funds.ledger import Move
from server.funds.models import Budget, BudgetState, EntryKind, Fund, FundPaper, LedgerEntry, PaperKind
from server.kernel import audit, clock
from server.kernel.audit import AuditEntry
from server.kernel.errors import DomainError
from server.kernel.ids import new_id
from server.kernel.jobs.models import Job
from server.kernel.transactions import transaction
from server.organisations.models import Organisation
from server.people.service import Decider
from server.statements import story
from tests.factories import make_organisation, make_person
from tests.harness.funding import REWARD_FEN, make_award, make_budget, make_fund, make_paper, move, reserve

pytestmark = pytest.mark.usefixtures("database")
KINDS = EntryKind


@pytest.fixture(scope="module")
async def school(database: object) -> Organisation:
    assert database
    return await make_organisation()


async def close(fund: Fund, carry_over_fen: int = 0, year: int | None = None) -> Budget:
    by = Decider((await make_person()).id, "年末结账")
    return await closing.close(fund.id, year or clock.today().year, carry_over_fen, by)


async def refused(fund: Fund, carry_over_fen: int = 0, year: int | None = None) -> str:
    with pytest.raises(DomainError) as refusal:
        await close(fund, carry_over_fen, year)
    assert refusal.value.status == 409
    return refusal.value.slug


async def proved(*budget: Budget) -> None:
    for one in budget:
        assert [check for check in await sums.explain(one.id) if not check.holds] == []
        assert await explaining.unexplained(one.id) == []


async def test_reserves_are_let_go_and_their_awards_wait_before_all_others_in_their_order(school: Organisation) -> None:
    fund = await make_fund("feeder-referral", papers_of=clock.today().year)
    budget = await make_budget(fund, 4 * REWARD_FEN)
    last, first, held = [await make_award(school) for _ in range(3)]
    for award in (first, held, last):
        await reserve(budget, award)
    await Award.filter(id=held.id).update(state=AwardState.HELD, held_from=AwardState.APPROVED)
    queued = await make_award(school, state=AwardState.AWAITING_FUNDS, fund=fund, queued_at=clock.now())
    closed = await close(fund, REWARD_FEN)
    assert (closed.state, closed.available_fen, closed.reserved_fen) == (BudgetState.CLOSED, 0, 0)
    assert (closed.surrendered_fen, closed.carried_fen) == (3 * REWARD_FEN, REWARD_FEN)
    following = await budgets.of_year(fund.id, closed.year + 1)
    assert (following.available_fen, following.carried_fen) == (REWARD_FEN, -REWARD_FEN)
    await proved(closed, following)
    order = await Award.filter(fund_id=fund.id).order_by("queued_at")
    assert [award.id for award in order] == [first.id, held.id, last.id, queued.id]
    assert [award.state for award in order] == ["awaiting_funds", "held", "awaiting_funds", "awaiting_funds"]
    assert (order[1].held_from, order[1].budget_id) == (AwardState.AWAITING_FUNDS, None)
    noted = await AuditEntry.filter(subject=f"award:{first.id}", action="award.requeued")
    assert [(entry.before, entry.after, entry.reason) for entry in noted] == [
        ("approved", "awaiting_funds", "年末结账")
    ]
    jobs = [job for job in await Job.filter(kind=ledger.FUND_QUEUE) if job.payload == {"fund": str(fund.id)}]
    assert len(jobs) >= 2
    assert await queue.work(jobs[-1].payload) == {"served": 0}, "next year's money is not there yet"
    clock.move_to(datetime(closed.year + 1, 1, 2, tzinfo=UTC))
    assert await queue.work(jobs[-1].payload) == {"served": 1}
    funded = await Award.get(id=first.id)
    assert (funded.state, funded.budget_id) == (AwardState.APPROVED, following.id)
    await proved(closed, await Budget.get(id=following.id))


async def test_nothing_closes_with_money_in_flight(school: Organisation) -> None:
    fund = await make_fund()
    budget = await make_budget(fund, 2 * REWARD_FEN)
    award = await make_award(school)
    await reserve(budget, award)
    await Award.filter(id=award.id).update(state=AwardState.ON_STATEMENT)
    assert await refused(fund) == "budget_in_flight"
    await move(budget, KINDS.COMMIT, award)
    assert await refused(fund) == "budget_in_flight"
    await move(budget, KINDS.SPEND, award)
    await Award.filter(id=award.id).update(state=AwardState.PAID)
    assert await refused(fund, REWARD_FEN + 1) == "budget_short"
    closed = await close(fund)
    assert (closed.spent_fen, closed.surrendered_fen) == (REWARD_FEN, REWARD_FEN)
    await proved(closed)
    assert await refused(fund) == "budget_closed"


async def test_a_closed_year_takes_only_what_comes_back_and_surrenders_it(school: Organisation) -> None:
    fund = await make_fund()
    budget, award = await make_budget(fund, REWARD_FEN), await make_award(school)
    await reserve(budget, award)
    for kind in (KINDS.COMMIT, KINDS.SPEND):
        await move(budget, kind, award)
    await Award.filter(id=award.id).update(state=AwardState.PAID)
    await close(fund)
    for kind in (KINDS.RESERVE, KINDS.RELEASE, KINDS.COMMIT, KINDS.UNCOMMIT, KINDS.SPEND):
        with pytest.raises(DomainError, match="budget_closed"):
            await move(budget, kind, award)
    for kind in (KINDS.APPROPRIATE, KINDS.REDUCE, KINDS.LAPSE, KINDS.CARRY_IN, KINDS.CARRY_OUT):
        with pytest.raises(DomainError, match="budget_closed"):
            await ledger.post(await Budget.get(id=budget.id), [Move(kind, 1)], None)
    [spent] = await LedgerEntry.filter(award_id=award.id, kind=KINDS.SPEND)
    await move(budget, KINDS.BANK_RETURN, award, reverses_id=spent.id)
    after = await Budget.get(id=budget.id)
    assert (after.spent_fen, after.surrendered_fen, after.available_fen) == (0, REWARD_FEN, 0)
    assert await budgets.hold_current(fund.id) is None


async def test_a_year_is_closed_once_and_approvals_meanwhile_are_either_in_or_out(school: Organisation) -> None:
    fund = await make_fund()
    budget = await make_budget(fund, 20 * REWARD_FEN)
    awards = [await make_award(school) for _ in range(6)]
    await reserve(budget, *awards[:2])

    @transaction
    async def approve(award: Award) -> None:
        [held] = await Award.filter(id=award.id).select_for_update()
        current = await budgets.hold_current(fund.id)
        if current:
            await ledger.post(current, [Move(KINDS.RESERVE, held.amount_fen, award_id=held.id)], None)
            held.state, held.budget_id = AwardState.APPROVED, current.id
        else:
            held.state, held.queued_at = AwardState.AWAITING_FUNDS, clock.now()
        held.fund_id = fund.id
        await held.save()

    tries = [approve(award) for award in awards[2:]]
    outcomes = await asyncio.gather(*tries, *(close(fund) for _ in range(3)), return_exceptions=True)
    refusals = [one.slug for one in outcomes if isinstance(one, DomainError)]
    assert not [one for one in outcomes if isinstance(one, Exception) and not isinstance(one, DomainError)]
    assert set(refusals) <= {"budget_closed", "budget_moving"}
    if "budget_closed" not in refusals:
        await close(fund)
    await proved(await Budget.get(id=budget.id))
    assert {award.state for award in await Award.filter(fund_id=fund.id)} == {AwardState.AWAITING_FUNDS}


async def test_the_database_keeps_a_closed_year_as_it_is() -> None:
    fund = await make_fund()
    await make_budget(fund, 100)
    closed = await close(fund)
    for change in ({"state": BudgetState.OPEN}, {"available_fen": 1}, {"appropriated_fen": 1}):
        with pytest.raises(Exception, match=r"budget_closed|append-only"):
            await Budget.filter(id=closed.id).update(**change)


async def test_a_year_that_has_not_begun_stays_open_for_its_money(school: Organisation) -> None:
    assert school
    fund, year = await make_fund("feeder-referral"), clock.today().year
    ahead = await budgets.enter(fund.id, year + 1, ByHand(KINDS.APPROPRIATE, REWARD_FEN, new_id(), "下达"))
    assert [await refused(fund, fen, year + 1) for fen in (0, REWARD_FEN)] == ["budget_ahead"] * 2
    await budgets.enter(fund.id, year + 1, ByHand(KINDS.APPROPRIATE, REWARD_FEN, new_id(), "追加"))
    assert (await Budget.get(id=ahead.budget_id)).available_fen == 2 * REWARD_FEN


async def test_the_end_of_a_year_is_no_approval_and_the_story_keeps_the_papers_of_the_one_there_was(
    school: Organisation,
) -> None:
    year = clock.today().year
    fund = await make_fund("feeder-referral", papers_of=year)
    budget, award = await make_budget(fund, REWARD_FEN), await make_award(school, year=year, fund=fund)
    await reserve(budget, award)
    await _approved(award)
    basis = FundPaper.filter(fund_id=fund.id, kind=PaperKind.LEGAL_BASIS)
    [old] = await basis
    clock.move_to(clock.now() + timedelta(days=1))
    await basis.update(replaced_at=clock.now())
    await make_paper(fund, PaperKind.LEGAL_BASIS, title="后来的文件（示例）")
    await close(fund)
    told = await story.story(award.id, staff=True)
    assert [paper.id for paper in told.papers if paper.kind is PaperKind.LEGAL_BASIS] == [old.id]
    assert [act.entry.action for act in told.acts] == ["award.approved", "award.requeued"]


@transaction
async def _approved(award: Award) -> None:
    subject = holding.subject_of(award.id)
    await audit.note(subject, "award.approved", actor_id=new_id(), before="publicised", after="approved")
