"""Doing something to each of many, so that one to which it cannot be done keeps no other back."""

from collections.abc import Awaitable, Callable, Iterable
from typing import Any, TypeVar

import structlog

from server.kernel.transactions import DATABASE_AWAY

MOST = 20
"""After so many that failed something else is wrong, such as the database: the rest waits for the next turn."""

GONE = tuple(kind for kind in DATABASE_AWAY if kind is not TimeoutError)
"""Then nothing can be done at all; what waited for one row too long is only that row."""
T = TypeVar("T")
_log = structlog.get_logger(__name__)


class PassedOverError(Exception):
    """Some could not be done; the others were. It fails the job, so that it is tried again, and an operator sees it."""


class Sweep:
    """One round of a job; `end` it once everything else is done."""

    def __init__(self) -> None:
        self._failed = 0

    async def do(self, work: Callable[..., Awaitable[int]], *what: Any) -> int:
        """Do one thing, and return what it returns; 0 for what failed, which is logged."""
        try:
            return int(await work(*what))
        except GONE:
            raise
        except PassedOverError:
            self._failed += 1
        except Exception as error:
            self._failed += 1
            _log.error("passed over", work=getattr(work, "__qualname__", ""), exc_info=error)
            if self._failed >= MOST:
                raise
        return 0

    async def each(self, work: Callable[[T], Awaitable[int]], things: Iterable[T]) -> int:
        """Do it to each; return the sum."""
        return sum([await self.do(work, one) for one in things])

    def end(self) -> None:
        """Raise PassedOverError where something failed."""
        if self._failed:
            raise PassedOverError(self._failed)
