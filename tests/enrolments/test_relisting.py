"""A list sent again: it undoes nothing that the school said since, and changes nothing in silence."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from tortoise.backends.base.client import BaseDBAsyncClient

from server.enrolments.life import Step
from server.enrolments.listing import Evidence
from server.enrolments.models import Enrolment, Intake, Level
from server.kernel.errors import DomainError
from server.kernel.sensitive import Kind, Sensitive
from server.organisations.models import Organisation
from server.referrals import attendance, census, receiving
from server.referrals.attendance import Confirmed
from server.students.models import Student
from tests.referrals.receiving_world import DOCUMENT, STARTS, World, at, line, make_world, stands

pytestmark = pytest.mark.usefixtures("database")
LEFT_ON = date(2026, 11, 1)
Told = tuple[str, list[tuple[str, str]]]


@pytest.fixture
async def world(database: BaseDBAsyncClient) -> World:
    assert database
    at(9, 10)
    return await make_world()


async def sends(world: World, student: Student, school: Organisation | None = None, **values: Any) -> Told:
    """Say what becomes of a line of a list with evidence."""
    said = line(student, **{"evidence": DOCUMENT, **values})
    [found] = await receiving.list_many((school or world.named).id, [said], by=world.clerk)
    return found.outcome, [(one.field, one.code) for one in found.remarks]


async def test_it_brings_nobody_back_who_left(world: World) -> None:
    student = await world.student()
    claim = await world.claims(student)
    there = await world.lists(world.named, student, evidence=DOCUMENT)
    at(11, 5)
    await world.says(there, Step.WITHDRAW, LEFT_ON)
    at(11, 25)
    await census.settle()
    before = await stands(claim)
    assert await sends(world, student) == ("refused", [("entered_on", "left_before")])
    assert await sends(world, student, entered_on=LEFT_ON) == ("refused", [("entered_on", "left_before")])
    assert await stands(claim) == before
    assert before[0] == "registered"
    with pytest.raises(DomainError) as refused:
        await world.lists(world.named, student)
    assert [(one.pointer, one.code, one.params) for one in refused.value.faults] == [
        ("/entered_on", "left_before", {"left_on": "2026-11-01"})
    ]
    assert await sends(world, student, entered_on=date(2026, 11, 2)) == ("accepted", [])


async def test_it_brings_nobody_back_who_went_elsewhere_unless_that_was_a_mistake(world: World) -> None:
    student = await world.student()
    first = await world.lists(world.named, student, evidence=DOCUMENT)
    at(10, 10)
    there = await world.transfers(first, world.other, date(2026, 10, 9))
    assert await sends(world, student) == ("refused", [("entered_on", "left_before")])
    gone = await world.says(first, Step.VOID, reason="误办转学")
    assert (gone.state, gone.successor_id) == ("void", None)
    await world.says(there, Step.VOID, reason="误办转学")
    assert (await world.lists(world.named, student, evidence=DOCUMENT)).state == "registered"


async def test_who_goes_on_elsewhere_stays_confirmed_there_when_the_first_school_voids_its_record(world: World) -> None:
    student = await world.student()
    claim = await world.claims(student)
    first = await world.lists(world.named, student, evidence=DOCUMENT)
    at(10, 10)
    there = await world.transfers(first, world.other, date(2026, 10, 9))
    assert await sends(world, student, world.other, entered_on=date(2026, 10, 9)) == ("accepted", [])
    at(11, 25)
    await census.settle()
    await world.says(first, Step.VOID, reason="从未到校")
    assert (await stands(claim))[:2] == ("confirmed", there.id)


async def test_what_is_void_comes_back_only_on_purpose_or_otherwise_than_it_was(world: World) -> None:
    students = [await world.student() for _ in range(2)]
    for student in students:
        await world.says(await world.lists(world.named, student, evidence=DOCUMENT), Step.VOID)
        assert await sends(world, student) == ("refused", [("id_number", "void_again")])
    assert (await world.lists(world.named, students[0], evidence=DOCUMENT)).state == "registered"
    assert await sends(world, students[1], level=Level.HIGHER) == ("warning", [("id_number", "void_before")])


async def test_what_differs_from_what_stands_is_told_and_changes_nothing(world: World) -> None:
    student = await world.student()
    there = await world.lists(world.named, student)
    values: dict[str, Any] = {
        "level": Level.HIGHER, "entered_on": date(2026, 10, 1), "major": "护理", "repeating": True,
    }  # fmt: skip
    for name, value in values.items():
        assert await sends(world, student, **{name: value}) == ("refused", [(name, "differs")])
    found = await Enrolment.get(id=there.id)
    assert (found.state, found.level, found.entered_on, found.version) == ("listed", "secondary", STARTS, 1)
    unsaid = replace(line(student, evidence=DOCUMENT, **values), said=frozenset())
    [result] = await receiving.list_many(world.named.id, [unsaid], by=world.clerk)
    assert (result.outcome, result.enrolment_id) == ("accepted", there.id)


async def test_another_name_is_another_student_with_a_mistyped_number(world: World) -> None:
    student = await world.student()
    for evidence in (Evidence(), DOCUMENT):
        assert (await sends(world, student, evidence=evidence))[0] == "accepted"
        for other in (evidence, DOCUMENT):
            found = await sends(world, student, name="李大四", evidence=other)
            assert found == ("refused", [("name", "listed_otherwise")])
    with pytest.raises(DomainError) as refused:
        await world.lists(world.named, student, name="李大四")
    assert [(one.pointer, one.code) for one in refused.value.faults] == [("/name", "listed_otherwise")]


async def test_what_is_shown_otherwise_from_outside_is_told_and_not_taken(world: World) -> None:
    there = await world.lists(world.named, student := await world.student(), evidence=DOCUMENT)
    other = Evidence(Sensitive(Kind.STUDENT_NUMBER, "L340811201105050011"), "秋季名册第4页")
    told = [("record_number", "differs"), ("record_document", "differs")]
    assert await sends(world, student, evidence=other) == ("warning", told)
    assert await sends(world, student) == ("repeated", [])
    found = await Enrolment.get(id=there.id)
    assert (found.record_document, found.record_number_sealed) == (DOCUMENT.document, None)


async def test_what_was_undone_by_mistake_after_the_year_is_listed_anew_and_nothing_else_is(world: World) -> None:
    student, never = await world.student(), await world.student()
    claim = await world.claims(student)
    there = await world.lists(world.named, student, evidence=DOCUMENT)
    at(11, 25)
    await census.settle()
    confirmed = Confirmed(claim.id, student.id, 2026, Intake.AUTUMN, there.id)
    at(9, 5, 2027)
    await world.says(there, Step.WITHDRAW, LEFT_ON)
    assert await attendance.absent([confirmed]) == {claim.id}
    await world.says(there, Step.VOID, reason="误办离校")
    otherwise: list[tuple[Organisation, Student, dict[str, Any]]] = [
        (world.named, never, {}),
        (world.other, student, {}),
        (world.named, student, {"level": Level.HIGHER}),
        (world.named, student, {"entered_on": date(2026, 9, 2)}),
    ]
    for school, who, values in otherwise:
        with pytest.raises(DomainError, match="year_closed"):
            await world.lists(school, who, evidence=DOCUMENT, **values)
    assert await Enrolment.filter(student_id__in=[student.id, never.id]).count() == 1
    assert await attendance.absent([confirmed]) == {claim.id}
    again = await world.lists(world.named, student, evidence=DOCUMENT)
    assert (again.state, again.entered_on) == ("registered", STARTS)
    assert await attendance.absent([confirmed]) == set()
    assert await stands(claim) == ("confirmed", there.id, []), "a year that is over stays as it is"


async def test_a_claim_that_lapsed_gains_nothing_by_listing_anew_after_the_year(world: World) -> None:
    student = await world.student()
    claim = await world.claims(student)
    there = await world.lists(world.named, student, evidence=DOCUMENT)
    await world.says(there, Step.VOID, reason="误报")
    at(1, 10, 2027)
    await census.settle()
    at(9, 5, 2027)
    await world.lists(world.named, student, evidence=DOCUMENT)
    assert (await stands(claim))[0] == "lapsed"
