"""Transactions that a client's hang-up cannot break.

A client that hangs up cancels its handler. Cancelled between taking a connection and `BEGIN`, Tortoise's own
`in_transaction` never gives the connection back, and after a few hundred such clients the pool is empty. So
every transaction runs in a task of its own behind a shield: the caller may vanish, the work is finished.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextvars import ContextVar
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import structlog
from asyncpg import InterfaceError, PostgresConnectionError
from asyncpg.exceptions import (
    AdminShutdownError,
    CannotConnectNowError,
    TooManyConnectionsError,
    TransactionRollbackError,
)
from tortoise.exceptions import DBConnectionError
from tortoise.transactions import in_transaction

DATABASE_AWAY = (
    DBConnectionError,
    PostgresConnectionError,
    InterfaceError,
    CannotConnectNowError,
    AdminShutdownError,
    TooManyConnectionsError,
    ConnectionError,
    TimeoutError,
)
"""What a database that cannot be reached raises, where `server.db` connects; the client may try again."""
CONTENDED = (TransactionRollbackError,)
"""What PostgreSQL raises in the one of several transactions that it gives up, such as of two that wait for each other.

Nothing of it was done. Nobody tries again here: what a verb was given it may have changed already, so the client does,
or the job's next turn."""

P = ParamSpec("P")
T = TypeVar("T")
AfterCommit = Callable[[], Awaitable[None]]

_current: ContextVar[tuple[object, list[AfterCommit]] | None] = ContextVar("transaction", default=None)
"""The task that runs the transaction, and what to do after it. A task started inside one inherits the variable but is
not in the transaction, which may be long over."""

_running: set[asyncio.Task[object]] = set()
_log = structlog.get_logger(__name__)


def transaction(verb: Callable[P, Awaitable[T]]) -> Callable[P, Coroutine[Any, Any, T]]:
    """Run `verb` in one shielded transaction; inside another transaction, join it.

    The transaction commits when `verb` returns and rolls back when it raises. A cancelled caller gets its
    CancelledError at once while the transaction runs to its end.
    """

    @wraps(verb)
    async def run(*args: P.args, **kwargs: P.kwargs) -> T:
        if _pending() is not None:
            return await verb(*args, **kwargs)
        return await shielded(_commit(verb, *args, **kwargs))

    return run


async def shielded(work: Coroutine[Any, Any, T]) -> T:
    """Run `work` to its end whatever becomes of the caller, and return its result to a caller who is still there."""
    task = asyncio.create_task(work)
    _running.add(task)
    task.add_done_callback(_finished)
    return await asyncio.shield(task)


def after_commit(action: AfterCommit) -> None:
    """Call `action` once the current transaction has committed; network calls belong here.

    Raises RuntimeError outside a transaction.
    """
    pending = _pending()
    if pending is None:
        raise RuntimeError("after_commit needs a transaction")
    pending.append(action)


def running() -> bool:
    """Return whether this very task is in a transaction."""
    return _pending() is not None


async def drain() -> None:
    """Wait for transactions whose callers have gone; called before the database closes."""
    await asyncio.gather(*_running, return_exceptions=True)


async def _commit(verb: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
    actions: list[AfterCommit] = []
    token = _current.set((asyncio.current_task(), actions))
    try:
        async with in_transaction():
            result = await verb(*args, **kwargs)
    finally:
        _current.reset(token)
    for action in actions:
        await action()
    return result


def _pending() -> list[AfterCommit] | None:
    """Return what is to be done after the transaction that this very task is in, None outside one."""
    current = _current.get()
    return current[1] if current and current[0] is asyncio.current_task() else None


def _finished(task: asyncio.Task[object]) -> None:
    _running.discard(task)
    if not task.cancelled() and (error := task.exception()):
        _log.debug("transaction rolled back", error=type(error).__name__)
