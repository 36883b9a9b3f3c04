"""HTTP for what is sent by the thousand: one request after the other on connections that stay open.

A push by aiohttp takes five times the processor time of this, which is all that a lane of pushes spends. No redirects,
no repetitions, no compression; whatever is not a plain answer counts as none.
"""

import asyncio
import ssl
import time
from typing import cast
from urllib.parse import urlsplit

import httptools

from server.gateways.wechat.answers import AwayError

IDLE_SECONDS = 10.0
"""The other side may be about to close a connection that has been silent for longer."""

Answer = tuple[int, bytes]


class Wire:
    """Connections to one server; there are as many as there are requests at once."""

    def __init__(self, base_url: str, connect_seconds: float, total_seconds: float, limit_bytes: int) -> None:
        """Aim at `base_url`; an answer takes at most `total_seconds` and `limit_bytes`."""
        parts = urlsplit(base_url)
        self._host = parts.hostname or ""
        self._secure = parts.scheme == "https"
        self._port = parts.port or (443 if self._secure else 80)
        self._head = f"Host: {parts.netloc}\r\nContent-Type: application/json\r\nAccept-Encoding: identity\r\n"
        self._prefix = parts.path
        self._connect_seconds, self._total_seconds, self._limit = connect_seconds, total_seconds, limit_bytes
        self._tls: ssl.SSLContext | None = None
        self._idle: list[_Line] = []

    async def post(self, target: str, body: bytes) -> Answer:
        """Return status and body of the answer; `target` is path and query. Raises AwayError."""
        line = self._free() or await self._connect()
        head = f"POST {self._prefix}{target} HTTP/1.1\r\n{self._head}Content-Length: {len(body)}\r\n\r\n"
        try:
            answer = await line.ask(head.encode() + body, self._total_seconds)
        except BaseException:
            line.close()
            raise
        if line.stays:
            self._idle.append(line)
        else:
            line.close()
        return answer

    def close(self) -> None:
        """Close every connection that is open."""
        while self._idle:
            self._idle.pop().close()

    def _free(self) -> "_Line | None":
        """Return the connection that was silent shortest, if it is still good; the others are older."""
        while self._idle:
            line = self._idle.pop()
            if line.good:
                return line
            line.close()
        return None

    async def _connect(self) -> "_Line":
        loop = asyncio.get_running_loop()
        if self._secure and self._tls is None:
            self._tls = await asyncio.to_thread(ssl.create_default_context)
        try:
            async with asyncio.timeout(self._connect_seconds):
                _, line = await loop.create_connection(
                    lambda: _Line(loop, self._limit), self._host, self._port, ssl=self._tls
                )
        except (OSError, TimeoutError):
            away = AwayError("unreachable", handled=False)
        else:
            return line
        raise away


class _Line(asyncio.Protocol):
    """One connection."""

    def __init__(self, loop: asyncio.AbstractEventLoop, limit: int) -> None:
        self._loop = loop
        self._limit = limit
        self._answer: asyncio.Future[Answer] | None = None
        self._open = False
        self._since = 0.0
        self.stays = False

    @property
    def good(self) -> bool:
        """Whether it may be used again."""
        return self._open and time.monotonic() - self._since < IDLE_SECONDS

    async def ask(self, request: bytes, seconds: float) -> Answer:
        """Send a request and return what comes; raises AwayError."""
        self._answer = self._loop.create_future()
        self._parser = httptools.HttpResponseParser(self)
        self._body = bytearray()
        late = self._loop.call_later(seconds, self._fail, "timeout")
        try:
            self._transport.write(request)
            return await self._answer
        finally:
            late.cancel()
            self._answer = None

    def close(self) -> None:
        """Close it at once."""
        if self._open:
            self._open = False
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep what to write to."""
        self._transport = cast("asyncio.Transport", transport)
        self._open = True

    def connection_lost(self, error: Exception | None) -> None:  # noqa: ARG002 -- asyncio's own shape
        """Tell whoever waits."""
        self._open = False
        self._fail("connection")

    def data_received(self, data: bytes) -> None:
        """Read on; an answer that nobody waits for ends the connection."""
        if self._answer is None:
            self.close()
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._fail("unreadable")

    def on_body(self, data: bytes) -> None:
        """Take a part of the body."""
        self._body += data
        if len(self._body) > self._limit:
            self._fail("too_large")

    def on_message_complete(self) -> None:
        """Hand the answer over."""
        self.stays = self._open and self._parser.should_keep_alive()
        self._since = time.monotonic()
        if self._answer and not self._answer.done():
            self._answer.set_result((self._parser.get_status_code(), bytes(self._body)))

    def _fail(self, reason: str) -> None:
        if self._answer and not self._answer.done():
            self._answer.set_exception(AwayError(reason, handled=True))
