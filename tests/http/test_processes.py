"""Several processes on one database: schedules run once, Redis may freeze or die, a broken schema shows."""

import time
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest
from tortoise.backends.base.client import BaseDBAsyncClient

from server.kernel.jobs.models import Job, JobState
from tests.harness import app
from tests.harness.app import Server
from tests.harness.redis import Redis
from tests.harness.waiting import allowed, put, until

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def second(settings: dict[str, str], tmp_path: Path) -> Iterator[Server]:
    with app.running(tmp_path / "second.log", **settings) as server:
        yield server


async def test_schedules_of_two_processes_run_once(server: Server, second: Server) -> None:
    assert server.port != second.port

    async def ran() -> bool:
        return await Job.filter(kind="prune_jobs", state=JobState.DONE).count() >= 1

    await until(ran)
    rows = await Job.filter(due_at__isnull=False)
    assert len({(job.kind, job.due_at) for job in rows}) == len(rows)
    assert {job.attempts for job in rows if job.state is JobState.DONE} == {1}
    async with aiohttp.ClientSession() as client:
        headers = {"Authorization": f"Bearer {app.TOKEN}"}
        async with client.get(f"{server.base}/metrics", headers=headers) as answer:
            assert 'yizhitong_schedule_last_run_ok{schedule="prune_jobs"} 1.0' in await answer.text()


@pytest.fixture
def with_redis(settings: dict[str, str], redis_server: Redis, tmp_path: Path) -> Iterator[Server]:
    settings = {**settings, "YZT_REDIS_URL": redis_server.url}
    with app.running(tmp_path / "redis.log", **settings) as server:
        yield server


async def test_redis_frozen_or_gone_degrades_and_heals(with_redis: Server, redis_server: Redis) -> None:
    async with aiohttp.ClientSession(with_redis.base) as client:

        async def redis_is(state: str) -> bool:
            async with client.get("/health/ready") as answer:
                found = await answer.json()
                return answer.status == 200 and found["checks"]["redis"] == state

        async def put_quickly() -> None:
            began = time.monotonic()
            await put(with_redis, 1)
            assert time.monotonic() - began < allowed(1)

        await until(lambda: redis_is("ok"))
        redis_server.freeze()
        await until(lambda: redis_is("degraded"))
        await put_quickly()
        redis_server.thaw()
        await until(lambda: redis_is("ok"), 5)
        redis_server.kill()
        await until(lambda: redis_is("degraded"))
        await put_quickly()
        redis_server.start()
        await until(lambda: redis_is("ok"), 5)


async def test_an_absent_database_fails_ready_but_not_live(
    server: Server, client: aiohttp.ClientSession, database: BaseDBAsyncClient
) -> None:
    """A dropped trigger is as bad as an absent database: money would be editable."""
    assert server
    table = " ON event" if database.capabilities.dialect == "postgres" else ""
    await database.execute_script(f"DROP TRIGGER event_no_update{table}")
    async with client.get("/health/ready") as answer:
        found = await answer.json()
        assert (answer.status, found["status"], found["checks"]["migrations"]) == (503, "failed", "failed")
    async with client.get("/health/live") as answer:
        assert answer.status == 200
