"""Of statements and clawbacks each side hears in its turn, with the sums."""

from collections import Counter
from collections.abc import Sequence
from uuid import UUID

import pytest

from server.awards import clawbacks, contesting, following
from server.awards.contesting import Verdict
from server.awards.models import Award, AwardState
from server.kernel.outbox import Event
from server.kernel.transactions import transaction
from server.notices import facts
from server.notices.facts import Message
from server.notices.models import Service
from server.notices.values import day_text
from server.organisations.roles import Role
from server.organisations.secretariat import secretariat
from server.people.service import Decider
from server.referrals.models import Referral, ReferralState
from server.statements import holding, listing, receipts, sending, settling
from server.statements.models import Receipt
from server.statements.settling import Returned
from tests.awards import clawing
from tests.factories import make_event, make_member
from tests.harness import statements
from tests.harness.awarding import make_college, make_confirmed
from tests.harness.funding import make_award, make_budget, reserve
from tests.notices.hearing import SHIPPED, Ear, listen
from tests.statements import paying_world
from tests.statements.paying_world import FAILED, NUMBER, World

pytestmark = [pytest.mark.once, pytest.mark.usefixtures("database")]
WHY = "核对无误"


@pytest.fixture
async def here() -> World:
    return await paying_world.world()


async def heard(ear: Ear, person: UUID) -> list[Message]:
    return [one for one in await ear.everything() if one.person_id == person]


async def test_a_statement_is_told_to_whose_turn_it_is_and_to_the_school_once_it_is_out(here: World) -> None:
    ear = await listen()
    locked = await here.locked(2)
    everyone = (here.approver, here.finance, here.other_finance, here.manager)
    assert await ear.told(*everyone) == [("statement.locked.approver",), (), (), ()]
    await sending.approve(locked.id, Decider(here.approver, WHY))
    cleared = ("statement.cleared.finance",)
    assert await ear.told(*everyone) == [(), cleared, cleared, ()]
    await sending.send(locked.id, here.finance)
    said = await ear.everything()
    assert {one.person_id for one in said} == {here.manager}
    assert said[0].text == f"结算单{locked.number}（2笔，应付1000元）已送付款单位，请留意到账。"
    assert said[0].page == f"pages/statement/index?id={locked.id}"
    await here.settle(locked)
    [message] = await ear.everything()  # what was paid whole is news for the school alone
    assert message.text.startswith(f"结算单{locked.number}已全部支付：2笔，实付1000元。")
    push = message.push(Service.MINI_PROGRAM)
    assert push
    assert push.data["amount3"] == "1000元"
    assert NUMBER not in f"{message}"
    await receipts.say(locked.id, Receipt.CONFIRMED, "", here.manager)
    assert await ear.everything() == []


async def test_two_approvers_are_needed_before_finance_hears(here: World) -> None:
    big = await make_budget(here.fund, 30_000_000)
    award = await make_award(here.school, amount_fen=20_000_000)
    await reserve(big, award)
    locked = await here.locked(1)
    ear = await listen()
    await sending.approve(locked.id, Decider(here.approver, WHY))
    assert await ear.everything() == []
    await sending.approve(locked.id, Decider(here.other_approver, WHY))
    assert (await ear.told(here.finance))[0] == ("statement.cleared.finance",)


async def test_failures_are_told_to_the_school_to_mend_and_to_the_rest_of_finance(here: World) -> None:
    sent = await here.sent(3)
    clerk = (await make_member(here.school, Role.CLERK)).person_id
    ear = await listen()
    await here.settle(sent, {2: FAILED})
    said = await ear.everything()
    kinds = Counter((one.kind, one.person_id) for one in said)
    assert kinds[("statement.settled.mending", clerk)] == kinds[("statement.settled.mending", here.manager)] == 1
    assert kinds[("statement.settled.failures", here.other_finance)] == 1
    assert here.finance not in {one.person_id for one in said}  # who handed the file in has seen it
    texts = {one.kind: one.text for one in said}
    assert "已支付2笔，实付1000元，失败1笔" in texts["statement.settled.mending"]
    assert "失败1笔" in texts["statement.settled.failures"]
    assert FAILED[1] not in f"{said}"
    await receipts.say(sent.id, Receipt.DISPUTED, "只到账一笔", here.manager)
    told = await ear.told(here.finance, here.other_finance, here.manager, clerk)
    assert told == [("statement.receipt_disputed.finance",)] * 2 + [()] * 2


