"""What a piece of our own work sends to the database, recorded once, to be sent again with fresh ids."""

import contextlib
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any
from uuid import UUID, uuid4

from tortoise.backends.asyncpg import client as postgres_client
from tortoise.backends.sqlite import client as sqlite_client

from server import db, sqlite_engine

BEGIN, COMMIT = "begin", "commit"
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


def uniques(steps: Sequence[Step]) -> list[str]:
    """Return the texts that the tables hold once: the index of the number, the referral's number, the key."""
    texts = {text for step in steps for text in _texts(step.values)}
    return [text for text in texts if _UNIQUE.fullmatch(text)]


def _texts(value: Any) -> list[str]:
    if isinstance(value, list | tuple):
        return [text for one in value for text in _texts(one)]
    return [value] if isinstance(value, str) else []
