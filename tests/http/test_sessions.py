"""Signing in, staying signed in and signing out, against a real server and WeChat's stand-in."""

import asyncio
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from server.kernel import clock
from server.kernel.transactions import transaction
from server.people.models import Person, RefreshToken, Session
from server.people.sessions import OPENID_TRIES
from tests.harness import app
from tests.harness.keys import TOKENS
from tests.harness.people import SESSIONS, SignedIn
from tests.harness.standin import StandIn
from tests.harness.waiting import allowed

pytestmark = pytest.mark.usefixtures("database")
REFRESH = f"{SESSIONS}/refresh"


async def refresh(client: aiohttp.ClientSession, token: str) -> tuple[int, dict[str, Any]]:
    async with client.post(REFRESH, json={"refresh_token": token}) as answer:
        return answer.status, await answer.json(content_type=None)


async def sign_in(client: aiohttp.ClientSession, code: str) -> tuple[int, dict[str, Any]]:
    async with client.post(SESSIONS, json={"code": code}) as answer:
        return answer.status, await answer.json(content_type=None)


async def test_a_code_becomes_a_session_and_a_person(client: aiohttp.ClientSession, standin: StandIn) -> None:
    async with client.post(SESSIONS, json={"code": standin.code("first-comer")}) as answer:
        assert answer.status == 201
        assert answer.headers["Cache-Control"] == "no-store"
        found = await answer.json()
    assert set(found) == {"access_token", "expires_in", "refresh_token", "person", "is_new"}
    person = await Person.get(openid="first-comer")
    assert found["person"] == {"id": str(person.id), "name": None, "memberships": []}
    assert (found["expires_in"], found["is_new"]) == (900, True)
    assert "first-comer" not in str(found)
    again = await SignedIn.at(client, standin, "first-comer")
    assert (again.is_new, again.id) == (False, str(person.id))
    assert await again.status() == 200


async def test_simultaneous_first_sign_ins_are_one_person_who_is_new_once(
    client: aiohttp.ClientSession, standin: StandIn
) -> None:
    all_of_them = await asyncio.gather(*(SignedIn.at(client, standin, "two-phones") for _ in range(6)))
    assert len({one.id for one in all_of_them}) == 1
    assert [one.is_new for one in all_of_them].count(True) == 1
    assert [await one.status() for one in all_of_them] == [200] * 6


async def test_used_expired_forged_and_phone_codes_are_refused(client: aiohttp.ClientSession, standin: StandIn) -> None:
    used = standin.code("used")
    assert (await sign_in(client, used))[0] == 201
    for code in (used, "forged", standin.phone_code("13800000000"), "x" * 256, "' --", "\u4e2d"):
        status, problem = await sign_in(client, code)
        assert status == 422, code
        assert [error["pointer"] for error in problem["errors"]] == ["/code"]
        assert problem["errors"][0]["detail"].startswith("微信凭证：")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (SESSIONS, {}),
        (SESSIONS, {"code": ""}),
        (SESSIONS, {"code": 1}),
        (SESSIONS, {"code": "x" * 257}),
        (SESSIONS, {"code": "x", "openid": "demo-admin"}),
        (REFRESH, {}),
        (REFRESH, {"refresh_token": None}),
        (REFRESH, {"refresh_token": "x" * 257}),
    ],
)
async def test_a_body_that_is_none_of_ours_is_told_field_by_field(
    client: aiohttp.ClientSession, path: str, body: Any
) -> None:
    async with client.post(path, json=body) as answer:
        assert answer.status == 422
        assert len((await answer.json(content_type=None))["errors"]) >= 1


@pytest.mark.parametrize(
    ("fault", "status"),
    [({"errcode": 40226}, 403), ({"drop": True}, 503), ({"html": True}, 503), ({"status": 502}, 503)],
)
async def test_wechat_blocking_someone_or_being_away_is_said(
    client: aiohttp.ClientSession, standin: StandIn, fault: dict[str, Any], status: int
) -> None:
    code = standin.code("blocked")
    standin.fault("/sns/jscode2session", **fault)
    found, problem = await sign_in(client, code)
    standin.reset()
    assert found == status
    assert problem["code"] != "internal"
    assert not await Person.filter(openid="blocked").exists()


