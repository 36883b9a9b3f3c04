"""The way to WeChat's server, opened at the first call."""

import asyncio
from collections import defaultdict
from typing import TYPE_CHECKING

from server.gateways.breaker import Breaker
from server.gateways.cache import Cache

if TYPE_CHECKING:
    from server.gateways.wechat.client import Client
    from server.gateways.wechat.transport import Transport

FAILURES = 5
PAUSE_SECONDS = 3.0
"""After so many failures in a row a call fails at once, until after the pause one is let through."""


class Link:
    """The way to WeChat's server, which both accounts share.

    The libraries are loaded at the first call, beside the loop: a process that never calls does without 22 MB.
    """

    def __init__(self, base_url: str) -> None:
        """Aim at `base_url`, which ends without a slash."""
        self._base_url = base_url
        self._breakers: defaultdict[str, Breaker] = defaultdict(lambda: Breaker(FAILURES, PAUSE_SECONDS))
        self._transport: Transport | None = None
        self._clients: dict[str, Client] = {}

    def healthy(self) -> bool:
        """Whether calls of every kind were answered, of late or when last made; asks nobody."""
        return all(breaker.healthy for breaker in self._breakers.values())

    async def client(self, cache: Cache, appid: str, secret: str) -> "Client":
        """Return the client of one account."""
        if appid not in self._clients:
            make_transport, make_client = await asyncio.to_thread(_load)
            if self._transport is None:
                self._transport = make_transport(self._base_url, self._breakers)
            if appid not in self._clients:
                self._clients[appid] = make_client(self._transport, cache, appid, secret)
        return self._clients[appid]

    async def close(self) -> None:
        """End renewals and connections."""
        for client in self._clients.values():
            await client.close()
        if self._transport:
            await self._transport.close()


def _load() -> "tuple[type[Transport], type[Client]]":
    from server.gateways.wechat.client import Client  # noqa: PLC0415 -- see Link
    from server.gateways.wechat.transport import Transport  # noqa: PLC0415 -- see Link

    return Transport, Client
