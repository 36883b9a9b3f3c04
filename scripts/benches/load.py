"""The load generator: fixed bytes over kept-open connections, and a look at every answer.

An HTTP client library takes more processor time per request than the servers measured here; this takes a tenth.
"""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import uvloop

CONNECTIONS = 32
PATIENCE_SECONDS = 10.0
_QUOTED_BYTES = 300


class LoadError(Exception):
    """An answer was not the expected one, or did not come; the message quotes its beginning."""


@dataclass(frozen=True, slots=True)
class Shot:
    """The bytes of one request, and the answer that counts as right."""

    request: bytes
    status: int
    length: int
    """Bytes of the answer's body."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One whole answer; header names are in small letters."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Tally:
    """What one round of load came to."""

    requests: int
    seconds: float

    @property
    def per_second(self) -> float:
        """Requests per second."""
        return self.requests / self.seconds


def request_bytes(method: str, path: str, headers: Mapping[str, str] | None = None, body: bytes = b"") -> bytes:
    """Return a request as it goes over the wire."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


async def ask(port: int, request: bytes, seconds: float = PATIENCE_SECONDS) -> Answer:
    """Return the answer to one request on a connection of its own; raises LoadError and OSError."""
    try:
        async with asyncio.timeout(seconds):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(request)
            try:
                return await _read(reader)
            finally:
                writer.close()
    except (TimeoutError, asyncio.IncompleteReadError) as error:
        raise LoadError(f"no whole answer from port {port}") from error


async def ask_each(port: int, requests: Sequence[bytes], status: int, connections: int = CONNECTIONS) -> list[Answer]:
    """Return the answers to different requests, one at a time on each connection; raises LoadError at a wrong one."""
    answers: dict[int, Answer] = {}
    waiting = iter(enumerate(requests))

    async def client() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        with contextlib.closing(writer):
            for number, request in waiting:
                writer.write(request)
                answer = answers[number] = await _read(reader)
                if answer.status != status:
                    raise LoadError(f"{answer.status} instead of {status}: {answer.body[:_QUOTED_BYTES]!r}")

    async with asyncio.timeout(PATIENCE_SECONDS * 6), asyncio.TaskGroup() as group:
        for _ in range(min(connections, len(requests))):
            group.create_task(client())
    return [answers[number] for number in range(len(requests))]


async def _read(reader: asyncio.StreamReader) -> Answer:
    status_line, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().rstrip().split("\r\n")
    pairs = (line.partition(":") for line in lines)
    headers = {name.lower(): value.strip() for name, _, value in pairs}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Answer(int(status_line.split()[1]), headers, body)


def fire(port: int, shot: Shot, seconds: float, connections: int = CONNECTIONS) -> Tally:
    """Repeat `shot` for `seconds`, one at a time on each connection; raises LoadError at the first wrong answer."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_fire(port, shot, seconds, connections))


async def _fire(port: int, shot: Shot, seconds: float, connections: int) -> Tally:
    loop = asyncio.get_running_loop()
    clients = [_Client(shot, loop.create_future()) for _ in range(connections)]
    for client in clients:
        await loop.create_connection(lambda client=client: client, "127.0.0.1", port)  # type: ignore[misc]
    started = loop.time()
    for client in clients:
        client.begin(started + seconds)
    try:
        async with asyncio.timeout(seconds + PATIENCE_SECONDS):
            counts = await asyncio.gather(*(client.finished for client in clients))
    except TimeoutError:
        raise LoadError(f"port {port} stopped answering") from None
    finally:
        for client in clients:
            client.close()
    return Tally(sum(counts), loop.time() - started)


class _Client(asyncio.Protocol):
    """One connection; `finished` gets its number of answers, or the first thing wrong."""

    def __init__(self, shot: Shot, finished: asyncio.Future[int]) -> None:
        self.finished = finished
        self._shot = shot
        self._status_line = b"HTTP/1.1 %d " % shot.status
        self._clock = asyncio.get_running_loop().time
        self._until = self._count = 0.0
        self._partial = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, _error: Exception | None) -> None:
        self._fail("the server closed the connection")

    def begin(self, until: float) -> None:
        self._until = until
        self._transport.write(self._shot.request)

    def close(self) -> None:
        self._transport.close()
        if self.finished.done() and not self.finished.cancelled():
            self.finished.exception()

    def data_received(self, data: bytes) -> None:
        if self._partial:
            data = self._partial + data
        head = data.find(b"\r\n\r\n")
        missing = self._shot.length - (len(data) - head - 4)
        if head < 0 or (missing > 0 and self._could_still_be_right(data[:head])):
            self._partial = data
        elif not data.startswith(self._status_line):
            self._fail("wrong status", data)
        elif missing:
            self._fail(f"{missing} bytes missing", data)
        else:
            self._partial = b""
            self._next()

    def _could_still_be_right(self, head: bytes) -> bool:
        length = b"content-length: %d" % self._shot.length
        return head.startswith(self._status_line) and length in head.lower().split(b"\r\n")

    def _next(self) -> None:
        self._count += 1
        if self._clock() < self._until:
            self._transport.write(self._shot.request)
        elif not self.finished.done():
            self.finished.set_result(int(self._count))

    def _fail(self, what: str, answer: bytes = b"") -> None:
        if not self.finished.done():
            self.finished.set_exception(LoadError(f"{what}: {answer[:_QUOTED_BYTES]!r}"))
