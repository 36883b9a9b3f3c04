"""Awards are proposed once, of what is confirmed alone, by the rules of the day on which a student entered."""

import asyncio
from datetime import date
from typing import Any

import pytest

from server.awards import life, listing, making, soundness, undoing, working
from server.awards.cases import Case
from server.awards.models import (
    Award,
    AwardRunRow,
    AwardState,
    Clawback,
    ClawbackState,
    ContestState,
    RunKind,
    RunState,
)
from server.awards.proposing import Wanted, propose
from server.enrolments.models import Enrolment, EnrolmentState, EnrolmentStatus, Level
from server.kernel import clock
from server.kernel.audit import AuditEntry
from server.kernel.errors import DomainError
from server.kernel.ids import new_id
from server.organisations.models import Organisation, OrganisationState
from server.organisations.roles import Kind, Role
from server.people.service import Decider
from server.referrals.models import Referral, ReferralState
from server.students.models import Student
from tests.factories import make_member, make_organisation
from tests.harness import statements
from tests.harness.awarding import (
    AMOUNT_FEN,
    PROGRAMME,
    events_of,
    make_award,
    make_clawback,
    make_college,
    make_confirmed,
    make_school,
    outcomes,
    proposed,
    worked_off,
)
from tests.harness.referring import make_claim, make_student

pytestmark = pytest.mark.usefixtures("database")


async def test_what_is_confirmed_is_proposed_with_all_that_explains_it(
    school: Organisation, college: Organisation
) -> None:
    year = 2025
    manager = (await make_member(school, Role.MANAGER)).person_id
    claim = await make_confirmed(school, college, year)
    await make_claim(school, year=year, state=ReferralState.MATCHED)
    by = new_id()
    run = await proposed(Wanted(PROGRAMME, year), by)
    [award] = await Award.filter(year=year)
    assert (award.referral_id, award.student_id, award.payee_id) == (claim.id, claim.student_id, school.id)
    assert (award.amount_fen, award.state, award.rule_version) == (AMOUNT_FEN, AwardState.PROPOSED, "2024")
    assert (award.entered_on, award.run_id, award.exception_reason) == (date(year, 9, 1), run.id, "")
    assert award.facts == {
        "school_in_city": True, "sent_by_school": True, "receiver_in_group": True, "level": "secondary"
    }  # fmt: skip
    assert award.verdict["verdict"] == "eligible"
    assert {check["fact"]: check["ok"] for check in award.verdict["checks"]} == dict.fromkeys(award.facts, True)
    assert "estimate" in award.verdict["warnings"]
    assert (run.state, run.total, run.done, run.counts, run.actor_id) == (RunState.DONE, 1, 1, {"proposed": 1}, by)
    entry = await AuditEntry.get(subject=f"award:{award.id}")
    assert (entry.action, entry.actor_id, entry.after) == ("award.proposed", by, "proposed")
    [event] = await events_of(run)
    assert (event.name, event.people) == ("awards.proposed", [str(manager)])


async def test_run_again_it_proposes_nothing_twice(school: Organisation, college: Organisation) -> None:
    year = 2021
    claims = [await make_confirmed(school, college, year) for _ in range(3)]
    await proposed(Wanted(PROGRAMME, year))
    refused, cancelled = await Award.get(referral_id=claims[1].id), await Award.get(referral_id=claims[2].id)
    await Award.filter(id=refused.id).update(state=AwardState.REFUSED)
    await Award.filter(id=cancelled.id).update(state=AwardState.CANCELLED)
    again = await proposed(Wanted(PROGRAMME, year))
    assert await outcomes(again) == {
        claims[0].id: making.ALREADY_AWARDED, claims[1].id: making.AWARD_REFUSED, claims[2].id: "proposed"
    }  # fmt: skip
    assert await Award.filter(year=year).count() == 4
    assert len(await events_of(again)) == 1


@pytest.mark.parametrize(
    ("year", "said", "code", "fails"),
    [
        (2026, {"level": Level.HIGHER}, "ineligible", ["level"]),
        (2026, {"region": "340722"}, "ineligible", ["school_in_city"]),
        (2026, {"region": None}, "needs_information", []),
        (2026, {"region": "340871"}, "proposed", None),
        (2022, {"level": Level.HIGHER}, "proposed", None),
        (2024, {}, "needs_information", []),
        (2028, {}, "ineligible", []),
    ],
)
async def test_the_rules_of_the_entry_day_decide(
    college: Organisation, year: int, said: dict[str, Any], code: str, fails: list[str] | None
) -> None:
    enrolled = {name: value for name, value in said.items() if name == "level"}
    sender = await make_school(said.get("region", "340802"))
    claim = await make_confirmed(sender, college, year, enrolled=enrolled)
    run = await proposed(Wanted(PROGRAMME, year))
    row = await AwardRunRow.get(run=run, subject_id=claim.id)
    assert row.code == code
    assert await Award.exists(referral_id=claim.id) is (code == "proposed")
    if fails is None:
        assert row.verdict is None
    else:
        assert row.verdict
        assert [check["fact"] for check in row.verdict["checks"] if check["ok"] is False] == fails


