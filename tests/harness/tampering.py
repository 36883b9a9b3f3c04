"""Changing what is append-only, as whoever owns the database can: triggers and foreign keys out of the way."""

import sqlite3
from contextlib import closing

import asyncpg

from server import db

GUARDS = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"


async def tamper(url: str, *statements: str) -> None:
    """Run `statements` unhindered and leave every guard in place again, so that nothing else tells of it."""
    credentials = db.config(url)["connections"]["default"]["credentials"]
    if url.startswith("sqlite:"):
        _on_sqlite(credentials["file_path"], statements)
        return
    connection = await asyncpg.connect(
        host=credentials["host"], user=credentials["user"], database=credentials["database"]
    )
    try:
        await connection.execute("SET session_replication_role = replica")
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


def _on_sqlite(path: str, statements: tuple[str, ...]) -> None:
    with closing(sqlite3.connect(path, timeout=5)) as connection, connection:
        guards = connection.execute(GUARDS).fetchall()
        for name, _ in guards:
            connection.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            connection.execute(statement)
        for _, sql in guards:
            connection.execute(sql)
