"""What pushes came to, written many at once beside the sending."""

import asyncio
import sqlite3
from collections.abc import Sequence

import structlog

from server.kernel import clock
from server.kernel.transactions import CONTENDED, DATABASE_AWAY
from server.notices import sending
from server.notices.sending import Answered

LONGEST_PAUSE_SECONDS = 8.0
"""While the database is away."""
GATHERED_SECONDS = 0.025
"""How long answers are gathered before they are written together."""
MOST_WRITTEN = 500
_PASSING = (*DATABASE_AWAY, *CONTENDED, sqlite3.OperationalError)
_log = structlog.get_logger(__name__)


class Answers:
    """Those of one process."""

    def __init__(self, worker: str) -> None:
        self._worker = worker
        self._waiting: list[Answered] = []
        self._some = asyncio.Event()

    def add(self, answered: Answered) -> None:
        """Have it written soon."""
        self._waiting.append(answered)
        self._some.set()

    async def write(self) -> None:
        """Write until cancelled; an error of the database is outlived."""
        pause = GATHERED_SECONDS
        while True:
            await self._some.wait()
            await asyncio.sleep(pause)
            written = not self._waiting or await self._write()
            pause = GATHERED_SECONDS if written else min(max(pause * 2, 0.5), LONGEST_PAUSE_SECONDS)

    async def close(self, writing: Sequence[asyncio.Task[None]]) -> None:
        """Write what is left."""
        for task in writing:
            task.cancel()
        await asyncio.wait(writing)
        while self._waiting and await self._write():
            pass

    async def _write(self) -> bool:
        batch, self._waiting = self._waiting[:MOST_WRITTEN], self._waiting[MOST_WRITTEN:]
        if not self._waiting:
            self._some.clear()
        left = await self._unwritten(batch)
        if left:
            self._waiting = left + self._waiting
            self._some.set()
        return not left

    async def _unwritten(self, batch: list[Answered]) -> list[Answered]:
        """Write answers, and return those to be tried again; one that cannot be written keeps none of the others."""
        try:
            await sending.note(batch, self._worker)
        except Exception as error:  # noqa: BLE001 -- whatever it was, the next time may be better
            _log.warning("answers to pushes could not be written", error=type(error).__name__, number=len(batch))
            if _passing(error):
                return batch
            if len(batch) > 1:
                return [one for answer in batch for one in await self._unwritten([answer])]
            return [one for one in batch if clock.now() < one.push.until]  # afterwards it is taken up again
        return []


def _passing(error: Exception) -> bool:
    """Return whether an error is the database's, not that of a value: asyncpg's word for that is one for both."""
    told = (error, error.__cause__)
    return any(isinstance(one, _PASSING) for one in told) and not any(isinstance(one, ValueError) for one in told)
