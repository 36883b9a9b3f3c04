"""What our SQLite engine does when another process holds the database."""

import asyncio
import sqlite3
from pathlib import Path

import pytest
from tortoise.exceptions import DBConnectionError

from server import db
from server.kernel import outbox, transactions
from server.kernel.outbox import Event
from tests.harness.waiting import allowed


@pytest.mark.only("sqlite")
async def test_a_database_that_stays_locked_is_away_and_its_lock_is_given_back(own_url: str) -> None:
    other = sqlite3.connect(own_url.removeprefix("sqlite://"), isolation_level=None)
    async with db.opened(own_url, busy_timeout=50):
        other.execute("BEGIN IMMEDIATE")
        for _ in range(2):
            with pytest.raises(transactions.DATABASE_AWAY):
                await outbox.record("waits", "thing:1")
        other.execute("ROLLBACK")
        await outbox.record("goes on", "thing:1")
    other.close()


@pytest.mark.only("sqlite")
@pytest.mark.parametrize("steps", range(8))
async def test_a_read_cancelled_at_the_very_start_keeps_nothing(database_url: str, steps: int) -> None:
    """As when a process is told to stop as soon as it has begun."""

    async def read() -> bool:
        return await Event.exists()

    async with db.opened(database_url, everywhere=True):
        first = asyncio.create_task(read())
        for _ in range(steps):
            await asyncio.sleep(0)
        first.cancel()
        async with asyncio.timeout(allowed(2)):
            assert not await Event.exists()


async def test_a_database_that_cannot_be_opened_is_away(tmp_path: Path) -> None:
    with pytest.raises(DBConnectionError):
        async with db.opened(f"sqlite://{tmp_path}"):
            pass
