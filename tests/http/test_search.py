"""Search over real HTTP: words inside sentences, marks, order, pages, and questions that are none."""

import html
import re
from typing import Any

import aiohttp
import pytest

pytestmark = pytest.mark.once

SEARCH = "/api/v1/guide/search"


async def find(client: aiohttp.ClientSession, q: str, **query: str) -> dict[str, Any]:
    async with client.get(SEARCH, params={"q": q, **query}) as answer:
        assert answer.status == 200, await answer.text()
        found: dict[str, Any] = await answer.json()
        return found


async def test_a_word_inside_a_sentence_is_found_and_marked(client: aiohttp.ClientSession) -> None:
    found = (await find(client, "择优", limit="100"))["items"]
    assert {"article", "clause", "programme"} == {hit["kind"] for hit in found}
    assert "aq-2024-91/11" in {hit["id"] for hit in found}
    for hit in found:
        assert {"kind", "id", "title", "snippet", "label", "href", "standing"} == set(hit)
        assert "<mark>择优</mark>" in hit["snippet"]


async def test_every_hit_leads_to_what_was_found(client: aiohttp.ClientSession) -> None:
    for hit in (await find(client, "学费全免", limit="100"))["items"]:
        async with client.get(hit["href"]) as answer:
            assert answer.status == 200
            target = await answer.json()
        assert target["title"] == hit["title"]
        assert target["slug" if hit["kind"] == "article" else "id"] == hit["id"]
        assert hit["kind"] == "article" or hit["standing"] in {"current", "unconfirmed", "other_city"}


async def test_titles_come_first(client: aiohttp.ClientSession) -> None:
    found = (await find(client, "学费", limit="100"))["items"]
    in_title = ["学费" in hit["title"] for hit in found]
    assert in_title == sorted(in_title, reverse=True)
    assert set(in_title) == {True, False}


async def test_what_occurs_nowhere_gives_an_empty_list(client: aiohttp.ClientSession) -> None:
    assert await find(client, "黄山毛峰") == {"items": [], "next_cursor": None}
    assert (await find(client, "😀"))["items"] == []


async def test_width_case_and_blanks_do_not_matter(client: aiohttp.ClientSession) -> None:
    plain = await find(client, "500元")
    assert plain["items"]
    assert await find(client, " ５００元　") == plain
    several = await find(client, "生源地 500元")
    assert several["items"]
    assert {hit["id"] for hit in several["items"]} <= {hit["id"] for hit in plain["items"]}


async def test_a_snippet_is_harmless(client: aiohttp.ClientSession) -> None:
    for q in ("的", "1", "（"):
        for hit in (await find(client, q, limit="100"))["items"]:
            bare = re.sub("</?mark>", "", hit["snippet"])
            assert "<" not in bare
            assert ">" not in bare
            assert html.unescape(bare)


async def test_pages_join_to_the_whole(client: aiohttp.ClientSession) -> None:
    whole = (await find(client, "学校", limit="100"))["items"]
    assert len(whole) > 20
    gathered: list[Any] = []
    page = await find(client, "学校", limit="7")
    while True:
        gathered += page["items"]
        if page["next_cursor"] is None:
            break
        page = await find(client, "学校", limit="7", cursor=page["next_cursor"])
    assert gathered[: len(whole)] == whole
    ids = [(hit["kind"], hit["id"]) for hit in gathered]
    assert len(set(ids)) == len(ids)


async def test_a_found_page_is_known_again(client: aiohttp.ClientSession) -> None:
    async with client.get(SEARCH, params={"q": "学费"}) as answer:
        tag = answer.headers["ETag"]
    async with client.get(SEARCH, params={"q": "学费"}, headers={"If-None-Match": tag}) as answer:
        assert answer.status == 304


@pytest.mark.parametrize(
    ("query", "pointer", "detail"),
    [
        ({}, "?q", "搜索词：必须填写"),
        ({"q": ""}, "?q", "搜索词：至少 1 个字"),
        ({"q": " 　\n"}, "?q", "搜索词：至少 1 个字"),
        ({"q": "学" * 65}, "?q", "搜索词：至多 64 个字"),
        ({"q": "㎡" * 33}, "?q", "搜索词：至多 64 个字"),
        ({"q": "学", "kind": "clause"}, "?kind", "类别：没有这个字段"),
        ({"q": "学", "cursor": "WyJrZXkiLCIiLCJub3RoaW5nIl0"}, "?cursor", "翻页标记：已经无效，请从第一页重新开始"),
    ],
)
async def test_a_question_that_is_none_is_refused_by_name(
    client: aiohttp.ClientSession, query: dict[str, str], pointer: str, detail: str
) -> None:
    async with client.get(SEARCH, params=query) as answer:
        found = await answer.json(content_type=None)
    assert (answer.status, found["errors"]) == (422, [{"pointer": pointer, "detail": detail}])


@pytest.mark.parametrize("q", ["学" * 64, f"  {'学' * 64}  ", "\u0301" * 64, "%_*\\\"'", "\x00", "a" * 64])
async def test_a_strange_question_is_still_one(client: aiohttp.ClientSession, q: str) -> None:
    assert (await find(client, q))["next_cursor"] is None
