"""A line of a list, read: what is wrong with it is said all at once, and never with the value."""

from datetime import date

import pytest

from server.enrolments import listing
from server.enrolments.listing import Listed, Terms
from server.enrolments.models import Intake, Level
from server.students import id_number
from server.students.id_number import IdNumber
from tests.students.numbers import REGIONS, number_of

TODAY = date(2026, 9, 20)
TERMS = Terms(2026, Intake.AUTUMN, None, date(2026, 9, 1), date(2026, 3, 1), date(2027, 8, 31))
OWN, OTHER = number_of(date(2011, 3, 4)), number_of(date(2011, 3, 5))
GOOD: dict[str, str | None] = {"name": "何 小满", "id_number": OWN, "level": "secondary"}


def read(**more: str | None) -> Listed:
    found = listing.read({**GOOD, **more}, TERMS, REGIONS, TODAY)
    assert isinstance(found, Listed), found
    return found


def faults(**more: str | None) -> list[tuple[str, str]]:
    found = listing.read({**GOOD, **more}, TERMS, REGIONS, TODAY)
    assert isinstance(found, list), found
    return [(remark.field, remark.code) for remark in found]


def own() -> IdNumber:
    found = id_number.check(OWN, REGIONS, TODAY)
    assert isinstance(found, IdNumber)
    return found


def test_what_is_left_out_is_as_the_list_has_it() -> None:
    line = read()
    assert (line.level, line.entered_on, line.repeating, line.major) == (Level.SECONDARY, date(2026, 9, 1), False, "")
    assert not line.evidence
    assert line.number.number.reveal() == OWN
    named = listing.read({**GOOD, "level": None}, TERMS._replace(level=Level.HIGHER), REGIONS, TODAY)
    assert isinstance(named, Listed)
    assert named.level is Level.HIGHER


def test_what_was_left_out_was_not_said() -> None:
    assert read().said == {"level"}
    assert read(major="护理", repeating="否").said == {"level", "major", "repeating"}


def test_a_line_that_says_everything_is_taken_as_it_is() -> None:
    line = read(
        entered_on="2026-10-08", major=" 护理 ", repeating="是", record_number=f"g {OWN}", record_document="名册3"
    )
    assert (line.entered_on, line.major, line.repeating) == (date(2026, 10, 8), "护理", True)
    assert line.evidence.number
    assert line.evidence.number.reveal() == f"G{OWN}"
    assert str(line.evidence.number) == "*" * 17 + OWN[-2:]
    assert line.evidence.document == "名册3"


def test_everything_that_is_wrong_is_said_at_once_and_nothing_of_what_was_sent() -> None:
    wrong = {
        "name": "何3", "id_number": OWN[:-1] + ("1" if OWN[-1] == "0" else "0"), "level": "master",
        "entered_on": "2025-09-01", "major": "x" * 101, "repeating": "也许", "record_document": f"见{OWN}",
    }  # fmt: skip
    found = listing.read(wrong, TERMS, REGIONS, TODAY)
    assert isinstance(found, list)
    assert {(one.field, one.code) for one in found} == {
        ("name", "person_name"),
        ("id_number", "id_number_check"),
        ("level", "enum"),
        ("entered_on", "entered_outside_year"),
        ("major", "string_too_long"),
        ("repeating", "yes_or_no"),
        ("record_document", "personal_number"),
    }
    assert OWN[:10] not in repr(found)


def test_what_is_missing_is_named() -> None:
    assert faults(name=" ", id_number=None, level="") == [
        ("name", "missing"), ("id_number", "missing"), ("level", "missing"),
    ]  # fmt: skip
    assert faults(entered_on="9月1日") == [("entered_on", "date_parsing")]
    assert faults(major="护理\u202e") == [("major", "string_pattern_mismatch")]


@pytest.mark.parametrize("number", [f"G{OWN}", f"1{OWN}", f"{OWN}7", "2026340802000000123"])
def test_a_record_number_of_their_own(number: str) -> None:
    assert str(listing.record_number(number, own(), REGIONS, TODAY)) == "*" * 17 + number[-2:]


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (OWN, "record_number_form"),
        (f"G{OWN}1", "record_number_form"),
        ("G", "record_number_form"),
        (f"G{OTHER}", "record_number_other"),
        (f"L{OTHER}", "record_number_other"),
        (f"{OTHER}7", "record_number_other"),
        ("G111111111111111111", "record_number_other"),
    ],
)
def test_a_record_number_that_is_none_or_anothers(number: str, code: str) -> None:
    assert listing.record_number(number, own(), REGIONS, TODAY) == code
