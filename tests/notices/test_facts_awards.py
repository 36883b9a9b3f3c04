"""Of awards each side hears what is theirs to hear, once: schools of their own, the secretariat of whose turn it is."""

from datetime import timedelta
from uuid import UUID

import pytest

from server.awards import bulk, closing, life, objections, publications, queue, undoing
from server.awards.bulk import Filter
from server.awards.models import Award, AwardRun, RunKind
from server.awards.objections import Verdict, Word
from server.funds import budgets
from server.funds.budgets import ByHand
from server.funds.models import EntryKind
from server.kernel import clock
from server.kernel.outbox import Event
from server.notices import facts
from server.notices.facts import Message
from server.notices.models import Service
from server.notices.values import day_text
from server.organisations.models import Organisation
from server.organisations.roles import Role
from server.people.models import Person
from server.people.service import Decider
from tests.awards.deciding import World, over, world
from tests.factories import make_member, make_organisation, make_person
from tests.harness import statements
from tests.harness.awarding import events_of, make_college, make_confirmed, worked_off
from tests.harness.funding import REWARD_FEN
from tests.harness.referring import NAME
from tests.notices.hearing import SHIPPED, Ear, listen

pytestmark = [pytest.mark.once, pytest.mark.usefixtures("database")]
WHY = "材料齐全"


@pytest.fixture
async def here() -> World:
    return await world()


async def clerk_of(school: Organisation) -> UUID:
    return (await make_member(school, Role.CLERK)).person_id


async def of_claim(here: World) -> tuple[Award, str]:
    """An award for a student, and the number of the claim."""
    claim = await make_confirmed(here.school, await make_college(), here.year)
    award = await here.award(referral_id=claim.id, student_id=claim.student_id, matter="")
    return award, claim.number


async def heard(ear: Ear, person: UUID) -> list[Message]:
    return [one for one in await ear.everything() if one.person_id == person]


async def decided(chosen: Filter, verb: RunKind, by: UUID) -> AwardRun:
    return await worked_off((await bulk.decide(chosen, verb, Decider(by, WHY))).id)


async def test_what_is_decided_of_one_award_is_told_to_its_school_by_number_and_sum(here: World) -> None:
    clerk, (award, number) = await clerk_of(here.school), await of_claim(here)
    ear = await listen()
    said = []
    for verb, by in ((RunKind.HOLD, here.finance), (RunKind.RELEASE, here.reviewer), (RunKind.REFUSE, here.reviewer)):
        await life.decide_one(award.id, verb, Decider(by, "名册要核对"))
        said += await heard(ear, clerk)
    await undoing.undo(award.id, Decider(here.reviewer, "看错了"))
    said += await heard(ear, clerk)
    await life.decide_one(award.id, RunKind.CANCEL, Decider(here.reviewer, "学校申请取消"))
    said += await heard(ear, clerk)
    assert [one.kind for one in said] == [
        f"award.{event}.school" for event in ("held", "released", "refused", "undone", "cancelled")
    ]
    for one in said:
        assert f"{number}，500元" in one.text
        assert one.page == f"pages/award/index?id={award.id}"
        assert NAME not in f"{one}"
        assert "名册" not in f"{one}"  # the reason is read where it is kept, by whoever may
    refused = said[2].push(Service.MINI_PROGRAM)
    assert refused
    assert "可以申诉一次" in said[2].text
    assert refused.template.name == "award"
    assert {key: refused.data[key] for key in ("thing1", "phrase2", "amount3")} == {
        "thing1": f"奖补{number}", "phrase2": "没有通过", "amount3": "500元"
    }  # fmt: skip


async def test_approval_says_whether_there_is_money_and_the_queue_tells_once_it_comes() -> None:
    here = await world(1)
    clerk, awards = await clerk_of(here.school), await here.ready(3)
    ear = await listen()
    for one in awards:
        await life.decide_one(one.id, RunKind.APPROVE, Decider(here.approver, WHY))
    assert [one.kind for one in await heard(ear, clerk)] == [
        "award.approved.school", "award.awaiting_funds.school", "award.awaiting_funds.school"
    ]  # fmt: skip
    more = ByHand(EntryKind.APPROPRIATE, 2 * REWARD_FEN, here.finance, "追加")
    await budgets.enter(here.fund.id, here.year, more)
    last = ear.last
    await queue.work({"fund": str(here.fund.id)})
    events = await Event.filter(id__gt=last).order_by("id")
    [message] = [one for one in await facts.messages(events, SHIPPED) if one.person_id == clerk]
    assert (message.kind, message.page) == ("award.funded.school", "pages/award/list")
    assert message.text == "有2笔排队的奖补已经排到资金，等待列入结算单。"


async def test_of_a_run_each_school_hears_once_with_its_own_numbers() -> None:
    here = await world(2)
    other = await make_organisation(name="另一所中学（示例）")
    one, two = await clerk_of(here.school), await clerk_of(other)
    both = (await make_member(here.school, Role.MANAGER)).person_id
    await make_member(other, Role.CLERK, await Person.get(id=both))
    awards = [*await here.awards(2), await here.award(school=other), await here.award()]
    ear = await listen()
    run = await decided(Filter(ids=[each.id for each in awards]), RunKind.REVIEW, here.reviewer)
    said = await ear.everything()
    texts = {person: [each.text for each in said if each.person_id == person] for person in (one, two, both)}
    assert texts[one] == ["贵校有3笔奖补（合计1500元）通过初审，等待公示。"]
    assert texts[two] == ["贵校有1笔奖补（合计500元）通过初审，等待公示。"]
    assert sorted(texts[both]) == sorted(texts[one] + texts[two])
    assert len(await events_of(run)) == 2
    await publications.publish(here.year, here.programme, here.reviewer)
    over()
    await ear.everything()
    await decided(Filter(year=here.year, programme=here.programme), RunKind.APPROVE, here.approver)
    said = await ear.everything()
    kinds = {each.kind: each.text for each in said if each.person_id in {one, two}}
    assert set(kinds) == {"awards.approved.queued", "awards.approved.waiting"}
    assert "全部按批准的先后排队" in kinds["awards.approved.waiting"]
    assert "其中1笔因资金暂时不够" in kinds["awards.approved.queued"]
    assert len([each for each in said if each.person_id == one]) == 1


