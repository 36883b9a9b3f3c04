"""The service account: followers, their unionid, template messages."""

from datetime import timedelta
from typing import Any

import pytest

from server.kernel import clock
from server.secrets import DEVELOPMENT_MINI_PROGRAM as MINI
from server.secrets import DEVELOPMENT_SERVICE_ACCOUNT as SERVICE
from tests.standin.calling import TEMPLATE, USER, WeChat

DATA = {
    "thing1": {"value": "招聘信息待审核"},
    "character_string2": {"value": "P-1"},
    "time3": {"value": "15:01"},
}


async def push(wechat: WeChat, **changes: Any) -> dict[str, Any]:
    return await wechat.service(
        TEMPLATE, **({"touser": "follower", "template_id": "standin-service-review", "data": DATA} | changes)
    )


async def info(wechat: WeChat, openid: str) -> dict[str, Any]:
    token = (await wechat.token(SERVICE))["access_token"]
    return await wechat.get(USER, access_token=token, openid=openid, lang="zh_CN")


@pytest.fixture(autouse=True)
def follower(wechat: WeChat) -> None:
    wechat.standin.follower("follower", unionid="union-anna")


async def test_a_follower_has_a_unionid(wechat: WeChat) -> None:
    found = await info(wechat, "follower")
    assert (found["subscribe"], found["openid"], found["unionid"]) == (1, "follower", "union-anna")
    wechat.standin.follower("unbound", unionid=None)
    assert "unionid" not in await info(wechat, "unbound")
    wechat.standin.follower("plain")
    assert (await info(wechat, "plain"))["unionid"] == "union-plain"
    assert (await info(wechat, "stranger"))["errcode"] == 40003


async def test_who_unfollows_is_not_reached(wechat: WeChat) -> None:
    wechat.standin.follower("follower", following=False)
    found = await info(wechat, "follower")
    assert found["subscribe"] == 0
    assert "subscribe_time" not in found
    assert (await push(wechat))["errcode"] == 43004
    wechat.standin.follower("follower")
    assert (await push(wechat))["errcode"] == 0


async def test_a_message_arrives_with_where_it_leads(wechat: WeChat) -> None:
    assert (await push(wechat, url="https://example.com"))["errcode"] == 0
    target = {"appid": MINI.appid, "pagepath": "pages/review?id=1"}
    found = await push(wechat, url="https://example.com", miniprogram=target)
    assert [message["page"] for message in wechat.standin.messages("follower")] == [
        "https://example.com",
        "pages/review?id=1",
    ]
    assert wechat.standin.messages()[-1]["id"] == found["msgid"]


@pytest.mark.parametrize(
    ("changes", "errcode"),
    [
        ({"touser": "anna"}, 40003),
        ({"touser": None}, 40003),
        ({"template_id": "unknown"}, 40037),
        ({"template_id": "standin-posting-match"}, 40037),
        ({"data": DATA | {"thing1": {"value": "字" * 21}}}, 47003),
        ({"data": DATA | {"first": {"value": "您好"}}}, 47003),
        ({"miniprogram": {"appid": SERVICE.appid}}, 40013),
        ({"miniprogram": "x"}, 40013),
        ({"miniprogram": {"appid": MINI.appid, "pagepath": "/pages/x"}}, 40165),
        ({"url": 5}, 40097),
        ({"client_msg_id": "x" * 33}, 40097),
    ],
)
async def test_what_is_wrong_has_a_number(wechat: WeChat, changes: dict[str, Any], errcode: int) -> None:
    wechat.standin.code("anna")  # known to the mini-program only
    assert (await push(wechat, **changes))["errcode"] == errcode
    assert wechat.standin.messages() == []


async def test_the_same_client_id_is_one_message_for_ten_minutes(wechat: WeChat) -> None:
    wechat.standin.follower("other")
    first = await push(wechat, client_msg_id="notice-1")
    again = await push(wechat, client_msg_id="notice-1")
    assert (again["errcode"], again["msgid"]) == (0, first["msgid"])
    await push(wechat, client_msg_id="notice-1", touser="other")
    assert len(wechat.standin.messages()) == 2
    wechat.standin.clock(clock.now() + timedelta(minutes=11))
    assert (await push(wechat, client_msg_id="notice-1"))["msgid"] != first["msgid"]


async def test_too_many_in_a_minute_to_one_person_are_refused(wechat: WeChat) -> None:
    found = [(await push(wechat))["errcode"] for _ in range(21)]
    assert found == [0] * 20 + [43117]
    wechat.standin.clock(clock.now() + timedelta(seconds=61))
    assert (await push(wechat))["errcode"] == 0
