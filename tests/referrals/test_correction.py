"""Putting right what a school said: who the student is, and everything else of a claim."""

import asyncio
from datetime import date
from typing import Any
from uuid import UUID

import pytest

from server.enrolments.models import Level
from server.kernel import clock
from server.kernel.audit import AuditEntry
from server.kernel.errors import DomainError
from server.kernel.sensitive import Kind, Sensitive
from server.organisations.models import Organisation
from server.organisations.roles import Role
from server.organisations.secretariat import secretariat
from server.people.service import Decider
from server.referrals import claims, correction, sealed, service
from server.referrals.correction import Right
from server.referrals.models import Referral, ReferralState
from server.students import id_number
from server.students import sealed as students
from server.students.id_number import IdNumber
from server.students.models import Student
from tests.factories import make_member
from tests.referrals.registering import BORN, GUARDIAN, OPEN, claim, feeder
from tests.students.numbers import REGIONS, number_of

pytestmark = pytest.mark.usefixtures("database")
STATE = ReferralState


@pytest.fixture(autouse=True)
def in_the_window() -> None:
    clock.move_to(OPEN)


async def registered(number: str = "", **values: str) -> tuple[Organisation, UUID, Referral]:
    """A school, its clerk, and a claim of theirs."""
    school, clerk = await feeder()
    result = await service.register(school.id, claim(number, **values), by=clerk)
    return school, clerk, await Referral.get(id=result.referral_id)


def right(number: str, name: str | None = None) -> Right:
    return Right(claim(number, **GUARDIAN).number, Sensitive(Kind.NAME, name) if name else None)


def because(person_id: UUID) -> Decider:
    return Decider(person_id, "身份证号录错一位")


async def slug_of(attempt: Any) -> tuple[str, list[str]]:
    with pytest.raises(DomainError) as refusal:
        await attempt
    return refusal.value.slug, [f"{fault.pointer} {fault.code}" for fault in refusal.value.faults]


async def number_of_student(referral: Referral) -> str:
    return students.number_of(await Student.get(id=referral.student_id)).reveal()


async def test_a_wrong_number_is_put_right() -> None:
    _, clerk, made = await registered()
    number = number_of(BORN)
    found = await correction.correct(made.id, right(number), because(clerk), made.version)
    assert await number_of_student(found) == number
    assert (found.state, found.version, found.number, found.flags) == (STATE.REGISTERED, 2, made.number, [])
    assert sealed.name_of(found).reveal() == "何小满"
    entry = await AuditEntry.filter(subject=f"referral:{made.id}", action="referral.corrected").get()
    assert (entry.fields, entry.reason, entry.actor_id) == (["id_number"], "身份证号录错一位", clerk)
    assert number not in str(entry.content)


async def test_a_name_alone_is_put_right_and_nothing_is_not() -> None:
    number = number_of(BORN)
    _, clerk, made = await registered(number)
    assert await slug_of(correction.correct(made.id, right(number), because(clerk))) == (
        "invalid", ["/id_number number_unchanged"],
    )  # fmt: skip
    found = await correction.correct(made.id, right(number, "何晓曼"), because(clerk))
    assert (sealed.name_of(found).reveal(), found.student_id, found.flags) == (
        "何晓曼", made.student_id, ["name_unlike_known"],
    )  # fmt: skip
    assert found.needs_check


async def test_a_right_number_may_be_another_schools_student() -> None:
    number = number_of(BORN)
    _, _, live = await registered(number)
    _, clerk, made = await registered()
    found = await correction.correct(made.id, right(number), because(clerk))
    live = await Referral.get(id=live.id)
    assert (found.state, live.state) == (STATE.DISPUTED, STATE.REGISTERED)
    assert found.evidence_until == live.evidence_until == date(2026, 9, 20)
    assert found.student_id == live.student_id


