"""Bytes on a socket, for what no well-behaved client would send."""

import re
import socket
from collections.abc import Iterable
from dataclasses import dataclass

from tests.harness.app import Server


@dataclass(frozen=True)
class Raw:
    """What came back: statuses of all answers, everything received, and whether the server closed."""

    statuses: list[int]
    received: bytes
    closed: bool


def send(server: Server, *parts: bytes, seconds: float = 3) -> Raw:
    """Send `parts` on one connection; see `send_slowly`."""
    return send_slowly(server, parts, seconds)


def send_slowly(server: Server, parts: Iterable[bytes], seconds: float = 3) -> Raw:
    """Send `parts` on one connection and read until the server closes or is silent for `seconds`."""
    received, closed = b"", False
    with socket.create_connection(("127.0.0.1", server.port), timeout=seconds) as connection:
        try:
            for part in parts:
                connection.sendall(part)
            while data := connection.recv(65536):
                received += data
            closed = True
        except TimeoutError:
            pass
        except ConnectionError:
            closed = True
    statuses = re.findall(rb"HTTP/1\.1 (\d{3}) ", received)
    return Raw([int(status) for status in statuses], received, closed)
