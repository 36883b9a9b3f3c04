"""A broadcast while workers die, with several at work, and one that is stopped half-way."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from uuid import UUID

import pytest

from server.kernel import bulk, clock
from server.kernel.ids import new_id
from server.kernel.jobs.models import Job, JobState
from server.notices import broadcasts
from server.notices.broadcasts import Text
from server.notices.models import Broadcast, BroadcastState, Delivery, DeliveryState, Notice
from server.notices.reach import Audience
from server.organisations.models import Membership
from server.organisations.roles import Role
from server.people.models import Person
from server.people.service import Decider
from server.reference import service as reference_service
from server.settings import ROOT
from tests.factories import make_organisation
from tests.harness.app import worker
from tests.harness.waiting import until

pytestmark = pytest.mark.usefixtures("database")
REFERENCE = reference_service.regions_alone(ROOT / "content")
PEOPLE = 6000


async def approved() -> UUID:
    """A broadcast to six thousand people that nobody has begun."""
    school, now = await make_organisation(), clock.now()
    people = [bulk.fresh(Person, id=new_id(), openid=f"reader-{new_id()}", created_at=now) for _ in range(PEOPLE)]
    await bulk.insert(people)
    await bulk.insert(
        [
            bulk.fresh(
                Membership, id=new_id(), organisation_id=school.id, person_id=one.id, role=Role.CLERK, created_at=now
            )
            for one in people
        ]
    )
    said = Text("停电通知", "本周六停电，系统照常。", Audience(school=school.id))
    made = await broadcasts.write(said, new_id(), REFERENCE)
    assert made.counted == PEOPLE
    await broadcasts.approve(made.id, Decider(new_id(), "内容属实"))
    return made.id


def under_way(made: UUID) -> Callable[[], Awaitable[bool]]:
    async def begun() -> bool:
        return (await Broadcast.get(id=made)).made > 0

    return begun


async def test_a_broadcast_whose_worker_is_killed_reaches_everyone_once(
    settings: dict[str, str], tmp_path: Path
) -> None:
    made = await approved()

    async def done() -> bool:
        return (await Broadcast.get(id=made)).state is BroadcastState.DONE

    with worker(settings, tmp_path / "first.log") as first:
        await until(under_way(made))
        first.kill()
    half = await Broadcast.get(id=made)
    assert 0 < half.made < PEOPLE
    assert await Notice.filter(broadcast_id=made).count() == half.made
    with worker(settings, tmp_path / "second.log"), worker(settings, tmp_path / "third.log"):
        await until(done, 60)
    people = await Notice.filter(broadcast_id=made).values_list("person_id", flat=True)
    assert len(people) == len(set(people)) == (await Broadcast.get(id=made)).made == PEOPLE
    assert await Delivery.filter(notice__broadcast_id=made).count() == PEOPLE


async def test_a_stop_half_way_holds(settings: dict[str, str], tmp_path: Path) -> None:
    made = await approved()

    async def given_up() -> bool:
        jobs = [job for job in await Job.filter(kind=broadcasts.SEND) if job.payload == {"broadcast": str(made)}]
        return [job.state for job in jobs] == [JobState.DONE]

    with worker(settings, tmp_path / "first.log"):
        await until(under_way(made))
    stopped = await broadcasts.cancel(made, Decider(new_id(), "日期写错了"))
    with worker(settings, tmp_path / "second.log"):
        await until(given_up, 60)
    assert 0 < stopped.made < PEOPLE
    assert await Notice.filter(broadcast_id=made).count() == stopped.made
    assert not await Delivery.filter(notice__broadcast_id=made).exclude(state=DeliveryState.CANCELLED).exists()
    assert (await Broadcast.get(id=made)).state is BroadcastState.CANCELLED
