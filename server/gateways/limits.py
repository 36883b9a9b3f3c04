"""How often something may be tried."""

import hashlib
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from server.gateways.cache import Cache
from server.kernel.errors import DomainError

_AWAY = 503


class Limits:
    """Counts tries in the cache, under a keyed hash: neither an address nor an openid lies there in clear."""

    def __init__(self, cache: Cache, pepper: str = "") -> None:
        """Count in `cache`; `pepper` is a secret that all processes share, for addresses are few enough to guess."""
        self._cache = cache
        self._pepper = hashlib.sha256(pepper.encode()).digest()

    async def take(self, what: str, who: str, most: int, seconds: int) -> None:
        """Count one try of `what` by `who`; raises DomainError 429 past `most` in a window of `seconds`."""
        count = await self._cache.count(self._key(what, who), seconds)
        if count.number > most:
            raise DomainError("too_many_requests", 429, seconds=max(1, math.ceil(count.seconds)))

    async def give_back(self, what: str, who: str) -> None:
        """Take back one try of `what` by `who`, which came to nothing through no fault of theirs."""
        await self._cache.uncount(self._key(what, who))

    @asynccontextmanager
    async def counted(self, what: str, who: str, most: int, seconds: int) -> AsyncIterator[None]:
        """Count what is done within as one try, as `take` does, unless it fails because something of ours is away."""
        await self.take(what, who, most, seconds)
        try:
            yield
        except DomainError as error:
            if error.status == _AWAY:
                await self.give_back(what, who)
            raise

    def _key(self, what: str, who: str) -> str:
        name = hashlib.blake2b(who.encode(errors="surrogatepass"), digest_size=16, key=self._pepper).hexdigest()
        return f"limit:{what}:{name}"
