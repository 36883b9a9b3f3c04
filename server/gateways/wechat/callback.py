"""What WeChat calls of its own accord: who signed it, whether it is fresh and ours, and what it says.

Written over `cryptography` alone. wechatpy's own reader compares signatures with `!=`, takes any padding for good, and
raises four kinds of exception for what is malformed.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from server.gateways.wechat.callback_body import Message, UnreadableBodyError, read
from server.kernel.errors import DomainError

BODY_LIMIT_BYTES = 64 * 1024
FRESH_FOR = timedelta(minutes=5)
"""How far the time of a call may lie from ours, either way."""

_KEY_BYTES = 32
_AES_BLOCK = 16
_RANDOM_BYTES = 16
_LENGTH_BYTES = 4
_LONGEST_PADDING = 32
"""WeChat pads to 32 bytes, twice the cipher's block."""

_SECONDS = re.compile(r"[0-9]{10}")
_ECHO = re.compile(r"[ -~]{1,256}")
_NONCE = re.compile(r"[!-~]{1,64}")
_NAME = re.compile(r"[A-Za-z0-9_.]{1,56}")
_OPENID = re.compile(r"[!-~]{1,64}")
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Event:
    """What WeChat tells. `name` is the event's own, or `message.` and the kind of a message.

    `payload` is the whole of it: texts by WeChat's names, and `List` as an array.
    """

    name: str
    openid: str
    created_at: datetime
    payload: Message


class _RefusedError(Exception):
    """Why a call is refused, for our log only: all who call get the same words."""


class CallbackReader:
    """Reads what is posted to the callback of one account."""

    def __init__(self, appid: str, token: str, key: str, *, secure_only: bool) -> None:
        """Take an account's credentials; `key` is the 43 characters of WeChat's EncodingAESKey.

        `secure_only` refuses plain mode, whose signature does not cover the body. Raises ValueError for another key.
        """
        self._appid = appid.encode()
        self._token = token
        self._key = _decoded(key + "=")
        self._secure_only = secure_only
        if len(self._key) != _KEY_BYTES:
            raise ValueError("a callback key has the 43 characters that WeChat gives")

    def verify(self, query: Mapping[str, str], now: datetime) -> str:
        """Return the `echostr` that proves to WeChat whose address this is; raises DomainError 403."""
        try:
            self._check(query, now, query["signature"])
        except _RefusedError as error:
            raise _refusal(error) from None
        if not _ECHO.fullmatch(query["echostr"]):
            raise DomainError("callback_unreadable", 400)
        return query["echostr"]

    def read(self, query: Mapping[str, str], body: bytes, now: datetime) -> Event:
        """Return the event that `body` holds.

        Raises DomainError 403 for what WeChat did not sign for us just now, 400 for what cannot be read, 413 for what
        is larger than WeChat's own. Whoever holds no token learns nothing beyond that: not whether it was decrypted.
        """
        if len(body) > BODY_LIMIT_BYTES:
            raise DomainError("body_too_large", 413)
        try:
            return _event(self._opened(query, body, now))
        except _RefusedError as error:
            raise _refusal(error) from None
        except UnreadableBodyError:
            raise DomainError("callback_unreadable", 400) from None

    def _opened(self, query: Mapping[str, str], body: bytes, now: datetime) -> Message:
        if not query["msg_signature"]:
            if self._secure_only:
                raise _RefusedError("plain mode")
            self._check(query, now, query["signature"])
            return _unsealed(read(body))
        _check_time(query["timestamp"], now)
        sealed = read(body).get("Encrypt")
        if not isinstance(sealed, str):
            raise UnreadableBodyError
        self._check(query, now, query["msg_signature"], sealed)
        return read(self._decrypted(sealed))

    def _check(self, query: Mapping[str, str], now: datetime, signature: str, *more: str) -> None:
        _check_time(query["timestamp"], now)
        if not _NONCE.fullmatch(query["nonce"]):
            raise _RefusedError("nonce")
        parts = sorted(part.encode() for part in (self._token, query["timestamp"], query["nonce"], *more))
        expected = hashlib.sha1(b"".join(parts)).hexdigest()  # noqa: S324 -- WeChat's choice
        if not hmac.compare_digest(expected.encode(), signature.encode(errors="replace")):
            raise _RefusedError("signature")

    def _decrypted(self, sealed: str) -> bytes:
        """Return the message of an envelope: 16 random bytes, its length, the message, the appid, the padding."""
        envelope = _decoded(sealed)
        if not envelope or len(envelope) % _AES_BLOCK:
            raise _RefusedError("envelope")
        decryptor = Cipher(algorithms.AES(self._key), modes.CBC(self._key[:_AES_BLOCK])).decryptor()
        content = _unpadded(decryptor.update(envelope) + decryptor.finalize())[_RANDOM_BYTES:]
        length = int.from_bytes(content[:_LENGTH_BYTES], "big")
        message, appid = content[_LENGTH_BYTES:][:length], content[_LENGTH_BYTES:][length:]
        if not hmac.compare_digest(appid, self._appid):
            raise _RefusedError("appid")
        return message


def _check_time(timestamp: str, now: datetime) -> None:
    if not _SECONDS.fullmatch(timestamp):
        raise _RefusedError("timestamp")
    if abs(datetime.fromtimestamp(int(timestamp), UTC) - now) > FRESH_FOR:
        raise _RefusedError("not fresh")


def _decoded(text: str) -> bytes:
    """Return what base64 holds, nothing where it is not exactly that."""
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        return b""


def _unpadded(padded: bytes) -> bytes:
    number = padded[-1]
    if not 1 <= number <= _LONGEST_PADDING or padded[-number:] != bytes([number]) * number:
        raise _RefusedError("padding")
    return padded[:-number]


def _unsealed(message: Message) -> Message:
    """Return a plain message; one that brings an envelope as well must come with the signature over it."""
    if "Encrypt" in message:
        raise _RefusedError("unsigned envelope")
    return message


def _event(message: Message) -> Event:
    kind = _field(message, "MsgType", _NAME)
    name = _field(message, "Event", _NAME) if kind == "event" else f"message.{kind}"
    created_at = datetime.fromtimestamp(int(_field(message, "CreateTime", _SECONDS)), UTC)
    return Event(name, _field(message, "FromUserName", _OPENID), created_at, message)


def _field(message: Message, name: str, form: re.Pattern[str]) -> str:
    value = message.get(name)
    if not isinstance(value, str) or not form.fullmatch(value):
        raise UnreadableBodyError
    return value


def _refusal(reason: _RefusedError) -> DomainError:
    """Note the reason, by which whoever sets up the account finds a wrong token or clock, and return the refusal."""
    _log.info("callback refused", reason=str(reason))
    return DomainError("callback_refused", 403)
