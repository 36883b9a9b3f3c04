"""The levers: what they take, what they refuse, who may pull them."""

from datetime import timedelta
from typing import Any

import pytest

from server.kernel import clock
from tests.standin.calling import SIGN_IN, SUBSCRIBE, TOKEN, USER, WeChat


@pytest.mark.parametrize(
    ("lever", "body", "named"),
    [
        ("codes", {}, ["openid"]),
        ("codes", {"openid": "a b", "who": 1}, ["openid", "who"]),
        ("codes", {"openid": "a", "unionid": 5}, ["unionid"]),
        ("phone-codes", {"phone": "138-0000"}, ["phone"]),
        ("phone-codes", {"phone": "13800000000", "country_code": "+86"}, ["country_code"]),
        ("permissions", {"openid": "a", "template_id": "t", "results": "perhaps"}, ["results"]),
        ("permissions", {"openid": "a", "results": "accept"}, ["template_id"]),
        ("permissions", {"openid": "a", "template_id": "t", "results": "accept", "in_settings": True}, ["in_settings"]),
        ("faults", {"path": "/cgi-bin/none", "drop": True}, ["path"]),
        ("faults", {"path": TOKEN}, ["errcode"]),
        ("faults", {"path": TOKEN, "status": 99, "times": 0, "delay_ms": -1}, ["status", "times", "delay_ms"]),
        ("tokens/revoke", {"appid": "wx-other"}, ["appid"]),
        ("clock", {}, ["now"]),
        ("phone-codes", {"phone": "١٣٨٠٠٠٠٠٠٠٠"}, ["phone"]),
        ("phone-codes", {"phone": "13800000000", "country_code": "8٦"}, ["country_code"]),
        ("permissions", {"openid": "a", "template_id": "t", "results": []}, ["results"]),
        ("permissions", {"openid": "a", "template_id": "t", "results": {}}, ["results"]),
        ("faults", {"path": TOKEN, "errcode": 2**31}, ["errcode"]),
        ("faults", {"path": TOKEN, "errcode": -(2**31)}, ["errcode"]),
        ("faults", {"path": TOKEN, "errcode": True}, ["errcode"]),
        ("faults", {"path": TOKEN, "drop": True, "times": True}, ["times"]),
        ("faults", {"path": TOKEN, "drop": 1, "times": "1"}, ["drop", "times"]),
        ("clock", {"now": "2026-01-01T00:00:00"}, ["now"]),
        ("clock", {"now": -1}, ["now"]),
        ("clock", {"now": "1767225600"}, ["now"]),
        ("clock", {"now": "2026-01-01"}, ["now"]),
        ("clock", {"now": "2026-02-30T00:00:00Z"}, ["now"]),
        ("clock", {"now": "٢٠٢٦-01-01T00:00:00Z"}, ["now"]),
        ("clock", {"now": "2026-01-01T00:00:00+24:00"}, ["now"]),
        ("clock", {"now": "1999-12-31T23:59:59Z"}, ["now"]),
        ("clock", {"now": "2200-01-01T00:00:00Z"}, ["now"]),
        ("clock", {"now": "2200-01-01T07:59:59-08:00"}, ["now"]),
        ("clock", {"now": "9999-12-31T23:59:59Z"}, ["now"]),
        ("clock", {"now": "9999-12-31T23:59:59-14:00"}, ["now"]),
        ("clock", {"now": "0001-01-01T00:00:00+14:00"}, ["now"]),
        ("clock", {"now": "0000-01-01T00:00:00Z"}, ["now"]),
        ("followers", {"openid": "a", "following": "maybe"}, ["following"]),
        ("callback-mode", {"mode": "loud", "format": "yaml"}, ["mode", "format"]),
        ("callback-mode", {"base": "http://example.com:80"}, ["base"]),
        ("callback-mode", {"base": "http://127.0.0.1:65536"}, ["base"]),
        ("callback-mode", {"base": "http://127.0.0.1:0"}, ["base"]),
        ("templates", {"id": "t", "keys": ["first", "thing1"]}, ["keys", "first"]),
        ("reset", {"all": True}, ["all"]),
    ],
)
async def test_bad_input_is_a_400_that_names_each_field(
    wechat: WeChat, lever: str, body: dict[str, Any], named: list[str]
) -> None:
    async with wechat.session.post(f"/control/{lever}", json=body) as answer:
        assert answer.status == 400
        message = (await answer.json())["message"]
        assert all(name in message for name in named), message


