"""Matches and what came of the demand, over HTTP."""

from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from tortoise.backends.base.client import BaseDBAsyncClient

from server.engagements.models import Engagement, EngagementState, SavedSearch
from server.kernel import clock
from server.labour.models import Posting, PostingState, Side, Supplier
from server.organisations.models import Organisation
from server.organisations.roles import Kind, Role
from tests.factories import make_organisation, make_person
from tests.harness.callers import caller, member, staff
from tests.labour.board import live, put_up

pytestmark = pytest.mark.usefixtures("database")
Board = tuple[Organisation, list[Posting]]


@pytest.fixture(scope="module")
async def board(database: BaseDBAsyncClient) -> Board:
    """A demand of an enterprise, two offers, a draft; somebody keeps a search that the demand answers."""
    assert database
    made, person, now = await make_organisation(Kind.ENTERPRISE), await make_person(), clock.now()
    words: dict[str, Any] = {"occupation": "tea-picker", "region": "340828"}
    offer = {"side": Side.SUPPLY, "supplier": Supplier.STUDENT, "headcount": 1, **words}
    postings = [
        live(person, made, title="采茶", filled_at=now + timedelta(days=3), filled=2, **words),
        live(await make_person(), None, **{**offer, "title": "邻县", "region": "340826"}),
        live(await make_person(), None, **{**offer, "title": "本县"}),
        live(person, made, title="草稿", state=PostingState.DRAFT, published_at=None, **words),
    ]
    await put_up(postings)
    await SavedSearch.create(
        person=person, side=Side.DEMAND, region="340800", wanted={"side": "demand", "region": "340800"},
        told_until=now, created_at=now,
    )  # fmt: skip
    return made, postings


async def test_a_poster_sees_whom_a_demand_suits_and_why(client: aiohttp.ClientSession, board: Board) -> None:
    enterprise, (demand, away, here, draft) = board
    clerk = await member(client, enterprise, Role.CLERK)
    status, found, _ = await clerk.ask("GET", f"/postings/{demand.id}/matches")
    assert status == 200
    assert [(one["posting"]["id"], one["score"]) for one in found["items"]] == [(str(here.id), 100), (str(away.id), 87)]
    assert found["items"][0]["reasons"][:2] == ["岗位相同：采茶", "同在岳西县"]
    assert found["items"][0]["posting"]["organisation"] is None
    assert found["searches_answered"] == 1
    _, least, _ = await clerk.ask("GET", f"/postings/{demand.id}/matches?limit=1")
    assert least["items"] == found["items"][:1]
    for query in ("limit=51", "limit=0", "cursor=x"):
        assert await clerk.status("GET", f"/postings/{demand.id}/matches?{query}") == 422
    assert await clerk.status("GET", f"/postings/{draft.id}/matches") == 409
    assert await clerk.status("GET", f"/postings/{here.id}/matches") == 404


async def test_matches_are_for_the_poster_and_staff(client: aiohttp.ClientSession, board: Board) -> None:
    _, (demand, *_) = board
    path = f"/postings/{demand.id}/matches"
    assert await (await staff(client, Role.REVIEWER)).status("GET", path) == 200
    assert await (await caller(client)).status("GET", path) == 404
    other = await member(client, await make_organisation(Kind.ENTERPRISE), Role.CLERK)
    assert await other.status("GET", path) == 404
    async with client.get(f"/api/v1{path}") as answer:
        assert answer.status == 401


async def test_anyone_reads_what_came_of_the_demand_but_not_of_few(client: aiohttp.ClientSession, board: Board) -> None:
    _, (demand, *_) = board
    person, now = await make_person(), clock.now()
    await Engagement.create(
        posting_id=demand.id, person=person, state=EngagementState.COMPLETED, state_since=now, created_at=now, size=2,
        accepted_at=now, completed_at=now, paid_at=now, completed_by={}, paid_by={},
    )  # fmt: skip
    async with client.get("/api/v1/statistics/labour") as answer:
        assert answer.status == 200
        found = (await answer.json())["outcomes"]
    told = {
        "name": None, "postings": 1, "places": 5, "filled": 2, "median_days_to_fill": 3.0, "completed": None,
        "paid": None,
    }  # fmt: skip
    assert found["total"] == told
    assert found["by_region"] == found["by_occupation"] == found["by_month"] == [told]