async def test_what_comes_back_from_the_payer_or_the_bank_is_told_to_the_school(here: World) -> None:
    sent = await here.sent(1)
    ear = await listen()
    await sending.take_back(sent.id, Decider(here.finance, "户名与账号不符"))
    [message] = await ear.everything()
    assert (message.kind, message.person_id) == ("statement.returned.school", here.manager)
    again = await here.sent(0)
    await here.settle(again)
    await ear.everything()
    await settling.bank_return(again.id, Returned(number=1), Decider(here.finance, "账户已销户"))
    [message] = await ear.everything()
    assert (message.kind, message.person_id) == ("award.bank_returned.school", here.manager)
    assert "500元）被银行退回" in message.text


async def test_a_doubt_about_what_is_on_a_statement_stays_in_the_secretariat(here: World) -> None:
    college, reviewer = await make_college(), here.staff[Role.REVIEWER][0]
    claims = [await make_confirmed(here.school, college, 2026) for _ in range(2)]
    for one in claims:
        of_claim = {"referral_id": one.id, "student_id": one.student_id, "matter": ""}
        await make_award(here.school, state=AwardState.ON_STATEMENT, **of_claim)
    await Referral.filter(id__in=[one.id for one in claims]).update(state=ReferralState.MATCHED)
    last = (await listen()).last
    await _followed([one.student_id for one in claims])
    said = await facts.messages(await Event.filter(id__gt=last).order_by("id"), SHIPPED)
    told = {one.person_id: one for one in said}
    assert len(told) == len(said)
    assert {told[person].kind for person in (here.finance, here.other_finance)} == {"award.doubted.finance"}
    assert told[reviewer].kind == "award.doubted.reviewer"
    assert here.manager not in told
    assert told[reviewer].text.startswith("有2笔奖补在列入结算单以后出现疑问。")


@transaction
async def _followed(students: Sequence[UUID]) -> None:
    await following.follow(students, None)


async def test_a_clawback_is_told_in_turn_and_to_the_school_from_the_demand_on() -> None:
    here, until = await clawing.world(), None
    ear, told = await listen(), []
    people = (here.reviewer, here.approver, here.other_approver, here.finance, here.manager)
    await _asked(here)
    told.append(await ear.told(*people))
    await clawbacks.request(here.award.id, None, here.by(here.reviewer))
    told.append(await ear.told(*people))
    await clawbacks.approve(here.award.id, here.by(here.approver))
    told.append(await ear.told(*people))
    made = await clawbacks.demand(here.award.id, here.by(here.finance))
    [message] = await heard(ear, here.manager)
    until = contesting.contest_until(made)
    assert until
    assert message.kind == "clawback.demanded.school"
    assert f"要追回500元，理由请打开查看。认为有误的，请负责人在{day_text(until)}以前" in message.text
    assert message.page == f"pages/clawback/index?award={here.award.id}"
    await contesting.contest(here.award.id, "学生已经复学", here.manager)
    told.append(await ear.told(*people))
    turns = ["asked.reviewer", "requested.approver", "approved.finance", "contested.approver"]
    who = [[here.reviewer], [here.approver, here.other_approver], [here.finance], [here.approver, here.other_approver]]
    for heard_by, turn, these in zip(told, turns, who, strict=True):
        assert heard_by == [(f"clawback.{turn}",) if one in these else () for one in people]


