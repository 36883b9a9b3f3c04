"""Access tokens: stable, renewed at their end, killed by force."""

from datetime import timedelta
from typing import Any

import pytest

from server.kernel import clock
from server.secrets import DEVELOPMENT_MINI_PROGRAM as MINI
from server.secrets import DEVELOPMENT_SERVICE_ACCOUNT as SERVICE
from tests.standin.calling import CHECK, PHONE, TEMPLATE, USER, WeChat

SPENT = 40029
"""What a made-up phone code is answered once the token was found good."""


async def used(wechat: WeChat, token: str) -> int:
    return int((await wechat.post(PHONE, token, code="made-up"))["errcode"])


async def test_the_plain_way_gives_the_same_token_until_its_last_five_minutes(wechat: WeChat) -> None:
    first = await wechat.token()
    assert 7195 <= first["expires_in"] <= 7200
    start = clock.now()
    wechat.standin.clock(start + timedelta(minutes=114))
    again = await wechat.token()
    assert again["access_token"] == first["access_token"]
    assert 350 <= again["expires_in"] <= 360
    wechat.standin.clock(start + timedelta(minutes=116))
    second = await wechat.token()
    assert second["access_token"] != first["access_token"]
    assert second["expires_in"] >= 7195
    assert await used(wechat, first["access_token"]) == SPENT
    assert await used(wechat, second["access_token"]) == SPENT
    wechat.standin.clock(start + timedelta(minutes=121))
    assert await used(wechat, first["access_token"]) == 42001
    assert await used(wechat, second["access_token"]) == SPENT


async def test_force_kills_the_old_token(wechat: WeChat) -> None:
    first = (await wechat.token())["access_token"]
    second = (await wechat.token(force_refresh=True))["access_token"]
    assert second != first
    assert (await wechat.token())["access_token"] == second
    assert await used(wechat, first) == 40001
    assert await used(wechat, second) == SPENT


async def test_force_is_refused_within_thirty_seconds_and_past_twenty_a_day(wechat: WeChat) -> None:
    moment = clock.now().replace(hour=1, minute=0)
    for number in range(20):
        wechat.standin.clock(moment + timedelta(seconds=31 * number))
        assert "access_token" in await wechat.token(force_refresh=True), number
        assert (await wechat.token(force_refresh=True))["errcode"] == 45009
    wechat.standin.clock(moment + timedelta(hours=2))
    assert (await wechat.token(force_refresh=True))["errcode"] == 45009
    assert "access_token" in await wechat.token()
    assert "access_token" in await wechat.token(SERVICE, force_refresh=True)
    wechat.standin.clock(moment + timedelta(days=1))
    assert "access_token" in await wechat.token(force_refresh=True)


@pytest.mark.parametrize(
    ("changes", "errcode"),
    [
        ({"appid": "wx-other"}, 40013),
        ({"secret": "wrong"}, 40125),
        ({"grant_type": "authorization_code"}, 40002),
        ({"appid": None}, 41002),
        ({"secret": ""}, 41004),
        ({"force_refresh": "yes"}, 47001),
    ],
)
async def test_what_is_wrong_has_a_number(wechat: WeChat, changes: dict[str, Any], errcode: int) -> None:
    assert (await wechat.token(**changes))["errcode"] == errcode


async def test_every_call_that_needs_a_token_looks_at_it(wechat: WeChat) -> None:
    mini, service = (await wechat.token())["access_token"], (await wechat.token(SERVICE))["access_token"]
    for path in (PHONE, CHECK, "/wxa/getwxacodeunlimit", "/cgi-bin/message/subscribe/send", TEMPLATE):
        assert (await wechat.post(path, None))["errcode"] == 41001
        assert (await wechat.post(path, ""))["errcode"] == 41001
        assert (await wechat.post(path, "forged"))["errcode"] == 40001
        assert (await wechat.post(path, mini if path == TEMPLATE else service))["errcode"] == 48001
    assert (await wechat.get(USER))["errcode"] == 41001
    assert (await wechat.get(USER, access_token=mini))["errcode"] == 48001


async def test_the_lever_kills_the_tokens_of_one_account_or_both(wechat: WeChat) -> None:
    mini, service = (await wechat.token())["access_token"], (await wechat.token(SERVICE))["access_token"]
    wechat.standin.do("tokens/revoke", appid=SERVICE.appid)
    assert await used(wechat, mini) == SPENT
    assert (await wechat.get(USER, access_token=service, openid="x"))["errcode"] == 40001
    wechat.standin.revoke()
    assert await used(wechat, mini) == 40001
    fresh = (await wechat.token(MINI))["access_token"]
    assert fresh != mini
    assert await used(wechat, fresh) == SPENT
