"""A list sent again: it undoes nothing that the school said since, and changes nothing in silence."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from tortoise.backends.base.client import BaseDBAsyncClient

from server.enrolments.life import Step
from server.enrolments.models import Enrolment, Level
from server.kernel.errors import DomainError
from server.organisations.models import Organisation
from server.referrals import census, receiving
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
