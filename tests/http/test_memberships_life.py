"""Joining over HTTP: by a code that was passed on, or by asking; and what those who left may do no longer."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from server.organisations import memberships
from server.organisations.invitations import ADDRESS_TRIES
from server.organisations.models import Membership, Organisation, OrganisationState
from server.organisations.roles import Kind, Role
from server.organisations.secretariat import secretariat
from server.people import service as people
from tests.factories import make_member, make_organisation, make_person, make_token
from tests.harness import app
from tests.harness.app import Server

pytestmark = pytest.mark.usefixtures("database")
_addresses = count(2)


@asynccontextmanager
async def elsewhere(server: Server) -> AsyncIterator[aiohttp.ClientSession]:
    """A client at an address of its own, as tries are counted by it."""
    connector = aiohttp.TCPConnector(local_addr=(f"127.0.0.{next(_addresses)}", 0))
    async with aiohttp.ClientSession(server.base, connector=connector) as session:
        yield session


async def ask(
    client: aiohttp.ClientSession, token: str, method: str, path: str, body: Any = None, **headers: str
) -> tuple[int, Any]:
    headers = {"Authorization": f"Bearer {token}", **{name.replace("_", "-"): value for name, value in headers.items()}}
    async with client.request(method, f"/api/v1{path}", json=body, headers=headers) as answer:
        return answer.status, await answer.json(content_type=None) if await answer.read() else None


async def managed(kind: Kind = Kind.ENTERPRISE) -> tuple[Membership, str]:
    """A manager's membership in an organisation of its own, and a token of theirs."""
    leading = Role.ADMIN if kind is Kind.SECRETARIAT else Role.MANAGER
    organisation = await secretariat() if kind is Kind.SECRETARIAT else await make_organisation(kind)
    manager = await make_member(organisation, leading)
    return manager, await make_token(manager.person_id)


async def invite(client: aiohttp.ClientSession, manager: Membership, token: str, **body: Any) -> dict[str, Any]:
    path = f"/organisations/{manager.organisation_id}/invitations"
    status, made = await ask(client, token, "POST", path, {"role": "clerk", **body})
    assert status == 201, made
    return dict(made)


async def newcomer() -> str:
    return await make_token((await make_person()).id)


async def test_a_colleague_is_invited_joins_is_raised_and_removed(server: Server) -> None:
    async with elsewhere(server) as client:
        manager, token = await managed()
        made = await invite(client, manager, token)
        assert set(made) == {"id", "role", "code", "expires_at"}
        colleague = await newcomer()
        status, joined = await ask(client, colleague, "POST", "/memberships", {"invitation_code": made["code"]})
        assert status == 201
        assert (joined["organisation"]["id"], joined["role"]) == (str(manager.organisation_id), "clerk")
        members, one = f"/organisations/{manager.organisation_id}/members", f"/memberships/{joined['id']}"
        assert (await ask(client, colleague, "GET", members))[0] == 403
        assert (await ask(client, token, "PATCH", one, {"role": "manager"}))[0] == 200
        status, listed = await ask(client, colleague, "GET", members)
        assert [(item["role"], item["state"]) for item in listed["items"]] == [("manager", "active")] * 2
        left_behind = await invite(client, manager, colleague, role="manager")
        assert (await ask(client, token, "DELETE", one))[0] == 204
        assert (await ask(client, colleague, "GET", members))[0] == 404
        back = {"invitation_code": left_behind["code"]}
        assert (await ask(client, colleague, "POST", "/memberships", back))[0] == 422


async def test_an_invitation_is_listed_without_its_code_and_taken_back(server: Server) -> None:
    async with elsewhere(server) as client:
        manager, token = await managed()
        made = await invite(client, manager, token, days=1)
        path = f"/organisations/{manager.organisation_id}/invitations"
        status, listed = await ask(client, token, "GET", f"{path}?limit=1")
        assert (status, listed["items"][0]["state"], listed["next_cursor"]) == (200, "open", None)
        assert made["code"] not in str(listed)
        other, other_token = await managed()
        foreign = f"/organisations/{other.organisation_id}/invitations/{made['id']}"
        assert (await ask(client, other_token, "DELETE", foreign))[0] == 404
        assert (await ask(client, token, "DELETE", f"{path}/{made['id']}"))[0] == 204
        assert (await ask(client, token, "DELETE", f"{path}/{made['id']}"))[0] == 409
        status, problem = await ask(client, await newcomer(), "POST", "/memberships", {"invitation_code": made["code"]})
        assert (status, [fault["pointer"] for fault in problem["errors"]]) == (422, ["/invitation_code"])


async def test_the_secretariats_administrator_invites_its_staff_and_no_manager_does(server: Server) -> None:
    async with elsewhere(server) as client:
        admin, token = await managed(Kind.SECRETARIAT)
        made = await invite(client, admin, token, role="finance")
        person = await newcomer()
        assert (await ask(client, person, "POST", "/memberships", {"invitation_code": made["code"]}))[0] == 201
        manager, manager_token = await managed()
        path = f"/organisations/{manager.organisation_id}/invitations"
        for role in ("admin", "finance"):
            assert (await ask(client, manager_token, "POST", path, {"role": role}))[0] == 422
        assert (await ask(client, token, "POST", path, {"role": "clerk"}))[0] == 403