async def open_lines(client: aiohttp.ClientSession, number: int) -> None:
    """Open so many connections beforehand: a request that had to wait for one would come after the race."""
    for answer in await asyncio.gather(*(client.get("/health/live") for _ in range(number))):
        await answer.read()


@transaction
async def race(client: aiohttp.ClientSession, signed_in: SignedIn, number: int) -> list[asyncio.Task[Any]]:
    """Show one token so often at a time: nobody can win while its row is held here, until all have come."""
    await RefreshToken.filter(session__person_id=signed_in.id).select_for_update()
    racing = [asyncio.create_task(refresh(client, signed_in.refresh)) for _ in range(number)]
    await asyncio.sleep(0.1)
    await open_lines(client, 2)  # whoever answers these has read what was sent before them
    return racing


async def test_of_twenty_simultaneous_refreshes_one_wins_and_later_reuse_ends_the_family_at_once(
    client: aiohttp.ClientSession, standin: StandIn
) -> None:
    for number in range(5):
        signed_in = await SignedIn.at(client, standin, f"racer-{number}")
        await open_lines(client, 20)
        answers = await asyncio.gather(*await race(client, signed_in, 20))
        won = [found for status, found in answers if status == 200]
        assert sorted(status for status, _ in answers) == [200] + [401] * 19
        winner = SignedIn(client, won[0]["access_token"], won[0]["refresh_token"], won[0]["person"], won[0]["is_new"])
        assert (winner.is_new, winner.id) == (False, signed_in.id)
        assert [await winner.status(), await signed_in.status()] == [200, 200]
        status, next_one = await refresh(client, winner.refresh)
        assert status == 200
        assert (await refresh(client, signed_in.refresh))[0] == 401
        assert [await winner.status(), await signed_in.status()] == [401, 401]
        assert (await refresh(client, next_one["refresh_token"]))[0] == 401


async def test_reuse_of_a_token_right_after_the_race_ends_the_family(
    client: aiohttp.ClientSession, standin: StandIn
) -> None:
    signed_in = await SignedIn.at(client, standin, "right-after")
    answers = await asyncio.gather(*(refresh(client, signed_in.refresh) for _ in range(5)))
    assert (await refresh(client, signed_in.refresh))[0] == 401
    [won] = [found for status, found in answers if status == 200]
    assert (await refresh(client, won["refresh_token"]))[0] == 401
    assert await signed_in.status() == 401


async def test_clients_that_hang_up_while_refreshing_break_nothing(
    client: aiohttp.ClientSession, standin: StandIn
) -> None:
    people = [await SignedIn.at(client, standin, f"hanging-{number}") for number in range(20)]

    async def hang_up(signed_in: SignedIn, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds), aiohttp.ClientSession(client._base_url) as own:  # noqa: SLF001
                await refresh(own, signed_in.refresh)
        except TimeoutError:
            pass

    await asyncio.gather(*(hang_up(one, 0.001 + number / 2000) for number, one in enumerate(people)))
    for one in people:
        began = time.monotonic()
        assert (await refresh(client, one.refresh))[0] in {200, 401}
        assert (await SignedIn.at(client, standin, f"again-{one.id}")).is_new
        assert time.monotonic() - began < allowed(1)


async def test_signing_out_here_and_everywhere(client: aiohttp.ClientSession, standin: StandIn) -> None:
    phone, tablet, desk = [await SignedIn.at(client, standin, "three-devices") for _ in range(3)]
    assert [await one.status() for one in (phone, tablet, desk)] == [200] * 3
    assert await phone.ask("DELETE", "/sessions/current") == (204, None)
    assert [await one.status() for one in (phone, tablet, desk)] == [401, 200, 200]
    assert await tablet.ask("DELETE", "/sessions") == (204, None)
    assert [await one.status() for one in (phone, tablet, desk)] == [401] * 3
    assert [(await refresh(client, one.refresh))[0] for one in (phone, tablet, desk)] == [401] * 3
    assert (await phone.ask("DELETE", "/sessions/current"))[0] == 401


