"""Answers that never change while the process runs: each made, hashed and compressed once, sent by reference."""

import gzip
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import brotli
from pydantic import BaseModel
from sanic import HTTPResponse, Request

CACHE_CONTROL = b"public, max-age=60, stale-while-revalidate=600"
JSON = "application/json; charset=utf-8"
HTML = "text/html; charset=utf-8"
WORTH_COMPRESSING_BYTES = 512
OVERHEAD_BYTES = 2048
"""What an answer takes beside its bytes: headers, variants, the key it is kept under (1.6 KB measured)."""
BROTLI_QUALITY = 6
"""At 9 an answer is a hundredth smaller and takes its first asker fifteen times as long."""

_ENCODERS: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    "gzip": lambda body: gzip.compress(body, 9, mtime=0),
    "br": lambda body: brotli.compress(body, quality=BROTLI_QUALITY),
}

Headers = tuple[tuple[bytes, bytes], ...]
_SAFETY: dict[str, Headers] = {
    JSON: ((b"x-content-type-options", b"nosniff"),),
    HTML: (
        (b"x-content-type-options", b"nosniff"),
        (
            b"content-security-policy",
            b"default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
        ),
    ),
}


_FRESH = JSON.encode() + b"\r\ncache-control: no-store\r\nx-content-type-options: nosniff\r\ncontent-length: %d"


class FixedResponse(HTTPResponse):
    """An answer whose headers were written out beforehand.

    Sanic encodes and joins the headers of every answer one by one, which costs a small answer a tenth of its time.
    Here all that never changes, the length included, is one block of bytes that Sanic takes for a single header;
    only the request's id and what becomes of the connection are written per request.

    `subject_id` is what a handler made, for its idempotency key.
    """

    __slots__ = ("_block", "subject_id")

    def __init__(self, body: bytes, status: int, block: tuple[bytes, bytes]) -> None:
        self.subject_id: str | None = None
        self.asgi = False
        self.body = body
        self.content_type = None
        self.stream = None
        self.status = status
        self.headers: Any = {}
        self._cookies = None
        self._block = block

    @property
    def processed_headers(self) -> Iterator[tuple[bytes, bytes]]:
        """The header pairs as Sanic sends them."""
        headers = self.headers
        line = f"{headers['x-request-id']}\r\nconnection: {headers['connection']}"
        return iter((self._block, (b"x-request-id", line.encode())))


def fresh(body: bytes, status: int, version: int | None = None) -> FixedResponse:
    """Return JSON made for this one request, which nobody keeps; `version` of a shared thing becomes its ETag."""
    tag = b"" if version is None else b'\r\netag: "%d"' % version
    return FixedResponse(body, status, (b"content-type", _FRESH % len(body) + tag))


@dataclass(frozen=True, slots=True)
class _Variant:
    body: bytes
    etag: str
    full: tuple[bytes, bytes]
    unchanged: tuple[bytes, bytes]


class Representation:
    """One answer in one media type, in each encoding from when it is first asked for."""

    __slots__ = ("_body", "_digest", "_tag", "_variants", "_vary", "content_type")

    def __init__(
        self, body: bytes, content_type: str = JSON, *, varies_by_accept: bool = False, tag: str | None = None
    ) -> None:
        """Hash `body`; an encoding takes its first asker a millisecond, so this belongs behind a cache.

        `tag` is a hash of the content that clients know from elsewhere: it makes the ETags, and a client that has it
        gets its 304 in whatever encoding it asks.
        """
        self.content_type = content_type
        self._body = body
        self._digest = tag or hashlib.sha256(body).hexdigest()[:24]
        self._tag = f'"{tag}"' if tag else None
        self._vary = b"accept-encoding, accept" if varies_by_accept else b"accept-encoding"
        self._variants: dict[str, _Variant] = {}

    @classmethod
    def of(cls, view: BaseModel, *, varies_by_accept: bool = False, tag: str | None = None) -> "Representation":
        """Return the JSON of a view."""
        return cls(view.model_dump_json(by_alias=True).encode(), varies_by_accept=varies_by_accept, tag=tag)

    @property
    def size(self) -> int:
        """How many bytes it takes at most: its encodings, and about what Python needs to hold them."""
        return OVERHEAD_BYTES + 2 * len(self._body)

    def respond(self, request: Request) -> HTTPResponse:
        """Return the 200, or the 304 for a client that has it already."""
        headers = request.headers
        encoding = preferred_encoding(headers.get("accept-encoding", ""))
        variant = self._variants.get(encoding) or self._in(encoding)
        known = headers.get("if-none-match")
        if known is not None and (known == variant.etag or matches(known, variant.etag) or self._is_tag(known)):
            return FixedResponse(b"", 304, variant.unchanged)
        return FixedResponse(variant.body, 200, variant.full)

    def _in(self, encoding: str) -> _Variant:
        if encoding and len(self._body) < WORTH_COMPRESSING_BYTES:
            made = self._variants.get("") or self._in("")
        else:
            data = _ENCODERS[encoding](self._body)
            made = _variant(data, self.content_type, self._digest, encoding, self._vary)
        self._variants[encoding] = made
        return made

    def _is_tag(self, if_none_match: str) -> bool:
        return self._tag is not None and matches(if_none_match, self._tag)


@lru_cache(maxsize=256)
def preferred_encoding(accept_encoding: str) -> str:
    """Return the first of `br`, `gzip` and `` (identity) that an Accept-Encoding header allows."""
    allowed = {}
    for part in accept_encoding.lower().split(","):
        name, _, weight = part.strip().partition(";")
        allowed[name.strip()] = weight.replace(" ", "") not in {"q=0", "q=0.0", "q=0.00", "q=0.000"}
    return next((name for name in ("br", "gzip") if allowed.get(name, allowed.get("*", False))), "")


def matches(if_none_match: str, etag: str) -> bool:
    """Whether one of the header's tags is `etag`, compared weakly as RFC 9110 has it for If-None-Match."""
    tags = [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]
    return "*" in tags or etag in tags


def _variant(body: bytes, content_type: str, digest: str, encoding: str, vary: bytes) -> _Variant:
    etag = f'"{digest}-{encoding}"' if encoding else f'"{digest}"'
    unchanged: Headers = ((b"etag", etag.encode()), (b"cache-control", CACHE_CONTROL), (b"vary", vary))
    full: Headers = (
        *unchanged,
        (b"content-type", content_type.encode()),
        (b"content-length", str(len(body)).encode()),
        *_SAFETY.get(content_type, ()),
        *(((b"content-encoding", encoding.encode()),) if encoding else ()),
    )
    return _Variant(body, etag, _block(full), _block(unchanged))


def _block(headers: Headers) -> tuple[bytes, bytes]:
    """Return `headers` as one pair: the first name, and its value with all other lines behind it."""
    name, value = headers[0]
    return name, b"\r\n".join([value, *(b"%b: %b" % header for header in headers[1:])])
