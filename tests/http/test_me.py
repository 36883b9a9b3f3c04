"""What a person sees and says of themselves."""

import asyncio
from typing import Any

import aiohttp
import pytest

from server.kernel.jobs.models import Job
from server.kernel.outbox import Event
from server.organisations.models import Organisation, OrganisationState
from server.organisations.roles import Kind, Role
from server.people.models import Person
from server.people.service import PHONE_TRIES
from tests.harness.app import Server
from tests.harness.people import SignedIn, make_member
from tests.harness.standin import StandIn

pytestmark = [pytest.mark.once, pytest.mark.usefixtures("database")]
PHONE = "13900004321"


async def test_a_newcomer_sees_little(client: aiohttp.ClientSession, standin: StandIn) -> None:
    mine = await SignedIn.at(client, standin, "newcomer")
    async with client.get("/api/v1/me", headers=mine.headers) as answer:
        assert answer.status == 200
        assert answer.headers["Cache-Control"] == "no-store"
        found = await answer.json()
    assert found.pop("created_at")
    assert found == {"id": mine.id, "name": None, "memberships": [], "phone": None}


async def test_a_name_is_said_shown_and_taken_back(client: aiohttp.ClientSession, standin: StandIn) -> None:
    mine = await SignedIn.at(client, standin, "named")
    status, found = await mine.ask("PATCH", "/me", {"name": " 阿依古丽 • 买买提 "})
    assert (status, found["name"]) == (200, "阿依古丽·买买提")
    assert (await SignedIn.at(client, standin, "named")).person["name"] == "阿依古丽·买买提"
    status, found = await mine.ask("PATCH", "/me", {"name": None})
    assert (status, found["name"]) == (200, None)


@pytest.mark.parametrize(
    "body",
    [{}, {"name": ""}, {"name": "王" * 51}, {"name": "x" * 5000}, {"name": "王1"}, {"name": 5}, {"name": "a\u202eb"},
     {"name": "王", "openid": "demo-admin"}, {"phone": PHONE}],
)  # fmt: skip
async def test_what_is_no_name_is_refused(client: aiohttp.ClientSession, standin: StandIn, body: Any) -> None:
    mine = await SignedIn.at(client, standin, "misnamed")
    status, found = await mine.ask("PATCH", "/me", body)
    assert status == 422
    assert found["errors"]
    assert (await mine.ask("GET", "/me"))[1]["name"] is None


async def test_a_phone_is_shown_masked_and_lies_nowhere_in_clear(
    client: aiohttp.ClientSession, standin: StandIn, server: Server
) -> None:
    for openid in ("child", "mother"):
        mine = await SignedIn.at(client, standin, openid)
        status, found = await mine.ask("POST", "/me/phone", {"code": standin.phone_code(PHONE)})
        assert (status, found["phone"]) == (200, "*******4321")
        assert (await mine.ask("GET", "/me"))[1]["phone"] == "*******4321"
    for model in (Person, Event, Job):
        assert PHONE not in str(await model.all().values())
    assert PHONE not in server.log.read_text()


async def test_used_expired_and_foreign_phone_codes_are_refused_and_tries_limited(
    client: aiohttp.ClientSession, standin: StandIn
) -> None:
    mine = await SignedIn.at(client, standin, "phones")
    used = standin.phone_code(PHONE)
    assert (await mine.ask("POST", "/me/phone", {"code": used}))[0] == 200
    codes = [used, "forged", standin.code("phones")] + ["forged"] * (PHONE_TRIES - 4)
    for code in codes:
        status, found = await mine.ask("POST", "/me/phone", {"code": code})
        assert (status, found["errors"][0]["pointer"]) == (422, "/code")
    assert (await mine.ask("POST", "/me/phone", {"code": standin.phone_code(PHONE)}))[0] == 429
    assert (await mine.ask("GET", "/me"))[1]["phone"] == "*******4321"


async def test_what_can_be_no_phone_code_uses_up_no_tries(client: aiohttp.ClientSession, standin: StandIn) -> None:
    mine = await SignedIn.at(client, standin, "misspelt")
    for code in ["", "两", "a b", "x" * 257] * PHONE_TRIES:
        status, found = await mine.ask("POST", "/me/phone", {"code": code})
        assert (status, found["errors"][0]["pointer"]) == (422, "/code")
    assert (await mine.ask("POST", "/me/phone", {"code": standin.phone_code(PHONE)}))[0] == 200


async def test_memberships_in_force_are_shown(client: aiohttp.ClientSession, standin: StandIn) -> None:
    mine = await SignedIn.at(client, standin, "clerk")
    membership = await make_member(mine.id, Kind.FEEDER_SCHOOL, Role.CLERK, "江畔中学（示例）")
    closed = await make_member(mine.id, Kind.ENTERPRISE, Role.MANAGER)
    await Organisation.filter(id=closed.organisation_id).update(state=OrganisationState.CLOSED)
    expected = [
        {
            "id": str(membership.id),
            "organisation": {
                "id": str(membership.organisation_id),
                "name": "江畔中学（示例）",
                "kind": "feeder_school",
            },
            "role": "clerk",
        }
    ]
    assert (await mine.ask("GET", "/me"))[1]["memberships"] == expected
    assert (await SignedIn.at(client, standin, "clerk")).person["memberships"] == expected


async def test_hanging_up_while_wechat_is_slow_leaves_nothing_behind(
    client: aiohttp.ClientSession, standin: StandIn
) -> None:
    mine = await SignedIn.at(client, standin, "impatient")
    standin.fault("/wxa/business/getuserphonenumber", delay_ms=300, times=1)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await mine.ask("POST", "/me/phone", {"code": standin.phone_code(PHONE)})
    assert await mine.ask("GET", "/me")
    assert (await mine.ask("POST", "/me/phone", {"code": standin.phone_code(PHONE)}))[0] == 200
