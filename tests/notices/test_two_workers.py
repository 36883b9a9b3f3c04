"""Events become messages through jobs and posts of several processes; one is killed, and the others go on."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.kernel.jobs.models import Job, JobState
from server.notices import fanout
from server.notices.models import Delivery, DeliveryState, Notice
from server.people.models import Person
from tests.harness.app import Server
from tests.harness.redis import Redis
from tests.harness.standin import StandIn
from tests.harness.waiting import until
from tests.notices.carrying import PUSH, UNDER_WAY
from tests.notices.crowd import crowd, tell

pytestmark = [pytest.mark.only("postgres"), pytest.mark.usefixtures("database")]
PEOPLE = 40


@pytest.fixture
def workers(database_url: str, standin: StandIn, redis_server: Redis, tmp_path: Path) -> Iterator[list[Server]]:
    settings = {
        "YZT_DATABASE_URL": database_url,
        "YZT_DATA_DIR": str(tmp_path),
        "YZT_REDIS_URL": redis_server.url,
        "YZT_WECHAT_URL": standin.base,
        "YZT_JOB_LEASE_SECONDS": "1",
        "YZT_PUSH_CONCURRENCY": "2",
        "HASTE": "1.5",
    }
    names = ("first", "second")
    both = [Server(tmp_path / name, settings, "tests.harness.hasty", ("worker",)) for name in names]
    for worker in both:
        worker.start()
    yield both
    for worker in both:
        if worker.process and worker.process.poll() is None:
            worker.kill()


async def test_when_one_of_two_is_killed_the_other_goes_on(workers: list[Server], standin: StandIn) -> None:
    given = await crowd(standin, PEOPLE, permissions=(2,))
    standin.fault(PUSH, delay_ms=100)
    people = [person.id for person in await Person.filter(openid__in=list(given))]
    await tell(people)

    async def begun() -> bool:
        return len(standin.messages()) >= PEOPLE // 4

    await until(begun, 30)
    workers[0].kill()
    sending = await Delivery.filter(state=DeliveryState.SENDING).count()

    async def all_ended() -> bool:
        under_way = await Delivery.filter(state__in=UNDER_WAY).exists()
        return not under_way and await Notice.all().count() == PEOPLE

    await until(all_ended, 30)
    came = Counter(message["openid"] for message in standin.messages())
    assert set(came) == set(given)
    assert sum(came.values()) <= PEOPLE + sending
    assert await Delivery.filter(state=DeliveryState.SENT).count() == PEOPLE
    told = await Job.filter(kind=fanout.URGENT)
    assert {job.state for job in told} == {JobState.DONE}

    runs = Counter([(run.kind, run.due_at) for run in await Job.filter(due_at__isnull=False)])
    assert runs
    assert set(runs.values()) == {1}, "each schedule once, whichever of the two came first"
    assert await asyncio.to_thread(workers[1].stop) == 0
