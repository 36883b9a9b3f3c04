"""What WeChat answered, read strictly: whatever is not as documented counts as no answer."""

import re
from typing import Any

import orjson

BUSY = -1
BUSY_REASON = "busy"
STATUS_REASON = "status"
TIMEOUT_REASON = "gateway_timeout"
_KEY_AT_FAULT = re.compile(r"data\.([A-Za-z_]{1,32}\d{0,4})\b")


class AwayError(Exception):
    """No answer that can be used. `handled` says whether WeChat may have acted on the request all the same.

    `reason` is a word of ours; no address, token or text of WeChat's is ever part of it.
    """

    def __init__(self, reason: str, *, handled: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.handled = handled


class RefusedError(Exception):
    """WeChat said no. `key` is the template key that it named, if any; its other words are not kept."""

    def __init__(self, errcode: int, key: str | None = None) -> None:
        super().__init__(errcode)
        self.errcode = errcode
        self.key = key


def document(data: bytes) -> dict[str, Any]:
    """Return the JSON object of a success; raises RefusedError or AwayError."""
    try:
        found = orjson.loads(data)
    except orjson.JSONDecodeError:
        found = None
    errcode = found.get("errcode", 0) if isinstance(found, dict) else None
    if type(errcode) is not int or not isinstance(found, dict):
        raise AwayError("unreadable", handled=True)
    if errcode == BUSY:
        raise AwayError(BUSY_REASON, handled=False)
    if errcode:
        named = _KEY_AT_FAULT.search(str(found.get("errmsg", "")))
        raise RefusedError(errcode, named[1] if named else None)
    return found


def image(data: bytes) -> bytes:
    """Return `data` where it is a PNG or JPEG; raises RefusedError or AwayError."""
    if data.startswith((b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")):
        return data
    document(data)
    raise AwayError("unreadable", handled=True)


def text(found: Any, pattern: re.Pattern[str]) -> str:
    """Return `found` where it is a text that `pattern` describes; raises AwayError."""
    if isinstance(found, str) and pattern.fullmatch(found):
        return found
    raise AwayError("unreadable", handled=True)


def number(found: Any, low: int, high: int) -> int:
    """Return `found` where it is a whole number from `low` to `high`; raises AwayError."""
    if type(found) is int and low <= found <= high:
        return found
    raise AwayError("unreadable", handled=True)
