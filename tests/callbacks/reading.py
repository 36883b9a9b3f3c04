"""Calls put to the reader as the callback addresses put them."""

import pytest

from server.gateways.wechat.callback import CallbackReader, Event
from server.kernel import clock
from server.kernel.errors import DomainError
from server.secrets import WeChatAccount
from tests.callbacks.sealing import MINI_PROGRAM, Call

NOTHING = {"signature": "", "msg_signature": "", "nonce": "", "timestamp": "", "echostr": ""}
STATUS = {"callback_refused": 403, "callback_unreadable": 400, "body_too_large": 413}


def reader(account: WeChatAccount = MINI_PROGRAM, *, secure_only: bool = False) -> CallbackReader:
    return CallbackReader(account.appid, account.callback_token, account.callback_key, secure_only=secure_only)


def opened(call: Call, *, secure_only: bool = False) -> Event:
    return reader(secure_only=secure_only).read({**NOTHING, **call.query}, call.body, clock.now())


def refusal(call: Call, *, secure_only: bool = False) -> str:
    with pytest.raises(DomainError) as caught:
        opened(call, secure_only=secure_only)
    assert caught.value.status == STATUS[caught.value.slug]
    assert not caught.value.faults
    assert not caught.value.facts
    return caught.value.slug
