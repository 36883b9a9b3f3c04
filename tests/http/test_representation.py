"""Ready answers: strong tags per encoding, 304, and only encodings that the client allows."""

import gzip
from collections.abc import AsyncIterator

import aiohttp
import brotli
import pytest

from miniprogram_api.representation import Representation, matches, preferred_encoding
from tests.harness.app import Server

pytestmark = pytest.mark.once

PAGE = "/docs"


@pytest.fixture(scope="module")
async def raw_client(server: Server) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(server.base, auto_decompress=False) as session:
        yield session


@pytest.mark.parametrize(
    ("header", "encoding"),
    [
        ("", ""),
        ("identity", ""),
        ("gzip, deflate", "gzip"),
        ("gzip, deflate, br", "br"),
        ("br;q=0, gzip", "gzip"),
        ("br; q=0, gzip;q=0", ""),
        ("*", "br"),
        ("*;q=0", ""),
        ("GZIP", "gzip"),
    ],
)
def test_the_encoding_is_one_that_the_client_allows(header: str, encoding: str) -> None:
    assert preferred_encoding(header) == encoding


async def test_each_encoding_is_the_same_page_with_a_tag_of_its_own(raw_client: aiohttp.ClientSession) -> None:
    decode = {"identity": bytes, "gzip": gzip.decompress, "br": brotli.decompress}
    bodies, tags = set(), set()
    for encoding, decoded in decode.items():
        async with raw_client.get(PAGE, headers={"Accept-Encoding": encoding}) as answer:
            assert answer.headers.get("Content-Encoding", "identity") == encoding
            assert "accept-encoding" in answer.headers["Vary"]
            bodies.add(decoded(await answer.read()))
            tags.add(answer.headers["ETag"])
    assert (len(bodies), len(tags)) == (1, 3)


async def test_a_known_tag_is_answered_304_without_a_body(raw_client: aiohttp.ClientSession) -> None:
    async with raw_client.get(PAGE) as answer:
        tag = answer.headers["ETag"]
    for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        async with raw_client.get(PAGE, headers={"If-None-Match": known}) as answer:
            assert (answer.status, answer.headers["ETag"], await answer.read()) == (304, tag, b"")
            assert "Cache-Control" in answer.headers
    async with raw_client.get(PAGE, headers={"If-None-Match": '"other"'}) as answer:
        assert answer.status == 200


def test_a_tag_inside_another_does_not_match() -> None:
    assert not matches('"abcd"', '"abc"')
    assert matches('"x","abc"', '"abc"')


def test_another_body_has_another_tag() -> None:
    tags = {Representation(body)._in("").etag for body in (b"{}", b"[]", b"{} ")}  # noqa: SLF001
    assert len(tags) == 3
