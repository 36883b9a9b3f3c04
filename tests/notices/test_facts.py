"""Of what happens, the right people are told in the right words, and nobody of themselves or of another's data."""

from datetime import UTC, datetime, timedelta

import pytest

from server.appeals.models import Appeal, AppealState
from server.engagements import contests, service, working
from server.imports.models import ImportState
from server.kernel import clock
from server.kernel.ids import new_id
from server.kernel.outbox import Event
from server.labour import keeping, life, reports, review
from server.labour.models import PostingState
from server.labour.reports import Verdict as Reported
from server.notices import facts
from server.notices.models import Service
from server.notices.topics import SUBJECTS
from server.organisations import decisions, lapses, memberships, standing
from server.organisations.decisions import Verdict
from server.organisations.models import Organisation, OrganisationState
from server.organisations.roles import Kind, Role
from server.people.service import Decider
from server.referrals import service as referrals
from server.students import service as students
from server.students.models import LinkState, Relation, StudentLink
from tests.engagements import deciding
from tests.engagements.filling import Firm, make_firm, make_worker, offers_class, taken, worker_of
from tests.factories import make_event, make_member, make_organisation, make_person, make_posting
from tests.harness import statements
from tests.harness.referring import make_claim, make_import
from tests.harness.revealing import make_student
from tests.notices.hearing import SHIPPED, listen
from tests.referrals.disputing import disputed, reviewer
from tests.students.numbers import number_of

pytestmark = pytest.mark.usefixtures("database")
NAME = "采茶工（示例）"
BY = Decider(new_id(), "材料不全")


async def test_an_application_is_told_to_the_firm_and_its_acceptance_to_who_applied() -> None:
    firm, worker = await make_firm(), await make_worker()
    posting, ear = await firm.seeks(2), await listen()
    applied = await service.apply(posting.id, by=worker)
    message = await ear.told_alone(firm.clerk)
    assert (message.kind, message.title) == ("engagement.applied.poster", "有人报名")
    assert message.text == f"“{NAME}”收到一份新的报名（1人）。请尽快答复。"
    assert message.page == f"pages/engagement/index?id={applied.id}"

    await service.accept(applied.id, firm.actor)
    message = await ear.told_alone(worker)
    push = message.push(Service.MINI_PROGRAM)
    assert push
    day = posting.starts_on
    assert day
    assert (push.template.name, push.data["thing1"], push.data["phrase2"]) == ("application", NAME, "已录用")
    assert push.data["thing4"] == f"{day.year}年{day.month}月{day.day}日开工，请按时到岗"[:20]
    assert message.subject == f"engagement:{applied.id}"


async def test_the_last_place_and_the_list_behind_it() -> None:
    firm, first, second = await make_firm(), await make_worker(), await make_worker()
    posting = await firm.seeks()
    held, waits = await taken(firm, posting, first), await service.apply(posting.id, by=second)
    ear = await listen()
    await service.accept(waits.id, firm.actor)
    assert (await ear.told_alone(second)).kind == "engagement.approved.worker", "that it waits it has heard already"
    await service.withdraw(held.id, worker_of(first), "家里有事")
    told = await ear.told(firm.clerk, first, second)
    assert told == [
        ("engagement.withdrawn.poster", "engagement.moved_up.poster"), (), ("engagement.moved_up.worker",)
    ]  # fmt: skip


async def test_filled_is_told_to_whose_posting_it_is() -> None:
    firm = await make_firm()
    posting, ear = await firm.seeks(), await listen()
    await taken(firm, posting, await make_worker())
    assert "posting.filled.owner" in (await ear.told(firm.clerk))[0]


async def test_of_a_class_its_school_is_told() -> None:
    firm, (supply, clerk) = await make_firm(), await offers_class()
    posting = await firm.seeks(40, kind=supply.kind)
    ear = await listen()
    await service.offer(posting.id, supply.id, by=firm.clerk)
    told = await ear.told(supply.person_id, clerk, firm.clerk)
    assert told == [("engagement.offered.worker",), ("engagement.offered.worker",), ()]


