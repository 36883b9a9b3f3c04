"""Codes that live five minutes and work once; who they stand for."""

import base64
from datetime import timedelta

import pytest

from server.kernel import clock
from server.secrets import DEVELOPMENT_MINI_PROGRAM as MINI
from server.secrets import DEVELOPMENT_SERVICE_ACCOUNT as SERVICE
from tests.standin.calling import PHONE, SIGN_IN, WeChat


async def test_a_code_tells_who_and_nothing_of_success(wechat: WeChat) -> None:
    found = await wechat.sign_in(wechat.standin.code("anna"))
    assert found.keys() == {"openid", "session_key", "unionid"}
    assert (found["openid"], found["unionid"]) == ("anna", "union-anna")
    assert len(base64.b64decode(found["session_key"])) == 16


async def test_the_answer_is_not_called_json(wechat: WeChat) -> None:
    async with wechat.session.get(SIGN_IN) as answer:
        assert answer.content_type == "text/plain"


async def test_the_unionid_is_the_one_given_none_or_the_one_before(wechat: WeChat) -> None:
    assert (await wechat.sign_in(wechat.standin.code("anna", unionid="u1")))["unionid"] == "u1"
    assert (await wechat.sign_in(wechat.standin.code("anna")))["unionid"] == "u1"
    assert "unionid" not in await wechat.sign_in(wechat.standin.code("anna", unionid=None))
    assert "unionid" not in await wechat.sign_in(wechat.standin.code("anna"))


async def test_a_code_works_once(wechat: WeChat) -> None:
    code = wechat.standin.code("anna")
    assert "openid" in await wechat.sign_in(code)
    assert (await wechat.sign_in(code))["errcode"] == 40029


@pytest.mark.parametrize(("seconds", "works"), [(299, True), (301, False)])
async def test_a_code_lives_five_minutes_by_the_clock(wechat: WeChat, seconds: int, works: bool) -> None:  # noqa: FBT001
    code = wechat.standin.code("anna")
    wechat.standin.clock(clock.now() + timedelta(seconds=seconds))
    assert ("openid" in await wechat.sign_in(code)) is works


@pytest.mark.parametrize(
    ("changes", "errcode"),
    [
        ({"js_code": "never-issued"}, 40029),
        ({"appid": "wx-other"}, 40013),
        ({"appid": SERVICE.appid}, 40013),
        ({"secret": "wrong"}, 40125),
        ({"grant_type": "client_credential"}, 40002),
        ({"appid": ""}, 41002),
        ({"secret": ""}, 41004),
        ({"js_code": ""}, 41008),
    ],
)
async def test_what_is_wrong_has_a_number(wechat: WeChat, changes: dict[str, str], errcode: int) -> None:
    code = wechat.standin.code("anna")
    assert (await wechat.sign_in(code, MINI, **changes))["errcode"] == errcode
    assert "openid" in await wechat.sign_in(code)  # and the code is still good


async def test_a_phone_code_is_none_for_signing_in(wechat: WeChat) -> None:
    code = wechat.standin.phone_code("13800000000")
    assert (await wechat.sign_in(code))["errcode"] == 40029
    assert (await wechat.mini(PHONE, code=code))["errcode"] == 0
    assert (await wechat.mini(PHONE, code=code))["errcode"] == 40029
    assert (await wechat.mini(PHONE, code=wechat.standin.code("anna")))["errcode"] == 40029
    assert (await wechat.mini(PHONE))["errcode"] == 40029


async def test_a_phone_code_lives_five_minutes(wechat: WeChat) -> None:
    code = wechat.standin.phone_code("13800000000")
    wechat.standin.clock(clock.now() + timedelta(seconds=301))
    assert (await wechat.mini(PHONE, code=code))["errcode"] == 40029


async def test_a_country_code_may_be_a_number(wechat: WeChat) -> None:
    infos = [(await wechat.mini(PHONE, code=wechat.standin.phone_code("13800000000")))["phone_info"] for _ in range(4)]
    assert {info["phoneNumber"] for info in infos} == {info["purePhoneNumber"] for info in infos} == {"13800000000"}
    assert {type(info["countryCode"]) for info in infos} == {int, str}
    assert {int(info["countryCode"]) for info in infos} == {86}
    abroad = (await wechat.mini(PHONE, code=wechat.standin.phone_code("91234567", "852")))["phone_info"]
    assert (abroad["phoneNumber"], abroad["purePhoneNumber"]) == ("+85291234567", "91234567")
    assert int(abroad["countryCode"]) == 852
