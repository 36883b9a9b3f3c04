"""Of what nobody did somebody hears, once in a year: a budget comes to its end, a school has no account."""

from datetime import datetime

import pytest

from server.awards import closing, life, queue
from server.awards.models import Award, AwardState, RunKind
from server.funds import budgets
from server.funds.budgets import ByHand
from server.funds.models import EntryKind
from server.kernel import clock, metrics
from server.kernel.ids import new_id
from server.kernel.outbox import Event
from server.notices import facts, reminding
from server.organisations.models import OrganisationState
from server.organisations.roles import Role
from server.people.service import Decider
from tests.awards import deciding
from tests.factories import make_member, make_organisation
from tests.harness.funding import REWARD_FEN, make_award, make_budget, make_fund, reserve
from tests.notices.hearing import SHIPPED
from tests.statements import paying_world

pytestmark = pytest.mark.usefixtures("database")
WHY = "核对无误"


async def test_finance_is_reminded_of_a_budget_once_as_it_ends_and_once_as_it_has_ended() -> None:
    here = await deciding.world(10)
    await here.approved(9)
    mine = f"fund:{here.fund.id}"
    assert await reminded(mine) == await reminded(mine) == ["fund.nearly_used"]
    for one in await here.ready(2):
        await life.decide_one(one.id, RunKind.APPROVE, Decider(here.approver_2, WHY))
    assert await reminded(mine) == await reminded(mine) == ["fund.nearly_used", "fund.run_out"]
    events = await Event.filter(subject=mine).order_by("id")
    nearly, out = [one for one in await facts.messages(events, SHIPPED) if one.person_id == here.finance]
    assert f"“{here.fund.name}”{here.year}年度的预算快用完了，可用余额" in nearly.text
    assert "有1笔已批准的奖补在排队，还差资金的合计500元" in out.text
    more = ByHand(EntryKind.APPROPRIATE, 2 * REWARD_FEN, here.finance, "追加")
    await budgets.enter(here.fund.id, here.year, more)
    await queue.work({"fund": str(here.fund.id)})
    assert await reminded(mine) == ["fund.nearly_used", "fund.run_out"]


async def test_a_queue_that_waits_for_papers_alone_has_not_run_out() -> None:
    here = await deciding.world(10)
    await make_award(here.school, state=AwardState.AWAITING_FUNDS, fund=here.fund, queued_at=clock.now())
    assert await reminded(f"fund:{here.fund.id}") == []


async def test_finance_is_reminded_once_of_a_year_that_nobody_closed_while_awards_wait_for_it() -> None:
    here = await deciding.world(10)
    await here.approved(2)
    late = await here.ready(2)
    assert here.budget
    mine, before = f"budget:{here.budget.id}", await unclosed()
    clock.move_to(datetime(here.year + 1, 3, 1, 9, tzinfo=clock.SHANGHAI))
    await make_budget(here.fund, 100_000_000)
    assert "budget.unclosed" not in await reminded(mine), "nobody waits yet"
    for one in late:
        await life.decide_one(one.id, RunKind.APPROVE, Decider(here.approver_2, WHY))
    assert {(await Award.get(id=one.id)).state for one in late} == {AwardState.AWAITING_FUNDS}
    assert (await reminded(mine)).count("budget.unclosed") == (await reminded(mine)).count("budget.unclosed") == 1
    assert await unclosed() == before + 1
    [event] = await Event.filter(subject=mine, name="budget.unclosed")
    [message] = [one for one in await facts.messages([event], SHIPPED) if one.person_id == here.finance]
    assert message.text.startswith(f"“{here.fund.name}”{here.year}年度的预算还没有结账，仍占着资金。有2笔已批准的奖补")
    assert message.page == f"pages/fund/index?id={here.fund.id}"
    await closing.close(here.fund.id, here.year, 0, Decider(here.finance, "年度终了"))
    await queue.work({"fund": str(here.fund.id)})
    assert {(await Award.get(id=one.id)).state for one in late} == {AwardState.APPROVED}
    assert await unclosed() == before


async def test_a_school_without_an_account_is_reminded_once_while_awards_wait() -> None:
    school = await make_organisation(name="柏溪中学（示例）")
    empty = await make_organisation(state=OrganisationState.VERIFIED)
    clerk = (await make_member(school, Role.CLERK)).person_id
    budget = await make_budget(await make_fund(f"p-{new_id().hex[:20]}"), 4 * REWARD_FEN)
    mine = f"organisation:{school.id}"
    assert await reminded(mine) == []
    await reserve(budget, await make_award(school), await make_award(empty))
    assert await reminded(mine) == await reminded(mine) == ["organisation.account_missing"]
    [event] = await Event.filter(subject=mine)
    [message] = await facts.messages([event], SHIPPED)
    assert message.person_id == clerk
    assert message.text.startswith("“柏溪中学（示例）”有已批准的奖补等待支付，但没有经财务确认的收款账户。")
    assert await reminded(f"organisation:{empty.id}") == []  # once there is somebody to hear of it
    await make_member(empty, Role.MANAGER)
    assert await reminded(f"organisation:{empty.id}") == ["organisation.account_missing"]


async def test_a_school_with_an_account_is_not_reminded() -> None:
    here = await paying_world.world()
    await here.awards(1)
    assert await reminded(f"organisation:{here.school.id}") == []


async def unclosed() -> float:
    """How many years the operator sees that are to be closed."""
    await reminding.refresh()
    [line] = [one for one in metrics.exposition().decode().splitlines() if one.startswith("yizhitong_budgets_unclosed")]
    return float(line.split()[-1])


async def reminded(subject: str) -> list[str]:
    """What was ever told of a subject, after everything that is due was told of."""
    await reminding.remind()
    return [one.name for one in await Event.filter(subject=subject).order_by("id")]
