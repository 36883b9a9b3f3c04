"""The access token of one account, one for all processes that share a cache."""

import asyncio
import contextlib
import re
import time
from collections.abc import Awaitable
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import orjson
import structlog

from server.gateways.cache import Cache
from server.gateways.wechat import answers
from server.gateways.wechat.answers import AwayError, RefusedError
from server.kernel import clock

MARGIN_SECONDS = 200
"""How long before its end a token counts as over: WeChat hands out the next one in the last 300 seconds."""
LOCK_SECONDS = 6
"""A little longer than one request to WeChat may take."""
FORCE_SECONDS = 30
FORCED_PER_DAY = 10
"""WeChat replaces a token by force every 30 seconds and 20 times a day; half of that is left to people."""
SILENCE_SECONDS = 5
"""How long nothing is asked after WeChat gave no token, or the refused one again."""
_TOKEN = re.compile(r"[\x21-\x7e]{1,1024}")
_DAY = 86400
_log = structlog.get_logger(__name__)


class Fetch(Protocol):
    """Asks WeChat for the token."""

    def __call__(self, *, force: bool) -> Awaitable[dict[str, Any]]:
        """Return WeChat's answer; raises RefusedError or AwayError."""


@dataclass(frozen=True, slots=True)
class Token:
    """An access token and the moment until which it is used, in seconds since 1970."""

    text: str
    until: float


class StableToken:
    """Renews the token before its end, and once when WeChat refuses it, however many ask at the same time."""

    def __init__(self, appid: str, cache: Cache, fetch: Fetch) -> None:
        self._cache = cache
        self._fetch = fetch
        self._key = f"wechat:{appid}"
        self._token: Token | None = None
        self._renewing: asyncio.Task[Token] | None = None
        self._silent_until = 0.0

    async def current(self) -> str:
        """Return a token that should be good; raises AwayError."""
        return await self._other_than(None)

    async def instead_of(self, refused: str) -> str:
        """Return a token other than the one that WeChat refused; raises AwayError."""
        return await self._other_than(refused)

    async def close(self) -> None:
        """End a renewal that runs."""
        if self._renewing:
            self._renewing.cancel()
            await asyncio.wait({self._renewing})

    async def _other_than(self, refused: str | None) -> str:
        if self._usable(self._token, refused):
            return self._token.text  # type: ignore[union-attr]
        if self._renewing is None:
            self._renewing = asyncio.create_task(self._renew(refused))
            self._renewing.add_done_callback(self._renewed)
        return (await asyncio.shield(self._renewing)).text

    def _renewed(self, task: asyncio.Task[Token]) -> None:
        self._renewing = None
        if not task.cancelled() and task.exception() is None:
            self._token = task.result()

    async def _renew(self, refused: str | None) -> Token:
        """Return what another process found, or else what WeChat gives."""
        with contextlib.suppress(TimeoutError):
            async with self._cache.lock(f"{self._key}:lock", LOCK_SECONDS):
                stored = await self._stored()
                if stored and self._usable(stored, refused) and (not self._token or stored.until > self._token.until):
                    return stored
                token = await self._ask(refused)
                await self._cache.set(f"{self._key}:token", orjson.dumps(asdict(token)), token.until - _now())
                return token
        raise AwayError("locked", handled=False)

    async def _ask(self, refused: str | None) -> Token:
        """Ask for the token, and by force where WeChat gives the refused one again."""
        if time.monotonic() < self._silent_until:
            raise AwayError("no_token", handled=False)
        token = await self._fetched(force=False)
        if token.text != refused:
            return token
        if await self._may_force():
            return await self._fetched(force=True)
        raise self._fallen_silent("stale_token")

    async def _may_force(self) -> bool:
        """Whether this process may be the one that forces; counted among all."""
        if (await self._cache.count(f"{self._key}:forced", FORCE_SECONDS)).number > 1:
            return False
        return (await self._cache.count(f"{self._key}:forced-today", _DAY)).number <= FORCED_PER_DAY

    async def _fetched(self, *, force: bool) -> Token:
        """Ask WeChat; whatever goes wrong, the call that needs the token has not been sent."""
        try:
            found = await self._fetch(force=force)
            text = answers.text(found.get("access_token"), _TOKEN)
            seconds = answers.number(found.get("expires_in"), 1, _DAY)
        except RefusedError as refusal:
            _log.error("wechat gives no token", errcode=refusal.errcode)
            away = self._fallen_silent("no_token")
        except AwayError as error:
            away = AwayError(error.reason, handled=False)
        else:
            return Token(text, _now() + max(seconds - MARGIN_SECONDS, seconds / 2))
        raise away

    def _fallen_silent(self, reason: str) -> AwayError:
        """Ask no more for a while, and return the error that says so."""
        self._silent_until = time.monotonic() + SILENCE_SECONDS
        return AwayError(reason, handled=False)

    async def _stored(self) -> Token | None:
        data = await self._cache.get(f"{self._key}:token")
        with contextlib.suppress(ValueError, TypeError, AwayError):
            found = Token(**orjson.loads(data or b""))
            return Token(answers.text(found.text, _TOKEN), float(found.until))
        return None

    @staticmethod
    def _usable(token: Token | None, refused: str | None) -> bool:
        return token is not None and token.text != refused and token.until > _now()


def _now() -> float:
    return clock.now().timestamp()
