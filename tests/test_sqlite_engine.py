"""What our SQLite engine does when another process holds the database."""

import sqlite3
from pathlib import Path

import pytest

from server import db
from server.kernel import outbox, transactions


async def test_a_database_that_stays_locked_is_away_and_its_lock_is_given_back(tmp_path: Path) -> None:
    url = f"sqlite://{tmp_path / 'locked.sqlite3'}"
    await db.migrate(url)
    other = sqlite3.connect(tmp_path / "locked.sqlite3", isolation_level=None)
    async with db.opened(url, busy_timeout=50):
        other.execute("BEGIN IMMEDIATE")
        for _ in range(2):
            with pytest.raises(transactions.DATABASE_AWAY):
                await outbox.record("waits", "thing:1")
        other.execute("ROLLBACK")
        await outbox.record("goes on", "thing:1")
    other.close()