async def test_a_publication_is_told_to_each_school_with_its_figures_and_last_day(here: World) -> None:
    clerk, other = await clerk_of(here.school), await make_organisation()
    stranger = await clerk_of(other)
    await here.reviewed(2)
    await here.reviewed(1, school=other)
    ear = await listen()
    [made] = await publications.publish(here.year, here.programme, here.reviewer)
    said = await ear.everything()
    [own], [theirs] = [[one for one in said if one.person_id == person] for person in (clerk, stranger)]
    assert f"贵校2笔，合计1000元，到{day_text(made.ends_on)}为止" in own.text
    assert "贵校1笔，合计500元" in theirs.text
    assert own.page == theirs.page == f"pages/publication/index?id={made.id}"


@pytest.mark.parametrize("verdict", list(Verdict))
async def test_an_objection_is_told_of_without_saying_whose_it_is(here: World, verdict: Verdict) -> None:
    clerk, objector = await clerk_of(here.school), (await make_person()).id
    awards = await here.publicised(3)
    publication_id = (await Award.get(id=awards[0].id)).publication_id
    assert publication_id
    ear = await listen()
    made = await objections.to_school(publication_id, here.school.id, Word(objector, "名单与实际不符"))
    told = await ear.told(clerk, here.reviewer, here.approver, here.finance, objector)
    decides = ("objection.made.reviewer",)
    assert told == [("objection.made.school",), decides, decides, (), ()]
    await objections.decide(made.id, verdict, Decider(here.reviewer_2, "已核实"))
    came = {Verdict.UPHOLD: "upheld", Verdict.REJECT: "rejected"}[verdict]
    said = await ear.everything()
    assert sorted((one.kind, one.person_id) for one in said) == [
        (f"objection.{came}.objector", objector), (f"objection.{came}.school", clerk)
    ]  # fmt: skip
    assert all("名单" not in one.text and str(objector) not in f"{one.text}{one.page}" for one in said)
    assert {one.page for one in said} == {"pages/award/list", "pages/objection/mine"}


async def test_an_objection_to_one_award_names_it_to_its_school(here: World) -> None:
    clerk, (award, number) = await clerk_of(here.school), await of_claim(here)
    await life.decide([award.id], RunKind.REVIEW, Decider(here.reviewer, WHY))
    await publications.publish(here.year, here.programme, here.reviewer)
    ear = await listen()
    await objections.to_award(award.id, Word((await make_person()).id, "学生不是这所学校的"))
    [message] = await heard(ear, clerk)
    assert f"（{number}）" in message.text


async def test_at_the_end_of_the_year_each_school_hears_once_that_its_awards_wait(here: World) -> None:
    clerk = await clerk_of(here.school)
    await here.approved(2)
    ear = await listen()
    await closing.close(here.fund.id, here.year, 0, Decider(here.finance, "年末结账"))
    [message] = await heard(ear, clerk)
    assert message.kind == "budget.requeued.school"
    assert f"“{here.fund.name}”{here.year}年度预算已结账" in message.text


async def test_who_left_the_school_hears_nothing_more(here: World) -> None:
    member = await make_member(here.school, Role.CLERK)
    award = await here.award()
    ear = await listen()
    await life.decide_one(award.id, RunKind.HOLD, Decider(here.reviewer, WHY))
    member.ended_at = clock.now() + timedelta(seconds=1)
    await member.save()
    assert await heard(ear, member.person_id) == []


@pytest.mark.parametrize("about", ["award", "run", "publication", "objection"])
async def test_the_number_of_statements_does_not_depend_on_the_number_of_events(about: str) -> None:
    few, many = [await _sent(about, count) for count in (2, 8)]
    assert few == many


async def _sent(about: str, count: int) -> int:
    here = await world()
    schools = [await make_organisation() for _ in range(count)]
    for school in schools:
        await clerk_of(school)
    awards = [await here.award(school=school) for school in schools]
    last = (await listen()).last
    if about == "award":
        for award in awards:
            await life.decide_one(award.id, RunKind.HOLD, Decider(here.reviewer, WHY))
    await decided(Filter(ids=[award.id for award in awards]), RunKind.REVIEW, here.reviewer)
    if about in {"publication", "objection"}:
        await publications.publish(here.year, here.programme, here.reviewer)
    for award in awards if about == "objection" else ():
        await objections.to_award(award.id, Word((await make_person()).id, "不符"))
    names = {"award": "award.held", "run": "awards.reviewed", "publication": "publication.made"}
    events = await Event.filter(id__gt=last, name=names.get(about, "objection.made")).order_by("id")
    assert len(events) == count
    with statements.sent() as seen:
        assert await facts.messages(events, SHIPPED)
    return len(seen)
