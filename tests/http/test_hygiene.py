"""Requests that can be read in two ways, or never end, or hold nonsense, meet a clean refusal."""

import gzip
import io
import re
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor

import aiohttp
import pytest
from yarl import URL

from miniprogram_api.protocol import BODY_LIMIT_BYTES
from miniprogram_api.reading import JSON_LIMIT_BYTES
from tests.harness import app
from tests.harness.app import TOKEN, Server
from tests.harness.raw import send, send_slowly
from tests.harness.waiting import allowed, logged, until

pytestmark = pytest.mark.once

HOST = b"Host: localhost\r\n"
SMUGGLED = b"GET /probe/boom HTTP/1.1\r\n" + HOST + b"\r\n"
AUTHORISED = {"Authorization": f"Bearer {TOKEN}"}


def request(*lines: bytes, body: bytes = b"", start: bytes = b"POST /probe/notes HTTP/1.1") -> bytes:
    return b"\r\n".join([start, *lines]) + b"\r\n\r\n" + body


@pytest.mark.parametrize(
    "hostile",
    [
        request(HOST[:-2], b"Content-Length : 5", body=b"hello" + SMUGGLED),
        request(HOST[:-2], b"Content-Length: 5\x00", body=b"hello" + SMUGGLED),
        request(b"Content-Length: 5", body=b"hello"),
        request(HOST[:-2], HOST[:-2], b"Content-Length: 5", body=b"hello"),
        request(HOST[:-2], b"X-Folded: a", b" b", b"Content-Length: 5", body=b"hello"),
        request(HOST[:-2], b"X-Bare: a\nContent-Length: 5", body=b"hello"),
        request(HOST[:-2], b"Content-Length: 5", b"Content-Length: 6", body=b"hello" + SMUGGLED),
        request(HOST[:-2], b"Content-Length: 5", b"Transfer-Encoding: chunked", body=b"0\r\n\r\n" + SMUGGLED),
        request(HOST[:-2], b"Content-Length: -5", body=b"hello"),
        request(HOST[:-2], b"Content-Length: +5", body=b"hello"),
        request(HOST[:-2], b"Content-Length: 0x5", body=b"hello"),
        request(HOST[:-2], b"Transfer-Encoding: xchunked", body=b"0\r\n\r\n" + SMUGGLED),
        request(HOST[:-2], b"Transfer-Encoding: chunked", body=b"zz\r\nhello\r\n0\r\n\r\n"),
        request(HOST[:-2], b"Transfer-Encoding: chunked", body=b"0\r\nX: y\r\n\r\n" + SMUGGLED),
        request(HOST[:-2], b": empty name"),
        request(HOST[:-2], "Content-Length: \u00a05".encode(), body=b"hello" + SMUGGLED),
        request(HOST[:-2], "Content-Length: ５".encode(), body=b"hello" + SMUGGLED),
        request(HOST[:-2], "Transfer-Encoding: \u3000chunked".encode(), body=b"5\r\nhello\r\n0\r\n\r\n" + SMUGGLED),
        request(
            HOST[:-2],
            b"Connection: keep-alive",
            b"Transfer-Encoding: chunked",
            start=b"POST /probe/stream HTTP/1.0",
            body=b"5\r\nhello\r\n0\r\n\r\n" + SMUGGLED,
        ),
        request(HOST[:-2], b"X-Tab\t: a"),
        request(HOST[:-2], "Coo\u212aie: lowered to another name".encode()),
        request(HOST[:-2], b"X-Return: a\rb"),
        request(HOST[:-2], b"X-Delete: \x7f"),
        request(HOST[:-2], start=b"GET http://other.example/health/live HTTP/1.1"),
        request(HOST[:-2], start=b"GET health/live HTTP/1.1"),
        request(HOST[:-2], start=b"CONNECT localhost:443 HTTP/1.1"),
        request(HOST[:-2], start="GÉT /health/live HTTP/1.1".encode()),
        request(HOST[:-2], start=b"GET /health/live HTTP/3.7"),
        request(HOST[:-2], start=b"G\x00T /health/live HTTP/1.1"),
        request(HOST[:-2], start=b"get /health/live HTTP/1.1"),
        request(HOST[:-2], start=b"GET  /health/live HTTP/1.1"),
        request(HOST[:-2], start="GET /健康 HTTP/1.1".encode()),
        request(HOST[:-2], b"X-Large: " + b"a" * 20_000, start=b"GET /health/live HTTP/1.1"),
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 40 + b"\r\n\r\n",
    ],
)
def test_an_ambiguous_request_is_refused_and_the_connection_closed(server: Server, hostile: bytes) -> None:
    answer = send(server, hostile)
    assert [status // 100 for status in answer.statuses] == [4], answer.received[:400]
    assert answer.closed
    assert b"application/problem+json" in answer.received


@pytest.mark.parametrize("path", [b"/probe/stream", b"/probe/notes", b"/nowhere"])
@pytest.mark.parametrize(
    "chunks",
    [
        b"5;a\nb\r\nhello\r\n0\r\n\r\n",
        b"5\n\r\nhello\r\n0\r\n\r\n",
        b"0x5\r\nhello\r\n0\r\n\r\n",
        b" 5\r\nhello\r\n0\r\n\r\n",
        b"5\r\nhelloXX0\r\n\r\n",
        b"5" + b"0" * 80 + b"\r\nhello\r\n0\r\n\r\n",
    ],
)
def test_chunks_with_two_readings_end_the_connection(server: Server, path: bytes, chunks: bytes) -> None:
    start = b"POST " + path + b" HTTP/1.1"
    answer = send(server, request(HOST[:-2], b"Transfer-Encoding: chunked", start=start, body=chunks + SMUGGLED))
    assert [status // 100 for status in answer.statuses] == [4], answer.received[:300]
    assert answer.closed


def test_plain_chunks_and_their_extensions_are_read(server: Server) -> None:
    start = b"POST /probe/stream HTTP/1.1"
    body = b"5;a=b\r\nhello\r\nA\r\n0123456789\r\n0\r\n\r\n"
    lines = (HOST[:-2], b"Transfer-Encoding: chunked", b"Expect: 100-continue")
    answer = send(server, request(*lines, start=start), body, seconds=0.5)
    assert answer.received.startswith(b"HTTP/1.1 100 Continue")
    assert answer.received.endswith(b"\r\n\r\n15")


def test_a_plain_request_keeps_its_connection(server: Server) -> None:
    plain = request(HOST[:-2], start=b"GET /health/live HTTP/1.1")
    answer = send(server, plain, plain, seconds=0.5)
    assert (answer.statuses, answer.closed) == ([200, 200], False)


@pytest.mark.parametrize("path", ["/probe/notes", "/probe/stream"])
@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_over_the_limit_is_refused_also_in_chunks(
    client: aiohttp.ClientSession, path: str, *, chunked: bool
) -> None:
    size = BODY_LIMIT_BYTES + 100_000

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(size // 50_000 + 1):
            yield b" " * 50_000

    data = chunks() if chunked else io.BytesIO(b" " * size)
    headers = {"Content-Type": "application/json", **AUTHORISED}
    async with client.post(path, data=data, headers=headers) as answer:
        assert answer.status == 413
        assert (await answer.json(content_type=None))["code"] == "body_too_large"
    async with client.get("/health/live") as answer:
        assert answer.status == 200


async def test_a_streamed_body_within_the_limit_is_read(client: aiohttp.ClientSession) -> None:
    async with client.post("/probe/stream", data=io.BytesIO(b"x" * (BODY_LIMIT_BYTES - 1))) as answer:
        assert (answer.status, await answer.text()) == (200, str(BODY_LIMIT_BYTES - 1))


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b'{"text": NaN}',
        b'{"text": Infinity}',
        b'{"text": "a", "text": "b"}',
        b'{"text": {"a": 1, "a": 2}}',
        b'{"seconds": 01}',
        b'{"text": "\\ud800"}',
        b'{"text": "a\\u0000b"}',
        b'{"\\u0000": 1}',
        b'{"text": "a"} trailing',
        b"[" * 50 + b"]" * 50,
        b"[" * 100_000 + b"]" * 100_000,
        b'{"text": ' + b"9" * 5000 + b"}",
        b"\xff\xfe{}",
        b"\xef\xbb\xbf{}",
        b"{'text': 'a'}",
        gzip.compress(b'{"text": "a"}'),
    ],
)
async def test_json_that_is_not_strict_is_400(client: aiohttp.ClientSession, text: bytes) -> None:
    headers = {"Content-Type": "application/json", **AUTHORISED}
    async with client.post("/probe/notes", data=text, headers=headers) as answer:
        assert (answer.status, (await answer.json(content_type=None))["code"]) == (400, "unreadable_json")


@pytest.mark.parametrize("media", ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", ""])
async def test_another_media_type_is_415(client: aiohttp.ClientSession, media: str) -> None:
    headers = {"Content-Type": media, **AUTHORISED}
    async with client.post("/probe/notes", data=b'{"text": "a"}', headers=headers) as answer:
        assert answer.status == 415


async def test_a_charset_beside_the_media_type_is_fine(client: aiohttp.ClientSession) -> None:
    headers = {"Content-Type": "Application/JSON; charset=utf-8", **AUTHORISED}
    async with client.post("/probe/notes", data=b'{"text": "a"}', headers=headers) as answer:
        assert answer.status == 201


@pytest.mark.parametrize(
    "query",
    ["?%ff=1", "?a=%ff", "?" + "&".join(f"q{n}=1" for n in range(80)), "?limit=%00", "?limit=1;limit=2"],
)
async def test_a_hostile_query_is_a_4xx(server: Server, query: str) -> None:
    url = URL(f"{server.base}/probe/notes{query}", encoded=True)  # kept from mending the text
    async with aiohttp.ClientSession() as plain, plain.get(url) as answer:
        assert answer.status in {400, 422}


async def test_an_internal_error_says_nothing_of_the_inside(client: aiohttp.ClientSession, server: Server) -> None:
    async with client.get("/probe/boom") as answer:
        assert answer.status == 500
        assert (await answer.json(content_type=None))["code"] == "internal"
        text = await answer.text()
    await until(lambda: logged(server, "RuntimeError"))
    for place in (text, server.log.read_text()):
        assert "340802200901011234" not in place
    assert "RuntimeError" not in text


async def test_a_wrong_method_names_the_right_ones(client: aiohttp.ClientSession) -> None:
    async with client.delete("/health/live") as answer:
        assert (answer.status, answer.headers["Allow"].split(", ")) == (405, ["GET", "HEAD"])


async def test_on_every_path_a_wrong_method_names_the_right_ones(client: aiohttp.ClientSession) -> None:
    async with client.get("/openapi.json") as answer:
        paths = (await answer.json())["paths"]
    assert len(paths) > 100
    for path, operations in paths.items():
        right = {method.upper() for method in operations}
        one = re.sub(r"{\w+}", "2026", re.sub(r"{\w*id}", "0190f3c0-0000-7000-8000-000000000000", path))
        for method in {"DELETE", "GET", "OPTIONS", "PATCH", "POST", "PUT"} - right:
            async with client.request(method, one) as answer:
                named = answer.headers.get("Allow", "")
                assert (answer.status, answer.content_type) == (405, "application/problem+json"), (method, path)
                assert set(named.split(", ")) - {"HEAD"} == right, (method, path)


@pytest.fixture(scope="module")
def impatient(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    directory = tmp_path_factory.mktemp("impatient")
    settings = {"YZT_DATABASE_URL": database_url, "YZT_DATA_DIR": str(directory), "YZT_REQUEST_SECONDS": "1"}
    with app.running(directory / "log", **settings) as server:
        yield server


HEADS = [
    b"GET /health/live HTTP/1.1\r\n" + HOST + b"X-Slow: a",
    b"POST /probe/notes HTTP/1.1\r\n" + HOST + b"Content-Length: 1000\r\n\r\n",
    b"POST /probe/stream HTTP/1.1\r\n" + HOST + b"Content-Length: 1000\r\n\r\n",
]


def test_a_request_that_trickles_in_is_ended(impatient: Server) -> None:
    """One byte now and then would hold a connection for days, in the head as in the body."""

    def trickle(head: bytes) -> Iterator[bytes]:
        yield head
        for _ in range(600):
            time.sleep(0.1)
            yield b"a"

    began = time.monotonic()
    with ThreadPoolExecutor() as pool:
        answers = pool.map(lambda head: send_slowly(impatient, trickle(head)), HEADS)
        assert [answer.closed for answer in answers] == [True] * len(HEADS)
    assert time.monotonic() - began < allowed(4)


def test_an_idle_connection_is_closed(impatient: Server) -> None:
    whole = request(HOST[:-2], start=b"GET /health/live HTTP/1.1")
    with ThreadPoolExecutor() as pool:
        answered, silent = pool.map(lambda parts: send(impatient, *parts, seconds=5), ([whole], []))
    assert (answered.statuses, answered.closed) == ([200], True)
    assert silent.closed


async def test_a_handler_that_takes_too_long_is_answered_503(impatient: Server) -> None:
    body = {"text": "slow", "seconds": 2.5}
    async with (
        aiohttp.ClientSession(impatient.base, headers=AUTHORISED) as client,
        client.post("/probe/notes", json=body) as answer,
    ):
        assert (answer.status, (await answer.json(content_type=None))["code"]) == (503, "overloaded")


async def test_thousands_of_faults_are_not_listed_one_by_one(client: aiohttp.ClientSession) -> None:
    async with client.post("/api/v1/programmes/check", json={f"k{n}": 0 for n in range(1000)}) as answer:
        text = await answer.text()
    assert (answer.status, "too_many_faults" in text, len(text) < 1000) == (422, True, True)


async def test_json_past_its_own_limit_is_refused(client: aiohttp.ClientSession) -> None:
    async with client.post("/api/v1/programmes/check", json={"facts": {"k": "x" * JSON_LIMIT_BYTES}}) as answer:
        assert answer.status == 413


async def test_a_made_up_method_is_counted_with_the_others(server: Server, client: aiohttp.ClientSession) -> None:
    assert send(server, request(HOST[:-2], start=b"ZAAAB / HTTP/1.1"), seconds=0.3).statuses == [405]
    async with client.get("/metrics", headers=AUTHORISED) as answer:
        text = await answer.text()
    assert 'method="other"' in text
    assert "ZAAAB" not in text


def test_a_token_that_is_no_text_is_refused(server: Server) -> None:
    start = b"GET /metrics HTTP/1.1"
    assert send(server, request(HOST[:-2], b"Authorization: Bearer \xff", start=start), seconds=0.3).statuses == [401]
