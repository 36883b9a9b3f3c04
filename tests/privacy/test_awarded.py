"""What awards and statements refer to stays for their period, and no longer; nobody is erased while one runs."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest

from server.awards.models import (
    Award,
    AwardRun,
    AwardState,
    Clawback,
    ClawbackState,
    Objection,
    ObjectionState,
    Publication,
    RunKind,
)
from server.awards.proposing import Wanted
from server.kernel import clock
from server.kernel.errors import DomainError
from server.kernel.ids import new_id
from server.organisations.models import PayeeAccount
from server.people import service as people
from server.people import sessions
from server.people.models import Person, PersonState
from server.people.service import Decider
from server.privacy import awarded, deletion, export, retention, rules
from server.privacy.rules import Kept
from server.referrals.models import Evidence, Referral, ReferralState
from server.students import service as students
from server.students.models import Relation, Student, StudentLink
from server.students.service import Verdict
from tests.factories import make_organisation, make_person
from tests.harness.awarding import (
    PROGRAMME,
    make_award,
    make_clawback,
    make_college,
    make_confirmed,
    make_school,
    proposed,
)
from tests.harness.referring import make_claim, make_evidence, make_student
from tests.people.fakes import FakeLimits, FakeWeChat, Someone
from tests.policy.shelf import CONTENT
from tests.statements.paying_world import world
from tests.students.numbers import claim, number_of

pytestmark = pytest.mark.usefixtures("database")
RULES = rules.load(CONTENT)
DAY = timedelta(days=1)


def period(kept: Kept) -> timedelta:
    found = RULES.period(kept, clock.today())
    assert found
    return found


def later(time: timedelta) -> None:
    clock.move_to(clock.now() + time)


async def guardian() -> tuple[UUID, StudentLink]:
    """A guardian of a student who has no awards yet, with a name."""
    wechat = FakeWeChat({"code": Someone(f"guardian-{new_id()}", None)}, {})
    person = (await sessions.sign_in("code", "10.0.0.1", 300, wechat, FakeLimits())).person
    await people.rename(person.id, "何小满")
    link = await students.request(person.id, claim(number_of(date(2015, 5, 5)), Relation.GUARDIAN))
    await students.decide(link.id, Verdict.CONFIRM, Decider((await make_person()).id, "已核对"))
    return person.id, link


async def awarded_to(student_id: UUID, **values: Any) -> Award:
    student = await Student.get(id=student_id)
    return await make_award(await make_claim(await make_organisation(), student), **values)


async def state(person_id: UUID) -> PersonState:
    return (await Person.get(id=person_id)).state


async def test_a_claim_that_came_to_nothing_stays_as_long_as_its_award_is_kept() -> None:
    student = await make_student()
    lost = await make_claim(await make_organisation(), student, state=ReferralState.WITHDRAWN)
    said = await make_evidence(lost)
    award = await make_award(lost, state=AwardState.REFUSED)
    later(period(Kept.REFERRAL) + DAY)
    await retention.retain(RULES)
    assert await Referral.exists(id=lost.id)
    assert await Evidence.exists(id=said.id)
    later(period(Kept.AWARD))
    result = await retention.retain(RULES)
    assert result[Kept.AWARD] == 1
    await award.refresh_from_db()
    assert (award.student_id, award.referral_id, award.matter) == (None, None, str(award.id))
    assert not await Referral.exists(id=lost.id)
    assert not await Student.exists(id=student.id)


async def test_a_paid_award_names_its_student_until_what_is_claimed_back_of_it_is_over() -> None:
    award = await awarded_to((await make_student()).id, state=AwardState.PAID)
    owed = await make_clawback(award)
    later(period(Kept.AWARD) + DAY)
    await retention.retain(RULES)
    assert (await Award.get(id=award.id)).student_id
    await Clawback.filter(id=owed.id).update(state=ClawbackState.WRITTEN_OFF, state_since=clock.now())
    later(period(Kept.AWARD) - DAY)
    await retention.retain(RULES)
    assert (await Award.get(id=award.id)).student_id
    later(2 * DAY)
    await retention.retain(RULES)
    assert (await Award.get(id=award.id)).student_id is None


async def test_what_a_run_was_asked_for_is_forgotten_and_its_year_is_not_proposed_again() -> None:
    school = await make_school()
    claim = await make_confirmed(school, await make_college(), clock.today().year)
    await make_award(claim, state=AwardState.PAID, programme="other-programme")
    await proposed(Wanted(PROGRAMME, claim.year, {}))
    run = await AwardRun.filter(kind=RunKind.PROPOSE, reached=claim.id).get()
    run.chosen = {**run.chosen, "exceptions": {str(claim.id): "另有约定"}}
    await run.save()
    await Award.filter(referral_id=claim.id).update(state=AwardState.PAID)
    awarded.require_kept(claim.year, RULES)
    later(period(Kept.AWARD) - 2 * DAY)
    await retention.retain(RULES)
    assert (await AwardRun.get(id=run.id)).chosen["exceptions"]
    later(3 * DAY)
    await retention.retain(RULES)
    assert not await Award.filter(referral_id=claim.id).exists()
    run = await AwardRun.get(id=run.id)
    assert (run.chosen["exceptions"], run.reached, run.chosen["programme"]) == ({}, None, PROGRAMME)
    assert not await AwardRun.filter(kind=RunKind.PROPOSE, reached__isnull=False).exists()
    with pytest.raises(DomainError) as forgotten:
        awarded.require_kept(claim.year, RULES)
    assert [(one.pointer, one.code) for one in forgotten.value.faults] == [("/year", "year_forgotten")]
    awarded.require_kept(claim.year + 1, RULES)


async def test_a_guardian_is_not_erased_while_an_award_of_the_student_runs() -> None:
    person_id, link = await guardian()
    award = await awarded_to(link.student_id, state=AwardState.APPROVED)
    await deletion.request(person_id, RULES)
    later(timedelta(days=8))
    await retention.retain(RULES)
    later(period(Kept.STUDENT_LINK) + DAY)
    await retention.retain(RULES)
    assert await state(person_id) is PersonState.RESTRICTED
    assert await StudentLink.exists(id=link.id)
    await Award.filter(id=award.id).update(state=AwardState.PAID)
    await retention.retain(RULES)
    await retention.retain(RULES)
    assert await state(person_id) is PersonState.ERASED
    assert not await StudentLink.exists(id=link.id)
    assert await Student.exists(id=link.student_id)  # the award still names the student


async def test_an_account_that_was_paid_into_stays_for_the_period_of_awards() -> None:
    here = await world()
    await here.settle(await here.sent(1))
    paid = here.account
    unpaid = await here.change_account()
    await here.change_account("6217000088888888")
    later(period(Kept.PAYEE_ACCOUNT) + DAY)
    await retention.retain(RULES)
    assert (await PayeeAccount.get(id=paid.id)).number_sealed
    assert (await PayeeAccount.get(id=unpaid.id)).number_sealed is None
    later(period(Kept.AWARD))
    await retention.retain(RULES)
    assert (await PayeeAccount.get(id=paid.id)).number_sealed is None


async def objected(person_id: UUID, award: Award) -> Objection:
    made = await Publication.create(
        programme=award.programme, year=award.year, starts_on=clock.today(), ends_on=clock.today(),
        made_by_id=new_id(), made_at=clock.now(),
    )  # fmt: skip
    return await Objection.create(
        publication=made, payee_id=award.payee_id, award=award, person_id=person_id, reason="并非本校学生",
        created_at=clock.now(),
    )  # fmt: skip


async def test_who_objected_hears_the_answer_before_they_go_and_leaves_no_words() -> None:
    person_id, link = await guardian()
    made = await objected(person_id, await awarded_to(link.student_id, state=AwardState.REFUSED))
    await deletion.request(person_id, RULES)
    later(timedelta(days=8))
    await retention.retain(RULES)
    assert await state(person_id) is PersonState.DELETION_REQUESTED
    await Objection.filter(id=made.id).update(state=ObjectionState.REJECTED, decision="材料属实")
    await retention.retain(RULES)
    assert await state(person_id) is PersonState.RESTRICTED
    later(period(Kept.STUDENT_LINK) + DAY)
    await retention.retain(RULES)
    await retention.retain(RULES)
    assert await state(person_id) is PersonState.ERASED
    await made.refresh_from_db()
    assert (made.reason, made.decision) == ("", "材料属实")


async def test_an_export_tells_of_the_awards_and_the_objections() -> None:
    person_id, link = await guardian()
    award = await awarded_to(link.student_id, facts={"level": "secondary"})
    made = await objected(person_id, award)
    found = await export.export(person_id)
    assert [(one.id, one.amount_fen, one.facts) for one in found.awards] == [
        (award.id, award.amount_fen, {"level": "secondary"})
    ]
    assert [(one.id, one.reason) for one in found.objections] == [(made.id, "并非本校学生")]
    stranger, _ = await guardian()
    assert (await export.export(stranger)).awards == []


async def test_running_is_what_is_on_its_way_or_claimed_back() -> None:
    found = set()
    for one in (AwardState.PROPOSED, AwardState.HELD, AwardState.PAID, AwardState.CANCELLED):
        award = await awarded_to((await make_student()).id, state=one)
        assert award.student_id
        if await awarded.running([award.student_id]):
            found.add(one)
    assert found == {AwardState.PROPOSED, AwardState.HELD}
