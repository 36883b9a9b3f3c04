"""Database wiring: SQLite or PostgreSQL behind one configuration, migrations, and what migrations cannot hold."""

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.backends.base.config_generator import expand_db_url
from tortoise.context import TortoiseContext
from tortoise.exceptions import DBConnectionError
from tortoise.migrations.executor import MigrationExecutor

from server import schema_objects
from server.kernel import transactions

APP = "yizhitong"
MODELS = [
    "server.kernel.jobs.models",
    "server.kernel.outbox",
    "server.kernel.idempotency",
    "server.kernel.audit",
    "server.kernel.numbers",
    "server.people.models",
    "server.organisations.models",
    "server.students.models",
    "server.consents.models",
    "server.imports.models",
    "server.enrolments.models",
    "server.referrals.models",
    "server.labour.models",
    "server.engagements.models",
    "server.funds.models",
    "server.awards.models",
    "server.statements.models",
    "server.appeals.models",
    "server.notices.models",
    "server.callbacks.models",
]
MIGRATION_LOCK = 20240091
"""Any number, the same in every process: whoever holds it migrates, the others wait."""

_POSTGRES_DEFAULTS: dict[str, Any] = {
    "maxsize": 10,
    "command_timeout": 5,
    "timeout": 2,
    "server_settings": {"jit": "off"},  # compiling a statement takes longer than any of ours
}
_SQLITE_PRAGMAS = {
    "journal_mode": "WAL",
    "synchronous": "NORMAL",
    "busy_timeout": 5000,
    "foreign_keys": "ON",
    "recursive_triggers": "ON",  # else REPLACE deletes rows without waking the triggers that forbid it
}


class SchemaError(Exception):
    """The database is not what the code needs; the message says how."""


def config(url: str) -> dict[str, Any]:
    """Return Tortoise's configuration for `url`: one app, so that relations may cross the slices."""
    connection = expand_db_url(url)
    credentials = connection["credentials"]
    if connection["engine"] == "tortoise.backends.sqlite":
        connection["engine"] = "server.sqlite_engine"
        defaults: dict[str, Any] = _SQLITE_PRAGMAS
    else:
        defaults = {**_POSTGRES_DEFAULTS, "connect": _reach, "reset": _as_it_is}
    connection["credentials"] = {**defaults, **credentials}
    return {
        "connections": {"default": connection},
        "apps": {APP: {"models": MODELS, "migrations": "server.migrations"}},
    }


async def _reach(*args: Any, **kwargs: Any) -> asyncpg.Connection:
    """Connect to PostgreSQL; raises DBConnectionError where the network or its socket is not there.

    Elsewhere the same errors are about files, and then no database is away.
    """
    try:
        return await asyncpg.connect(*args, **kwargs)
    except OSError as error:
        raise DBConnectionError(error) from error


async def _as_it_is(_connection: Any) -> None:
    """Hand a connection on without the round trip that clears a session's settings, cursors and locks.

    asyncpg rolls back what is open before. Beyond a transaction we hold only the lock of migrations, in a pool of its
    own that closes after it.
    """


@contextlib.asynccontextmanager
async def opened(url: str, *, everywhere: bool = False, **overrides: Any) -> AsyncIterator[BaseDBAsyncClient]:
    """Open the database at `url` and close it after the transactions still running.

    `everywhere` makes it the database of every task of the process, not only of those started from here.
    `overrides` replace credentials or pragmas.
    """
    settings = config(url)
    settings["connections"]["default"]["credentials"].update(overrides)
    async with TortoiseContext() as context:
        await context.init(settings, _enable_global_fallback=everywhere)
        await _connect(context.db())
        try:
            yield context.db()
        finally:
            await transactions.drain()


async def _connect(db: BaseDBAsyncClient) -> None:
    """Open SQLite's one connection at once: left to the first read, one that is cancelled keeps its lock for ever."""
    if db.capabilities.dialect == "sqlite":
        try:
            await db.create_connection(with_db=True)
        except sqlite3.OperationalError as error:
            raise DBConnectionError(error) from error


async def migrate(url: str) -> list[str]:
    """Bring the database at `url` to the newest schema and return the migrations that ran.

    Safe to call from several processes at once. Raises SchemaError where rows would be left without their
    parents.
    """
    hands_off: dict[str, Any] = {"foreign_keys": "OFF"} if _is_sqlite(url) else {}
    async with opened(url, **unhurried(url), **hands_off) as db, _alone(db):
        executor = MigrationExecutor(db, config(url)["apps"])
        names = [step.migration.name for step in await executor.plan()]
        await executor.migrate()
        await schema_objects.apply(db)
        await _check_foreign_keys(db)
        return names


def unhurried(url: str) -> dict[str, Any]:
    """Return the overrides of `opened` for work that takes as long as it takes."""
    return {} if _is_sqlite(url) else {"command_timeout": None}


async def schema_faults(db: BaseDBAsyncClient) -> list[str]:
    """Return what the open database lacks: indexes or triggers that have gone, migrations not yet run."""
    gone = [f"object {name}" for name in sorted(await schema_objects.missing(db))]
    executor = MigrationExecutor(db, config("sqlite://:memory:")["apps"])
    return gone + [f"migration {step.migration.name}" for step in await executor.plan()]


@contextlib.asynccontextmanager
async def _alone(db: BaseDBAsyncClient) -> AsyncIterator[None]:
    """Hold the migration lock; SQLite's own file lock serves there."""
    if db.capabilities.dialect == "sqlite":
        yield
        return
    async with db.acquire_connection() as connection:
        while not await connection.fetchval("SELECT pg_try_advisory_lock($1)", MIGRATION_LOCK):
            await asyncio.sleep(0.1)
        try:
            yield
        finally:
            await connection.fetchval("SELECT pg_advisory_unlock($1)", MIGRATION_LOCK)


async def _check_foreign_keys(db: BaseDBAsyncClient) -> None:
    if db.capabilities.dialect == "sqlite" and (orphans := await db.execute_query_dict("PRAGMA foreign_key_check")):
        raise SchemaError(f"{len(orphans)} rows without their parent, the first in {orphans[0]['table']}")


def _is_sqlite(url: str) -> bool:
    return url.startswith("sqlite:")


MIGRATIONS = config("sqlite://:memory:")
"""For Tortoise's own commands, which need the models and no database of ours."""
