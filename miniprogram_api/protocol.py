"""What we refuse before any handler sees it, and what every answer carries.

Sanic reads some requests differently from the proxies before it; where two readings are possible the request is
refused and the connection closed. All of it happens in the request class and the protocol class, because a
middleware costs every request more than these do together.
"""

import re
import time
from typing import TYPE_CHECKING, Any

from sanic import Request
from sanic.exceptions import BadRequest, RequestTimeout
from sanic.http import Stage
from sanic.response import BaseHTTPResponse
from sanic.server import HttpProtocol

from server.kernel import metrics
from server.kernel.ids import new_id

if TYPE_CHECKING:
    from server.kernel.log import AccessLog

BODY_LIMIT_BYTES = 2 * 1024 * 1024
SECONDS_TO_ANSWER = 1

_AMBIGUOUS = re.compile(
    rb"""\r\n(?![!#$%&'*+\-.^_`|~0-9A-Za-z]+:)  # a header line that is not `token:` (folded, blank before colon)
       | [\x00-\x08\x0b\x0c\x0e-\x1f\x7f]       # a control character
       | \r(?!\n) | (?<!\r)\n                   # half a line end
       | ^(?![A-Z]{3,10}[ ][/*])                # a request line that is not METHOD /path
    """,
    re.VERBOSE,
)
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


class StrictRequest(Request):
    """A request that can be read in one way only, with an id, whose answer is counted and logged."""

    __slots__ = ("request_id", "started")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Raise BadRequest, which closes the connection, for an ambiguous head."""
        self.started = time.perf_counter()
        super().__init__(*args, **kwargs)
        sent = self.headers.getone("x-request-id", "")
        self.request_id = sent if _REQUEST_ID.fullmatch(sent) else str(new_id())
        if self.head and (_AMBIGUOUS.search(self.head) or len(self.headers.getall("host", ())) != 1):
            raise BadRequest("ambiguous request")

    async def respond(self, response: BaseHTTPResponse | None = None, **options: Any) -> Any:
        """Send `response` with the request's id, and note it."""
        sent = await super().respond(response, **options)
        sent.headers["x-request-id"] = self.request_id
        self._note(sent.status)
        return sent

    def _note(self, status: int) -> None:
        seconds = time.perf_counter() - self.started
        route = self.route.path if self.route else "unmatched"
        key = (self.method, route, status)
        observer = _observers.get(key) or _observers.setdefault(key, metrics.REQUESTS.labels(*key))
        observer.observe(seconds)
        log: AccessLog | None = getattr(self.app.ctx, "access_log", None)
        if log:
            log.write(self.request_id, self.method, route, status, seconds * 1000)


_observers: dict[tuple[str, str, int], Any] = {}
"""Looked up here, because prometheus-client's own lookup takes three times as long."""


class StrictProtocol(HttpProtocol):
    """Ends requests that trickle in.

    Sanic's time-outs begin anew with every byte; here `REQUEST_TIMEOUT` (and half a round of checks) is all the time
    there is from a request's first byte to its last.
    """

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
