"""WeChat as far as pushes need it: every call is answered after the same time, however many there are at once."""

import asyncio
import itertools
import os
import sys
import time

import orjson
import uvloop

TOKEN = b'{"access_token":"a-token-of-the-bench","expires_in":7200}'
READY, COUNTS = "/", "/counts"


class Door(asyncio.Protocol):
    """One connection, one request after the other."""

    numbers = itertools.count(1)
    pushes = 0
    first = last = 0.0

    def __init__(self, seconds: float) -> None:
        """Answer a push after so many seconds."""
        self._seconds = seconds
        self._loop = asyncio.get_running_loop()
        self._got = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep whom to answer."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer once the request is there as a whole."""
        self._got += data
        head, end, body = self._got.partition(b"\r\n\r\n")
        if not end or len(body) < _length(head):
            return
        self._got = b""
        path = head.split(b" ", 2)[1]
        if path.startswith(b"/cgi-bin/message/"):
            self._push()
        else:
            self._answer(TOKEN if path.startswith(b"/cgi-bin/stable_token") else _counts())

    def _push(self) -> None:
        now = time.monotonic()
        Door.first = Door.first or now
        Door.pushes, Door.last = Door.pushes + 1, now
        self._loop.call_later(self._seconds, self._answer, b'{"errcode":0,"msgid":%d}' % next(self.numbers))

    def _answer(self, body: bytes) -> None:
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
        if not self._transport.is_closing():
            self._transport.write(head % len(body) + body)  # type: ignore[attr-defined]  # it is one to write to


def _counts() -> bytes:
    return orjson.dumps({"pushes": Door.pushes, "first": Door.first, "last": Door.last})


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0


async def _serve(port: int, seconds: float) -> None:
    server = await asyncio.get_running_loop().create_server(lambda: Door(seconds), "127.0.0.1", port, backlog=1024)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve(int(os.environ["YZT_PORT"]), float(sys.argv[1])))
