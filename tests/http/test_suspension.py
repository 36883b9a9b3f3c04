"""Suspension and sign-out act at the next request here, and within a second in other processes."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import pytest

from server.kernel.audit import AuditEntry
from server.kernel.ids import new_id
from server.kernel.outbox import Event
from server.organisations.models import Membership
from server.organisations.roles import Kind, Role
from server.people.models import Person
from tests.harness import app
from tests.harness.people import SignedIn, make_member
from tests.harness.standin import StandIn
from tests.harness.waiting import allowed

pytestmark = pytest.mark.usefixtures("database")
REASON = {"reason": "多次冒用他人身份"}


@pytest.fixture(scope="module")
async def second(
    database_url: str, standin: StandIn, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[aiohttp.ClientSession]:
    """A client of another process on the same database."""
    directory = tmp_path_factory.mktemp("second")
    settings = {"YZT_DATABASE_URL": database_url, "YZT_DATA_DIR": str(directory), "YZT_WECHAT_URL": standin.base}
    with app.running(directory / "log", **settings) as server:
        async with aiohttp.ClientSession(server.base) as client:
            yield client


async def staff(client: aiohttp.ClientSession, standin: StandIn, role: Role) -> SignedIn:
    found = await SignedIn.at(client, standin, f"staff-{role}")
    if not await Membership.filter(person_id=found.id).exists():
        await make_member(found.id, Kind.SECRETARIAT, role, "集团秘书处")
    return found


async def seconds_until(status: int, ask: Callable[[], Awaitable[int]]) -> float:
    began = time.monotonic()
    while await ask() != status:
        assert time.monotonic() - began < allowed(5)
        await asyncio.sleep(0.01)
    return time.monotonic() - began


async def test_a_suspension_acts_at_once_here_and_within_a_second_there(
    client: aiohttp.ClientSession, second: aiohttp.ClientSession, standin: StandIn
) -> None:
    admin = await staff(client, standin, Role.ADMIN)
    for number in range(3):
        suspect = await SignedIn.at(client, standin, f"suspect-{number}")
        assert [await suspect.status(), await suspect.status(second)] == [200, 200]
        status, found = await admin.ask("POST", f"/people/{suspect.id}/suspend", REASON)
        assert (status, found["state"], found["id"]) == (200, "suspended", suspect.id)
        assert await suspect.status() == 401
        assert await seconds_until(401, lambda who=suspect: who.status(second)) < allowed(1)  # type: ignore[misc]
        for server in (client, second):
            async with server.post("/api/v1/sessions", json={"code": standin.code(f"suspect-{number}")}) as answer:
                assert answer.status == 403
                assert (await answer.json(content_type=None))["code"] == "person_suspended"
            async with server.post("/api/v1/sessions/refresh", json={"refresh_token": suspect.refresh}) as answer:
                assert answer.status == 401
        status, found = await admin.ask("POST", f"/people/{suspect.id}/restore", REASON)
        assert (status, found["state"]) == (200, "active")
        assert await suspect.status() == 401
        assert await (await SignedIn.at(second, standin, f"suspect-{number}")).status() == 200
        noted = await AuditEntry.filter(subject=f"person:{suspect.id}").order_by("id").values_list("after", "reason")
        assert noted == [("suspended", REASON["reason"]), ("active", REASON["reason"])]
        assert await Event.filter(name="person.suspended", subject=f"person:{suspect.id}").count() == 1


@pytest.mark.parametrize("path", ["/sessions/current", "/sessions"])
async def test_a_sign_out_acts_within_a_second_there(
    client: aiohttp.ClientSession, second: aiohttp.ClientSession, standin: StandIn, path: str
) -> None:
    leaver = await SignedIn.at(client, standin, "leaver")
    assert await leaver.status(second) == 200
    assert (await leaver.ask("DELETE", path))[0] == 204
    assert await leaver.status() == 401
    assert await seconds_until(401, lambda: leaver.status(second)) < allowed(1)


async def test_a_stolen_refresh_token_ends_the_family_within_a_second_there(
    client: aiohttp.ClientSession, second: aiohttp.ClientSession, standin: StandIn
) -> None:
    victim = await SignedIn.at(client, standin, "victim")
    assert await victim.status(second) == 200
    for server, expected in ((client, 200), (second, 401)):
        async with server.post("/api/v1/sessions/refresh", json={"refresh_token": victim.refresh}) as answer:
            assert answer.status == expected
    assert await victim.status(second) == 401
    assert await seconds_until(401, victim.status) < allowed(1)


async def test_one_refresh_token_raced_in_two_processes_has_one_winner_at_most_a_session(
    client: aiohttp.ClientSession, second: aiohttp.ClientSession, standin: StandIn
) -> None:
    for number in range(5):
        racer = await SignedIn.at(client, standin, f"everywhere-{number}")

        async def try_at(server: aiohttp.ClientSession, token: str = racer.refresh) -> int:
            async with server.post("/api/v1/sessions/refresh", json={"refresh_token": token}) as answer:
                return answer.status

        statuses = await asyncio.gather(*(try_at(server) for server in (client, second) * 10))
        assert sorted(statuses) == [200] + [401] * 19


async def test_who_may_not_suspend_whom(client: aiohttp.ClientSession, standin: StandIn) -> None:
    admin, reviewer = [await staff(client, standin, role) for role in (Role.ADMIN, Role.REVIEWER)]
    editor = await staff(client, standin, Role.EDITOR)
    student = await SignedIn.at(client, standin, "student")
    refusals: list[tuple[SignedIn, str, Any, int, str]] = [
        (admin, admin.id, REASON, 403, "not_over_yourself"),
        (reviewer, admin.id, REASON, 403, "not_yours_to_do"),
        (reviewer, editor.id, REASON, 403, "not_yours_to_do"),
        (editor, student.id, REASON, 403, "not_yours_to_do"),
        (student, editor.id, REASON, 403, "not_yours_to_do"),
        (admin, str(new_id()), REASON, 404, "not_found"),
        (admin, "nobody", REASON, 404, "no_such_route"),
        (admin, student.id, {"reason": "  "}, 422, "invalid"),
        (admin, student.id, {"reason": "长" * 501}, 422, "invalid"),
        (admin, student.id, {}, 422, "invalid"),
    ]
    for who, whom, body, status, code in refusals:
        found, problem = await who.ask("POST", f"/people/{whom}/suspend", body)
        assert (found, problem["code"]) == (status, code), (whom, body)
    assert (await admin.ask("POST", f"/people/{student.id}/restore", REASON))[0] == 409
    assert await student.status() == 200
    assert (await reviewer.ask("POST", f"/people/{student.id}/suspend", REASON))[0] == 200
    assert (await admin.ask("POST", f"/people/{student.id}/suspend", REASON))[0] == 409
    assert (await reviewer.ask("POST", f"/people/{student.id}/restore", REASON))[0] == 200


async def test_staff_see_a_suspended_persons_name_masked(client: aiohttp.ClientSession, standin: StandIn) -> None:
    admin, named = await staff(client, standin, Role.ADMIN), await SignedIn.at(client, standin, "named-suspect")
    await named.ask("PATCH", "/me", {"name": "王小明"})
    found = (await admin.ask("POST", f"/people/{named.id}/suspend", REASON))[1]
    assert found["name"] == "**明"


async def test_a_suspension_sent_twice_with_one_key_is_one(client: aiohttp.ClientSession, standin: StandIn) -> None:
    admin, suspect = await staff(client, standin, Role.ADMIN), await SignedIn.at(client, standin, "twice")
    headers = {**admin.headers, "Idempotency-Key": "suspend-twice"}
    bodies = []
    for _ in range(2):
        path = f"/api/v1/people/{suspect.id}/suspend"
        async with client.post(path, json=REASON, headers=headers) as answer:
            assert answer.status == 200
            bodies.append(await answer.read())
    assert bodies[0] == bodies[1]
    assert await AuditEntry.filter(subject=f"person:{suspect.id}").count() == 1
    assert (await Person.get(id=suspect.id)).state.value == "suspended"
    assert await suspect.status() == 401
    assert (await admin.ask("POST", f"/people/{suspect.id}/restore", REASON))[0] == 200
    async with client.post(path, json=REASON, headers=headers) as answer:
        assert (answer.status, await answer.read()) == (200, bodies[0])
