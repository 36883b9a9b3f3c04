"""HTTP to WeChat: time-outs, size limits, no redirects, and a breaker for each of its calls."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, TypeVar
from urllib.parse import urlencode

import aiohttp
import orjson
import structlog

from server.gateways.breaker import Breaker
from server.gateways.wechat.answers import STATUS_REASON, TIMEOUT_REASON, AwayError, RefusedError
from server.gateways.wechat.wire import Wire

CONNECT_SECONDS = 2
TOTAL_SECONDS = 5
BODY_LIMIT_BYTES = 2 * 1024 * 1024
CONNECTIONS = 256
PUSHES = "/cgi-bin/message/"
"""Under it is what goes out by the thousand."""
_OK = 200
_TIMED_OUT = 504
_SERVER_ERROR = 500
_log = structlog.get_logger(__name__)
T = TypeVar("T")


def _once() -> aiohttp.ClientMiddlewareType:
    """Return what lets a request out a single time.

    aiohttp repeats a GET whose answer was lost; WeChat's codes are used up by the first, and a repetition is told so.
    """
    left = False

    async def send(request: aiohttp.ClientRequest, pass_on: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
        nonlocal left
        if left:
            raise aiohttp.ClientConnectionError
        left = True
        return await pass_on(request)

    return send


class Transport:
    """One pool of connections to WeChat's server."""

    def __init__(self, base_url: str, breakers: defaultdict[str, Breaker]) -> None:
        """Make the pool, within a running loop; `breakers` are kept by path."""
        self._base_url = base_url
        self._breakers = breakers
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=CONNECTIONS, ttl_dns_cache=60),
            timeout=aiohttp.ClientTimeout(total=TOTAL_SECONDS, sock_connect=CONNECT_SECONDS),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"Accept-Encoding": "identity"},
            auto_decompress=False,
        )
        self._wire = Wire(base_url, CONNECT_SECONDS, TOTAL_SECONDS, BODY_LIMIT_BYTES)

    async def call(self, method: str, path: str, params: Mapping[str, str], body: Any, read: Callable[[bytes], T]) -> T:
        """Return what `read` makes of the answer; raises RefusedError or AwayError."""
        breaker = self._breakers[path]
        if not breaker.lets_through():
            raise AwayError("breaker", handled=False)
        try:
            if path.startswith(PUSHES):
                answer = read(await self._push(path, params, body))
            else:
                answer = read(await self._send(method, path, params, body))
        except AwayError as away:
            breaker.failed()
            _log.warning("wechat is away", path=path, reason=away.reason)
            raise
        except RefusedError:
            breaker.succeeded()
            raise
        breaker.succeeded()
        return answer

    async def close(self) -> None:
        """Close every connection."""
        self._wire.close()
        await self._session.close()

    async def _push(self, path: str, params: Mapping[str, str], body: Any) -> bytes:
        """Return the body of a 200."""
        status, found = await self._wire.post(_target(path, *params.items()), orjson.dumps(body))
        if status != _OK:
            raise _of(status)
        return found

    async def _send(self, method: str, path: str, params: Mapping[str, str], body: Any) -> bytes:
        """Return the body of a 200.

        What aiohttp raises quotes the address, and with it the secret: it ends here, and is no context of ours.
        """
        try:
            return await self._exchange(method, path, params, body)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError):
            away = AwayError("unreachable", handled=False)
        except TimeoutError:
            away = AwayError("timeout", handled=True)
        except (aiohttp.ClientError, OSError, ValueError):
            away = AwayError("connection", handled=True)
        raise away

    async def _exchange(self, method: str, path: str, params: Mapping[str, str], body: Any) -> bytes:
        headers = {"Content-Type": "application/json"} if body is not None else None
        data = orjson.dumps(body) if body is not None else None
        address = self._base_url + path
        async with self._session.request(
            method, address, params=params, data=data, headers=headers, allow_redirects=False, middlewares=(_once(),)
        ) as response:
            if response.status != _OK:
                raise _of(response.status)
            found = bytearray()
            async for chunk in response.content.iter_any():
                found += chunk
                if len(found) > BODY_LIMIT_BYTES:
                    raise AwayError("too_large", handled=True)
            return bytes(found)


@lru_cache(maxsize=16)
def _target(path: str, *params: tuple[str, str]) -> str:
    """Return path and query; they are the same for thousands, until the token changes."""
    return f"{path}?{urlencode(params)}"


def _of(status: int) -> AwayError:
    if status == _TIMED_OUT:  # who stands before the server waited no longer; the server may have worked on
        return AwayError(TIMEOUT_REASON, handled=True)
    return AwayError(STATUS_REASON, handled=status >= _SERVER_ERROR)