async def test_the_end_of_the_work_is_told_to_the_other_side_and_pay_to_both_in_turn() -> None:
    firm, worker = await make_firm(), await make_worker()
    held = await taken(firm, await firm.seeks(), worker)
    clock.move_to(clock.now() + timedelta(days=12))
    ear = await listen()
    await working.attend(held.id, firm.actor)
    await working.complete(held.id, firm.actor, 480)
    await working.complete(held.id, worker_of(worker), 480)
    await working.report_unpaid(held.id, worker_of(worker), "还没有收到")
    await working.confirm_paid(held.id, firm.actor, 10_000)
    await working.confirm_paid(held.id, worker_of(worker), 10_000)
    poster, own = await ear.told(firm.clerk, worker)
    assert own == (
        "engagement.attended.worker", "engagement.to_be_confirmed.worker", "engagement.payment_said.worker"
    )  # fmt: skip
    assert poster == ("engagement.completed.poster", "engagement.wage_dispute.poster", "engagement.paid.poster")


async def test_what_is_decided_is_told_of_the_mark_and_not_of_the_word_against_it() -> None:
    firm = await make_firm()
    for verdict, word in ((contests.Verdict.STANDS, "维持记录"), (contests.Verdict.LIFTED, "撤销记录")):
        held, ear = await deciding.contested(firm), await listen()
        await contests.decide(held.id, verdict, await deciding.reviewer())
        said = [one for one in await ear.everything() if one.kind.startswith("engagement.decided")]
        assert {one.person_id for one in said} == {held.person_id, firm.clerk}
        for one in said:
            assert f"作出了决定：{word}。" in one.text
            push = one.push(Service.MINI_PROGRAM)
            assert push
            assert push.data["phrase2"] == word
    for verdict, word in ((contests.Verdict.STANDS, "欠薪属实"), (contests.Verdict.LIFTED, "没有欠薪")):
        held, ear = await deciding.unpaid(firm), await listen()
        await contests.decide(held.id, verdict, await deciding.reviewer())
        said = [one for one in await ear.everything() if one.kind.startswith("engagement.decided")]
        assert len(said) == len({held.person_id, firm.clerk})
        assert all(f"作出了决定：{word}。" in one.text for one in said)


async def test_until_when_a_mark_can_be_contested_is_told_with_it() -> None:
    firm, ear = await make_firm(), await listen()
    missed = await deciding.missed(firm)
    left = await taken(firm, await firm.seeks(), await make_worker())
    clock.move_to(clock.now() + timedelta(days=12))
    await working.attend(left.id, firm.actor)
    left = await working.leave_early(left.id, firm.actor)
    said = await ear.everything()
    for held, kind in ((missed, "no_show"), (left, "left_early")):
        [message] = [one for one in said if one.kind == f"engagement.{kind}.worker"]
        push, until = message.push(Service.MINI_PROGRAM), held.contest_until
        assert push
        assert until
        local = until.astimezone(clock.SHANGHAI)
        day = f"{local.year}年{local.month}月{local.day}日"
        assert f"请在{day} {local:%H:%M}前提出异议" in message.text
        assert push.data["thing4"] == f"{day}前可提出异议"


async def test_who_has_left_the_firm_is_not_told() -> None:
    firm = await make_firm()
    posting = await firm.seeks()
    applied = await service.apply(posting.id, by=await make_worker())
    event = await make_event(
        "engagement.applied", subject=f"engagement:{applied.id}", people=[str((await make_person()).id)]
    )
    assert await facts.messages([event], SHIPPED) == []


