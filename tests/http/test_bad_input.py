"""What the guide and the rules are asked wrongly is refused, and the field at fault named in Chinese."""

from typing import Any

import aiohttp
import pytest

pytestmark = pytest.mark.once

API = "/api/v1"


def in_chinese(text: str) -> bool:
    return any("一" <= sign <= "鿿" for sign in text)


async def test_every_bad_field_of_a_check_is_named(client: aiohttp.ClientSession) -> None:
    bodies: list[tuple[dict[str, Any], set[str]]] = [
        ({"audience": "nobody", "jurisdiction": "1", "on": "2025-02-30"}, {"/audience", "/jurisdiction", "/on"}),
        ({"on": 0}, {"/on"}),
        (
            {"facts": {"level": "phd", "class_size": "twenty", "no such": 1}},
            {"/facts/level", "/facts/class_size", "/facts/no such"},
        ),
        ({"facts": {"class_size": True}}, {"/facts/class_size"}),
        ({"facts": []}, {"/facts"}),
    ]
    for body, pointers in bodies:
        async with client.post(f"{API}/programmes/check", json=body) as answer:
            found = await answer.json(content_type=None)
        assert (answer.status, {fault["pointer"] for fault in found["errors"]}) == (422, pointers)
        assert all(in_chinese(fault["detail"]) for fault in found["errors"])


async def test_a_refusal_calls_the_field_by_its_chinese_name(client: aiohttp.ClientSession) -> None:
    body = {"audience": "nobody", "on": "soon", "facts": {"level": "phd", "no such": 1}}
    details: dict[str, str] = {}
    for facts in (body["facts"], {}):
        async with client.post(f"{API}/programmes/check", json={"facts": facts} if facts else body) as answer:
            errors = (await answer.json(content_type=None))["errors"]
        details |= {fault["pointer"]: fault["detail"] for fault in errors}
    assert details["/audience"].startswith("读者：只能是 student、")
    assert details["/on"] == "日期：须为日期，如 2026-09-01"
    assert details["/facts/level"].startswith("学生入学时注册在哪个层次？：请从这些答案里选一个：")
    assert "“no such”" in details["/facts/no such"]


@pytest.mark.parametrize(
    ("path", "pointers"),
    [
        ("/policies?jurisdiction=340802", ["?jurisdiction"]),
        ("/policies?on=2025-13-01", ["?on"]),
        ("/policies?on=yesterday&jurisdiction=安庆", ["?jurisdiction", "?on"]),
        ("/policies/compare?from=aq-2019-7", ["?to"]),
        ("/policies/compare?from=aq-2019-8&to=aq-2024-91", ["?from"]),
        ("/policies/compare?from=aq-2019-7&to=aq-2019-7", ["?to"]),
        ("/policies/compare?from=aq-2024-91&to=aq-2019-7", ["?to"]),
        ("/policies/compare?from=aq-2019-7&to=cz-2018-28", ["?to"]),
        ("/programmes?audience=teacher", ["?audience"]),
        ("/programmes?audience=&jurisdiction=", ["?audience", "?jurisdiction"]),
        ("/programmes?on=2025-9-1", ["?on"]),
        ("/programmes?sort=amount", ["?sort"]),
        ("/programmes/questions?audience=student&jurisdiction=000000", ["?jurisdiction"]),
        ("/guide/2026/leaflet", ["?audience"]),
        ("/guide/2026/leaflet?audience=teacher", ["?audience"]),
        ("/guide/2026?audience=student", ["?audience"]),
        ("/guide/pack?audience=student", ["?audience"]),
    ],
)
async def test_a_bad_parameter_is_named(client: aiohttp.ClientSession, path: str, pointers: list[str]) -> None:
    async with client.get(API + path) as answer:
        found = await answer.json(content_type=None)
    assert (answer.status, sorted(fault["pointer"] for fault in found["errors"])) == (422, pointers)
    assert all(in_chinese(fault["detail"]) for fault in found["errors"])


async def test_a_pair_that_is_not_compared_names_those_that_are(client: aiohttp.ClientSession) -> None:
    async with client.get(f"{API}/policies/compare?from=aq-2024-91&to=cz-2018-28") as answer:
        [fault] = (await answer.json(content_type=None))["errors"]
    assert "from=aq-2019-7&to=aq-2024-91" in fault["detail"]


@pytest.mark.parametrize(
    ("path", "what"),
    [
        ("/guide/1999", "指南版本"),
        ("/guide/1999/leaflet?audience=student", "指南版本"),
        ("/guide/pack?edition=1999", "指南版本"),
        ("/guide/2026/articles/nothing", "指南文章"),
        ("/policies/nothing", "政策文件"),
        ("/policies/nothing/clauses/1", "政策文件"),
        ("/policies/aq-2024-91/clauses/99", "条款"),
        ("/programmes/nothing", "奖补项目"),
    ],
)
@pytest.mark.parametrize("accept", ["application/json", "text/html"])
async def test_what_is_not_there_is_404_and_named(
    client: aiohttp.ClientSession, path: str, what: str, accept: str
) -> None:
    async with client.get(API + path, headers={"Accept": accept}) as answer:
        found = await answer.json(content_type=None)
    assert (answer.status, found["code"]) == (404, "not_found")
    assert what in found["detail"]


async def test_a_slash_more_is_the_same_address(client: aiohttp.ClientSession) -> None:
    async with client.get(f"{API}/policies/aq-2024-91/clauses/15/") as answer:
        assert answer.status == 200


@pytest.mark.parametrize("on", ["0001-01-01", "9999-12-31"])
async def test_a_far_day_is_answered(client: aiohttp.ClientSession, on: str) -> None:
    for path in (f"/programmes?on={on}&limit=100", f"/programmes/questions?on={on}", f"/policies?on={on}"):
        async with client.get(API + path) as answer:
            assert answer.status == 200
    async with client.post(f"{API}/programmes/check", json={"on": on}) as answer:
        found = await answer.json()
    dated = [item for item in found["items"] if item["programme"] == "feeder-referral"]
    assert [item["verdict"] for item in dated] == ["ineligible"]