@pytest.mark.parametrize(
    ("since", "until", "code"),
    [
        (None, None, "ineligible"),
        (date(2027, 9, 2), None, "ineligible"),
        (date(2019, 1, 1), date(2027, 8, 31), "ineligible"),
        (date(2027, 9, 1), date(2027, 9, 1), "proposed"),
    ],
)
async def test_a_receiver_outside_the_group_on_the_entry_day_brings_nothing(
    school: Organisation, since: date | None, until: date | None, code: str
) -> None:
    outside = await make_organisation(Kind.VOCATIONAL_SCHOOL, member_since=since, member_until=until)
    claim = await make_confirmed(school, outside, 2027)
    run = await proposed(Wanted(PROGRAMME, 2027))
    assert (await outcomes(run))[claim.id] == code


async def test_what_is_open_is_settled_first(school: Organisation, college: Organisation) -> None:
    year = 2020
    disputed = await make_confirmed(school, college, year)
    await make_claim(
        await make_school(), year=year, student_id=disputed.student_id, state=ReferralState.DISPUTED
    )  # fmt: skip
    to_check = await make_confirmed(school, college, year, needs_check=True, flags=["other_withdrew"])
    agency = await make_confirmed(await make_organisation(Kind.AGENCY, region="340802"), college, year)
    run = await proposed(Wanted(PROGRAMME, year))
    assert await outcomes(run) == {
        disputed.id: soundness.IN_DISPUTE, to_check.id: soundness.TO_CHECK, agency.id: making.PAYEE_KIND
    }  # fmt: skip
    assert not await Award.exists(year=year)


async def test_what_carries_a_closed_school_on_is_paid_in_its_place(college: Organisation) -> None:
    heir = await make_school()
    gone = await make_school(state=OrganisationState.CLOSED, successor=heir)
    claim = await make_confirmed(gone, college, 2029, enrolled={"entered_on": date(2027, 9, 1)})
    await proposed(Wanted(PROGRAMME, 2029))
    assert (await Award.get(referral_id=claim.id)).payee_id == heir.id


async def test_what_came_back_whole_is_awarded_again_as_an_exception_and_once(
    school: Organisation, college: Organisation
) -> None:
    year = 2007
    claim = await make_confirmed(school, college, year, enrolled={"entered_on": date(2025, 9, 1)})
    await proposed(Wanted(PROGRAMME, year))
    first = await Award.get(referral_id=claim.id)
    await Award.filter(id=first.id).update(state=AwardState.PAID)
    wanted = Wanted(PROGRAMME, year, {claim.id: "重新核实，登记属实，原款已全部退回"})
    clawback = await make_clawback(
        first, state=ClawbackState.WRITTEN_OFF, recovered_fen=1, written_off_fen=AMOUNT_FEN - 1
    )
    with pytest.raises(DomainError):
        await proposed(wanted)
    lifted = {"recovered_fen": AMOUNT_FEN, "written_off_fen": 0, "contest": ContestState.LIFTED}
    await Clawback.filter(id=clawback.id).update(**lifted)
    with pytest.raises(DomainError):
        await proposed(wanted)
    await Clawback.filter(id=clawback.id).update(contest=ContestState.STANDS)
    assert (await proposed(Wanted(PROGRAMME, year))).counts == {"awarded_otherwise": 1}
    runs = [await propose(wanted, Decider(new_id(), "")) for _ in range(2)]
    await asyncio.gather(*[worked_off(run.id) for run in runs])
    second = await Award.get(referral_id=claim.id, state=AwardState.PROPOSED)
    assert second.exception_reason == wanted.exceptions[claim.id]
    with pytest.raises(DomainError):
        await proposed(wanted)
    await Award.filter(id=second.id).update(state=AwardState.PAID)
    assert (await proposed(Wanted(PROGRAMME, year))).counts == {"already_awarded": 1}


