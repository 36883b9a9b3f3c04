"""What a school says, read: every fault at once, never with the value, and ages to the day."""

from datetime import date, timedelta
from pathlib import Path

import pytest

from server.enrolments.models import Intake, Level
from server.imports.remarks import Remark
from server.kernel.content import ContentError
from server.referrals import rules
from server.referrals.claims import Claim
from tests.policy.shelf import Copy
from tests.referrals.registering import ENTERS, GUARDIAN, SCHOOL, claim, read
from tests.students.numbers import number_of

TODAY = date(2026, 9, 10)


def aged(years: int, day: date, days: int = 0) -> date:
    """A birthday of someone who becomes `years` on `day`, or so many days later."""
    return day.replace(year=day.year - years) + timedelta(days=days)


def faults(**values: str | None) -> dict[str, str]:
    found = read({"name": "何小满", "id_number": number_of(date(2011, 5, 5)), **values}, TODAY)
    return {} if isinstance(found, Claim) else {one.field: one.code for one in found}


def test_every_value_comes_in_its_normal_form() -> None:
    found = claim(
        name=" 阿依古丽 • 买买提 ",
        named_school="宜城职业学校（示例）",
        level="secondary",
        phone="+86 139-5550-0001",
        guardian_phone="０５５６-5500123",
        class_name=" 九（3）班 ",
    )
    assert found.name.reveal() == "阿依古丽·买买提"
    assert (found.named_school_id, found.level, found.class_name) == (SCHOOL, Level.SECONDARY, "九（3）班")
    assert found.phone
    assert found.guardian_phone
    assert (found.phone.reveal(), found.guardian_phone.reveal()) == ("13955500001", "05565500123")


def test_every_fault_is_listed_at_once_and_none_tells_the_value() -> None:
    number = number_of(date(2011, 5, 5))[:17] + "?"
    wrong = {
        "name": "何1", "id_number": number, "named_school": "不存在的学校", "level": "doctor", "phone": "12345",
        "guardian_name": "x" * 51, "guardian_phone": "none", "guardian_consent_on": "2026-13-01",
        "class_name": "3408 0220 1105 0500 19",
    }  # fmt: skip
    found = read(wrong, TODAY)
    assert isinstance(found, list)
    assert {one.field: one.code for one in found} == {
        "name": "person_name", "id_number": "id_number_characters", "named_school": "school_unknown", "level": "enum",
        "phone": "phone", "guardian_name": "person_name", "guardian_phone": "phone",
        "guardian_consent_on": "date_parsing", "class_name": "personal_number",
    }  # fmt: skip
    for value in wrong.values():
        assert value not in str(found)


@pytest.mark.parametrize("values", [{}, {"name": None, "id_number": None}, {"name": " ", "id_number": "　"}])
def test_what_is_needed_is_missed(values: dict[str, str | None]) -> None:
    assert read(values, TODAY) == [Remark("name", "missing"), Remark("id_number", "missing")]


@pytest.mark.parametrize("phone", ["1395550000", "139555000012", "10086", "029-1", "+1 202 555 0100", "１３９" * 4])
def test_what_is_no_phone(phone: str) -> None:
    assert faults(phone=phone) == {"phone": "phone"}


def test_consent_comes_before_and_not_after() -> None:
    assert faults(guardian_consent_on="2026-09-11") == {"guardian_consent_on": "day_to_come"}
    assert faults(guardian_consent_on="2026-09-10") == {}
    assert faults(guardian_consent_on="20260910") == {"guardian_consent_on": "date_parsing"}


def test_who_is_not_14_on_the_day_needs_a_guardian() -> None:
    """13 years and 364 days do; whoever becomes 14 that day does not."""
    young, old = number_of(aged(14, TODAY, 1)), number_of(aged(14, TODAY))
    assert faults(id_number=young) == dict.fromkeys(GUARDIAN, "guardian_consent_needed")
    assert faults(id_number=young, guardian_name="何大满") == dict.fromkeys(
        ["guardian_phone", "guardian_consent_on"], "guardian_consent_needed"
    )
    assert faults(id_number=young, **GUARDIAN) == {}
    assert faults(id_number=old) == {}


@pytest.mark.parametrize(
    ("years", "days", "refused", "unusual"),
    [(12, 1, True, None), (12, 0, False, True), (14, 1, False, True), (14, 0, False, False), (20, 1, False, False),
     (20, 0, False, True), (41, 1, False, True), (41, 0, True, None)],
)  # fmt: skip
def test_ages_are_those_at_entry(years: int, days: int, *, refused: bool, unusual: bool | None) -> None:
    number = number_of(aged(years, ENTERS, days))
    found = read({"name": "何小满", "id_number": number, **GUARDIAN}, TODAY)
    if refused:
        assert found == [Remark("id_number", "age_refused", {"low": 12, "high": 40})]
    else:
        assert isinstance(found, Claim)
        assert found.age_unusual is unusual


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        (
            "closes_on: {years: 0, day: 10-31",
            "closes_on: {years: 0, day: 02-01",
            "follow one another",
        ),
        ("unusual_over: 19", "unusual_over: 50", "ascend"),
        ("day: 11-20", "day: 11-31", "day"),
        ("day: 11-20", "day: 02-29", "day"),
    ],
)
def test_rules_that_contradict_themselves_are_refused(tmp_path: Path, old: str, new: str, fault: str) -> None:
    content = Copy(tmp_path)
    content.replace("referrals.yaml", old, new)
    with pytest.raises(ContentError, match=fault):
        rules.load(content.root)


def test_the_29th_is_a_day_of_every_other_month(tmp_path: Path) -> None:
    content = Copy(tmp_path)
    content.replace("referrals.yaml", "closes_on: {years: 0, day: 10-31", "closes_on: {years: 0, day: 10-29")
    assert rules.load(content.root).intakes[Intake.AUTUMN].closes_on.of(2027) == date(2027, 10, 29)
