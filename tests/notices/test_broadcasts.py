"""Broadcasts: whom they reach, a second person's word, parts that no kill doubles or loses, and a stop half-way."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from server.kernel import audit
from server.kernel.errors import DomainError
from server.kernel.jobs.models import Job
from server.notices import broadcasts, permissions, reach, sendout
from server.notices.broadcasts import Text
from server.notices.models import Broadcast, BroadcastState, Delivery, DeliveryState, Notice
from server.notices.reach import Audience
from server.organisations.models import Organisation
from server.organisations.roles import Kind, Role
from server.people.models import PersonState
from server.people.service import Decider
from server.reference import service as reference_service
from server.settings import ROOT
from server.students.models import LinkState, Relation, Student, StudentLink
from tests.factories import make_member, make_organisation, make_person
from tests.harness.referring import make_claim, make_listed, make_student, sealed_link
from tests.notices.ledgering import credit

pytestmark = pytest.mark.usefixtures("database")
REFERENCE = reference_service.regions_alone(ROOT / "content")
HERE, THERE, CITY = "340828", "340826", "340800"
WRITER = UUID(int=1)


async def speaker(student: Student, state: LinkState = LinkState.CONFIRMED) -> UUID:
    person = await make_person()
    await StudentLink.create(
        **sealed_link(), person=person, student=student, relation=Relation.GUARDIAN, state=state,
        created_at=person.created_at,
    )  # fmt: skip
    return person.id


class World:
    """Somebody of each kind."""

    feeder: Organisation
    college: Organisation
    firm: Organisation

    async def fill(self) -> "World":
        self.feeder = await make_organisation(Kind.FEEDER_SCHOOL, region=HERE)
        self.college = await make_organisation(Kind.VOCATIONAL_SCHOOL, region=THERE)
        self.firm = await make_organisation(Kind.ENTERPRISE, region=THERE)
        self.clerk = (await make_member(self.feeder, Role.CLERK)).person_id
        self.manager = (await make_member(self.firm, Role.MANAGER)).person_id
        self.teacher = (await make_member(self.college, Role.CLERK)).person_id
        gone = await make_member(self.feeder, Role.CLERK)
        gone.ended_at = gone.created_at
        await gone.save()
        self.left = gone.person_id
        await make_member(self.feeder, Role.CLERK, await make_person(state=PersonState.SUSPENDED))
        sent, enrolled = await make_student(), await make_student()
        await make_claim(self.feeder, sent, year=2025)
        await make_listed(self.college, enrolled)
        self.mother, self.father = await speaker(sent), await speaker(enrolled)
        self.claimant = await speaker(enrolled, LinkState.REQUESTED)
        return self

    def audience(self, school: str | None = None, **said: Any) -> Audience:
        return Audience(school=getattr(self, school).id if school else None, **said)


@pytest.fixture(scope="module")
async def world(database: object) -> World:
    assert database
    return await World().fill()


async def walked(audience: Audience, part: int = 2) -> list[UUID]:
    found: list[UUID] = []
    while some := await reach.some(audience, REFERENCE, found[-1] if found else None, part):
        assert len(some) <= part
        found += some
    return found


@pytest.mark.parametrize(
    ("said", "reached"),
    [
        ({}, ["clerk", "manager", "teacher", "left", "mother", "father", "claimant"]),
        ({"role": Role.CLERK}, ["clerk", "teacher"]),
        ({"role": Role.MANAGER}, ["manager"]),
        ({"role": Role.CLERK, "county": HERE}, ["clerk"]),
        ({"county": HERE}, ["clerk", "mother"]),
        ({"county": THERE}, ["manager", "teacher", "father"]),
        ({"county": CITY}, ["clerk", "manager", "teacher", "mother", "father"]),
        ({"school": "feeder"}, ["clerk", "mother"]),
        ({"school": "college", "year": 2026}, ["father"]),
        ({"school": "college", "year": 2025}, []),
        ({"year": 2025}, ["mother"]),
        ({"year": 2026, "county": THERE}, ["father"]),
        ({"year": 2026, "county": HERE}, []),
    ],
)
async def test_an_audience_is_who_it_says(world: World, said: dict[str, Any], reached: list[str]) -> None:
    audience = world.audience(**said)
    found = await walked(audience)
    known = {getattr(world, name): name for name in vars(world) if isinstance(getattr(world, name), UUID)}
    assert sorted(known[one] for one in found if one in known) == sorted(reached)
    assert found == sorted(set(found))
    assert await reach.count(audience, REFERENCE) == len(found)


@pytest.mark.parametrize(
    ("said", "pointer"),
    [
        ({"role": Role.CLERK, "year": 2026}, "/audience/year"),
        ({"county": "110101"}, "/audience/county"),
        ({"school": "firm"}, "/audience/school"),
    ],
)
async def test_an_audience_that_cannot_be_is_refused(world: World, said: dict[str, Any], pointer: str) -> None:
    with pytest.raises(DomainError) as refused:
        await broadcasts.write(Text("停电", "明天停电。", world.audience(**said)), WRITER, REFERENCE)
    assert [fault.pointer for fault in refused.value.faults] == [pointer]


async def crowd(number: int) -> tuple[Organisation, list[UUID]]:
    school = await make_organisation(Kind.FEEDER_SCHOOL, region=HERE)
    return school, [(await make_member(school, Role.CLERK)).person_id for _ in range(number)]


async def written(number: int = 5) -> tuple[Broadcast, list[UUID]]:
    school, people = await crowd(number)
    said = Text("开学通知", "九月一日开学，请提前核对名单。", Audience(school=school.id))
    return await broadcasts.write(said, WRITER, REFERENCE), people


async def approved(number: int = 5) -> tuple[Broadcast, list[UUID]]:
    made, people = await written(number)
    return await broadcasts.approve(made.id, Decider((await make_person()).id, "内容属实")), people


async def run(row: Broadcast) -> None:
    await sendout.run({"broadcast": str(row.id)}, REFERENCE)


async def test_another_person_approves_and_everyone_gets_it_once() -> None:
    made, people = await written()
    assert (made.state, made.counted) == (BroadcastState.WAITING, 5)
    with pytest.raises(DomainError, match="broadcast_own"):
        await broadcasts.approve(made.id, Decider(WRITER, "自己写的"))
    await broadcasts.approve(made.id, Decider((await make_person()).id, "内容属实"))
    with pytest.raises(DomainError, match="broadcast_state"):
        await broadcasts.approve(made.id, Decider((await make_person()).id, "再来一次"))
    [job] = [job for job in await Job.filter(kind=broadcasts.SEND) if job.payload == {"broadcast": str(made.id)}]
    await sendout.run(job.payload, REFERENCE)
    await sendout.run(job.payload, REFERENCE)
    notices = await Notice.filter(broadcast_id=made.id)
    assert sorted(notice.person_id for notice in notices) == sorted(people)
    assert {(notice.title, notice.text) for notice in notices} == {(made.title, made.text)}
    pushes = await Delivery.filter(notice__broadcast_id=made.id)
    assert len(pushes) == 5
    assert pushes[0].data["thing1"] == "开学通知"
    row = await broadcasts.broadcast(made.id)
    assert (row.state, row.made, row.reason) == (BroadcastState.DONE, 5, "内容属实")
    history = await audit.AuditEntry.filter(subject=f"broadcast:{made.id}").order_by("id")
    assert [one.action for one in history] == [f"broadcast.{name}" for name in ("written", "approved", "done")]


async def test_what_a_kill_left_half_made_is_gone_on_with(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sendout, "PART", 2)
    made, people = await approved(5)
    assert await sendout._part(made.id, REFERENCE) == 2  # noqa: SLF001 -- and then the process was killed
    assert await Notice.filter(broadcast_id=made.id).count() == 2
    await sendout.resume(REFERENCE)
    assert sorted([one.person_id for one in await Notice.filter(broadcast_id=made.id)]) == sorted(people)
    assert (await broadcasts.broadcast(made.id)).state is BroadcastState.DONE


async def test_two_at_work_on_one_broadcast_make_nothing_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sendout, "PART", 2)
    made, people = await approved(9)
    await asyncio.gather(run(made), run(made), run(made))
    assert sorted([one.person_id for one in await Notice.filter(broadcast_id=made.id)]) == sorted(people)
    assert (await broadcasts.broadcast(made.id)).made == 9


async def test_a_stop_half_way_keeps_the_rest_unsent_and_gives_permissions_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sendout, "PART", 3)
    made, _people = await approved(6)
    assert await sendout._part(made.id, REFERENCE) == 3  # noqa: SLF001
    sent, retrying, waiting = await Delivery.filter(notice__broadcast_id=made.id).order_by("person_id")
    await Delivery.filter(id=sent.id).update(state=DeliveryState.SENT, due_at=None)
    await credit(retrying.person_id, template_id=retrying.template_id)
    assert await permissions.change_many(reserve=[retrying]) == {retrying.id}
    await Delivery.filter(id=retrying.id).update(state=DeliveryState.RETRYING, reserved=True)
    await broadcasts.cancel(made.id, Decider(WRITER, "日期写错了"))
    assert (await Delivery.get(id=waiting.id)).state is DeliveryState.CANCELLED  # at once, without any job
    await sendout.stop({"broadcast": str(made.id)})
    await run(made)
    states = {row.id: (row.state, row.reserved) for row in await Delivery.filter(notice__broadcast_id=made.id)}
    assert states == {
        sent.id: (DeliveryState.SENT, False),
        retrying.id: (DeliveryState.CANCELLED, False),
        waiting.id: (DeliveryState.CANCELLED, False),
    }
    assert (await permissions.left(retrying.person_id))[retrying.template_id].left == 1
    row = await broadcasts.broadcast(made.id)
    assert (row.state, row.made, row.ended_by_id) == (BroadcastState.CANCELLED, 3, WRITER)
    with pytest.raises(DomainError, match="broadcast_state"):
        await broadcasts.cancel(made.id, Decider(WRITER, "再停一次"))


async def test_one_that_was_never_approved_reaches_nobody() -> None:
    made, _people = await written()
    await run(made)
    assert (await broadcasts.cancel(made.id, Decider(WRITER, "不发了"))).state is BroadcastState.CANCELLED
    await run(made)
    assert not await Notice.exists(broadcast_id=made.id)
