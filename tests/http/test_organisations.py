"""Organisations and their members over HTTP: who sees which, and that nobody leads is never the outcome."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from server.kernel.ids import new_id
from server.organisations.models import Membership, Organisation, OrganisationState
from server.organisations.roles import Kind, Role
from server.organisations.secretariat import secretariat
from server.people import service as people
from tests.factories import make_member, make_organisation, make_person, make_token
from tests.harness import app
from tests.harness.app import Server

pytestmark = pytest.mark.usefixtures("database")
LIST = "/api/v1/organisations"


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def get(client: aiohttp.ClientSession, path: str, token: str, **query: Any) -> dict[str, Any]:
    async with client.get(path, params=query, headers=bearer(token)) as answer:
        assert answer.status == 200, await answer.text()
        assert answer.headers["Cache-Control"] == "no-store"
        found: dict[str, Any] = await answer.json()
        return found


@pytest.fixture(scope="module")
async def reviewer() -> str:
    return await make_token((await make_member(await secretariat(), Role.REVIEWER)).person_id)


async def test_everyone_sees_their_own_and_the_secretariat_sees_all(
    client: aiohttp.ClientSession, reviewer: str
) -> None:
    ours, theirs = await make_organisation(name="枫林渡中学（示例）"), await make_organisation(Kind.ENTERPRISE)
    clerk = await make_member(ours, Role.CLERK)
    await make_member(theirs, Role.MANAGER, await clerk.person)
    gone = await make_member(await make_organisation(), Role.CLERK, await clerk.person)
    await gone.update_from_dict({"ended_at": gone.created_at}).save()
    mine = await get(client, LIST, await make_token(clerk.person_id))
    assert [item["id"] for item in mine["items"]] == [str(theirs.id), str(ours.id)]
    assert {name: mine["items"][1][name] for name in ("kind", "name", "region", "state", "version")} == {
        "kind": "feeder_school",
        "name": "枫林渡中学（示例）",
        "region": None,
        "state": "verified",
        "version": 1,
    }
    nobodys = await get(client, LIST, await make_token((await make_person()).id))
    assert nobodys == {"items": [], "next_cursor": None}
    everything = await get(client, LIST, reviewer, limit=100)
    assert {item["id"] for item in everything["items"]} == {str(one.id) for one in await Organisation.all()}


async def test_filters_narrow_and_never_widen(client: aiohttp.ClientSession, reviewer: str) -> None:
    school = await make_organisation(name="百分之百_校（示例）", region="340826")
    firm = await make_organisation(
        Kind.ENTERPRISE, name="百分%厂（示例）", region="340827", state=OrganisationState.APPLIED
    )
    for query, found in (
        ({"region": "340826"}, [school]),
        ({"region": "340827", "kind": "enterprise"}, [firm]),
        ({"state": "applied"}, [firm]),
        ({"q": "百分"}, [firm, school]),
        ({"q": "分%"}, [firm]),
        ({"q": "百_校"}, [school]),
        ({"q": "百分", "kind": "authority"}, []),
    ):
        items = (await get(client, LIST, reviewer, **query))["items"]
        assert [item["id"] for item in items] == [str(one.id) for one in found], query
    stranger = await make_token((await make_person()).id)
    assert (await get(client, LIST, stranger, q="百分"))["items"] == []


@pytest.mark.parametrize("query", ["kind=x", "state=x", "region=34", "region=３４０８２６", "q=", "q=%00", "sort=name"])
async def test_a_filter_that_is_none_is_named(client: aiohttp.ClientSession, reviewer: str, query: str) -> None:
    async with client.get(f"{LIST}?{query}", headers=bearer(reviewer)) as answer:
        assert answer.status == 422
        found = await answer.json(content_type=None)
    assert [fault["pointer"] for fault in found["errors"]] == [f"?{query.partition('=')[0]}"]


async def test_pages_follow_each_other_without_gap_or_repetition(client: aiohttp.ClientSession, reviewer: str) -> None:
    wanted = [str((await make_organisation(Kind.AUTHORITY)).id) for _ in range(7)][::-1]
    found, cursor = [], None
    for _ in range(4):
        page = await get(client, LIST, reviewer, kind="authority", limit=2, **({"cursor": cursor} if cursor else {}))
        found += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
    assert (found, cursor) == (wanted, None)


async def test_members_are_listed_under_their_names_without_their_phones(client: aiohttp.ClientSession) -> None:
    organisation = await make_organisation()
    manager = await make_member(organisation, Role.MANAGER)
    clerks = [await make_member(organisation, Role.CLERK) for _ in range(3)]
    await people.rename(manager.person_id, "程守正")
    ended = await make_member(organisation, Role.CLERK)
    await ended.update_from_dict({"ended_at": ended.created_at}).save()
    path, token = f"{LIST}/{organisation.id}/members", await make_token(manager.person_id)
    first = await get(client, path, token, limit=3)
    assert set(first["items"][0]) == {"id", "role", "state", "created_at", "person"}
    assert first["items"][0]["person"] == {"id": str(manager.person_id), "name": "程守正"}
    rest = await get(client, path, token, limit=3, cursor=first["next_cursor"])
    ids = [item["id"] for item in first["items"] + rest["items"]]
    assert ids == [str(one.id) for one in (manager, *clerks)]
    assert rest["items"][0]["person"]["name"] is None


async def test_the_secretariat_sees_members_masked_but_its_own(client: aiohttp.ClientSession) -> None:
    organisation, office = await make_organisation(), await secretariat()
    manager, reviewer = await make_member(organisation, Role.MANAGER), await make_member(office, Role.REVIEWER)
    admin = await make_member(office, Role.ADMIN)
    for member, name in ((manager, "程守正"), (reviewer, "汪晓岚")):
        await people.rename(member.person_id, name)
    tokens = {one: await make_token(one.person_id) for one in (reviewer, admin)}
    for token in tokens.values():
        page = await get(client, f"{LIST}/{organisation.id}/members", token)
        assert [one["person"]["name"] for one in page["items"]] == ["**正"]
        page = await get(client, f"{LIST}/{office.id}/members", token, limit=100)
        assert "汪晓岚" in [one["person"]["name"] for one in page["items"]]


@pytest.mark.parametrize(
    ("body", "pointer"), [({"role": "admin"}, "/role"), ({"role": "boss"}, "/role"), ({}, "/role"), ([], "")]
)
async def test_a_role_that_does_not_fit_is_named(client: aiohttp.ClientSession, body: Any, pointer: str) -> None:
    organisation = await make_organisation()
    manager, clerk = [await make_member(organisation, role) for role in (Role.MANAGER, Role.CLERK)]
    headers = bearer(await make_token(manager.person_id))
    async with client.patch(f"/api/v1/memberships/{clerk.id}", json=body, headers=headers) as answer:
        assert answer.status == 422
        assert [fault["pointer"] for fault in (await answer.json(content_type=None))["errors"]] == [pointer]


async def test_the_last_manager_stays_until_replaced(client: aiohttp.ClientSession) -> None:
    organisation = await make_organisation()
    manager, clerk = [await make_member(organisation, role) for role in (Role.MANAGER, Role.CLERK)]
    headers, path = bearer(await make_token(manager.person_id)), "/api/v1/memberships"
    async with client.delete(f"{path}/{manager.id}", headers=headers) as answer:
        assert (answer.status, (await answer.json(content_type=None))["code"]) == (409, "last_lead")
    async with client.patch(f"{path}/{clerk.id}", json={"role": "manager"}, headers=headers) as answer:
        assert (await answer.json())["role"] == "manager"
    async with client.delete(f"{path}/{manager.id}", headers=headers) as answer:
        assert answer.status == 204
    async with client.delete(f"{path}/{manager.id}", headers=headers) as answer:
        assert answer.status == 404


@pytest.fixture
async def two_clients(
    server: Server, client: aiohttp.ClientSession, settings: dict[str, str], tmp_path: Path
) -> AsyncIterator[list[aiohttp.ClientSession]]:
    """The module's server and another one on the same database."""
    assert server.process
    with app.running(tmp_path / "log", **settings) as second:
        async with aiohttp.ClientSession(second.base) as other:
            yield [client, other]