async def test_a_removal_is_told_to_whose_it_is_and_to_who_reported_it_once() -> None:
    firm, one, other = await make_firm(), (await make_person()).id, (await make_person()).id
    posting = await firm.seeks()
    report = await reports.report(posting.id, reports.What.FRAUD, "", one)
    await reports.report(posting.id, reports.What.FRAUD, "", other)
    ear = await listen()
    await reports.decide(report.id, Reported.UPHOLD, BY)
    owner, first, second = await ear.told(firm.clerk, one, other)
    assert owner == ("posting.removed.owner",)
    assert first == second == ("posting.removed.reporter",)


async def test_a_dismissed_report_is_told_to_who_made_it_alone() -> None:
    firm, one = await make_firm(), (await make_person()).id
    report = await reports.report((await firm.seeks()).id, reports.What.FRAUD, "", one)
    ear = await listen()
    await reports.decide(report.id, Reported.DISMISS, BY)
    assert (await ear.told_alone(one)).kind == "posting.report_dismissed.reporter"


async def test_a_pause_is_told_where_its_poster_did_not_ask_for_it() -> None:
    firm = await make_firm()
    asked, other = await firm.seeks(), await firm.seeks()
    ear = await listen()
    await life.pause(asked.id, by=firm.clerk)
    assert await ear.everything() == []
    other.paused_for = life.FOR_STANDING
    keeping.enter(other, PostingState.PAUSED)
    await keeping.keep(other, keeping.Change("paused", PostingState.LIVE, None))
    assert (await ear.told_alone(firm.clerk)).kind == "posting.paused.owner"


async def test_a_persons_own_offer_is_told_to_them() -> None:
    worker = await make_worker()
    posting = await make_posting(person_id=worker, title="")
    ear = await listen()
    await review.remove(posting.id, BY)
    message = await ear.told_alone(worker)
    assert message.text.startswith("“未命名的信息”已被秘书处下架")


async def test_joining_and_leaving_an_organisation() -> None:
    organisation, person = await make_organisation(), (await make_person()).id
    manager = (await make_member(organisation, Role.MANAGER)).person_id
    ear = await listen()
    asked = await memberships.request(organisation.id, person)
    assert await ear.told(manager, person) == [("membership.requested.lead",), ()]
    await memberships.approve(asked.id, by=manager)
    assert (await ear.told_alone(person)).text == f"您已加入“{organisation.name}”，身份是经办人。"
    await memberships.change_role(asked.id, Role.MANAGER, by=manager)
    assert (await ear.told_alone(person)).kind == "membership.role_changed.member"
    await memberships.end(asked.id, by=manager)
    assert (await ear.told_alone(person)).kind == "membership.ended.removed"
    again = await memberships.request(organisation.id, person)
    await ear.everything()
    await memberships.end(again.id, by=manager)
    assert (await ear.told_alone(person)).kind == "membership.ended.refused"


async def test_what_somebody_did_themselves_is_not_told_to_them() -> None:
    organisation, person = await make_organisation(), (await make_person()).id
    ear = await listen()
    joined = await memberships.join(organisation.id, person, Role.CLERK, by=person)
    await memberships.end(joined.id, by=person)
    assert await ear.everything() == []


async def test_the_members_of_an_organisation_that_is_closed_are_told_once() -> None:
    organisation = await make_organisation()
    people = [(await make_member(organisation, role)).person_id for role in (Role.MANAGER, Role.CLERK)]
    ear = await listen()
    await standing.close(organisation.id, BY)
    assert await ear.told(*people) == [("membership.ended.dismissed",)] * 2


async def test_what_is_decided_of_an_organisation_is_told_to_who_leads_it() -> None:
    organisation = await make_organisation(Kind.ENTERPRISE, state=OrganisationState.APPLIED, name="皖江工坊（示例）")
    manager = (await make_member(organisation, Role.MANAGER)).person_id
    ear = await listen()
    await decisions.decide(organisation.id, Verdict.VERIFY, BY)
    message = await ear.told_alone(manager)
    assert message.text == "“皖江工坊（示例）”已通过审核，可以开始办理业务了。"
    due = (await Organisation.get(id=organisation.id)).due_on
    assert due
    clock.move_to(datetime(due.year, due.month, due.day, tzinfo=UTC) - timedelta(days=1))
    await lapses.watch()
    message = await ear.told_alone(manager)
    assert f"{due.year}年{due.month}月{due.day}日" in message.text
    clock.move_to(clock.now() + timedelta(days=3))
    await lapses.watch()
    assert (await ear.told_alone(manager)).kind == "organisation.lapsed.lead"


