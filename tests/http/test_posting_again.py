"""Postings that come again: changes asked anew, copies of another's, twins by a change; and cursors nobody gave out."""

import base64

import aiohttp
import orjson
import pytest

from server.labour import sweeps
from server.organisations.models import Organisation, OrganisationState
from server.organisations.roles import Kind, Role
from tests.factories import make_organisation
from tests.harness.callers import Caller, member
from tests.labour.posting import decided, published, vacancy

pytestmark = pytest.mark.usefixtures("database")
INTERNSHIP = {"kind": "internship", "insurance": "实习责任险", "age_min": 16}
TWIN = ("title", "address", "description", "pay_fen")


@pytest.fixture
async def poster(client: aiohttp.ClientSession) -> Caller:
    return await member(client, await make_organisation(Kind.ENTERPRISE), Role.MANAGER)


async def test_a_change_that_was_returned_waits_anew_when_it_is_asked_again(poster: Caller, reviewer: Caller) -> None:
    path = f"/postings/{(live := await published(poster, reviewer))['id']}"
    await poster.ask("PATCH", path, {"pay_fen": 2600}, If_Match="*")
    await decided(reviewer, live["id"], "return", {"field": "pay_fen", "text": "请附说明"})
    _, again, _ = await poster.ask("PATCH", path, {"pay_fen": 2600}, If_Match="*")
    assert (again["pending_revision"]["refused"], again["submitted_at"] is None) == (False, False)
    assert (await decided(reviewer, live["id"], "publish"))["pay_fen"] == 2600


async def test_no_intermediary_posts_an_internship_by_a_copy(client: aiohttp.ClientSession, reviewer: Caller) -> None:
    firm, agency = await make_organisation(Kind.ENTERPRISE), await make_organisation(Kind.AGENCY)
    live = await published(await member(client, firm, Role.MANAGER), reviewer, **INTERNSHIP)
    await Organisation.filter(id=firm.id).update(state=OrganisationState.CLOSED, successor_id=agency.id)
    await sweeps.watch()
    heir = await member(client, agency, Role.MANAGER)
    _, copied, _ = await heir.ask("POST", f"/postings/{live['id']}/copy")
    path, until = f"/postings/{copied['id']}", {"valid_until": vacancy()["valid_until"]}
    assert await heir.status("PATCH", path, until, If_Match="*") == 200
    status, problem, _ = await heir.ask("POST", f"{path}/submit")
    assert (status, [one["pointer"] for one in problem["errors"]]) == (422, ["/kind"])


async def test_a_change_that_makes_twins_is_flagged(poster: Caller, reviewer: Caller) -> None:
    first = await published(poster, reviewer)
    said = {"title": "食堂帮厨", "address": "示例路2号", "description": "在食堂洗菜打饭，有休息室。", "pay_fen": 2900}
    other = await published(poster, reviewer, **said)
    assert other["similar_to_id"] is None
    change = {name: vacancy()[name] for name in TWIN}
    _, asked, _ = await poster.ask("PATCH", f"/postings/{other['id']}", change, If_Match="*")
    assert asked["similar_to_id"] == first["id"]


@pytest.mark.parametrize("sort", ["pay", "distance"])
@pytest.mark.parametrize("value", [1 << 31, 10**12, 10**30])
async def test_a_cursor_with_a_number_no_column_has_is_refused(
    client: aiohttp.ClientSession, sort: str, value: int
) -> None:
    said = orjson.dumps([sort, str(value), "01890000-0000-7000-8000-000000000000"])
    query = {"sort": sort, "near": "30.5,117", "cursor": base64.urlsafe_b64encode(said).decode().rstrip("=")}
    async with client.get("/api/v1/postings", params=query) as answer:
        assert answer.status == 422, await answer.text()
