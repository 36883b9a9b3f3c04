import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from server.gateways.wakeup import LocalWakeup
from server.kernel import clock, transactions
from server.kernel.jobs import observe, queue
from server.kernel.jobs.models import Job, JobState
from server.kernel.jobs.schedules import Schedule, Scheduler
from server.kernel.jobs.worker import MAX_ATTEMPTS, Worker
from server.kernel.transactions import transaction
from tests.factories import make_job

pytestmark = pytest.mark.usefixtures("database")
LEASE = timedelta(seconds=30)


async def nothing(_payload: Mapping[str, Any]) -> None:
    return None


@pytest.fixture(autouse=True)
async def empty_table(database: Any) -> None:  # noqa: ARG001 -- opened first
    await Job.all().delete()


async def run_worker(worker: Worker, until: Any, seconds: float = 5) -> None:
    task = asyncio.create_task(worker.run())
    try:
        async with asyncio.timeout(seconds):
            while not await until():
                await asyncio.sleep(0.01)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await transactions.drain()  # a cancelled worker may be claiming still


async def test_each_job_has_one_holder_however_many_claim() -> None:
    for _ in range(60):
        await make_job()
    claims = await asyncio.gather(*(queue.claim(f"w{n}", ["work"], LEASE, 20) for n in range(6)))
    ids = [job.id for jobs in claims for job in jobs]
    assert len(ids) == len(set(ids))
    assert ids
    rest = await queue.claim("last", ["work"], LEASE, 100)
    assert len(ids) + len(rest) == 60


async def test_only_ready_jobs_of_known_kinds_are_claimed_in_order() -> None:
    now = clock.now()
    late = await make_job(claimable_at=now - timedelta(seconds=1))
    early = await make_job(claimable_at=now - timedelta(seconds=9))
    await make_job(claimable_at=now + timedelta(hours=1))
    await make_job("unknown")
    assert [job.id for job in await queue.claim("w", ["work"], LEASE, 20)] == [early.id, late.id]


async def test_a_silent_workers_job_is_taken_over_and_its_late_note_is_ignored() -> None:
    await make_job()
    [lost] = await queue.claim("dead", ["work"], LEASE, 20)
    assert await queue.claim("heir", ["work"], LEASE, 20) == []
    clock.move_to(clock.now() + LEASE)
    [taken] = await queue.claim("heir", ["work"], LEASE, 20)
    assert (taken.id, taken.attempts) == (lost.id, 2)
    assert not await queue.end(lost, result={"from": "dead"})
    assert await queue.end(taken, result={"from": "heir"})
    assert (await Job.get(id=taken.id)).result == {"from": "heir"}


async def test_a_renewed_lease_keeps_the_job() -> None:
    await make_job()
    held = await queue.claim("slow", ["work"], LEASE, 20)
    clock.move_to(clock.now() + LEASE - timedelta(seconds=1))
    await queue.renew(held, LEASE)
    clock.move_to(clock.now() + timedelta(seconds=5))
    assert await queue.claim("heir", ["work"], LEASE, 20) == []


async def test_a_job_enqueued_in_a_failed_transaction_never_was() -> None:
    @transaction
    async def fail() -> None:
        await queue.enqueue("work", {})
        raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011
        await fail()
    assert await Job.all().count() == 0


async def test_a_worker_runs_keeps_results_and_is_woken() -> None:
    done: list[Any] = []

    async def handler(payload: Mapping[str, Any]) -> Mapping[str, Any]:
        done.append(payload["n"])
        return {"square": payload["n"] ** 2}

    waker = LocalWakeup()
    worker = asyncio.create_task(Worker({"work": handler}, waker).run())
    await asyncio.sleep(1.5)  # by now it waits for two seconds
    started = asyncio.get_running_loop().time()
    await queue.enqueue("work", {"n": 7}, wakeup=waker)
    async with asyncio.timeout(5):
        while not await Job.filter(state=JobState.DONE).exists():
            await asyncio.sleep(0.01)
    assert asyncio.get_running_loop().time() - started < 1.4  # sooner than it would have looked by itself
    worker.cancel()
    await asyncio.gather(worker, return_exceptions=True)
    assert done == [7]
    assert (await Job.get()).result == {"square": 49}