async def test_a_dispute_is_told_to_every_school_without_a_name() -> None:
    made = await disputed()
    events = [
        await make_event(referrals.DISPUTED, subject=f"referral:{claim.id}", people=[str(clerk.person_id)])
        for claim, clerk in zip(made.claims, made.clerks, strict=True)
    ]
    said = await facts.messages(events, SHIPPED)
    assert [message.person_id for message in said] == [clerk.person_id for clerk in made.clerks]
    for message, claim in zip(said, made.claims, strict=True):
        push = message.push(Service.MINI_PROGRAM)
        assert push
        assert push.data["thing1"] == f"生源登记{claim.number}"
        assert claim.number in message.text
        assert "欧阳" not in f"{message} {push}"


async def test_many_matches_of_one_list_are_one_message_under_the_first_of_them() -> None:
    school = await make_organisation()
    clerk = (await make_member(school, Role.CLERK)).person_id
    claims = [await make_claim(school) for _ in range(3)]
    events = [
        await make_event("referral.matched", subject=f"referral:{claim.id}", people=[str(clerk)]) for claim in claims
    ]
    [message] = await facts.messages(events, SHIPPED)
    assert message == (await facts.messages(events, SHIPPED))[0]
    assert (message.event_id, message.subject, message.page) == (events[0].id, "", "pages/referral/list")
    assert message.text.startswith("有3份生源登记已与成员学校的学籍匹配")
    assert message.expires_at == events[-1].created_at + timedelta(hours=120)


async def test_what_became_of_a_list() -> None:
    school, clerk = await make_organisation(), (await make_person()).id
    done = await make_import(school, state=ImportState.DONE, total=40, done=40, accepted=37, warning=1, refused=2)
    broken = await make_import(school, state=ImportState.FAILED, total=40, done=13)
    said = [
        (await facts.messages([event], SHIPPED))[0]
        for event in [
            await make_event("import.finished", subject=f"import:{one.id}", people=[str(clerk)])
            for one in (done, broken)
        ]
    ]
    assert "共40行：收下38行，其中1行要核对；重复0行，没有通过2行" in said[0].text
    push = said[0].push(Service.MINI_PROGRAM)
    assert push
    assert (push.data["number2"], push.data["number3"]) == ("38", "2")
    assert "处理到第13行时中断" in said[1].text


async def test_the_answer_to_an_appeal_is_told_to_who_made_it_and_to_whom_it_concerns() -> None:
    appellant, other = (await make_person()).id, (await make_person()).id
    row = await Appeal.create(
        subject=f"posting:{new_id()}", refusal_id=new_id(), person_id=appellant, reason="改好了",
        state=AppealState.UPHELD, created_at=clock.now(),
    )  # fmt: skip
    people = [str(appellant), str(other)]
    upheld, overturned = [
        await make_event(name, subject=f"appeal:{row.id}", people=people)
        for name in ("appeal.upheld", "appeal.overturned")
    ]
    said = {message.person_id: message for message in await facts.messages([upheld], SHIPPED)}
    assert said[appellant].text.startswith("您对招工信息审核的申诉，经另一位工作人员复核，维持原来的决定")
    assert (said[other].kind, said[other].pushes) == ("appeal.upheld.concerned", ())
    [message] = await facts.messages([overturned], SHIPPED)  # what was done instead is told by itself
    assert (message.person_id, message.pushes) == (appellant, ())


