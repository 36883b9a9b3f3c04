"""`Idempotency-Key` on a request that makes or decides something."""

import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

from sanic import HTTPResponse, Request
from sanic.headers import parse_content_header

from miniprogram_api.representation import FixedResponse
from server.kernel import idempotency, sensitive
from server.kernel.errors import FieldFault, invalid
from server.kernel.idempotency import IdempotencyKey
from server.kernel.sensitive import Kind
from server.kernel.transactions import shielded, transaction

KEY_MAX_LENGTH = 255
MULTIPART = "multipart/form-data"

Rebuild = Callable[[Request, str], Awaitable[HTTPResponse]]
Maker = Callable[..., Awaitable[HTTPResponse]]


def made(answer: FixedResponse, subject_id: str) -> FixedResponse:
    """Return the answer of a handler that made `subject_id`."""
    answer.subject_id = subject_id
    return answer


async def once(
    caller: UUID | str,
    request: Request,
    handler: Maker,
    rebuild: Rebuild,
    arguments: Mapping[str, Any],
) -> HTTPResponse:
    """Run `handler` for the first request with this key, and answer the others from what it made."""
    key = request.headers.get("idempotency-key")
    if key is None:
        raise invalid(FieldFault("Idempotency-Key", "missing"))
    if not 0 < len(key) <= KEY_MAX_LENGTH or not key.isascii():
        raise invalid(FieldFault("Idempotency-Key", "idempotency_key", {"max": KEY_MAX_LENGTH}))
    scope = f"{caller} {request.method} {request.uri_template}"
    row = await idempotency.begin(scope, key, *_hashes(request))
    if row.subject_id:
        return await rebuild(request, row.subject_id)
    # a caller who hangs up must not leave the key taken: the work and the key's end belong together
    return await shielded(_first(row, request, handler, arguments))


def _hashes(request: Request) -> Sequence[str]:
    """Return the hash of what was sent under every index key; without one, an ID number in it could be guessed."""
    digest = hashlib.sha256(request.raw_url + b"\n" + _said(request)).hexdigest()
    return sensitive.vault().indexes(Kind.REQUEST, digest)


def _said(request: Request) -> bytes:
    """Return the body, of a form without what parts it: clients draw another boundary each time."""
    media, parameters = parse_content_header(request.headers.get("content-type", ""))
    boundary = str(parameters.get("boundary", "")).encode()
    return request.body.replace(boundary, b"") if media == MULTIPART and boundary else request.body


@transaction
async def _run(row: IdempotencyKey, request: Request, handler: Maker, arguments: Mapping[str, Any]) -> HTTPResponse:
    answer = await handler(request, **arguments)
    if not isinstance(answer, FixedResponse) or answer.subject_id is None:
        raise TypeError("an idempotent handler says what it made")
    await idempotency.complete(row, answer.subject_id)
    return answer


async def _first(row: IdempotencyKey, request: Request, handler: Maker, arguments: Mapping[str, Any]) -> HTTPResponse:
    try:
        return await _run(row, request, handler, arguments)
    except Exception:
        await idempotency.release(row)
        raise