@transaction
async def _asked(here: clawing.World) -> None:
    await clawbacks.questions([here.award], "referral_unconfirmed")


async def test_how_a_clawback_goes_on_is_told_with_what_is_still_owed() -> None:
    here = await clawing.world()
    await here.demanded()
    ear = await listen()
    await clawbacks.recover(here.award.id, 20_000, here.by(here.finance, "银行回单"))
    [message] = await heard(ear, here.manager)
    assert message.text.endswith("已收到和抵扣200元，还应退回300元。")
    await contesting.contest(here.award.id, "学生已经复学", here.manager)
    await ear.everything()
    judge = (await make_member(here.office, Role.REVIEWER)).person_id
    await contesting.decide(here.award.id, Verdict.STANDS, here.by(judge, "学籍显示已注销"))
    assert [one.kind for one in await heard(ear, here.manager)] == ["clawback.contest_stands.school"]
    await clawbacks.write_off(here.award.id, here.by(here.other_approver, "追不回来"))
    assert [one.kind for one in await heard(ear, here.manager)] == ["clawback.written_off.school"]


async def test_what_is_kept_back_from_a_statement_is_told() -> None:
    here = await paying_world.world()
    first = await here.sent(1)
    await here.settle(first)
    [paid] = await Award.filter(statement_id=first.id)
    third = (await make_member(await secretariat(), Role.APPROVER)).person_id
    await clawbacks.request(paid.id, 10_000, Decider(here.staff[Role.REVIEWER][0], WHY))
    await clawbacks.approve(paid.id, Decider(third, WHY))
    await clawbacks.demand(paid.id, Decider(here.finance, WHY))
    sent = await here.sent(1)
    await contesting.contest(paid.id, "学生已经复学", here.manager)
    ear = await listen()
    judge = (await make_member(await secretariat(), Role.REVIEWER)).person_id
    await contesting.decide(paid.id, Verdict.STANDS, Decider(judge, WHY))
    [message] = await heard(ear, here.manager)
    assert message.text.endswith("还应退回100元。"), "nothing has been kept back yet"
    await here.settle(sent, {2: ("已抵扣", "")})
    [told] = await listing.seen([await holding.statement(sent.id)])
    assert (told.row.count, told.outcomes) == (1, {"paid": 1}), "what is kept back is no award"
    rows = (await listing.lines(told.row, 9, None)).items
    assert [row.clawback.award.id for row in rows if row.clawback] == [paid.id]
    said = {one.kind: one.text for one in await heard(ear, here.manager)}
    assert set(said) == {"statement.settled.school", "clawback.offset.school"}
    assert "1笔，实付400元" in said["statement.settled.school"]
    assert "已收到和抵扣100元，还应退回0元" in said["clawback.offset.school"]


@pytest.mark.parametrize("about", ["statement", "clawback", "fund", "budget"])
async def test_the_number_of_statements_does_not_depend_on_the_number_of_events(about: str) -> None:
    few, many = [await _sent(about, count) for count in (1, 5)]
    assert few == many


async def _sent(about: str, count: int) -> int:
    names = {"statement": "statement.sent", "clawback": "clawback.recovered", "fund": "fund.run_out"}
    events = [await _happened(about, names.get(about, "budget.requeued")) for _ in range(count)]
    with statements.sent() as seen:
        assert len(await facts.messages(events, SHIPPED)) == count
    return len(seen)


async def _happened(about: str, name: str) -> Event:
    if about == "clawback":
        made = await clawing.world()
        claimed = await made.demanded()
        return await make_event(name, subject=f"clawback:{claimed.id}", people=[str(made.manager)])
    here = await paying_world.world()
    subject = {"fund": here.fund.id, "budget": here.budget.id}.get(about) or (await here.locked(1)).id
    return await make_event(name, subject=f"{about}:{subject}", people=[str(here.manager)])
