"""What we refuse before any handler sees it, and what every answer carries.

Sanic reads some requests differently from the proxies before it; where two readings are possible the request is
refused and the connection closed. All of it happens in the request class and the protocol class, because a
middleware costs every request more than these do together.
"""

import asyncio
import re
import sys
import time
from typing import Any

from sanic import Request
from sanic.compat import Header
from sanic.exceptions import BadRequest, PayloadTooLarge, RequestTimeout
from sanic.http import Http, Stage
from sanic.http.http1 import HTTP_CONTINUE
from sanic.response import BaseHTTPResponse
from sanic.server import HttpProtocol

from server.kernel.ids import new_id_text
from server.kernel.traffic import TRAFFIC

BODY_LIMIT_BYTES = 2 * 1024 * 1024
SECONDS_TO_ANSWER = 1
UNREAD_BYTES = 16 * 1024 * 1024
UNREAD_SECONDS, SILENT_SECONDS = 15, 1
"""How much of a body is still taken in after its answer, for how long, and how long without a byte of it."""

_HEAD = re.compile(
    rb"""[A-Z]{3,10}[ ][/*][!-~]*+[ ]HTTP/1\.[01]       # METHOD /path VERSION, one blank between them
         (?:\r\n
            (?!(?i:content-length|transfer-encoding|connection|expect|upgrade):[\t -~]*+[\x80-\xff])  # framing in ASCII
            [!#$%&'*+\-.^_`|~0-9A-Za-z]++:              # `token:`
            [\t -~\x80-\xff]*+                          # and no control character but tab
         )*+
    """,
    re.VERBOSE,
)
"""A head that every reader takes for the same request. Matched over the raw bytes, before anything is lowered or
unfolded; the possessive quantifiers keep it linear."""

_CHUNK_LINE = re.compile(rb"\r\n[0-9A-Fa-f]{1,8}(?:;[\t -~]*)?")
"""The end of what came before, the size of a chunk, and an extension that nobody needs."""

LONGEST_CHUNK_LINE = 64
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "NONE"})
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


class StrictRequest(Request):
    """A request that can be read in one way only, with an id, whose answer is counted and logged."""

    __slots__ = ("request_id",)

    def __init__(self, url_bytes: bytes, headers: Header, *, head: bytes = b"", **kwargs: Any) -> None:
        """Raise BadRequest, which closes the connection, for an ambiguous head.

        Without a head it is Sanic's stand-in for a request that could not be read; its address may be what was wrong.
        """
        super().__init__(url_bytes if head else b"*", headers, head=head, **kwargs)
        sent = self.headers.getone("x-request-id", "")
        self.request_id = sent if sent and _REQUEST_ID.fullmatch(sent) else new_id_text()
        if self.head and (
            not _HEAD.fullmatch(self.head)
            or len(self.headers.getall("host", ())) != 1
            or (self.version == "1.0" and "transfer-encoding" in self.headers)
        ):
            raise BadRequest("ambiguous request")

    async def respond(self, response: BaseHTTPResponse | None = None, **options: Any) -> Any:
        """Send `response` with the request's id, and note it."""
        sent = await super().respond(response, **options)
        sent.headers["x-request-id"] = self.request_id
        began = getattr(self.stream, "perft0", None)  # Sanic's own note of when it had the whole head
        seconds = time.perf_counter() - began if began else 0.0
        method = self.method if self.method in _METHODS else "other"  # a made-up one would be counted for ever
        TRAFFIC.note(self.request_id, method, self.route.path if self.route else "unmatched", sent.status, seconds)
        return sent


class StrictHttp(Http):
    """Reads a chunked body only where its framing has one reading.

    Sanic looks neither at the end of a chunk nor at what surrounds its size. And it closes on who is still sending,
    which takes the answer from them: what comes after it is thrown away here for a while.
    """

    __slots__ = ("_answered_at", "_thrown_away")

    def init_for_request(self) -> None:
        """Begin anew with each request."""
        super().init_for_request()  # type: ignore[no-untyped-call]
        self._answered_at, self._thrown_away = 0.0, 0

    async def read(self) -> bytes | None:
        """Return some bytes of the body, None at its end; raises BadRequest, which closes the connection."""
        return await (self._throw_away() if self.stage is Stage.IDLE else self._read())

    async def _throw_away(self) -> bytes | None:
        """Take in what comes after the answer; raises PayloadTooLarge, which closes the connection, past patience."""
        now = asyncio.get_running_loop().time()
        self._answered_at = self._answered_at or now
        self.request_max_size = sys.maxsize
        try:
            async with asyncio.timeout_at(min(now + SILENT_SECONDS, self._answered_at + UNREAD_SECONDS)):
                found = await self._read()
        except TimeoutError:
            raise PayloadTooLarge("still sending after the answer") from None
        self._thrown_away += len(found or b"")
        if self._thrown_away > UNREAD_BYTES:
            raise PayloadTooLarge("still sending after the answer")
        return found

    async def _read(self) -> bytes | None:
        if str(self.request_body) == "chunked" and self.request_bytes_left == 0:
            await self._check_chunk()
        found: bytes | None = await super().read()
        return found

    async def _check_chunk(self) -> None:
        if self.expecting_continue:
            self.expecting_continue = False
            await self._send(HTTP_CONTINUE)
        while (end := self.recv_buffer.find(b"\r\n", 3)) < 0 and len(self.recv_buffer) <= LONGEST_CHUNK_LINE:
            await self._receive_more()
        if end < 0 or not _CHUNK_LINE.fullmatch(self.recv_buffer, 0, end):
            self.keep_alive = False
            raise BadRequest("ambiguous chunk")


class StrictProtocol(HttpProtocol):
    """Ends requests that trickle in.

    Sanic's time-outs begin anew with every byte; here `REQUEST_TIMEOUT` (and half a round of checks) is all the time
    there is from a request's first byte to its last.
    """

    HTTP_CLASS = StrictHttp
    __slots__ = ("_reading", "_reading_since")

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._reading: object = None
        self._reading_since = 0.0

    def check_timeouts(self) -> None:
        """Cancel a request that has been arriving for too long; Sanic calls this every few seconds."""
        arriving = self._arriving()
        now = time.monotonic()
        if arriving is not self._reading:
            self._reading, self._reading_since = arriving, now
        elif arriving and now - self._reading_since > self.request_timeout and self._task:
            self._http.exception = RequestTimeout("the request took too long to arrive")
            self._task.cancel()
            # Sanic answers 408 and then goes on reading the rest of the body
            self.loop.call_later(SECONDS_TO_ANSWER, self.abort)
            return
        super().check_timeouts()  # type: ignore[no-untyped-call]

    def _arriving(self) -> object:
        """Return what stands for the request whose bytes we still await, None where we await none."""
        http = self._http
        if http.stage is Stage.REQUEST:
            return Stage.REQUEST
        return http.request if http.stage is Stage.HANDLER and http.request_body else None
