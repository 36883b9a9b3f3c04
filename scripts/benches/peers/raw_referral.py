"""Bare Sanic that registers a referral by the raw driver: the very statements of ours, recorded once, with fresh ids.

It checks nothing, seals nothing and reads no answer of the database; it only sends what ours sends.
"""

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from functools import partial
from typing import Any, Protocol
from uuid import UUID

import aiosqlite
import asyncpg
import orjson
from sanic import HTTPResponse, Request, Sanic
from sanic.response import json, raw

from scripts.benches import schooling
from scripts.benches.peers.replay import BEGIN, COMMIT, KEY, Replay, Step, recorded, uniques
from server.enrolments.models import Intake
from server.kernel import audit, clock, idempotency, sensitive
from server.kernel.transactions import transaction
from server.referrals import claims, rules, service
from server.referrals.terms import terms
from server.settings import ROOT
from server.students import id_regions
from tests.harness import keys

ANSWER = 201


class Database(Protocol):
    """A raw driver."""

    async def send(self, steps: Sequence[Step]) -> None:
        """Send the steps of one request on one connection."""


async def _registered(school_id: UUID, clerk_id: UUID, year: int) -> None:
    """Do what the handler of `POST /referrals` does, with an Idempotency-Key."""
    number = next(schooling.numbers())
    said = {"name": "何小满", "id_number": number, "phone": "13900000000", "level": "secondary"}
    row = await idempotency.begin(f"{clerk_id} POST", KEY, "0" * 60)
    claim = claims.read(
        said,
        await terms(year, Intake.AUTUMN, naming=False),
        id_regions.load(ROOT / "content"),
        rules.in_force(),
        clock.today(),
    )
    if not isinstance(claim, claims.Claim):
        raise TypeError("the claim is not well-formed")

    @transaction
    async def register() -> None:
        result = await service.register(school_id, claim, by=clerk_id)
        await idempotency.complete(row, str(result.referral_id))

    await register()


class Postgres:
    """A pool of asyncpg's."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def send(self, steps: Sequence[Step]) -> None:
        """Send the steps."""
        async with self._pool.acquire() as connection:
            transaction = None
            for step in steps:
                if step.method == BEGIN:
                    transaction = connection.transaction()
                    await transaction.start()
                elif step.method == COMMIT and transaction:
                    await transaction.commit()
                else:
                    await connection.fetch(step.statement, *step.values)


class Sqlite:
    """One connection, one request's transaction at a time."""

    def __init__(self, connection: aiosqlite.Connection) -> None:
        self._connection, self._alone = connection, asyncio.Lock()

    async def send(self, steps: Sequence[Step]) -> None:
        """Send the steps."""
        async with self._alone:
            for step in steps:
                if step.method in {BEGIN, COMMIT}:
                    await self._connection.execute("BEGIN IMMEDIATE" if step.method == BEGIN else "COMMIT")
                elif step.method == "execute_many":
                    await self._connection.executemany(step.statement, step.values)
                else:
                    await self._connection.execute_fetchall(step.statement, step.values)


@contextlib.asynccontextmanager
async def driver(url: str) -> AsyncIterator[Database]:
    """Open the database by its raw driver."""
    if url.startswith("sqlite:"):
        path = url.removeprefix("sqlite://")
        async with aiosqlite.connect(path, isolation_level=None) as connection:
            for pragma in ("journal_mode = WAL", "synchronous = NORMAL", "busy_timeout = 5000", "foreign_keys = ON"):
                await connection.execute(f"PRAGMA {pragma}")
            yield Sqlite(connection)
        return
    async with asyncpg.create_pool(url.replace("postgres://", "postgresql://"), max_size=10) as pool:
        yield Postgres(pool)


def build(url: str, school_id: UUID, clerk_id: UUID, year: int) -> Sanic[Any, Any]:
    """Return the app."""
    app = Sanic("raw_referral", configure_logging=False)

    @app.before_server_start
    async def start(app: Sanic[Any, Any]) -> None:
        steps = await recorded(url, partial(_registered, school_id, clerk_id, year))
        app.ctx.replay = Replay(steps, [school_id, clerk_id], uniques(steps))
        app.ctx.stack = contextlib.AsyncExitStack()
        app.ctx.database = await app.ctx.stack.enter_async_context(driver(url))

    @app.after_server_stop
    async def stop(app: Sanic[Any, Any]) -> None:
        await app.ctx.stack.aclose()

    @app.post("/api/v1/referrals")
    async def register(request: Request) -> HTTPResponse:
        said: Mapping[str, Any] = orjson.loads(request.body)
        await app.ctx.database.send(app.ctx.replay.steps())
        return raw(orjson.dumps(said), ANSWER, content_type="application/json")

    @app.get("/health/live")
    async def live(_request: Request) -> HTTPResponse:
        return json({"status": "ok"})

    return app


if __name__ == "__main__":
    audit.use(keys.AUDIT)
    sensitive.use(keys.VAULT)
    rules.use(rules.load(ROOT / "content"))
    school, clerk, year = sys.argv[1:]
    found = build(os.environ["YZT_DATABASE_URL"], UUID(school), UUID(clerk), int(year))
    found.run("127.0.0.1", int(os.environ["YZT_PORT"]), single_process=True, access_log=False, motd=False, debug=False)
