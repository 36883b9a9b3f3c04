"""Callbacks as WeChat sends them, sealed by wechatpy and signed here by the rule of WeChat's pages."""

import base64
import hashlib
import json
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode
from xml.sax.saxutils import escape

from wechatpy.crypto import PrpCrypto

from server.kernel import clock
from server.secrets import DEVELOPMENT_MINI_PROGRAM, DEVELOPMENT_SERVICE_ACCOUNT, WeChatAccount

MINI_PROGRAM, SERVICE_ACCOUNT = DEVELOPMENT_MINI_PROGRAM, DEVELOPMENT_SERVICE_ACCOUNT
Fields = dict[str, Any]


def now(offset: float = 0) -> str:
    return str(int(clock.now().timestamp() + offset))


def event(name: str = "subscribe", openid: str = "follower-1", **more: Any) -> Fields:
    common = {"ToUserName": "gh_original", "FromUserName": openid, "CreateTime": now(), "MsgType": "event"}
    return {**common, "Event": name, **more}


def as_xml(fields: Fields) -> bytes:
    return f"<xml>{_elements(fields)}</xml>".encode()


def as_json(fields: Fields) -> bytes:
    return json.dumps(fields, ensure_ascii=False).encode()


def _elements(fields: Fields) -> str:
    pairs = [(name, item) for name, value in fields.items() for item in (value if isinstance(value, list) else [value])]
    return "".join(
        f"<{name}>{_elements(item) if isinstance(item, dict) else escape(str(item))}</{name}>" for name, item in pairs
    )


@dataclass(frozen=True)
class Call:
    """One call of a callback address."""

    query: dict[str, str]
    body: bytes = b""

    @property
    def text(self) -> str:
        return urlencode(self.query)

    def with_query(self, **changed: str) -> "Call":
        return replace(self, query={**self.query, **changed})


def signature(*parts: str) -> str:
    return hashlib.sha1("".join(sorted(parts)).encode()).hexdigest()  # noqa: S324 -- WeChat's choice


def greeting(account: WeChatAccount = MINI_PROGRAM, echostr: str = "4832091785", **changed: str) -> Call:
    timestamp, nonce = changed.pop("timestamp", now()), changed.pop("nonce", "1372623149")
    signed = {"signature": signature(account.callback_token, timestamp, nonce), "timestamp": timestamp, "nonce": nonce}
    return Call({**signed, "echostr": echostr, **changed})


def plain(body: bytes, account: WeChatAccount = MINI_PROGRAM, *, timestamp: str | None = None) -> Call:
    query = greeting(account, **({"timestamp": timestamp} if timestamp else {})).query
    del query["echostr"]
    return Call({**query, "openid": "someone"}, body)


def envelope(message: bytes, account: WeChatAccount = MINI_PROGRAM, appid: str | None = None) -> str:
    cipher = PrpCrypto(base64.b64decode(account.callback_key + "="))
    sealed: bytes = cipher.encrypt(message, appid or account.appid)
    return sealed.decode()


def sealed(
    message: bytes,
    account: WeChatAccount = MINI_PROGRAM,
    *,
    json_outside: bool = False,
    appid: str | None = None,
    timestamp: str | None = None,
) -> Call:
    """`message` in secure mode."""
    return around(envelope(message, account, appid), account, json_outside=json_outside, timestamp=timestamp)


def around(
    encrypt: str, account: WeChatAccount = MINI_PROGRAM, *, json_outside: bool = False, timestamp: str | None = None
) -> Call:
    """A call whose envelope is `encrypt`, whatever that is, rightly signed."""
    fields = {"ToUserName": "gh_original", "Encrypt": encrypt}
    call = plain(as_json(fields) if json_outside else as_xml(fields), account, timestamp=timestamp)
    over = signature(account.callback_token, call.query["timestamp"], call.query["nonce"], encrypt)
    return call.with_query(encrypt_type="aes", msg_signature=over)