async def test_a_claim_that_leaves_a_dispute_frees_the_other_for_a_reviewer() -> None:
    wrong = number_of(BORN)
    _, clerk, live = await registered(wrong)
    _, _, second = await registered(wrong)
    found = await correction.correct(live.id, right(number_of(BORN)), because(clerk))
    second = await Referral.get(id=second.id)
    assert (found.state, found.evidence_until) == (STATE.REGISTERED, None)
    assert (second.state, second.flags, second.needs_check) == (STATE.DISPUTED, ["other_withdrew"], True)


async def test_the_other_way_round_the_one_that_lives_goes_on_and_is_looked_at() -> None:
    wrong = number_of(BORN)
    _, _, live = await registered(wrong)
    _, clerk, second = await registered(wrong)
    found = await correction.correct(second.id, right(number_of(BORN)), because(clerk))
    live = await Referral.get(id=live.id)
    assert (found.state, live.state, live.needs_check) == (STATE.REGISTERED, STATE.REGISTERED, True)


async def test_who_goes_away_and_comes_back_gains_no_days_for_evidence() -> None:
    number = number_of(BORN)
    _, _, live = await registered(number)
    school, clerk, made = await registered(number)
    until = (await Referral.get(id=made.id)).evidence_until
    assert until == date(2026, 9, 20)
    clock.move_to(OPEN.replace(day=15))
    await correction.correct(made.id, right(number_of(BORN)), because(clerk))
    back = await correction.correct(made.id, right(number), because(clerk))
    assert (back.state, back.evidence_until) == (STATE.DISPUTED, until)
    assert (await Referral.get(id=live.id)).evidence_until == until
    await correction.correct(made.id, right(number_of(BORN)), because(clerk))
    result = await service.register(school.id, claim(number), by=clerk)
    assert (await Referral.get(id=result.referral_id)).evidence_until == until
    _, _, third = await registered(number)
    assert (await Referral.get(id=third.id)).evidence_until == date(2026, 9, 25), "who was never there has all its days"


async def test_a_school_has_nobody_twice_by_correcting() -> None:
    number = number_of(BORN)
    school, clerk, there = await registered(number)
    other = await service.register(school.id, claim(), by=clerk)
    assert other.referral_id
    with pytest.raises(DomainError) as raised:
        await correction.correct(other.referral_id, right(number), because(clerk))
    assert (raised.value.slug, raised.value.facts) == ("already_registered", {"subject": f"referral:{there.id}"})


async def test_the_right_number_is_checked_as_when_registering() -> None:
    _, clerk, made = await registered()
    young, old = number_of(date(2013, 1, 1)), number_of(date(1980, 1, 1))
    wanted = [f"/{field} guardian_consent_needed" for field in GUARDIAN]
    assert await slug_of(correction.correct(made.id, right(young), because(clerk))) == ("invalid", wanted)
    checked = id_number.check(old, REGIONS, clock.today())
    assert isinstance(checked, IdNumber)
    attempt = correction.correct(made.id, Right(checked), because(clerk))
    assert await slug_of(attempt) == ("invalid", ["/id_number age_refused"])


async def test_reviewers_correct_unless_they_have_to_do_with_the_school() -> None:
    school, _, made = await registered()
    reviewer = (await make_member(await secretariat(), Role.REVIEWER)).person_id
    assert (await correction.correct(made.id, right(number_of(BORN)), because(reviewer))).version == 2
    left = await make_member(school, Role.CLERK)
    left.ended_at = clock.now()
    await left.save()
    attempt = correction.correct(made.id, right(number_of(BORN)), because(left.person_id))
    assert (await slug_of(attempt))[0] == "decides_for_own"