@pytest.mark.parametrize(
    ("lever", "body", "named"),
    [
        ("codes", b'{"openid": "anna", "openid": "bert"}', "openid"),
        ("permissions", b'{"openid": "a", "results": {"t": "accept", "t": "reject"}}', "t"),
    ],
)
async def test_a_name_given_twice_is_a_400(wechat: WeChat, lever: str, body: bytes, named: str) -> None:
    async with wechat.session.post(f"/control/{lever}", data=body) as answer:
        assert answer.status == 400
        assert list((await answer.json())["fields"]) == [named]


@pytest.mark.parametrize("now", ["2000-01-01T00:00:00Z", "2199-12-31T23:59:59.999999Z", "9999-12-31T23:59:59Z"])
async def test_wherever_the_clock_may_be_moved_everything_works(wechat: WeChat, now: str) -> None:
    async with wechat.session.post("/control/clock", json={"now": now}) as answer:
        assert answer.status in {200, 400}
    assert (await wechat.sign_in(wechat.standin.code("anna")))["openid"] == "anna"
    assert (await wechat.token())["expires_in"] > 0
    assert (await wechat.mini(SUBSCRIBE, touser="anna"))["errcode"]
    wechat.standin.get("calls")


@pytest.mark.parametrize("body", [b"{", b"[]", b"\xff\xfe", b'"openid"'])
async def test_what_is_no_object_is_a_400(wechat: WeChat, body: bytes) -> None:
    async with wechat.session.post("/control/codes", data=body) as answer:
        assert answer.status == 400
        assert "body" in (await answer.json())["message"]


@pytest.mark.parametrize("content_type", ["application/x-www-form-urlencoded", "text/plain", "application/json"])
async def test_the_body_is_read_whatever_it_is_called(wechat: WeChat, content_type: str) -> None:
    headers = {"Content-Type": content_type}
    async with wechat.session.post("/control/codes", data=b'{"openid": "demo-student"}', headers=headers) as answer:
        assert answer.status == 200
        assert (await wechat.sign_in((await answer.json())["code"]))["openid"] == "demo-student"


@pytest.mark.parametrize("headers", [{"Host": "wechat.example"}, {"Origin": "http://127.0.0.1:8000"}])
async def test_a_web_page_in_a_browser_here_cannot_pull_them(wechat: WeChat, headers: dict[str, str]) -> None:
    for path in ("/control/codes", TOKEN):
        async with wechat.session.post(path, json={"openid": "a"}, headers=headers) as answer:
            assert answer.status == 403


async def test_reset_forgets_everything_and_puts_the_clock_right(wechat: WeChat) -> None:
    code, token = wechat.standin.code("anna"), (await wechat.token())["access_token"]
    wechat.standin.allow("anna", "standin-referral-decided")
    wechat.standin.follower("follower")
    wechat.standin.do("templates", id="mine", keys=["thing1"])
    wechat.standin.fault(SIGN_IN, drop=True)
    wechat.standin.clock(clock.now() + timedelta(days=400))
    wechat.standin.reset()
    wechat.standin.callback_mode(mode="off")
    assert wechat.standin.calls() == 0
    assert wechat.standin.messages() == wechat.standin.events() == []
    assert "mine" not in {template["id"] for template in wechat.standin.get("templates")["items"]}
    assert (await wechat.sign_in(code))["errcode"] == 40029
    assert (await wechat.get(USER, access_token=token))["errcode"] == 40001
    assert (await wechat.mini(SUBSCRIBE, touser="anna"))["errcode"] == 40003
    moment = clock.now() + timedelta(seconds=5)
    assert wechat.standin.get("calls")["items"][-1]["at"] < moment.isoformat()


async def test_the_clock_moves_to_where_it_is_told_in_this_process_only(wechat: WeChat) -> None:
    before = clock.now()
    told = wechat.standin.do("clock", now="2030-09-01T08:00:00+08:00")["now"]
    assert told.startswith("2030-09-01T00:00:00")
    assert clock.now() - before < timedelta(seconds=10)


async def test_it_says_what_it_is(wechat: WeChat) -> None:
    async with wechat.session.get("/") as answer:
        text = await answer.text()
    assert "POST /control/codes" in text
    assert "GET /sns/jscode2session" in text


async def test_templates_can_be_replaced(wechat: WeChat) -> None:
    wechat.standin.do("templates", id="standin-referral-decided", keys=["thing9"])
    wechat.standin.allow("anna", "standin-referral-decided")
    body = {"touser": "anna", "template_id": "standin-referral-decided", "data": {"thing9": {"value": "好"}}}
    assert (await wechat.mini(SUBSCRIBE, **body))["errcode"] == 0
