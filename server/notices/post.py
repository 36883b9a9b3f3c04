"""The loop that carries pushes to WeChat: what somebody waits for in a lane of its own, the rest in another."""

import asyncio
import contextlib
import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import structlog

from server.kernel import clock
from server.kernel.jobs.queue import Wakeup
from server.notices import claiming, sending
from server.notices.answers import LONGEST_PAUSE_SECONDS, Answers
from server.notices.models import Priority
from server.notices.sending import Sender
from server.notices.sorting import Push
from server.notices.weather import DRY, LOST, Weather

POLL_SECONDS = 1.0
PROBE_SECONDS = 3.0
"""While WeChat is away one push at a time tries whether it is back."""
SIDE_BY_SIDE = 2
"""So many loops take pushes for a lane, and so many write answers: while one waits for the database the other works."""
AHEAD = 4
"""So many pushes are taken at most for each slot, and more when half of them are gone: taking takes its time too."""
PATIENCE_SECONDS = 8.0
"""At the end: longer than one call to WeChat may take."""
ROOM = timedelta(seconds=10)
"""So much of its lease a push needs when it is handed over: the call, and the writing of the answer."""
_log = structlog.get_logger(__name__)


@dataclass
class Post:
    """Carries pushes until it is cancelled. Any number may, in one process or many; each push has one holder.

    Each of the two lanes has at most `concurrency` pushes with WeChat at a time.
    """

    sender: Sender
    wakeup: Wakeup
    concurrency: int
    name: str = field(default_factory=lambda: f"{socket.gethostname()[:40]}-{os.getpid()}")

    async def run(self) -> None:
        """Carry until cancelled; then wait for what is with WeChat, write what it came to, give back the rest."""
        answers = Answers(self.name)
        weather = Weather()
        lanes = [
            _Lane(self, (Priority.URGENT,), answers, weather),
            _Lane(self, (Priority.USUAL, Priority.DIGEST, Priority.BULK), answers, weather),
        ]
        writing = [asyncio.create_task(answers.write()) for _ in range(SIDE_BY_SIDE)]
        carrying = [asyncio.create_task(lane.run()) for lane in lanes]
        try:
            ended, _ = await asyncio.wait(carrying, return_when=asyncio.FIRST_COMPLETED)
            for task in ended:  # which no lane does but by an error
                task.result()
        finally:
            for task in carrying:
                task.cancel()
            await asyncio.wait(carrying)
            await answers.close(writing)


class _Lane:
    """Some priorities, with slots of their own."""

    def __init__(self, post: Post, priorities: Sequence[int], answers: Answers, weather: Weather) -> None:
        self._post = post
        self._priorities = priorities
        self._answers = answers
        self._weather = weather
        self._queue: asyncio.Queue[Push | None] = asyncio.Queue()
        self._wanted = asyncio.Event()
        self._few = AHEAD * post.concurrency // 2
        self._pause = POLL_SECONDS
        self._claiming: set[asyncio.Task[claiming.Claim]] = set()

    async def run(self) -> None:
        """Take and send until cancelled."""
        senders = [asyncio.create_task(self._send()) for _ in range(self._post.concurrency)]
        takers = [asyncio.create_task(self._take_on()) for _ in range(SIDE_BY_SIDE)]
        try:
            ended, _ = await asyncio.wait(takers, return_when=asyncio.FIRST_COMPLETED)
            for taker in ended:  # which none does but by an error
                taker.result()
        finally:
            for taker in takers:
                taker.cancel()
            await asyncio.wait(takers)
            await self._end(senders)

    async def _take_on(self) -> None:
        while True:
            await self._turn()

    async def _turn(self) -> None:
        room = (AHEAD * self._post.concurrency - self._queue.qsize()) // SIDE_BY_SIDE
        more = await self._take(1 if self._weather.foul else max(room, 1))
        if self._weather.foul:
            await asyncio.sleep(PROBE_SECONDS)
        elif not more:
            await self._post.wakeup.wait(self._pause)
        elif self._queue.qsize() > self._few:
            self._wanted.clear()
            await self._wanted.wait()

    async def _take(self, room: int) -> bool:
        """Take pushes that are due, and return whether there may be more."""
        task = asyncio.create_task(self._claim(room))
        self._claiming.add(task)  # until it is seen here what was taken
        try:
            claim = await asyncio.shield(task)
        except Exception as error:  # noqa: BLE001 -- whatever it was, the next turn may be better
            self._claiming.discard(task)
            self._pause = min(self._pause * 2, LONGEST_PAUSE_SECONDS)
            _log.warning("post could not take", error=type(error).__name__, pause=self._pause)
            return False
        self._pause = POLL_SECONDS
        self._claiming.discard(task)
        for push in claim.pushes:
            self._queue.put_nowait(push)
        return claim.seen >= room

    async def _claim(self, room: int) -> claiming.Claim:
        if not await claiming.ready(self._priorities):
            return claiming.Claim([], 0)
        return await claiming.claim(self._priorities, self._post.name, room)

    async def _send(self) -> None:
        while push := await self._queue.get():
            if self._queue.qsize() <= self._few:
                self._wanted.set()
            await self._carry(push)

    async def _carry(self, push: Push) -> None:
        if push.until - clock.now() < ROOM:  # else two might have it
            await self._give_back([push])
            return
        if self._weather.dry(push.service):
            self._answers.add(sending.answered(push, DRY))
            return
        try:
            outcome = await self._post.sender.send(push)
        except Exception as error:  # noqa: BLE001 -- whatever it was, it is tried once more
            _log.error("push could not be sent", error=type(error).__name__, delivery=str(push.id))
            self._answers.add(sending.answered(push, LOST))
            return
        self._answers.add(sending.answered(push, outcome))
        if self._weather.saw(push.service, outcome):
            with contextlib.suppress(Exception):  # each goes in its time
                await claiming.hasten()
            await self._post.wakeup.notify()

    async def _end(self, senders: Sequence[asyncio.Task[None]]) -> None:
        """Give back what was not begun, and wait for the rest."""
        left = await self._just_taken()
        while not self._queue.empty():
            left += [push for push in [self._queue.get_nowait()] if push]
        for _ in senders:
            self._queue.put_nowait(None)
        await self._give_back(left)
        _, late = await asyncio.wait(senders, timeout=PATIENCE_SECONDS)
        for task in late:
            task.cancel()

    async def _give_back(self, pushes: Sequence[Push]) -> None:
        with contextlib.suppress(Exception):  # else their leases run out
            await claiming.give_back(pushes, self._post.name)

    async def _just_taken(self) -> list[Push]:
        """Return what is being taken at this moment, which goes on whoever is cancelled."""
        left: list[Push] = []
        for task in self._claiming:
            with contextlib.suppress(Exception):
                left += (await task).pushes
        return left