async def test_one_award_per_student_but_for_an_exception_with_its_reason(
    school: Organisation, college: Organisation
) -> None:
    before = await make_confirmed(school, college, 2018, enrolled={"entered_on": date(2023, 9, 1)})
    await make_award(before, state=AwardState.PAID)
    await Enrolment.filter(id=before.enrolment_id).update(state=EnrolmentState.GRADUATED)
    same = await Student.get(id=before.student_id)
    again = await make_confirmed(school, college, 2019, student=same, enrolled={"entered_on": date(2023, 9, 2)})
    other = await make_confirmed(school, college, 2019, enrolled={"entered_on": date(2023, 9, 2)})
    run = await proposed(Wanted(PROGRAMME, 2019))
    assert await outcomes(run) == {again.id: making.AWARDED_OTHERWISE, other.id: "proposed"}
    with pytest.raises(DomainError) as wrong:
        await proposed(Wanted(PROGRAMME, 2019, {other.id: "x", again.id: "x", before.id: "x"}))
    assert [fault.pointer for fault in wrong.value.faults] == ["/exceptions/0/referral", "/exceptions/2/referral"]
    await proposed(Wanted(PROGRAMME, 2019, {again.id: "上次的奖补已全部退回"}))
    assert (await Award.get(referral_id=again.id)).exception_reason == "上次的奖补已全部退回"


async def test_a_claim_of_another_student_now_keeps_its_award(school: Organisation, college: Organisation) -> None:
    year = 2015
    claim = await make_confirmed(school, college, year)
    await make_award(claim, state=AwardState.HELD, held_from=AwardState.PROPOSED)
    other = await make_student()
    await Enrolment.filter(id=claim.enrolment_id).update(student_id=other.id)
    await Referral.filter(id=claim.id).update(student_id=other.id)
    run = await proposed(Wanted(PROGRAMME, year))
    assert await outcomes(run) == {claim.id: making.ALREADY_AWARDED}
    assert run.state is RunState.DONE


