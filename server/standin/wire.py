"""How an event is written, signed and sealed for a callback."""

import hashlib
import secrets
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from xml.sax.saxutils import escape

import orjson
from wechatpy.crypto import PrpCrypto

from server.kernel import clock
from server.secrets import WeChatAccount

_NESTS = {
    "subscribe_msg_popup_event": "SubscribeMsgPopupEvent",
    "subscribe_msg_change_event": "SubscribeMsgChangeEvent",
    "subscribe_msg_sent_event": "SubscribeMsgSentEvent",
}
"""Events whose rows are a `List`: in XML below this element, in JSON at the top."""
_ONE_ROW_BARE = {"subscribe_msg_change_event", "subscribe_msg_sent_event"}
"""Events that in JSON carry a single row as an object instead of a list of one."""


@dataclass(frozen=True, slots=True)
class Posting:
    """One request to a callback."""

    query: Mapping[str, str]
    body: bytes
    content_type: str


@dataclass(frozen=True, slots=True)
class Sealer:
    """Seals what one account sends."""

    account: WeChatAccount
    crypto: PrpCrypto = field(repr=False)

    @classmethod
    def of(cls, account: WeChatAccount) -> "Sealer":
        """Return the sealer of `account`."""
        return cls(account, PrpCrypto(b64decode(account.callback_key + "=")))

    def seal(self, fields: Mapping[str, Any], form: str, *, secure: bool) -> Posting:
        """Return what is posted for the event of these `fields`, in `form` (`xml` or `json`), now."""
        timestamp, nonce = str(int(clock.now().timestamp())), str(secrets.randbelow(10**10))
        query = {
            "signature": signature(self.account.callback_token, timestamp, nonce),
            "timestamp": timestamp,
            "nonce": nonce,
            "openid": str(fields["FromUserName"]),
        }
        body = write(fields, form)
        if secure:
            encrypted = self.crypto.encrypt(body, self.account.appid).decode()
            sign = signature(self.account.callback_token, timestamp, nonce, encrypted)
            query |= {"encrypt_type": "aes", "msg_signature": sign}
            body = write({"ToUserName": fields["ToUserName"], "Encrypt": encrypted}, form)
        content_type = "text/xml" if form == "xml" else "application/json"
        return Posting(query, body.encode(), content_type)


def signature(*parts: str) -> str:
    """Return WeChat's signature of `parts`: SHA-1 in hexadecimal over them, sorted and joined."""
    return hashlib.sha1("".join(sorted(parts)).encode()).hexdigest()  # noqa: S324 -- WeChat's choice


def write(fields: Mapping[str, Any], form: str) -> str:
    """Return `fields` as WeChat writes them: rows under `List` nest in XML, and may lose their list in JSON."""
    rows, event = fields.get("List"), fields.get("Event", "")
    if form == "json":
        bare = rows and len(rows) == 1 and event in _ONE_ROW_BARE
        return orjson.dumps({**fields, "List": rows[0]} if rows and bare else dict(fields)).decode()
    plain = "".join(_element(name, value) for name, value in fields.items() if name != "List")
    if rows:
        items = "".join(f"<List>{''.join(_element(*item) for item in row.items())}</List>" for row in rows)
        plain += f"<{_NESTS[event]}>{items}</{_NESTS[event]}>"
    return f"<xml>{plain}</xml>"


def _element(name: str, value: object) -> str:
    if isinstance(value, int):
        return f"<{name}>{value}</{name}>"
    text = str(value)
    words = escape(text) if "]]>" in text else f"<![CDATA[{text}]]>"
    return f"<{name}>{words}</{name}>"