async def test_what_follows_from_a_firms_own_doing_is_told_to_the_others() -> None:
    firm, first, second = await make_firm(), await make_worker(), await make_worker()
    posting = await firm.seeks()
    one, _ = await service.apply(posting.id, by=first), await service.apply(posting.id, by=second)
    ear = await listen()
    await service.accept(one.id, firm.actor)
    assert await ear.told(firm.clerk, second) == [("posting.filled.owner",), ("engagement.waiting.worker",)]
    await life.close(posting.id, by=firm.clerk)
    assert await ear.told(firm.clerk, second) == [(), ("engagement.unanswered.worker",)]


async def test_a_student_is_told_of_themselves_without_their_name() -> None:
    person = await make_person()
    student = await make_student(person, Relation.SELF, number_of(datetime(2008, 1, 2, tzinfo=UTC).date()))
    link = await StudentLink.get(student_id=student.id)
    await StudentLink.filter(id=link.id).update(state=LinkState.REQUESTED)
    ear = await listen()
    await students.decide(link.id, students.Verdict.REJECT, await reviewer())
    message = await ear.told_alone(person.id)
    assert message.text.startswith("秘书处没有确认您是学生本人")
    await students.unlink_all(person.id)
    gone = await make_event("student_link.rejected", subject=f"student_link:{link.id}", people=[str(person.id)])
    assert await facts.messages([gone], SHIPPED) == []


async def test_days_of_the_calendar() -> None:
    person = str((await make_person()).id)
    window = await make_event("window.opening", subject="window:2026-autumn", people=[person])
    edition = await make_event("guide.published", subject="guide:2026", people=[person])
    said = await facts.messages([window, edition], SHIPPED)
    assert said[0].text.startswith("2026年秋季生源登记从2026年")
    assert (said[1].page, said[1].priority.name) == ("pages/guide/index?edition=2026", "BULK")


async def test_what_nobody_is_told_of_is_not_even_read() -> None:
    events = [await make_event(), await make_event("person.signed_up", subject=f"person:{new_id()}")]
    with statements.sent() as seen:
        assert await facts.messages(events, SHIPPED) == []
    assert not seen


async def test_what_is_gone_is_not_told_of() -> None:
    people = [str((await make_person()).id)]
    subjects = [about for about in SUBJECTS if about not in {"window", "guide", "search", "broadcast"}]
    names = {kind.about: event for event, told in SHIPPED.kinds.items() for kind in told.values()}
    events = [await make_event(names[about], subject=f"{about}:{new_id()}", people=people) for about in subjects]
    events += [await make_event(names[about], subject=f"{about}:1", people=people) for about in subjects]
    assert await facts.messages(events, SHIPPED) == []


@pytest.mark.parametrize("about", ["engagement", "posting", "referral", "membership"])
async def test_the_number_of_statements_does_not_depend_on_the_number_of_events(about: str) -> None:
    few, many = [await _sent(about, count) for count in (2, 30)]
    assert few == many


async def _sent(about: str, count: int) -> int:
    firm = await make_firm()
    events = [await _happened(about, firm) for _ in range(count)]
    with statements.sent() as seen:
        assert await facts.messages(events, SHIPPED)
    return len(seen)


async def _happened(about: str, firm: Firm) -> Event:
    ear = await listen()
    if about == "engagement":
        await service.apply((await firm.seeks()).id, by=await make_worker())
    elif about == "posting":
        await review.remove((await firm.seeks()).id, BY)
    elif about == "membership":
        organisation = await make_organisation()
        await make_member(organisation, Role.MANAGER)
        await memberships.request(organisation.id, (await make_person()).id)
    else:
        school = await make_organisation()
        clerk = (await make_member(school, Role.CLERK)).person_id
        return await make_event(
            "referral.disputed", subject=f"referral:{(await make_claim(school)).id}", people=[str(clerk)]
        )
    return await Event.filter(id__gt=ear.last).order_by("id").first() or pytest.fail("nothing happened")
