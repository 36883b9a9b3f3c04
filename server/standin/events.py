"""What WeChat tells our callbacks, told again when nobody says `success`."""

import asyncio
from collections import deque
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from cachetools import LRUCache

from server.kernel import clock
from server.secrets import WeChatAccount
from server.standin.templates import Side

if TYPE_CHECKING:
    from server.standin.post import Post

TRIES = 4
"""The first telling and three more."""
SECONDS_TO_ANSWER = 5
SECONDS_BETWEEN = 1
AT_ONCE = 20
MOST_WAITING = 10_000
KEPT = 1_000
PATHS = {Side.MINI_PROGRAM: "/api/v1/wechat/callback", Side.SERVICE_ACCOUNT: "/api/v1/wechat/service-callback"}


@dataclass
class Mode:
    """How events are sent: `mode` is `secure`, `plain` or `off`; the service account's `format` is always XML.

    `base` is the address of the API.
    """

    base: str
    mode: str = "secure"
    format: str = "json"


@dataclass
class Telling:
    """One event on its way: `outcome` is `waiting`, `delivered`, `failed` or `off`.

    `status` is the HTTP status of the last answer, None where there was none.
    """

    side: Side
    event: str
    openid: str
    tries: int = 0
    outcome: str = "waiting"
    status: int | None = None


class Events:
    """Sends events to the callbacks of `api_base`, until it is closed."""

    def __init__(self, accounts: Mapping[Side, WeChatAccount], api_base: str) -> None:
        self._base = api_base
        self._accounts = accounts
        self._post: Post | None = None
        self._free, self._loading = asyncio.Semaphore(AT_ONCE), asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self._forget()

    def _forget(self) -> None:
        self.mode = Mode(self._base)
        self._told: deque[Telling] = deque(maxlen=KEPT)
        self._times: LRUCache[tuple[str, str], int] = LRUCache(MOST_WAITING)

    async def close(self) -> None:
        """Give up what is still on its way, for good."""
        await self.reset()
        if self._post:
            await self._post.close()

    async def reset(self) -> None:
        """Give up what is on its way and forget the rest."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._forget()

    def send(self, side: Side, openid: str, event: str, fields: Mapping[str, Any]) -> Telling:
        """Tell the callback of `side` of an event, in the background; `fields` may hold a `List` of rows."""
        telling = Telling(side, event, openid)
        self._told.append(telling)
        if self.mode.mode == "off" or len(self._tasks) >= MOST_WAITING:
            telling.outcome = "off" if self.mode.mode == "off" else "failed"
            return telling
        head = {
            "ToUserName": f"gh_{side}",
            "FromUserName": openid,
            "CreateTime": self._time(openid, event),
            "MsgType": "event",
            "Event": event,
        }
        task = asyncio.create_task(self._tell(telling, {**head, **fields}))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return telling

    def recent(self) -> list[dict[str, Any]]:
        """Return what became of the newest events."""
        return [asdict(telling) for telling in self._told]

    def _time(self, openid: str, event: str) -> int:
        """Return the second of an event; nobody does the same thing twice in one, and repetitions go by it."""
        now, last = int(clock.now().timestamp()), self._times.get((openid, event), 0)
        self._times[openid, event] = last + 1 if 0 <= last - now < KEPT else now
        return self._times[openid, event]

    async def _tell(self, telling: Telling, fields: Mapping[str, Any]) -> None:
        async with self._free:
            for _ in range(TRIES):
                if telling.tries:
                    await asyncio.sleep(SECONDS_BETWEEN)
                telling.tries += 1
                if await self._once(telling, fields):
                    telling.outcome = "delivered"
                    return
        telling.outcome = "failed"

    async def _once(self, telling: Telling, fields: Mapping[str, Any]) -> bool:
        """Post one event; return whether it was answered as it should be."""
        async with self._loading:
            if not self._post:
                module = await asyncio.to_thread(import_module, "server.standin.post")
                self._post = module.Post(self._accounts, SECONDS_TO_ANSWER)
        form = self.mode.format if telling.side is Side.MINI_PROGRAM else "xml"
        url = self.mode.base.rstrip("/") + PATHS[telling.side]
        secure = self.mode.mode != "plain"
        telling.status, taken = await self._post.deliver(url, telling.side, fields, form, secure=secure)
        return taken
