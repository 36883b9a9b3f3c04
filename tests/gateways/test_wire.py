"""The connections that carry pushes: whatever comes back is a plain answer, or none, in time."""

import asyncio
import contextlib
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from server.gateways.wechat import wire
from server.gateways.wechat.answers import AwayError
from server.gateways.wechat.wire import Wire
from server.kernel import clock
from tests.harness.app import free_port
from tests.harness.waiting import allowed

RIGHT = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
LIMIT = 1000
Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Other:
    """The other side: it counts connections, keeps what it read, and answers with `bytes` or does as it is told."""

    def __init__(self) -> None:
        self.answer: bytes | Talk = RIGHT
        self.connections = 0
        self.read: list[bytes] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
                self.read.append(head + await reader.readexactly(length))
                if isinstance(self.answer, bytes):
                    writer.write(self.answer)
                else:
                    await self.answer(reader, writer)
        writer.close()


@contextlib.asynccontextmanager
async def met(tls: ssl.SSLContext | None = None) -> AsyncIterator[tuple[Wire, Other]]:
    other, port = Other(), free_port()
    server = await asyncio.start_server(other.serve, "127.0.0.1", port, ssl=tls)
    ours = Wire(f"{'https' if tls else 'http'}://127.0.0.1:{port}/prefix", 1.0, 0.3, LIMIT)
    yield ours, other
    ours.close()
    server.close()


async def away(ours: Wire) -> tuple[str, bool]:
    began = time.monotonic()
    with pytest.raises(AwayError) as raised:
        await ours.post("/push?token=secret", b"{}")
    assert time.monotonic() - began < allowed(1)
    assert "secret" not in str(raised.value)
    assert raised.value.__context__ is None, "what it stands for may quote the address"
    return raised.value.reason, raised.value.handled


async def test_a_connection_is_used_again() -> None:
    async with met() as (ours, other):
        for _ in range(3):
            assert await ours.post("/push?token=1", b'{"a":1}') == (200, b"{}")
        assert other.connections == 1
        assert other.read[0].startswith(b"POST /prefix/push?token=1 HTTP/1.1\r\nHost: 127.0.0.1:")
        assert other.read[0].endswith(b'\r\nContent-Length: 7\r\n\r\n{"a":1}')


async def test_as_many_connections_as_there_are_requests_at_once() -> None:
    async with met() as (ours, other):

        async def slowly(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await asyncio.sleep(0.05)
            writer.write(RIGHT)

        other.answer = slowly
        for _ in range(2):
            found = await asyncio.gather(*(ours.post(f"/{place}", b"{}") for place in range(20)))
            assert found == [(200, b"{}")] * 20
        assert other.connections == 20


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length:2\r\nX: y\r\n\r\n{}",
        b"HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}",
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}",
    ],
)
async def test_answers_of_every_shape_are_read(answer: bytes) -> None:
    async with met() as (ours, other):
        other.answer = answer
        for _ in range(2):
            assert await ours.post("/", b"{}") == (200, b"{}")
        closing = b"close" in answer or b"HTTP/1.0" in answer
        assert other.connections == (2 if closing else 1)


async def test_an_answer_in_parts_is_one() -> None:
    async with met() as (ours, other):

        async def in_parts(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            for place in range(len(RIGHT)):
                writer.write(RIGHT[place : place + 1])
                await writer.drain()
                await asyncio.sleep(0)

        other.answer = in_parts
        assert await ours.post("/", b"{}") == (200, b"{}")


async def test_other_statuses_come_as_they_are() -> None:
    async with met() as (ours, other):
        other.answer = b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"
        assert await ours.post("/", b"{}") == (302, b"")
        assert other.connections == 1


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"nonsense\r\n\r\n", "unreadable"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", "unreadable"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n" + b" " * 2000, "too_large"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{}", "timeout"),
    ],
)
async def test_what_is_no_answer_may_have_been_handled(answer: bytes, reason: str) -> None:
    async with met() as (ours, other):
        other.answer = answer
        assert await away(ours) == (reason, True)
        other.answer = RIGHT
        assert await ours.post("/", b"{}") == (200, b"{}"), "the next one has a connection of its own"
        assert other.connections == 2


async def test_a_connection_that_is_dropped_may_have_been_of_use() -> None:
    async with met() as (ours, other):

        async def drop(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.transport.abort()
            raise ConnectionError

        other.answer = drop
        assert await away(ours) == ("connection", True)


async def test_a_second_answer_that_nobody_asked_for_ends_the_connection() -> None:
    """Else it would be taken for that of the next push."""
    async with met() as (ours, other):

        async def twice(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(RIGHT)
            await writer.drain()
            await asyncio.sleep(0.02)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nsomebody's")

        other.answer = twice
        await ours.post("/", b"{}")
        await asyncio.sleep(0.3)
        other.answer = RIGHT
        assert await ours.post("/", b"{}") == (200, b"{}")
        assert other.connections == 2


async def test_two_answers_at_once_are_none_of_the_next() -> None:
    async with met() as (ours, other):
        other.answer = RIGHT + b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nother"
        assert await ours.post("/", b"{}") == (200, b"{}")
        other.answer = RIGHT
        assert await ours.post("/", b"{}") == (200, b"{}")


async def test_a_connection_that_was_silent_long_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "IDLE_SECONDS", 0.0)
    async with met() as (ours, other):
        for _ in range(2):
            await ours.post("/", b"{}")
        assert other.connections == 2


async def test_one_that_the_other_side_closed_meanwhile_is_not_used() -> None:
    async with met() as (ours, other):

        async def part(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(RIGHT)
            await writer.drain()
            writer.close()

        other.answer = part
        await ours.post("/", b"{}")
        await asyncio.sleep(0.05)
        other.answer = RIGHT
        assert await ours.post("/", b"{}") == (200, b"{}")


async def test_nobody_there_has_handled_nothing() -> None:
    assert await away(Wire(f"http://127.0.0.1:{free_port()}", 1.0, 1.0, LIMIT)) == ("unreachable", False)


async def test_who_gives_up_waiting_takes_the_connection_along() -> None:
    async with met() as (ours, other):

        async def never(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
            await asyncio.sleep(10)

        other.answer = never
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(ours.post("/", b"{}"), 0.05)
        other.answer = RIGHT
        assert await ours.post("/", b"{}") == (200, b"{}")
        assert other.connections == 2


async def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = clock.now()
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem = tmp_path / "both.pem"
    plain = serialization.NoEncryption()
    pem.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    async with met(context) as (ours, other):
        assert await away(ours) == ("unreachable", False)
        assert other.read == []
