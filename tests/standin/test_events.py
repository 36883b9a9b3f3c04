"""Events as our callbacks get them: signed, sealed, in both forms, told again until answered."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
import xmltodict  # type: ignore[import-untyped]
from aiohttp import web
from wechatpy.crypto import WeChatCrypto
from wechatpy.exceptions import InvalidAppIdException

from server.secrets import DEVELOPMENT_MINI_PROGRAM as MINI
from server.secrets import DEVELOPMENT_SERVICE_ACCOUNT as SERVICE
from server.standin import events
from server.standin.events import Events
from server.standin.templates import Side
from tests.harness.app import free_port
from tests.harness.waiting import until
from tests.standin.calling import SUBSCRIBE, TEMPLATE, WeChat

ONE = "standin-referral-decided"
OTHER = "standin-posting-match"
VALUES = {"thing1": {"value": "推荐"}, "phrase2": {"value": "已通过"}, "date3": {"value": "2026-03-01"}}


@dataclass
class Callback:
    """A server that takes events; `answer` decides what it says."""

    base: str = ""
    got: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    answer: Callable[[], Awaitable[web.Response]] | None = None

    async def take(self, request: web.Request) -> web.Response:
        self.got.append((request.path, dict(request.query), await request.read()))
        return await self.answer() if self.answer else web.Response(text="success")

    async def opened(self, number: int) -> list[dict[str, Any]]:
        """Wait for that many events and return what is in each."""

        async def come() -> bool:
            return len(self.got) >= number

        await until(come)
        assert len(self.got) == number
        return [opened(*one) for one in self.got]


def opened(path: str, query: dict[str, str], body: bytes) -> dict[str, Any]:
    """Check the signatures and open one event as its receiver does."""
    account = MINI if path == "/api/v1/wechat/callback" else SERVICE
    assert path in {"/api/v1/wechat/callback", "/api/v1/wechat/service-callback"}
    plain = "".join(sorted([account.callback_token, query["timestamp"], query["nonce"]]))
    assert query["signature"] == hashlib.sha1(plain.encode(), usedforsecurity=False).hexdigest()
    text: str | bytes = body
    if query.get("encrypt_type") == "aes":
        crypto = WeChatCrypto(account.callback_token, account.callback_key, account.appid)
        sealed = body if body.startswith(b"<") else json.loads(body)
        text = crypto.decrypt_message(sealed, query["msg_signature"], query["timestamp"], query["nonce"])
    found: dict[str, Any] = json.loads(text) if text[:1] in {"{", b"{"} else xmltodict.parse(text)["xml"]
    assert found["FromUserName"] == query["openid"]
    return found


@pytest.fixture
async def callback(wechat: WeChat) -> AsyncIterator[Callback]:
    found = Callback()
    app = web.Application()
    app.router.add_post("/{tail:.*}", found.take)
    runner = web.AppRunner(app)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    found.base = f"http://127.0.0.1:{port}"
    wechat.standin.callback_mode(base=found.base, mode="secure")
    yield found
    wechat.standin.callback_mode(mode="off")
    await runner.cleanup()


async def test_an_answer_about_permissions_in_json(wechat: WeChat, callback: Callback) -> None:
    wechat.standin.do("permissions", openid="anna", results={ONE: "accept", OTHER: "reject", "filtered": "filter"})
    [found] = await callback.opened(1)
    assert callback.got[0][1]["encrypt_type"] == "aes"
    assert b"anna" not in callback.got[0][2]
    assert (found["MsgType"], found["Event"]) == ("event", "subscribe_msg_popup_event")
    assert found["List"] == [
        {"TemplateId": ONE, "SubscribeStatusString": "accept", "PopupScene": "0"},
        {"TemplateId": OTHER, "SubscribeStatusString": "reject", "PopupScene": "0"},
    ]


async def test_the_same_in_xml_nests_its_list(wechat: WeChat, callback: Callback) -> None:
    wechat.standin.callback_mode(format="xml")
    wechat.standin.do("permissions", openid="anna", template_id=ONE, results="accept")
    [found] = await callback.opened(1)
    row = {"TemplateId": ONE, "SubscribeStatusString": "accept", "PopupScene": "0"}
    assert found["SubscribeMsgPopupEvent"] == {"List": row}


async def test_plain_mode_seals_nothing(wechat: WeChat, callback: Callback) -> None:
    wechat.standin.callback_mode(mode="plain", format="xml")
    wechat.standin.do("permissions", openid="anna", template_id=ONE, results="accept")
    await callback.opened(1)
    _, query, body = callback.got[0]
    assert not {"encrypt_type", "msg_signature"} & query.keys()
    assert b"<FromUserName><![CDATA[anna]]></FromUserName>" in body


async def test_each_acceptance_is_an_event_of_its_own_second(wechat: WeChat, callback: Callback) -> None:
    wechat.standin.allow("anna", ONE, times=3)
    found = await callback.opened(3)
    assert len({event["CreateTime"] for event in found}) == 3


async def test_taking_back_in_the_settings_carries_one_bare_row(wechat: WeChat, callback: Callback) -> None:
    wechat.standin.do("permissions", openid="anna", template_id=ONE, results="reject", in_settings=True)
    [found] = await callback.opened(1)
    assert found["Event"] == "subscribe_msg_change_event"
    assert found["List"] == {"TemplateId": ONE, "SubscribeStatusString": "reject"}


async def test_a_push_is_followed_by_its_receipt(wechat: WeChat, callback: Callback) -> None:
    wechat.standin.allow("anna", ONE)
    sent = await wechat.mini(SUBSCRIBE, touser="anna", template_id=ONE, data=VALUES)
    _, found = sorted(await callback.opened(2), key=lambda event: event["Event"])
    row = {"TemplateId": ONE, "MsgID": str(sent["msgid"]), "ErrorCode": "0", "ErrorStatus": "success"}
    assert (found["Event"], found["List"]) == ("subscribe_msg_sent_event", row)


async def test_the_service_account_tells_its_own_callback_in_xml(wechat: WeChat, callback: Callback) -> None:
    wechat.standin.follower("follower")
    values = {"thing1": {"value": "审核"}, "character_string2": {"value": "P-1"}, "time3": {"value": "15:01"}}
    await callback.opened(1)
    sent = await wechat.service(TEMPLATE, touser="follower", template_id="standin-service-review", data=values)
    await callback.opened(2)
    wechat.standin.follower("follower", following=False)
    follow, receipt, unfollow = await callback.opened(3)
    assert {path for path, _, _ in callback.got} == {"/api/v1/wechat/service-callback"}
    assert all(body.startswith(b"<xml>") for _, _, body in callback.got)
    assert [event["Event"] for event in (follow, unfollow)] == ["subscribe", "unsubscribe"]
    assert receipt["Event"] == "TEMPLATESENDJOBFINISH"
    assert (receipt["MsgID"], receipt["Status"]) == (str(sent["msgid"]), "success")


async def test_who_holds_another_key_or_appid_cannot_open_it(wechat: WeChat, callback: Callback) -> None:
    wechat.standin.follower("follower")
    await callback.opened(1)
    _, query, body = callback.got[0]
    crypto = WeChatCrypto(SERVICE.callback_token, SERVICE.callback_key, MINI.appid)
    with pytest.raises(InvalidAppIdException):
        crypto.decrypt_message(body, query["msg_signature"], query["timestamp"], query["nonce"])


async def test_off_sends_nothing_and_says_so(wechat: WeChat, callback: Callback) -> None:
    wechat.standin.callback_mode(mode="off")
    wechat.standin.follower("follower")
    assert [told["outcome"] for told in wechat.standin.events()] == ["off"]
    assert callback.got == []


@pytest.fixture
async def sender(callback: Callback, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Events]:
    """The sender itself, in a hurry."""
    monkeypatch.setattr(events, "SECONDS_BETWEEN", 0.01)
    monkeypatch.setattr(events, "SECONDS_TO_ANSWER", 0.2)
    sender = Events({Side.MINI_PROGRAM: MINI, Side.SERVICE_ACCOUNT: SERVICE}, callback.base)
    yield sender
    await sender.close()


async def slow() -> web.Response:
    await asyncio.sleep(1)
    return web.Response(text="success")


async def failing() -> web.Response:
    return web.Response(text="success", status=503)


async def mumbling() -> web.Response:
    return web.Response(text="ok")


@pytest.mark.parametrize("answer", [slow, failing, mumbling])
async def test_an_event_is_told_three_times_more_each_time_signed_anew(
    sender: Events, callback: Callback, answer: Callable[[], Awaitable[web.Response]]
) -> None:
    callback.answer = answer
    telling = sender.send(Side.SERVICE_ACCOUNT, "follower", "subscribe", {"EventKey": ""})

    async def ended() -> bool:
        return telling.outcome == "failed"

    await until(ended)
    found = await callback.opened(4)
    assert all(event == found[0] for event in found)
    assert len({query["nonce"] for _, query, _ in callback.got}) == 4


async def test_once_answered_it_is_told_no_more(sender: Events, callback: Callback) -> None:
    async def first_failing() -> web.Response:
        return await failing() if len(callback.got) == 1 else web.Response(text="success")

    callback.answer = first_failing
    telling = sender.send(Side.MINI_PROGRAM, "anna", "subscribe_msg_change_event", {"List": []})

    async def delivered() -> bool:
        return telling.outcome == "delivered"

    await until(delivered)
    await asyncio.sleep(0.1)
    assert len(callback.got) == telling.tries == 2
    assert telling.status == 200


async def test_nobody_there_is_a_failure_and_no_crash(sender: Events) -> None:
    sender.mode.base = f"http://127.0.0.1:{free_port()}"
    telling = sender.send(Side.MINI_PROGRAM, "anna", "subscribe_msg_popup_event", {"List": []})

    async def ended() -> bool:
        return telling.outcome == "failed"

    await until(ended)
    assert (telling.tries, telling.status) == (4, None)