async def test_of_two_last_managers_who_leave_at_once_in_two_processes_one_stays(
    two_clients: list[aiohttp.ClientSession],
) -> None:
    async def leave(client: aiohttp.ClientSession, membership: Membership) -> int:
        headers = bearer(await make_token(membership.person_id))
        async with client.delete(f"/api/v1/memberships/{membership.id}", headers=headers) as answer:
            return answer.status

    outcomes: Counter[tuple[int, ...]] = Counter()
    for _ in range(10):
        organisation = await make_organisation()
        both = [await make_member(organisation, Role.MANAGER) for _ in range(2)]
        statuses = await asyncio.gather(*(leave(*pair) for pair in zip(two_clients, both, strict=True)))
        outcomes[tuple(sorted(statuses))] += 1
        assert await Membership.filter(organisation=organisation, ended_at=None).count() == 1
    assert outcomes == {(204, 409): 10}


async def test_an_unknown_organisation_is_404_also_for_the_secretariat(
    client: aiohttp.ClientSession, reviewer: str
) -> None:
    for path in (f"{LIST}/{new_id()}", f"{LIST}/{new_id()}/members"):
        async with client.get(path, headers=bearer(reviewer)) as answer:
            assert (answer.status, (await answer.json(content_type=None))["code"]) == (404, "not_found")
