"""Lists of postings over HTTP: what may be asked, of whom, and lists of occupations in demand."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from tortoise.backends.base.client import BaseDBAsyncClient

from server.kernel import clock
from server.kernel.audit import AuditEntry
from server.labour.models import OccupationsInDemand, PayUnit, Posting, PostingState
from server.organisations.models import Organisation
from server.organisations.roles import Kind, Role
from tests.factories import make_organisation, make_person
from tests.harness.callers import Caller, caller, member, staff
from tests.labour.board import DAY, live, put_up

pytestmark = pytest.mark.usefixtures("database")
LIST = "/api/v1/postings"
DEMAND = "/occupations-in-demand"


async def find(client: aiohttp.ClientSession, **query: str) -> list[str]:
    async with client.get(LIST, params=query) as answer:
        assert answer.status == 200, await answer.text()
        return [item["title"] for item in (await answer.json())["items"]]


@pytest.fixture(scope="module")
async def enterprise(database: BaseDBAsyncClient) -> AsyncIterator[Organisation]:
    """With a live posting in each of two counties, one in another city, and a draft."""
    assert database
    made, person, today = await make_organisation(Kind.ENTERPRISE), await make_person(), clock.today()
    postings = [
        live(
            person, made, title="采茶", description="在示例乡的茶园里采摘春茶，包吃住", region="340828", hourly_fen=2000
        ),
        live(person, made, title="缝纫", region="340826", hourly_fen=2600, starts_on=today + 20 * DAY),
        live(person, made, title="外市", region="340722", hourly_fen=1500),
        live(person, made, title="草稿", state=PostingState.DRAFT, published_at=None),
    ]
    await put_up(postings)
    yield made
    await Posting.filter(organisation_id=made.id).delete()


@pytest.mark.usefixtures("enterprise")
async def test_anyone_finds_what_is_live_by_place_days_pay_and_words(client: aiohttp.ClientSession) -> None:
    today = clock.today()
    assert set(await find(client)) == {"采茶", "缝纫", "外市"}
    assert set(await find(client, region="340800")) == {"采茶", "缝纫"}
    assert await find(client, region="340828") == ["采茶"]
    assert await find(client, q="春茶") == ["采茶"]
    assert await find(client, starts_from=f"{today + 15 * DAY}", q="缝纫") == ["缝纫"]
    assert "缝纫" not in await find(client, starts_to=f"{today + 15 * DAY}")
    assert await find(client, pay_min_fen="2500") == ["缝纫"]
    assert set(await find(client, pay_min_fen="16000", pay_unit=PayUnit.DAY)) == {"采茶", "缝纫"}
    for least, unit in (("16007", PayUnit.DAY), ("348100", PayUnit.MONTH)):  # by the hour both are rounded down
        assert "采茶" in await find(client, pay_min_fen=least, pay_unit=unit)
    assert await find(client, sort="pay") == ["缝纫", "采茶", "外市"]


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ({"colour": "red"}, "?colour"),
        ({"sort": "oldest"}, "?sort"),
        ({"sort": "distance"}, "?sort"),
        ({"sort": "written"}, "?sort"),
        ({"region": "999999"}, "?region"),
        ({"occupation": "nothing"}, "?occupation"),
        ({"near": "30.5"}, "?near"),
        ({"near": "nan,nan"}, "?near"),
        ({"near": "91,117"}, "?near"),
        ({"radius_km": "5"}, "?radius_km"),
        ({"starts_from": "2026-05-02", "starts_to": "2026-05-01"}, "?starts_to"),
        ({"starts_from": "2026-13-01"}, "?starts_from"),
        ({"pay_min_fen": "-1"}, "?pay_min_fen"),
        ({"pay_unit": "piece"}, "?pay_unit"),
        ({"q": "\x00"}, "?q"),
        ({"q": " "}, "?q"),
        ({"q": "茶", "state": "draft"}, "?q"),
        ({"format": "csv"}, "?format"),
        ({"format": "pdf", "mine": "true"}, "?format"),
        ({"meals": "perhaps"}, "?meals"),
        ({"limit": "101"}, "?limit"),
        ({"cursor": "x"}, "?cursor"),
    ],
)
async def test_what_makes_no_sense_is_refused_by_name(
    client: aiohttp.ClientSession, query: dict[str, str], pointer: str
) -> None:
    async with client.get(LIST, params=query) as answer:
        assert answer.status == 422, await answer.text()
        assert [error["pointer"] for error in (await answer.json(content_type=None))["errors"]] == [pointer]


async def test_what_is_not_live_is_for_its_own_and_for_staff(
    client: aiohttp.ClientSession, enterprise: Organisation
) -> None:
    async def titles(who: Caller, query: str) -> set[str]:
        status, found, _ = await who.ask("GET", f"/postings?{query}")
        assert status == 200
        return {item["title"] for item in found["items"]}

    clerk, stranger = await member(client, enterprise, Role.CLERK), await caller(client)
    reviewer = await staff(client, Role.REVIEWER)
    assert await titles(clerk, "mine=true") == {"采茶", "缝纫", "外市", "草稿"}
    assert await titles(clerk, "state=draft") == {"草稿"}
    assert await titles(stranger, "mine=true") == await titles(stranger, "state=draft") == set()
    assert await titles(reviewer, "state=draft") == {"草稿"}
    assert await titles(reviewer, "mine=true") == set()
    for query in ("mine=true", "state=draft", "mine=true&format=csv"):
        async with client.get(f"{LIST}?{query}") as answer:
            assert answer.status == 401


async def test_a_file_holds_all_that_is_theirs_and_nothing_else(client: aiohttp.ClientSession) -> None:
    many, person = await make_organisation(Kind.ENTERPRISE), await make_person()
    drafts = [live(person, many, title=f"采茶{n}", state=PostingState.DRAFT, published_at=None) for n in range(120)]
    await put_up(drafts)
    try:
        for who, count in ((await member(client, many, Role.CLERK), 120), (await caller(client), 0)):
            status, found, _ = await who.ask("GET", "/postings?state=draft&mine=true&format=csv")
            lines = found.decode("utf-8-sig").splitlines()
            assert (status, len(set(lines))) == (200, 2 + count)
            assert sum(line.startswith("采茶") for line in lines) == count
    finally:
        await Posting.filter(organisation_id=many.id).delete()


@pytest.mark.usefixtures("enterprise")
async def test_open_places_are_public(client: aiohttp.ClientSession) -> None:
    async with client.get("/api/v1/statistics/labour") as answer:
        found = await answer.json()
    assert (found["postings"], found["places"]) == (3, 15)
    assert {row["region"] for row in found["rows"]} == {"340828", "340826", "340722"}


async def test_a_list_of_what_is_in_demand_is_counted_edited_and_published(
    client: aiohttp.ClientSession, enterprise: Organisation
) -> None:
    person, today = await make_person(), clock.today()
    more = [live(person, enterprise, title="焊", occupation="welder", headcount=100, filled=3)]
    fraud = live(person, enterprise, title="刷单", occupation="packer", headcount=900, state=PostingState.REMOVED)
    await put_up([*more, fraud])
    editor, reviewer = await staff(client, Role.EDITOR), await staff(client, Role.REVIEWER)
    asked = {"title": "本周紧缺职业", "counted_from": f"{today - 7 * DAY}", "counted_to": f"{today}"}
    status, made, _ = await editor.ask("POST", DEMAND, asked, Idempotency_Key="once")
    assert status == 201
    assert made["entries"][0] == {"occupation": "welder", "heads": 100, "postings": 1, "filled": 3, "note": ""}
    assert made["entries"][1]["heads"] == 15
    assert (await editor.ask("POST", DEMAND, asked, Idempotency_Key="once"))[1]["id"] == made["id"]
    path = f"{DEMAND}/{made['id']}"
    kept: dict[str, Any] = {"entries": [{"occupation": "welder", "note": "持证优先"}]}
    assert await editor.status("PATCH", path, kept) == 428
    status, edited, headers = await editor.ask("PATCH", path, kept, If_Match="1")
    assert (status, headers["ETag"]) == (200, '"2"')
    assert [(one["heads"], one["note"]) for one in edited["entries"]] == [(100, "持证优先")]
    assert await editor.status("PATCH", path, kept, If_Match="1") == 412
    unknown = {"entries": [{"occupation": "welder"}, {"occupation": "welder"}, {"occupation": "pilot"}]}
    status, refused, _ = await editor.ask("PATCH", path, unknown, If_Match="2")
    assert status == 422
    assert [one["pointer"] for one in refused["errors"]] == ["/entries/1/occupation", "/entries/2/occupation"]

    async def public() -> list[Any]:
        async with client.get(f"/api/v1{DEMAND}") as answer:
            return list((await answer.json())["items"])

    assert await public() == []
    assert len((await reviewer.ask("GET", f"{DEMAND}/unpublished"))[1]["items"]) == 1
    assert await reviewer.status("POST", f"{path}/publish", If_Match="1") == 412
    assert await reviewer.status("POST", f"{path}/publish", If_Match="2") == 200
    assert await reviewer.status("POST", f"{path}/publish") == 409
    assert [one["title"] for one in await public()] == ["本周紧缺职业"]
    why = {"reason": "统计口径有误"}
    assert await editor.status("POST", f"{path}/withdraw", why) == 403
    status, back, _ = await reviewer.ask("POST", f"{path}/withdraw", why)
    assert (status, back["published_at"], await public()) == (200, None, [])
    assert (await reviewer.ask("POST", f"{path}/withdraw", why))[1]["code"] == "list_unpublished"
    entry = await AuditEntry.filter(action="occupations_in_demand.withdrawn").get()
    assert (entry.before, entry.after, entry.reason) == ("published", "unpublished", "统计口径有误")
    assert await editor.status("PATCH", path, {"title": "本周紧缺职业（更正）"}, If_Match=str(back["version"])) == 200
    assert await reviewer.status("POST", f"{path}/publish") == 200
    assert [one["title"] for one in await public()] == ["本周紧缺职业（更正）"]
    for wrong in ({**asked, "counted_to": f"{today + DAY}"}, {**asked, "counted_from": f"{today + DAY}"}):
        assert await editor.status("POST", DEMAND, wrong) == 422
    await OccupationsInDemand.all().delete()