@pytest.mark.parametrize("body", [{"days": 0}, {"days": 31}, {"days": "7"}, {"days": 1.5}, {"role": "boss"}, {"x": 1}])
async def test_what_no_invitation_can_be_is_named(client: aiohttp.ClientSession, body: dict[str, Any]) -> None:
    manager, token = await managed()
    path = f"/organisations/{manager.organisation_id}/invitations"
    status, problem = await ask(client, token, "POST", path, {"role": "clerk", **body})
    assert (status, [fault["pointer"] for fault in problem["errors"]]) == (422, [f"/{next(iter(body))}"])


async def test_the_same_key_invites_once_and_joins_once(server: Server) -> None:
    async with elsewhere(server) as client:
        manager, token = await managed()
        path = f"/organisations/{manager.organisation_id}/invitations"
        same = {"role": "clerk"}
        first, again = [await ask(client, token, "POST", path, same, Idempotency_Key="invite") for _ in range(2)]
        assert first == again
        person, code = await newcomer(), {"invitation_code": first[1]["code"]}
        first, again = [
            await ask(client, person, "POST", "/memberships", code, Idempotency_Key="join") for _ in range(2)
        ]
        assert (first[0], first) == (201, again)


async def test_guesses_are_counted_by_person_and_by_address(server: Server) -> None:
    manager, token = await managed()
    guess = {"invitation_code": "7Q2M9XK4TB"}
    async with elsewhere(server) as client, elsewhere(server) as other:
        right = {"invitation_code": (await invite(client, manager, token))["code"]}
        person = await newcomer()
        statuses = [(await ask(client, person, "POST", "/memberships", guess))[0] for _ in range(11)]
        assert statuses == [422] * 10 + [429]
        assert (await ask(other, person, "POST", "/memberships", right))[0] == 429
        assert (await ask(client, await newcomer(), "POST", "/memberships", right))[0] == 201
        last = (await invite(client, manager, token))["code"]
        tried = [ask(client, await newcomer(), "POST", "/memberships", guess) for _ in range(ADDRESS_TRIES - 11)]
        assert {status for status, *_ in [await one for one in tried]} == {422}
        assert (await ask(client, await newcomer(), "POST", "/memberships", {"invitation_code": last}))[0] == 429
        assert (await ask(other, await newcomer(), "POST", "/memberships", {"invitation_code": last}))[0] == 201


async def test_a_manager_grants_or_refuses_who_asks(server: Server) -> None:
    async with elsewhere(server) as client:
        manager, token = await managed(Kind.FEEDER_SCHOOL)
        asking = [await make_person() for _ in range(2)]
        await people.rename(asking[0].id, "汪晓岚")
        requests = [await memberships.request(manager.organisation_id, person.id) for person in asking]
        tokens = [await make_token(person.id) for person in asking]
        organisation = f"/organisations/{manager.organisation_id}"
        assert (await ask(client, tokens[0], "GET", organisation))[0] == 404
        assert (await ask(client, tokens[0], "GET", "/organisations"))[1]["items"] == []
        assert (await ask(client, tokens[0], "GET", "/me"))[1]["memberships"] == []
        status, listed = await ask(client, token, "GET", f"{organisation}/members")
        assert [item["state"] for item in listed["items"]] == ["active", "requested", "requested"]
        assert listed["items"][1]["person"]["name"] == "汪晓岚"
        await Organisation.filter(id=manager.organisation_id).update(state=OrganisationState.APPLIED)
        status, unchecked = await ask(client, token, "GET", f"{organisation}/members")
        assert unchecked["items"][1]["person"]["name"] == "**岚"
        await Organisation.filter(id=manager.organisation_id).update(state=OrganisationState.VERIFIED)

        own, theirs = f"/memberships/{requests[0].id}", f"/memberships/{requests[1].id}"
        assert (await ask(client, tokens[0], "POST", f"{own}/approve"))[0] == 403
        assert (await ask(client, tokens[1], "POST", f"{own}/approve"))[0] == 404
        status, granted = await ask(client, token, "POST", f"{own}/approve")
        assert (status, granted["state"], granted["role"]) == (200, "active", "clerk")
        assert granted["person"]["name"] == "汪晓岚"
        assert (await ask(client, tokens[0], "GET", organisation))[0] == 200
        assert (await ask(client, token, "POST", f"{own}/approve"))[0] == 409
        assert (await ask(client, token, "PATCH", theirs, {"role": "manager"}))[0] == 409
        assert (await ask(client, token, "DELETE", theirs))[0] == 204
        assert (await ask(client, tokens[1], "GET", organisation))[0] == 404


async def test_of_two_who_use_one_code_at_once_in_two_processes_one_joins(
    server: Server, client: aiohttp.ClientSession, settings: dict[str, str], tmp_path: Path
) -> None:
    assert client
    outcomes: Counter[tuple[int, ...]] = Counter()
    with app.running(tmp_path / "log", **settings) as second:
        async with elsewhere(server) as here, elsewhere(second) as there:
            for _ in range(8):
                manager, token = await managed()
                code = {"invitation_code": (await invite(here, manager, token))["code"]}
                both = [ask(at, await newcomer(), "POST", "/memberships", code) for at in (here, there)]
                outcomes[tuple(sorted(status for status, _ in await asyncio.gather(*both)))] += 1
    assert outcomes == {(201, 422): 8}