async def test_a_failing_job_is_retried_later_and_at_last_given_up() -> None:
    async def fail(_payload: Mapping[str, Any]) -> None:
        raise LookupError("message that stays inside")

    worker = Worker({"work": fail}, LocalWakeup())
    await make_job()
    for attempt in range(1, MAX_ATTEMPTS + 1):

        async def attempted(number: int = attempt) -> bool:
            job = await Job.get()
            return job.attempts == number and job.state is not JobState.RUNNING

        await run_worker(worker, attempted)
        clock.move_to(clock.now() + timedelta(minutes=5))
    job = await Job.get()
    assert (job.state, job.error, job.claimable_at) == (JobState.FAILED, "LookupError", None)


async def test_a_job_that_kills_its_workers_is_given_up_without_another_run() -> None:
    await make_job(attempts=MAX_ATTEMPTS)

    async def never(_payload: Mapping[str, Any]) -> None:
        raise AssertionError("it must not run again")

    async def ended() -> bool:
        return (await Job.get()).state is JobState.FAILED

    await run_worker(Worker({"work": never}, LocalWakeup()), ended)
    assert (await Job.get()).error == "its workers died"


@pytest.mark.parametrize(
    ("now", "due"),
    [
        ("2026-11-21T03:09:59.9+08:00", "2026-11-20T03:10:00+08:00"),
        ("2026-11-21T03:10:00+08:00", "2026-11-21T03:10:00+08:00"),
        ("2026-11-21T23:00:00+08:00", "2026-11-21T03:10:00+08:00"),
    ],
)
def test_a_schedule_is_due_in_local_time(now: str, due: str) -> None:
    schedule = Schedule("nightly", "10 3 * * *", nothing)
    assert schedule.last_due(datetime.fromisoformat(now)) == datetime.fromisoformat(due).astimezone(UTC)


async def test_many_schedulers_put_each_run_in_once() -> None:
    schedules = [Schedule("nightly", "10 3 * * *", nothing), Schedule("hourly", "25 * * * *", nothing)]
    clock.move_to(datetime(2026, 11, 21, 4, 0, tzinfo=UTC))
    await asyncio.gather(*(Scheduler(schedules).tick() for _ in range(5)))
    assert await Job.all().count() == 2
    clock.move_to(datetime(2026, 11, 21, 7, 30, tzinfo=UTC))
    await asyncio.gather(*(Scheduler(schedules).tick() for _ in range(5)))
    assert await Job.filter(kind="hourly").count() == 2  # after the standstill the newest run only
    assert await Job.filter(kind="nightly").count() == 1


async def test_the_last_run_and_its_result_are_visible() -> None:
    async def prune(_payload: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"deleted": 3}

    async def ended() -> bool:
        return await Job.filter(state=JobState.DONE).exists()

    await run_worker(Worker({}, LocalWakeup(), [Schedule("prune", "* * * * *", prune)]), ended)
    [run] = await observe.last_runs(["prune", "never run"])
    assert (run.schedule, run.ok, run.result) == ("prune", True, {"deleted": 3})


async def test_old_ended_jobs_are_pruned_and_young_or_open_ones_stay() -> None:
    old = clock.now() - queue.KEPT - timedelta(days=1)
    await make_job(state=JobState.DONE, ended_at=old, claimable_at=None)
    young = await make_job(state=JobState.DONE, ended_at=clock.now())
    waiting = await make_job(created_at=old)
    assert await queue.prune() == 1
    assert {job.id for job in await Job.all()} == {young.id, waiting.id}
