"""Bare Sanic that registers a referral by the raw driver: the very statements of ours, recorded once, with fresh ids.

It checks nothing, seals nothing and reads no answer of the database; it only sends what ours sends.
"""

import asyncio
import contextlib
import os
import re
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import Any, Protocol
from uuid import UUID, uuid4

import aiosqlite
import asyncpg
import orjson
from sanic import HTTPResponse, Request, Sanic
from sanic.response import json, raw
from tortoise.backends.asyncpg import client as postgres_client
from tortoise.backends.sqlite import client as sqlite_client

from scripts.benches import schooling
from server import db, sqlite_engine
from server.enrolments.models import Intake
from server.kernel import audit, clock, idempotency, sensitive
from server.kernel.transactions import transaction
from server.referrals import claims, rules, service
from server.referrals.terms import terms
from server.settings import ROOT
from server.students import id_regions
from tests.harness import keys

BEGIN, COMMIT = "begin", "commit"
ANSWER = 201
KEY = "recorded"
_UNIQUE = re.compile(rf"tests\..*|R\d{{4}}-\d+|{KEY}")
"""The index of a number, a referral's number, the idempotency key."""
_METHODS = ("execute_query", "execute_query_dict", "execute_insert", "execute_many")


@dataclass(frozen=True, slots=True)
class Step:
    """One thing sent to the database: a statement with its values, or an end of a transaction."""

    method: str
    statement: str = ""
    values: Sequence[Any] = ()


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


async def recorded(url: str, work: Callable[[], Awaitable[None]]) -> list[Step]:
    """Return what `work` sends to the database."""
    steps: list[Step] = []
    with contextlib.ExitStack() as stack:
        for owner, name in _patched():
            original = getattr(owner, name)
            stack.callback(setattr, owner, name, original)
            setattr(owner, name, _recording(steps, name, original))
        async with db.opened(url, everywhere=True):
            steps.clear()
            await work()
            return list(steps)


def _patched() -> list[tuple[Any, str]]:
    clients = (postgres_client.AsyncpgDBClient, sqlite_client.SqliteClient)
    wrappers = (postgres_client.TransactionWrapper, sqlite_client.SqliteTransactionWrapper)
    return [
        *((one, name) for one in clients for name in _METHODS),
        *((one, name) for one in wrappers for name in ("execute_many", COMMIT)),
        (postgres_client.TransactionWrapper, BEGIN),
        (sqlite_engine._Immediate, BEGIN),  # noqa: SLF001 -- ours begins in its own way
    ]


def _recording(steps: list[Step], name: str, original: Any) -> Any:
    async def record(self: Any, *arguments: Any) -> Any:
        mark = len(steps)
        steps.append(Step(name, *arguments))
        found = await original(self, *arguments)
        del steps[mark + 1 :]  # what it sent by another of these methods is the same statement
        return found

    return record


class Replay:
    """The steps with everything new in them made new again: ids, and texts that hold what is unique."""

    def __init__(self, steps: Sequence[Step], known: Sequence[UUID], unique: Sequence[str]) -> None:
        """`known` are ids that stay; `unique` are texts that must differ each time."""
        self._steps = steps
        self._known = {str(one) for one in known}
        self._unique = unique
        self._numbers = count(1)

    def steps(self) -> list[Step]:
        """Return the steps of another request."""
        fresh: dict[str, str] = {one: f"{one[:-12]}{next(self._numbers):012}"[-len(one) :] for one in self._unique}
        return [Step(one.method, one.statement, self._renewed(one.values, fresh)) for one in self._steps]

    def _renewed(self, value: Any, fresh: dict[str, str]) -> Any:
        if isinstance(value, list | tuple):
            return [self._renewed(one, fresh) for one in value]
        if isinstance(value, UUID):
            return UUID(self._id(str(value), fresh))
        if isinstance(value, str):
            return self._text(value, fresh)
        return value

    def _id(self, text: str, fresh: dict[str, str]) -> str:
        return text if text in self._known else fresh.setdefault(text, str(uuid4()))

    def _text(self, text: str, fresh: dict[str, str]) -> str:
        if text in fresh:
            return fresh[text]
        head, colon, tail = text.rpartition(":")
        if len(tail) == len(str(UUID(int=0))) and tail.count("-") == 4:  # noqa: PLR2004 -- as ids are written
            return f"{head}{colon}{self._id(tail, fresh)}"
        return text


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
        app.ctx.replay = Replay(steps, [school_id, clerk_id], _uniques(steps))
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


def _uniques(steps: Sequence[Step]) -> list[str]:
    """Return the texts that the tables hold once: the index of the number, the referral's number, the key."""
    texts = {text for step in steps for text in _texts(step.values)}
    return [text for text in texts if _UNIQUE.fullmatch(text)]


def _texts(value: Any) -> list[str]:
    if isinstance(value, list | tuple):
        return [text for one in value for text in _texts(one)]
    return [value] if isinstance(value, str) else []


if __name__ == "__main__":
    audit.use(keys.AUDIT)
    sensitive.use(keys.VAULT)
    rules.use(rules.load(ROOT / "content"))
    school, clerk, year = sys.argv[1:]
    found = build(os.environ["YZT_DATABASE_URL"], UUID(school), UUID(clerk), int(year))
    found.run("127.0.0.1", int(os.environ["YZT_PORT"]), single_process=True, access_log=False, motd=False, debug=False)
