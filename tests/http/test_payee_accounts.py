"""Payee accounts over HTTP: who names, who confirms, and that nobody sees a whole number."""

from typing import Any
from uuid import UUID

import aiohttp
import pytest

from server.organisations.models import Membership, Organisation
from server.organisations.roles import Kind, Role
from server.organisations.secretariat import secretariat
from tests.factories import make_member, make_organisation, make_person, make_token
from tests.harness.app import Server

pytestmark = pytest.mark.usefixtures("database")
NUMBER = "340800887766554433"
ACCOUNT = {"basis": "own_account", "holder": "江畔中学（示例）", "bank": "宜城农商银行（示例）", "number": NUMBER}


class Caller:
    """Someone who calls the routes of one organisation's account."""

    def __init__(self, client: aiohttp.ClientSession, person_id: UUID, token: str) -> None:
        self.client, self.person_id, self.token = client, person_id, token

    async def ask(self, method: str, organisation: Organisation, more: str = "", body: Any = None) -> tuple[int, Any]:
        path = f"/api/v1/organisations/{organisation.id}/payee-account{more}"
        headers = {"Authorization": f"Bearer {self.token}"}
        async with self.client.request(method, path, json=body, headers=headers) as answer:
            return answer.status, await answer.json(content_type=None)


async def caller(client: aiohttp.ClientSession, membership: Membership) -> Caller:
    return Caller(client, membership.person_id, await make_token(membership.person_id))


async def school(client: aiohttp.ClientSession, kind: Kind = Kind.FEEDER_SCHOOL) -> tuple[Organisation, Caller]:
    organisation = await make_organisation(kind)
    return organisation, await caller(client, await make_member(organisation, Role.MANAGER))


@pytest.fixture
async def finance(client: aiohttp.ClientSession) -> Caller:
    return await caller(client, await make_member(await secretariat(), Role.FINANCE))


@pytest.mark.parametrize("kind", [Kind.FEEDER_SCHOOL, Kind.VOCATIONAL_SCHOOL, Kind.ENTERPRISE])
async def test_one_names_and_another_confirms(client: aiohttp.ClientSession, finance: Caller, kind: Kind) -> None:
    organisation, manager = await school(client, kind)
    status, named = await manager.ask("PUT", organisation, body=ACCOUNT)
    assert (status, named["state"], named["number"], named["also_used_by"]) == (200, "pending", "*" * 14 + "4433", None)
    assert (await manager.ask("GET", organisation))[1] == {"current": None, "pending": named}
    status, seen = await finance.ask("GET", organisation)
    assert isinstance(seen["pending"]["also_used_by"], int)
    status, confirmed = await finance.ask("POST", organisation, "/confirm")
    assert (status, confirmed["state"], confirmed["decided_by"]) == (200, "confirmed", str(finance.person_id))
    status, found = await manager.ask("GET", organisation)
    assert (found["current"]["id"], found["pending"]) == (named["id"], None)
    assert (await finance.ask("POST", organisation, "/confirm", {}))[0] == 409

    other = ACCOUNT | {"number": "6217 0000 1234 5678"}
    assert (await manager.ask("PUT", organisation, body=other))[0] == 200
    body = {"reason": "账号与户名不符"}
    assert (await finance.ask("POST", organisation, "/refuse", body))[1]["reason"] == "账号与户名不符"
    status, past = await manager.ask("GET", organisation, "/history?limit=1")
    assert [item["state"] for item in past["items"]] == ["refused"]
    status, past = await manager.ask("GET", organisation, f"/history?cursor={past['next_cursor']}")
    assert ([item["state"] for item in past["items"]], past["next_cursor"]) == (["confirmed"], None)


async def test_a_number_at_two_schools_is_flagged_to_finance_alone(
    client: aiohttp.ClientSession, finance: Caller
) -> None:
    agent = ACCOUNT | {"basis": "agent_holder", "agent_reason": "县直学校统一核算", "number": "11223344556677"}
    schools = [await school(client) for _ in range(2)]
    for organisation, manager in schools:
        assert (await manager.ask("PUT", organisation, body=agent))[1]["also_used_by"] is None
    for organisation, _ in schools:
        assert (await finance.ask("GET", organisation))[1]["pending"]["also_used_by"] == 1


async def test_finance_who_belongs_to_the_school_does_not_confirm(client: aiohttp.ClientSession) -> None:
    organisation, manager = await school(client)
    both = await make_person()
    await make_member(organisation, Role.CLERK, both)
    finance = await caller(client, await make_member(await secretariat(), Role.FINANCE, both))
    assert (await manager.ask("PUT", organisation, body=ACCOUNT))[0] == 200
    for more, body in (("/confirm", None), ("/refuse", {"reason": "不符"})):
        status, problem = await finance.ask("POST", organisation, more, body)
        assert (status, problem["code"]) == (403, "decides_for_own")
    assert (await manager.ask("POST", organisation, "/confirm"))[0] == 403


async def test_what_was_not_seen_is_not_confirmed(client: aiohttp.ClientSession, finance: Caller) -> None:
    organisation, manager = await school(client)
    _, seen = await manager.ask("PUT", organisation, body=ACCOUNT)
    await manager.ask("PUT", organisation, body=ACCOUNT | {"number": "99887766554433"})
    status, problem = await finance.ask("POST", organisation, "/confirm", {"account": seen["id"]})
    assert (status, problem["code"]) == (409, "account_changed")


async def test_an_agency_is_never_paid(client: aiohttp.ClientSession) -> None:
    organisation, manager = await school(client, Kind.AGENCY)
    status, problem = await manager.ask("PUT", organisation, body=ACCOUNT)
    assert (status, problem["code"]) == (409, "never_paid")
    assert (await manager.ask("GET", organisation))[1] == {"current": None, "pending": None}


@pytest.mark.parametrize(
    ("change", "pointers"),
    [
        ({"number": "1234567"}, {"/number"}),
        ({"number": 12345678}, {"/number"}),
        ({"basis": "agent_holder"}, {"/agent_reason"}),
        ({"basis": "mine", "holder": "", "bank": "x\u0007"}, {"/basis", "/holder", "/bank"}),
        ({"holder": " ", "bank": "x" * 101, "state": "confirmed"}, {"/holder", "/bank", "/state"}),
    ],
)
async def test_every_field_at_fault_is_named_and_no_number_repeated(
    client: aiohttp.ClientSession, change: dict[str, Any], pointers: set[str]
) -> None:
    organisation, manager = await school(client)
    status, problem = await manager.ask("PUT", organisation, body=ACCOUNT | change)
    assert (status, {fault["pointer"] for fault in problem["errors"]}) == (422, pointers)
    assert NUMBER not in str(problem)
    assert "1234567" not in str(problem)


async def test_no_number_lies_in_the_log(client: aiohttp.ClientSession, server: Server, finance: Caller) -> None:
    organisation, manager = await school(client)
    await manager.ask("PUT", organisation, body=ACCOUNT | {"number": "55443322110099887"})
    await finance.ask("POST", organisation, "/confirm", {"reason": "一致"})
    assert "55443322110099887" not in server.log.read_text()