async def test_outside_the_window_only_a_reviewer_moves_a_claim_to_another_student() -> None:
    number = number_of(BORN)
    _, clerk, made = await registered(number)
    clock.move_to(OPEN.replace(month=12))
    attempt = correction.correct(made.id, right(number_of(BORN)), because(clerk))
    assert (await slug_of(attempt))[0] == "outside_window"
    assert (await correction.correct(made.id, right(number, "何晓曼"), because(clerk))).version == 2
    reviewer = (await make_member(await secretariat(), Role.REVIEWER)).person_id
    moved = await correction.correct(made.id, right(number_of(BORN)), because(reviewer))
    assert moved.student_id != made.student_id


@pytest.mark.parametrize("state", [STATE.WITHDRAWN, STATE.REJECTED])
async def test_what_is_over_is_neither_corrected_nor_amended(state: STATE) -> None:
    _, clerk, made = await registered()
    await Referral.filter(id=made.id).update(state=state)
    attempt = correction.correct(made.id, right(number_of(BORN)), because(clerk))
    assert (await slug_of(attempt))[0] == "referral_state"
    assert (await slug_of(correction.amend(made.id, {"class_name": "九（1）班"}, None, clerk)))[0] == "referral_state"


async def test_after_the_year_nothing_changes() -> None:
    _, clerk, made = await registered()
    clock.move_to(OPEN.replace(year=2027, month=9, day=1))
    attempt = correction.correct(made.id, right(number_of(BORN)), because(clerk))
    assert (await slug_of(attempt))[0] == "year_closed"


async def test_stale_versions_change_nothing() -> None:
    _, clerk, made = await registered()
    await correction.amend(made.id, {"class_name": "九（1）班"}, 1, clerk)
    assert (await slug_of(correction.amend(made.id, {"class_name": "九（2）班"}, 1, clerk)))[0] == "stale_version"
    attempt = correction.correct(made.id, right(number_of(BORN)), because(clerk), 1)
    assert (await slug_of(attempt))[0] == "stale_version"
    assert (await Referral.get(id=made.id)).class_name == "九（1）班"


async def test_everything_but_who_it_is_is_amended() -> None:
    _, clerk, made = await registered(phone="13955500001", **GUARDIAN)
    texts = {"phone": "13955500002", "guardian_name": "", "level": "secondary", "class_name": "九（1）班"}
    said, wrong = claims.amended(texts, {}, clock.today())
    assert not wrong
    found = await correction.amend(made.id, said, made.version, clerk)
    phone = sealed.phone_of(found)
    assert phone
    assert (phone.reveal(), found.guardian_name_sealed, found.level) == ("13955500002", None, Level.SECONDARY)
    assert found.phone_index != made.phone_index
    assert found.guardian_phone_sealed == made.guardian_phone_sealed
    entry = await AuditEntry.filter(subject=f"referral:{made.id}", action="referral.amended").get()
    assert entry.fields == ["level", "phone", "guardian_name", "class_name"]
    unchanged = await correction.amend(made.id, {}, found.version, clerk)
    assert unchanged.version == found.version


async def test_the_consent_for_a_child_is_not_amended_away() -> None:
    _, clerk, made = await registered(number_of(date(2013, 1, 1)), **GUARDIAN)
    said, _ = claims.amended(dict.fromkeys(GUARDIAN), {}, clock.today())
    wanted = [f"/{field} guardian_consent_needed" for field in GUARDIAN]
    assert await slug_of(correction.amend(made.id, said, None, clerk)) == ("invalid", wanted)


async def test_two_claims_that_change_places_do_not_wait_for_each_other_for_ever() -> None:
    for _ in range(5):
        numbers = [number_of(BORN), number_of(BORN)]
        (_, one, first), (_, other, second) = [await registered(number) for number in numbers]
        await asyncio.gather(
            correction.correct(first.id, right(numbers[1]), because(one)),
            correction.correct(second.id, right(numbers[0]), because(other)),
        )
        rows = {row.id: row for row in await Referral.filter(id__in=[first.id, second.id])}
        assert (rows[first.id].student_id, rows[second.id].student_id) == (second.student_id, first.student_id)