async def test_what_the_database_refuses_keeps_nothing_else_from_being_proposed(
    school: Organisation, college: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    year = 2016
    entered = {"entered_on": date(2025, 9, 1)}
    made = [await make_confirmed(school, college, year, enrolled=entered) for _ in range(7)]
    claims = sorted(made, key=lambda one: one.id)
    await make_award(claims[4])
    monkeypatch.setattr("server.awards.claims.code_beside", lambda *_: "")
    run = await proposed(Wanted(PROGRAMME, year))
    expected = dict.fromkeys([one.id for one in claims], "proposed") | {claims[4].id: making.AWARDED_OTHERWISE}
    assert await outcomes(run) == expected
    assert (run.state, run.done, run.counts) == (RunState.DONE, 7, {"proposed": 6, making.AWARDED_OTHERWISE: 1})


@pytest.mark.parametrize(("state", "since"), [(EnrolmentState.VOID, 9), (EnrolmentState.WITHDRAWN, 11)])
async def test_who_was_not_there_at_the_census_is_not_proposed(
    school: Organisation, college: Organisation, state: EnrolmentState, since: int
) -> None:
    """Once the year is over the claim stays confirmed, whatever the school makes known."""
    year, entered = 2000 + since, {"entered_on": date(2025, 9, 1)}
    claim, gone_later = [await make_confirmed(school, college, year, enrolled=entered) for _ in range(2)]
    for one, day in ((claim, date(year, since, 1)), (gone_later, date(year, 12, 1))):
        await EnrolmentStatus.create(enrolment_id=one.enrolment_id, state=state, effective_on=day, made_at=clock.now())
    run = await proposed(Wanted(PROGRAMME, year))
    assert await outcomes(run) == {claim.id: soundness.UNCONFIRMED, gone_later.id: "proposed"}


async def test_a_part_takes_a_settled_number_of_statements(school: Organisation, college: Organisation) -> None:
    counts = []
    for year, size in ((2030, 1), (2031, 4)):
        for _ in range(size):
            await make_confirmed(school, college, year, enrolled={"entered_on": date(2026, 9, 1)})
        run = await propose(Wanted(PROGRAMME, year), Decider(new_id(), ""))
        with statements.sent() as sent:
            await worked_off(run.id)
        counts.append(len(sent))
    assert counts[0] == counts[1] <= 25


CASE = Case(new_id(), "数控产业学院", None, date(2026, 3, 1), {"industry_college_level": "provincial"})


async def test_cases_are_stated_where_the_data_knows_nothing(college: Organisation) -> None:
    stated = Case(college.id, CASE.matter, None, CASE.entered_on, CASE.facts)
    other = Case(college.id, "护理产业学院", None, CASE.entered_on, {})
    run = await proposed(Wanted("industry-college", 2026, cases=[stated, other]))
    [award] = await Award.filter(programme="industry-college")
    assert (award.payee_id, award.matter, award.amount_fen) == (college.id, CASE.matter, 30_000_000)
    assert sorted((await outcomes(run)).values()) == ["needs_information", "proposed"]
    told = (await listing.rows(run.id, None, "needs_information", 9, None)).items
    assert [(one.payee and one.payee.id, one.matter, one.award) for one in told] == [(college.id, other.matter, None)]
    again = await proposed(Wanted("industry-college", 2026, cases=[stated]))
    assert list((await outcomes(again)).values()) == [making.ALREADY_AWARDED]
    excepted = Case(college.id, CASE.matter, None, CASE.entered_on, CASE.facts, "两个校区各一所")
    await proposed(Wanted("industry-college", 2026, cases=[excepted]))
    assert await Award.filter(programme="industry-college").count() == 2
    await Award.filter(programme="industry-college").update(state=AwardState.REFUSED)
    refused = await proposed(Wanted("industry-college", 2026, cases=[excepted]))
    assert list((await outcomes(refused)).values()) == [making.AWARD_REFUSED]


async def test_one_matter_is_awarded_once_however_it_is_written_and_whatever_the_year() -> None:
    college = await make_college()

    def stated(matter: str, year: int, **facts: Any) -> Wanted:
        kind = {"industry_college_level": "provincial"}
        return Wanted("industry-college", year, cases=[Case(college.id, matter, None, date(year, 3, 1), facts or kind)])

    await proposed(stated("智能 制造学院A", 2025))
    for matter, year in (("智能制造学院Ａ", 2025), ("智能制造学院a", 2026)):
        assert list((await outcomes(await proposed(stated(matter, year)))).values()) == [making.ALREADY_AWARDED]
    [first] = await Award.filter(payee_id=college.id)
    by = Decider((await make_member(await make_organisation(Kind.SECRETARIAT), Role.REVIEWER)).person_id, "不符")
    await life.decide_one(first.id, RunKind.CANCEL, by)
    await proposed(stated("智能制造学院a", 2026))
    assert await Award.filter(payee_id=college.id).count() == 2
    with pytest.raises(DomainError) as refused:
        await undoing.undo(first.id, by)
    assert refused.value.slug == "awarded_otherwise"


async def test_a_class_of_each_year_is_another_one() -> None:
    college = await make_college()
    facts: Any = {"school_in_group": True, "class_kind": "order", "class_size": 30}
    facts |= {"partner_in_city": True, "partner_size": "large", "leading_industry": True}
    for year in (2025, 2026, 2026):
        case = Case(college.id, "数控订单班", None, date(year, 9, 1), facts)
        run = await proposed(Wanted("cooperative-class", year, cases=[case]))
    assert list((await outcomes(run)).values()) == [making.ALREADY_AWARDED]
    assert await Award.filter(payee_id=college.id, programme="cooperative-class").count() == 2


async def test_many_who_state_one_matter_at_once_make_one_award() -> None:
    college = await make_college()
    runs = []
    for place in range(6):
        case = Case(college.id, f"护理{' ' * place}学院", None, date(2025 + place % 2, 3, 1), CASE.facts)
        runs.append(await propose(Wanted("industry-college", 2025 + place % 2, cases=[case]), Decider(new_id(), "")))
    await asyncio.gather(*(working.work({"run": str(run.id)}) for run in runs))
    assert await Award.filter(payee_id=college.id).count() == 1


@pytest.mark.parametrize(
    ("wanted", "status", "pointers"),
    [
        (Wanted("no-such", 2026), 404, []),
        (Wanted("internship-allowance", 2026), 409, []),
        (Wanted("cz-placement-school", 2026), 409, []),
        (Wanted(PROGRAMME, 2026, cases=[CASE]), 422, ["/cases"]),
        (Wanted("industry-college", 2026), 422, ["/cases"]),
        (Wanted("industry-college", 2025, cases=[CASE]), 422, ["/cases/0/payee", "/cases/0/entered_on"]),
        (Wanted("industry-college", 2026, {new_id(): "x"}, [CASE]), 422, ["/exceptions"]),
        (
            Wanted("industry-college", 2026, cases=[CASE, Case(CASE.payee, "", new_id(), date(2999, 1, 1), {"x": 1})]),
            422,
            ["/cases/0/payee", "/cases/1/payee", "/cases/1/student", "/cases/1/entered_on", "/cases/1/facts/x"],
        ),
        (Wanted("industry-college", 2026, cases=[CASE, CASE]), 422, ["/cases/0/payee", "/cases/1/payee", "/cases/1"]),
    ],
)
async def test_what_cannot_be_proposed_is_refused_before_anything_is_begun(
    wanted: Wanted, status: int, pointers: list[str]
) -> None:
    with pytest.raises(DomainError) as refused:
        await propose(wanted, Decider(new_id(), ""))
    assert refused.value.status == status
    assert [fault.pointer for fault in refused.value.faults] == pointers
