"""Workers as processes: killed, woken through Redis, told to stop."""

import asyncio
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from server.kernel.jobs.models import Job, JobState
from server.kernel.outbox import Event
from tests.harness import app
from tests.harness.app import Server
from tests.harness.redis import Redis
from tests.harness.waiting import put, until

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def first(settings: dict[str, str], tmp_path: Path) -> Iterator[Server]:
    """One whose end is part of the test; a failing test leaves nothing running."""
    with app.running(tmp_path / "first.log", **settings) as server:
        yield server


async def test_a_killed_workers_jobs_are_taken_over(first: Server, settings: dict[str, str], tmp_path: Path) -> None:
    await put(first, 30, seconds=1.5)

    async def running() -> bool:
        return await Job.filter(kind="probe", state=JobState.RUNNING).count() > 0

    await until(running)
    first.kill()
    assert await Job.filter(kind="probe", state=JobState.DONE).count() == 0
    with app.running(tmp_path / "heir.log", **settings):

        async def done() -> bool:
            return await Job.filter(kind="probe", state=JobState.DONE).count() == 30

        await until(done)
    assert await Event.filter(name="probe.worked").count() >= 30
    assert len({event.subject for event in await Event.filter(name="probe.worked")}) == 30
    assert max(job.attempts for job in await Job.filter(kind="probe")) == 2


async def test_a_worker_process_is_woken_through_redis(
    settings: dict[str, str], redis_server: Redis, tmp_path: Path
) -> None:
    """The server here runs no jobs itself; `scripts/worker` does the same with the product's own kinds."""
    settings = {**settings, "YZT_REDIS_URL": redis_server.url}
    with app.running(tmp_path / "front.log", **settings, YZT_JOBS="off") as front:
        await put(front, 3)
        await asyncio.sleep(1.5)
        before = await Job.filter(kind="probe", state=JobState.PENDING).count()
        assert before == 3
        with app.running(tmp_path / "back.log", **settings):

            async def done() -> bool:
                return await Job.filter(kind="probe", state=JobState.PENDING).count() == 0

            async def woken() -> float:
                await asyncio.sleep(1.2)  # the loop has gone to sleep again, for two seconds
                began = time.monotonic()
                await put(front, 1)
                await until(done)
                return time.monotonic() - began

            await until(done)
            times = [await woken() for _ in range(3)]
            assert min(times) < 0.9, "looking for work by itself it would find it later each time"


async def test_sigterm_finishes_what_has_begun(first: Server) -> None:
    headers = {"Authorization": f"Bearer {app.TOKEN}"}
    async with aiohttp.ClientSession(first.base, headers=headers) as client:
        slow = asyncio.create_task(client.post("/probe/notes", json={"text": "draining", "seconds": 3}))
        await asyncio.sleep(1)
        first.signal(signal.SIGTERM)
        await asyncio.sleep(0.2)
        first.signal(signal.SIGINT)  # an impatient second one changes nothing
        assert (await slow).status == 201
    assert await asyncio.to_thread(first.ended) == 0
    assert await Event.filter(subject="draining").count() == 1


async def test_worker_command_runs_schedules_and_stops_cleanly(
    settings: dict[str, str], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    await Job.all().delete()
    worker = Server(tmp_path / "worker.log", settings, module="server", arguments=("worker",))
    worker.start()
    request.addfinalizer(worker.kill)

    async def ran() -> bool:
        return await Job.filter(kind="prune_idempotency_keys", state=JobState.DONE).count() == 1

    await until(ran)
    assert await asyncio.to_thread(worker.stop) == 0
