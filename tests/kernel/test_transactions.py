import asyncio
from pathlib import Path
from urllib.parse import quote

import pytest
from tortoise.backends.base.client import BaseDBAsyncClient

from server import db
from server.kernel import outbox, transactions
from server.kernel.outbox import Event
from server.kernel.transactions import after_commit, transaction
from tests.factories import make_event
from tests.harness.waiting import allowed

pytestmark = pytest.mark.usefixtures("database")


async def count(name: str) -> int:
    return await Event.filter(name=name).count()


async def test_an_error_undoes_everything() -> None:
    @transaction
    async def fail() -> None:
        await make_event("undone")
        raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011 -- ours, raised three lines above
        await fail()
    assert await count("undone") == 0


async def test_a_verb_inside_a_transaction_joins_it() -> None:
    @transaction
    async def outer() -> None:
        await outbox.record("joined", "thing:1")
        raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011
        await outer()
    assert await count("joined") == 0


async def test_a_cancelled_caller_leaves_the_work_to_finish() -> None:
    begun = asyncio.Event()

    @transaction
    async def slow() -> None:
        await make_event("finished anyway")
        begun.set()
        await asyncio.sleep(0.05)

    caller = asyncio.create_task(slow())
    await begun.wait()
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    await transactions.drain()
    assert await count("finished anyway") == 1


async def test_hundreds_of_hang_ups_lose_no_connection(database: BaseDBAsyncClient) -> None:
    """Without the shield every one of these keeps a connection that nobody gives back."""

    @transaction
    async def write() -> None:
        await make_event("survivor")

    for delay in range(300):
        caller = asyncio.create_task(write())
        await asyncio.sleep(0.00001 * (delay % 40))
        caller.cancel()
    await transactions.drain()
    async with asyncio.timeout(allowed(2)):
        await asyncio.gather(*(write() for _ in range(20)))
    if database.capabilities.dialect == "postgres":
        idle = "SELECT count(*) AS n FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'"
        assert (await database.execute_query_dict(idle))[0]["n"] == 0


async def test_after_commit_runs_after_the_commit_and_only_then() -> None:
    seen: list[int] = []

    async def look() -> None:
        seen.append(await count("committed"))

    @transaction
    async def write(*, fail: bool) -> None:
        await make_event("committed")
        after_commit(look)
        if fail:
            raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011
        await write(fail=True)
    assert seen == []
    await write(fail=False)
    assert seen == [1]


async def test_after_commit_outside_a_transaction_is_refused() -> None:
    with pytest.raises(RuntimeError):
        after_commit(transactions.drain)


async def test_read_modify_write_under_a_lock_loses_nothing() -> None:
    """The outbox cannot be updated, so the job table lends a counter."""
    from server.kernel.jobs.models import Job  # noqa: PLC0415
    from tests.factories import make_job  # noqa: PLC0415

    job = await make_job("counter")

    @transaction
    async def add() -> None:
        row = await Job.filter(id=job.id).select_for_update().get()
        row.attempts += 1
        await asyncio.sleep(0)
        await row.save()

    await asyncio.gather(*(add() for _ in range(50)))
    assert (await Job.get(id=job.id)).attempts == 50


async def test_a_task_started_inside_a_transaction_is_not_in_it() -> None:
    over = asyncio.Event()
    tasks: list[asyncio.Task[None]] = []

    async def later() -> None:
        await over.wait()
        with pytest.raises(RuntimeError):
            after_commit(transactions.drain)

    @transaction
    async def start() -> None:
        tasks.append(asyncio.create_task(later()))

    await start()
    over.set()
    await asyncio.gather(*tasks)


async def test_a_server_that_is_not_there_is_away_and_a_missing_file_is_something_else(tmp_path: Path) -> None:
    socket = quote(str(tmp_path), safe="")
    for url in (f"postgres://nobody:@/nothing?host={socket}", "postgres://nobody:@127.0.0.1:9/nothing"):
        async with db.opened(url):
            with pytest.raises(transactions.DATABASE_AWAY):
                await outbox.record("waits", "thing:1")
    assert not issubclass(FileNotFoundError, transactions.DATABASE_AWAY)


async def test_whoever_gets_a_connection_next_is_in_no_transaction_and_nothing_is_compiled(
    database: BaseDBAsyncClient,
) -> None:
    if database.capabilities.dialect == "sqlite":
        return
    async with database.acquire_connection() as connection:
        assert await connection.fetchval("SHOW jit") == "off"
        left = await connection.fetchval("SELECT pg_backend_pid()")
        await connection.execute("BEGIN; CREATE TABLE left_open ()")
    async with database.acquire_connection() as connection:
        assert await connection.fetchval("SELECT pg_backend_pid()") == left
        assert await connection.fetchval("SELECT to_regclass('left_open')") is None
