"""Trouble on request: slow, down, nonsense, gone before or after the work is done."""

import asyncio
import time

import aiohttp
import pytest

from tests.harness.waiting import allowed
from tests.standin.calling import PHONE, SIGN_IN, SUBSCRIBE, TOKEN, WeChat


async def test_a_number_as_often_as_asked_then_as_usual(wechat: WeChat) -> None:
    wechat.standin.fault(TOKEN, errcode=-1, times=2)
    assert [(await wechat.token()).get("errcode") for _ in range(3)] == [-1, -1, None]


async def test_without_times_it_lasts_until_the_reset(wechat: WeChat) -> None:
    wechat.standin.fault(TOKEN, errcode=45009)
    assert {(await wechat.token())["errcode"] for _ in range(5)} == {45009}
    wechat.standin.reset()
    assert "access_token" in await wechat.token()


async def test_the_counted_come_first_in_their_order_then_the_newest_lasting(wechat: WeChat) -> None:
    for what in ({"errcode": 1}, {"errcode": 2, "times": 1}, {"errcode": 3}, {"errcode": 4, "times": 1}):
        wechat.standin.fault(TOKEN, **what)
    assert [(await wechat.token())["errcode"] for _ in range(4)] == [2, 4, 3, 3]


async def test_only_the_path_named_fails_and_a_star_is_every_path(wechat: WeChat) -> None:
    wechat.standin.fault(SIGN_IN, errcode=-1)
    assert "access_token" in await wechat.token()
    wechat.standin.fault("*", errcode=-1)
    assert (await wechat.token())["errcode"] == -1


@pytest.mark.parametrize(("what", "status"), [({"status": 502}, 502), ({"html": True}, 200)])
async def test_a_status_or_a_web_page(wechat: WeChat, what: dict[str, int], status: int) -> None:
    wechat.standin.fault(TOKEN, **what)
    async with wechat.session.post(TOKEN, json={}) as answer:
        assert (answer.status, answer.content_type) == (status, "text/html")
        assert "<html>" in await answer.text()


async def test_a_number_under_a_status(wechat: WeChat) -> None:
    wechat.standin.fault(TOKEN, errcode=-1, status=500)
    async with wechat.session.post(TOKEN, json={}) as answer:
        assert (answer.status, (await answer.json(content_type=None))["errcode"]) == (500, -1)


async def test_a_delay_alone_only_delays(wechat: WeChat) -> None:
    wechat.standin.fault(TOKEN, delay_ms=300)
    began = time.monotonic()
    assert "access_token" in await wechat.token()
    assert 0.3 <= time.monotonic() - began < allowed(2)


async def test_a_drop_is_no_answer_at_all(wechat: WeChat) -> None:
    code = wechat.standin.code("anna")
    wechat.standin.fault(SIGN_IN, drop=True, times=3)  # the client tries an idempotent call again by itself
    with pytest.raises(aiohttp.ClientError):
        await wechat.sign_in(code)
    wechat.standin.reset()
    code = wechat.standin.code("anna")
    wechat.standin.fault(TOKEN, drop=True, times=1)
    with pytest.raises(aiohttp.ClientError):
        await wechat.token()
    assert "openid" in await wechat.sign_in(code)


async def test_after_loses_the_answer_and_keeps_the_work(wechat: WeChat) -> None:
    wechat.standin.allow("anna", "standin-referral-decided")
    token = (await wechat.token())["access_token"]
    wechat.standin.fault(SUBSCRIBE, drop=True, after=True, times=1)
    values = {"thing1": "推荐", "phrase2": "已通过", "date3": "2026-03-01"}
    body = {
        "touser": "anna",
        "template_id": "standin-referral-decided",
        "data": {key: {"value": value} for key, value in values.items()},
    }
    with pytest.raises(aiohttp.ClientError):
        await wechat.post(SUBSCRIBE, token, **body)
    assert len(wechat.standin.messages("anna")) == 1
    assert (await wechat.post(SUBSCRIBE, token, **body))["errcode"] == 43101


async def test_calls_are_counted_and_told_without_secrets(wechat: WeChat) -> None:
    code = wechat.standin.code("anna")
    await wechat.sign_in(code)
    await wechat.sign_in(code)
    wechat.standin.fault(TOKEN, errcode=-1, times=1)
    await wechat.token()
    token = (await wechat.token())["access_token"]
    await wechat.post(PHONE, token, code=wechat.standin.phone_code("13800000000"))
    found = wechat.standin.get("calls")
    assert found["totals"] == {SIGN_IN: 2, TOKEN: 2, PHONE: 1}
    assert (wechat.standin.calls(TOKEN), wechat.standin.calls()) == (2, 5)
    assert [(call["path"], call["outcome"]) for call in found["items"]] == [
        (SIGN_IN, "ok"),
        (SIGN_IN, "40029"),
        (TOKEN, "-1"),
        (TOKEN, "ok"),
        (PHONE, "ok"),
    ]
    for secret in (code, token, "13800000000", "secret-of-the-stand-in"):
        assert secret not in str(found)


async def test_what_is_no_route_or_no_json_is_told_as_wechat_does(wechat: WeChat) -> None:
    assert (await wechat.get("/cgi-bin/nothing"))["errcode"] == 40066
    assert (await wechat.get(TOKEN))["errcode"] == 43002
    assert (await wechat.post(SIGN_IN, None))["errcode"] == 43001
    for body in (b"", b"[]", b"{", b"\xff", b"nonsense"):
        async with wechat.session.post(TOKEN, data=body) as answer:
            assert (await answer.json(content_type=None))["errcode"] == 47001


async def test_what_is_too_long_is_not_read(wechat: WeChat) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", wechat.standin.server.port)
    writer.write(f"POST {TOKEN} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 3000000\r\n\r\n".encode())
    assert b" 413 " in await reader.readline()
    writer.close()
