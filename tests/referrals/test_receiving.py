"""Schools that say things at the same time: of what cannot both be true, one is, and nobody waits in a circle."""

import asyncio
from collections import Counter
from typing import Any

import pytest
from tortoise.backends.base.client import BaseDBAsyncClient

from server.enrolments.life import Move, Shown, Step
from server.enrolments.models import Enrolment, EnrolmentStatus
from server.kernel.errors import DomainError
from server.referrals import census, receiving
from server.referrals.models import Referral
from server.students.models import Student
from tests.referrals.receiving_world import DOCUMENT, World, at, line, make_world, stands
from tests.students.numbers import REGIONS

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
async def world(database: BaseDBAsyncClient) -> World:
    assert database
    at(11, 25)
    return await make_world()


async def students_of(world: World, count: int) -> list[Student]:
    return [await world.student() for _ in range(count)]


async def test_two_schools_list_the_same_students_in_opposite_order(world: World) -> None:
    students = await students_of(world, 40)
    claims = [await world.claims(student) for student in students]
    lines = [line(student, evidence=DOCUMENT) for student in students]
    lists = [
        receiving.list_many(school.id, ordered, by=world.clerk)
        for _ in range(3)
        for school, ordered in ((world.named, lines), (world.other, lines[::-1]))
    ]
    results = await asyncio.gather(*lists, census.settle(), census.settle())
    outcomes = Counter(one.outcome for found in results[:6] if isinstance(found, list) for one in found)
    assert outcomes == {"accepted": 40, "refused": 120, "repeated": 80}
    rows = await Enrolment.filter(student_id__in=[student.id for student in students])
    assert (len(rows), {row.state for row in rows}) == (40, {"registered"})
    assert {(await Referral.get(id=claim.id)).state for claim in claims} == {"confirmed"}


async def test_of_two_schools_that_register_at_once_one_does(world: World) -> None:
    [student] = await students_of(world, 1)
    both = [await world.lists(school, student) for school in (world.named, world.other)]
    shown = Shown(None, "名册", REGIONS)
    results = await asyncio.gather(
        *[receiving.register(one.id, shown, Move(world.clerk)) for one in both], return_exceptions=True
    )
    assert sorted(_said(one) for one in results) == ["registered", "registered_elsewhere"]


async def test_of_two_things_said_at_once_of_an_enrolment_the_second_finds_the_first(world: World) -> None:
    [student] = await students_of(world, 1)
    claim = await world.claims(student)
    there = await world.lists(world.named, student, evidence=DOCUMENT)
    move = Move(world.clerk, reason="同时办理")
    results = await asyncio.gather(
        receiving.transfer(there.id, world.other.id, move),
        receiving.step(there.id, Step.WITHDRAW, move),
        receiving.step(there.id, Step.GRADUATE, move),
        return_exceptions=True,
    )
    said = [_said(one) for one in results]
    assert said.count("enrolment_state") == 2
    [after] = set(said) - {"enrolment_state"}
    found = await EnrolmentStatus.filter(enrolment_id=there.id).order_by("made_at", "id")
    assert [one.state for one in found] == ["listed", "registered", after]
    assert await stands(claim) == ("confirmed", there.id, []), "as registered on the day of the census"


def _said(result: Any) -> str:
    if isinstance(result, DomainError):
        return result.slug
    assert isinstance(result, Enrolment), result
    return str(result.state)
