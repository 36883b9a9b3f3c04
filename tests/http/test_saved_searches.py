"""Searches that somebody keeps: said as the list of postings is asked, one's own alone, and not without end."""

from typing import Any

import aiohttp
import pytest

from server.engagements import searches
from server.engagements.models import SavedSearch
from server.labour.models import Side
from tests.harness.callers import Caller, caller

pytestmark = pytest.mark.usefixtures("database")
PATH = "/me/saved-searches"
EVERYTHING: dict[str, Any] = {
    "side": "demand", "kind": "short_term", "region": "340828", "occupation": "packer", "starts_from": "2027-01-02",
    "starts_to": "2027-02-03", "pay_min_fen": 16000, "pay_unit": "day", "meals": True, "lodging": False,
    "transport": True, "near": "30.5317,117.0636", "radius_km": 20, "q": "包装 白班",
}  # fmt: skip


@pytest.fixture
async def somebody(client: aiohttp.ClientSession) -> Caller:
    return await caller(client)


async def faults(who: Caller, body: Any) -> tuple[int, list[str]]:
    status, problem, _ = await who.ask("POST", PATH, body)
    return status, [fault["pointer"] for fault in problem["errors"]]


async def test_a_search_is_kept_listed_and_let_go(client: aiohttp.ClientSession, somebody: Caller) -> None:
    status, kept, _ = await somebody.ask("POST", PATH, {"name": "开学前", **EVERYTHING})
    assert status == 201, kept
    assert {name: kept[name] for name in EVERYTHING} == EVERYTHING
    _, plain, _ = await somebody.ask("POST", PATH, {})
    assert (plain["side"], plain["region"], plain["name"]) == ("demand", None, "")
    listed = (await somebody.ask("GET", PATH))[1]["items"]
    assert listed == [plain, kept]
    other = await caller(client)
    assert (await other.ask("GET", PATH))[1]["items"] == []
    assert await other.status("DELETE", f"{PATH}/{kept['id']}") == 404
    assert await somebody.status("DELETE", f"{PATH}/{kept['id']}") == 204
    assert await somebody.status("DELETE", f"{PATH}/{kept['id']}") == 404
    assert (await somebody.ask("GET", PATH))[1]["items"] == [plain]


async def test_what_is_kept_wants_what_the_list_would(client: aiohttp.ClientSession, somebody: Caller) -> None:
    await somebody.ask("POST", PATH, EVERYTHING)
    [row] = await SavedSearch.filter(person_id=somebody.person_id)
    assert (row.side, row.region, row.occupation, str(row.starts_on)) == ("demand", "340828", "packer", "2027-01-02")
    filters = searches.filters_of(row)
    assert (filters.side, filters.pay_min_fen, filters.near) == (Side.DEMAND, 16000, (30.5317, 117.0636))
    wanted = filters.wanted(("340828",), row.created_at.date())
    assert (wanted.hourly_min_fen, wanted.phrases, wanted.near and wanted.near.metres) == (
        2000,
        ("包装", "白班"),
        20000,
    )
    query = {name: str(value).lower() if isinstance(value, bool) else value for name, value in EVERYTHING.items()}
    async with client.get("/api/v1/postings", params=query) as answer:
        assert answer.status == 200, await answer.text()


@pytest.mark.parametrize(
    ("body", "at"),
    [
        ({"colour": "red"}, ["/colour"]),
        ({"limit": 5, "mine": True, "sort": "newest"}, ["/limit", "/mine", "/sort"]),
        ({"region": "999999", "occupation": "nothing"}, ["/region", "/occupation"]),
        ({"starts_from": "2027-02-02", "starts_to": "2027-02-01"}, ["/starts_to"]),
        ({"radius_km": 5}, ["/radius_km"]),
        ({"near": 5}, ["/near"]),
        ({"near": "95,200"}, ["/near"]),
        ({"meals": "yes", "pay_min_fen": -1}, ["/pay_min_fen", "/meals"]),
        ({"pay_unit": "piece"}, ["/pay_unit"]),
        ({"q": ""}, ["/q"]),
        ({"name": "字" * 41}, ["/name"]),
        ({"name": "13800001111"}, ["/name"]),
    ],
)
async def test_what_is_wrong_with_a_search_is_said_at_its_field(
    somebody: Caller, body: dict[str, Any], at: list[str]
) -> None:
    assert await faults(somebody, body) == (422, at)


async def test_nobody_keeps_more_than_twenty_and_a_key_keeps_one(somebody: Caller) -> None:
    first = await somebody.ask("POST", PATH, {"name": "一"}, Idempotency_Key="once")
    assert (await somebody.ask("POST", PATH, {"name": "一"}, Idempotency_Key="once"))[1] == first[1]
    for _ in range(searches.MOST - 1):
        assert await somebody.status("POST", PATH, {}) == 201
    status, problem, _ = await somebody.ask("POST", PATH, {})
    assert (status, problem["code"]) == (409, "too_many_searches")
    page = (await somebody.ask("GET", f"{PATH}?limit=15"))[1]
    rest = (await somebody.ask("GET", f"{PATH}?limit=15&cursor={page['next_cursor']}"))[1]
    assert (len(page["items"]), len(rest["items"]), rest["next_cursor"]) == (15, 5, None)