@pytest.mark.parametrize("path", ["/me", "/sessions", "/sessions/current"])
async def test_without_a_good_token_nobody_is_let_in(
    client: aiohttp.ClientSession, standin: StandIn, path: str
) -> None:
    signed_in = await SignedIn.at(client, standin, "owner-of-tokens")
    session = await Session.filter(person_id=signed_in.id).first()
    assert session
    now = clock.now()
    late = TOKENS.issue(session.person_id, session.id, now - timedelta(minutes=16))
    early = TOKENS.issue(session.person_id, session.id, now + timedelta(minutes=5))
    forged = signed_in.access[:-2] + ("AA" if signed_in.access[-2:] != "AA" else "BB")
    method = "GET" if path == "/me" else "DELETE"
    bearers = (signed_in.refresh, late, early, forged, app.TOKEN, f"{signed_in.access}x")
    for header in ("", "Bearer", "Bearer ", f"Basic {signed_in.access}", *(f"Bearer {token}" for token in bearers)):
        async with client.request(method, f"/api/v1{path}", headers={"Authorization": header}) as answer:
            assert answer.status == 401, header
            assert answer.headers["WWW-Authenticate"].startswith("Bearer")
            assert (await answer.json(content_type=None))["code"] == "not_signed_in"
    assert await signed_in.status() == 200


async def test_one_person_cannot_sign_in_without_end(client: aiohttp.ClientSession, standin: StandIn) -> None:
    for _ in range(OPENID_TRIES):
        await SignedIn.at(client, standin, "tireless")
    async with client.post(SESSIONS, json={"code": standin.code("tireless")}) as answer:
        assert answer.status == 429
        assert int(answer.headers["Retry-After"]) >= 1


async def test_addresses_are_told_apart_behind_our_proxy_and_limited_before_wechat_is_asked(
    settings: dict[str, str], standin: StandIn, tmp_path: Path
) -> None:
    settings |= {"YZT_PROXIES": "1", "YZT_SIGN_INS_PER_MINUTE": "3", "YZT_WECHAT_URL": standin.base}
    with app.running(tmp_path / "log", **settings) as server:
        async with aiohttp.ClientSession(server.base) as client:

            async def statuses(forwarded: str) -> list[int]:
                headers = {"X-Forwarded-For": forwarded}
                found = []
                for _ in range(4):
                    async with client.post(SESSIONS, json={"code": "forged"}, headers=headers) as answer:
                        found.append(answer.status)
                return found

            before = standin.calls("/sns/jscode2session")
            assert await statuses("198.51.100.7") == [422, 422, 422, 429]
            assert standin.calls("/sns/jscode2session") - before == 3
            assert await statuses("203.0.113.1, 198.51.100.7") == [429] * 4
            assert await statuses("2001:db8:0:1::1") == [422, 422, 422, 429]
            assert await statuses("2001:db8:0:1:ffff::2") == [429] * 4
            assert await statuses("2001:db8:0:2::1") == [422, 422, 422, 429]
            assert await statuses("nonsense") == [422, 422, 422, 429]


async def test_without_a_proxy_of_ours_nobody_chooses_their_own_address(
    settings: dict[str, str], standin: StandIn, tmp_path: Path
) -> None:
    settings |= {"YZT_SIGN_INS_PER_MINUTE": "3", "YZT_WECHAT_URL": standin.base}
    with app.running(tmp_path / "log", **settings) as server:
        async with aiohttp.ClientSession(server.base) as client:
            found = []
            for number in range(4):
                headers = {"X-Forwarded-For": f"198.51.100.{number}", "X-Real-IP": f"198.51.100.{number}"}
                async with client.post(SESSIONS, json={"code": "forged"}, headers=headers) as answer:
                    found.append(answer.status)
            assert found == [422, 422, 422, 429]
