"""What the statement on a handler brings about: permission, every fault listed, one shape of error."""

from typing import Any

import aiohttp
import pytest
from sanic import HTTPResponse, Request

from miniprogram_api.auth import Access
from miniprogram_api.web import allow, answers, idempotent
from tests.harness.app import TOKEN

pytestmark = pytest.mark.once

AUTHORISED = {"Authorization": f"Bearer {TOKEN}"}


async def problem(answer: aiohttp.ClientResponse) -> dict[str, Any]:
    assert answer.content_type == "application/problem+json"
    found: dict[str, Any] = await answer.json(content_type=None)
    assert set(found) == {"type", "title", "status", "detail", "code", "errors", "request_id"}
    assert found["status"] == answer.status
    assert found["request_id"] == answer.headers["X-Request-Id"]
    return found


async def test_every_bad_field_is_listed_in_chinese(client: aiohttp.ClientSession) -> None:
    body = {"text": "", "seconds": "soon", "nonsense": 1}
    async with client.post("/probe/notes", json=body, headers=AUTHORISED) as answer:
        found = await problem(answer)
    assert (found["status"], found["code"]) == (422, "invalid")
    details = {fault["pointer"]: fault["detail"] for fault in found["errors"]}
    assert details == {"/text": "正文：至少 1 个字", "/seconds": "须为数字", "/nonsense": "没有这个字段"}


async def test_a_body_that_is_no_object_is_a_fault_of_the_whole(client: aiohttp.ClientSession) -> None:
    async with client.post("/probe/notes", json=[], headers=AUTHORISED) as answer:
        assert [(e["pointer"], e["detail"]) for e in (await problem(answer))["errors"]] == [("", "须为对象")]


@pytest.mark.parametrize(
    ("query", "pointers"),
    [
        ("limit=0", ["?limit"]),
        ("limit=101", ["?limit"]),
        ("limit=ten&sort=name", ["?limit", "?sort"]),
        ("limit=1&limit=2", ["?limit"]),
        ("cursor=nonsense", ["?cursor"]),
        ("cursor=WyJrZXkiLCIiLCIxIl0", ["?cursor"]),
        ("cursor=WyJjcmVhdGVkX2F0Iiwibm90IGEgZGF0ZSIsIjEiXQ", ["?cursor"]),
    ],
)
async def test_every_bad_parameter_is_listed(client: aiohttp.ClientSession, query: str, pointers: list[str]) -> None:
    async with client.get(f"/probe/notes?{query}") as answer:
        found = await problem(answer)
    assert (answer.status, [fault["pointer"] for fault in found["errors"]]) == (422, pointers)


async def test_a_route_without_parameters_refuses_them(client: aiohttp.ClientSession) -> None:
    async with client.get("/health/live?verbose=1") as answer:
        assert [fault["pointer"] for fault in (await problem(answer))["errors"]] == ["?verbose"]


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic eA=="}])
async def test_a_route_of_the_operator_refuses_everyone_else(
    client: aiohttp.ClientSession, headers: dict[str, str]
) -> None:
    """Also before it looks at the body: a stranger learns nothing of what would have been valid."""
    async with client.post("/probe/notes", json={"nonsense": 1}, headers=headers) as answer:
        assert (await problem(answer))["code"] == "not_signed_in"
        assert answer.status == 401


async def test_the_clients_request_id_comes_back_if_it_is_one(client: aiohttp.ClientSession) -> None:
    async with client.get("/health/live", headers={"X-Request-Id": "abc-1"}) as answer:
        assert answer.headers["X-Request-Id"] == "abc-1"
    async with client.get("/health/live", headers={"X-Request-Id": 'a"b'}) as answer:
        assert answer.headers["X-Request-Id"] != 'a"b'


async def test_head_answers_like_get_without_the_body(client: aiohttp.ClientSession) -> None:
    async with client.head("/docs") as head, client.get("/docs") as get:
        assert (head.status, head.headers["ETag"]) == (200, get.headers["ETag"])
        assert await head.read() == b""


def test_a_public_route_cannot_be_idempotent() -> None:
    async def rebuild(_request: Request, _subject: str) -> HTTPResponse:
        return HTTPResponse()

    @idempotent(rebuild)
    @answers(201)
    async def handler(_request: Request) -> HTTPResponse:
        return HTTPResponse()

    with pytest.raises(TypeError, match="belongs to a caller"):
        allow(Access.PUBLIC)(handler)
