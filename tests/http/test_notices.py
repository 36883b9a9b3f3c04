"""The inbox: one's own notices, the newest first, read once and for all."""

from datetime import timedelta

import aiohttp
import pytest

from server.kernel import clock
from server.kernel.ids import new_id
from server.notices.models import Notice
from tests.factories import make_notice
from tests.harness.callers import Caller, caller

pytestmark = pytest.mark.usefixtures("database")
PATH = "/notices"


async def told(who: Caller, number: int, **values: object) -> list[Notice]:
    """So many notices, the newest first."""
    now = clock.now()
    return [
        await make_notice(who.person_id, created_at=now - timedelta(minutes=place), title=f"第{place}条", **values)
        for place in range(number)
    ]


async def test_one_finds_ones_own_notices_and_what_they_lead_to(client: aiohttp.ClientSession) -> None:
    who, other = await caller(client), await caller(client)
    [one] = await told(who, 1, subject="posting:0198", text="第一行\n第二行", page="pages/posting/detail?id=0198")
    await told(other, 2)
    status, found, headers = await who.ask("GET", PATH)
    assert (status, headers["Cache-Control"]) == (200, "no-store")
    assert found == {
        "items": [
            {
                "id": str(one.id), "kind": "posting.published.owner", "subject": "posting:0198", "title": "第0条",
                "text": "第一行\n第二行", "page": "pages/posting/detail?id=0198",
                "created_at": found["items"][0]["created_at"], "read_at": None,
            }
        ],
        "next_cursor": None,
        "unread": 1,
    }  # fmt: skip


async def test_pages_and_filters(client: aiohttp.ClientSession) -> None:
    who = await caller(client)
    made = await told(who, 5)
    await Notice.filter(id=made[1].id).update(read_at=clock.now())
    first = (await who.ask("GET", f"{PATH}?limit=3"))[1]
    rest = (await who.ask("GET", f"{PATH}?limit=3&cursor={first['next_cursor']}"))[1]
    assert [one["id"] for one in first["items"] + rest["items"]] == [str(one.id) for one in made]
    assert (rest["next_cursor"], first["unread"], rest["unread"]) == (None, 4, 4)
    unread = (await who.ask("GET", f"{PATH}?unread=true"))[1]
    assert [one["id"] for one in unread["items"]] == [str(made[place].id) for place in (0, 2, 3, 4)]
    read = (await who.ask("GET", f"{PATH}?unread=false"))[1]
    assert [one["id"] for one in read["items"]] == [str(made[1].id)]
    for wrong in ("unread=perhaps", "limit=0", "cursor=nonsense", "kind=all"):
        assert await who.status("GET", f"{PATH}?{wrong}") == 422


async def test_a_notice_is_read_once_and_by_whom_it_tells(client: aiohttp.ClientSession) -> None:
    who, other = await caller(client), await caller(client)
    one, _ = await told(who, 2)
    assert await other.status("POST", f"{PATH}/{one.id}/read") == 404
    assert await other.status("POST", f"{PATH}/{new_id()}/read") == 404
    status, first, _ = await who.ask("POST", f"{PATH}/{one.id}/read")
    assert (status, first["id"]) == (200, str(one.id))
    assert first["read_at"]
    assert (await who.ask("POST", f"{PATH}/{one.id}/read"))[1] == first
    assert (await who.ask("GET", PATH))[1]["unread"] == 1


async def test_all_are_read_at_once_and_nobody_elses(client: aiohttp.ClientSession) -> None:
    who, other = await caller(client), await caller(client)
    await told(who, 4)
    await told(other, 1)
    assert (await who.ask("POST", f"{PATH}/read-all"))[:2] == (200, {"read": 4})
    assert (await who.ask("POST", f"{PATH}/read-all"))[:2] == (200, {"read": 0})
    assert (await who.ask("GET", PATH))[1]["unread"] == 0
    assert (await other.ask("GET", PATH))[1]["unread"] == 1
