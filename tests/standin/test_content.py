"""Texts that are checked, and codes that a phone reads."""

from datetime import timedelta
from typing import Any

import pytest

from server.kernel import clock
from tests.standin.calling import CHECK, CODE, WeChat


async def check(wechat: WeChat, **changes: Any) -> dict[str, Any]:
    asked = {"content": "招三名服务员", "version": 2, "scene": 2, "openid": "anna"}
    return await wechat.mini(CHECK, **(asked | changes))


async def visited(wechat: WeChat) -> None:
    await wechat.sign_in(wechat.standin.code("anna"))


@pytest.mark.parametrize(
    ("changes", "suggest", "label"),
    [
        ({}, "pass", 100),
        ({"content": "轻松刷单日入过千"}, "risky", 20008),
        ({"content": "有意者加微信"}, "review", 10001),
        ({"content": "加微信一起赌博"}, "risky", 20006),
        ({"title": "网络赌博"}, "risky", 20006),
    ],
)
async def test_the_verdict_follows_the_words(wechat: WeChat, changes: dict[str, Any], suggest: str, label: int) -> None:
    await visited(wechat)
    found = await check(wechat, **changes)
    assert found["errcode"] == 0
    assert found["result"] == {"suggest": suggest, "label": label}
    assert found["trace_id"]


async def test_only_who_was_here_within_two_hours_can_be_checked(wechat: WeChat) -> None:
    code = wechat.standin.code("anna")
    assert (await check(wechat))["errcode"] == 61010  # has a code, but did not sign in
    await wechat.sign_in(code)
    start = clock.now()
    wechat.standin.clock(start + timedelta(minutes=119))
    assert (await check(wechat))["errcode"] == 0
    wechat.standin.clock(start + timedelta(minutes=121))
    assert (await check(wechat))["errcode"] == 61010


@pytest.mark.parametrize(
    ("changes", "errcode"),
    [
        ({"content": "字" * 2500}, 0),
        ({"content": "字" * 2501}, 45002),
        ({"content": ""}, 47001),
        ({"content": None}, 47001),
        ({"version": 1}, 40097),
        ({"scene": 5}, 40097),
        ({"openid": ""}, 40003),
    ],
)
async def test_what_a_check_takes(wechat: WeChat, changes: dict[str, Any], errcode: int) -> None:
    await visited(wechat)
    assert (await check(wechat, **changes))["errcode"] == errcode


@pytest.mark.parametrize("width", [280, 430, 1280])
async def test_a_code_is_a_real_png_of_about_the_width_asked_for(wechat: WeChat, width: int) -> None:
    token = (await wechat.token())["access_token"]
    body = {"scene": "a1b2c3.Xy-9", "page": "pages/join/index", "width": width}
    async with wechat.session.post(CODE, params={"access_token": token}, json=body) as answer:
        image = await answer.read()
        assert (answer.status, answer.content_type) == (200, "image/png")
    assert image.startswith(b"\x89PNG\r\n\x1a\n")
    assert image.endswith(b"IEND\xaeB`\x82")
    assert width * 0.8 <= int.from_bytes(image[16:20]) <= width


@pytest.mark.parametrize(
    ("changes", "errcode"),
    [
        ({"scene": "x" * 33}, 40129),
        ({"scene": ""}, 40129),
        ({"scene": None}, 40129),
        ({"scene": "张三"}, 40129),
        ({"scene": "a b"}, 40129),
        ({"scene": "a%20b"}, 40129),
        ({"page": "/pages/index"}, 41030),
        ({"page": "pages/index?a=1"}, 41030),
        ({"page": 5}, 41030),
        ({"env_version": "beta"}, 40097),
        ({"width": 279}, 40097),
        ({"width": True}, 40097),
    ],
)
async def test_a_bad_code_is_a_json_error(wechat: WeChat, changes: dict[str, Any], errcode: int) -> None:
    assert (await wechat.mini(CODE, **({"scene": "a", "page": "pages/index"} | changes)))["errcode"] == errcode
