"""Forms with a file: `multipart/form-data`, read by Sanic's parser once it is sure that this takes no time.

What a file is called on its sender's device is nobody's business: it is neither kept nor logged.
"""

from typing import TypeVar

from pydantic import BaseModel
from sanic import Request
from sanic.headers import parse_content_header
from sanic.request.form import parse_multipart_form
from sanic.request.parameters import RequestParameters

from miniprogram_api.reading import validated
from server.kernel.errors import DomainError, FieldFault

MEDIA = "multipart/form-data"
FILE = "file"
AROUND_BYTES = 16 * 1024
"""What a form holds beside its file."""
_MOST_PARTS = 50
_LONGEST_HEAD = 2048
_SHORTEST_BOUNDARY, _LONGEST_BOUNDARY = 8, 70
View = TypeVar("View", bound=BaseModel)


async def read_form(request: Request, model: type[View], *, file_required: bool) -> tuple[View, bytes | None]:
    """Return the fields as `model` and what the part `file` holds, None where it is left out.

    Raises DomainError 400, 413, 415, or 422 with every field at fault.
    """
    boundary = _boundary(request.headers.get("content-type", ""))
    await request.receive_body()  # type: ignore[no-untyped-call]
    fields, files = _parsed(request.body, boundary)
    data = next((sent.body for sent in files.getlist(FILE) or () if sent.body), None)
    faults = [FieldFault(f"/{name}", "repeated") for name, values in (*fields.items(), *files.items()) if values[1:]]
    faults += [FieldFault(f"/{name}", "extra_forbidden") for name in files if name != FILE]
    if file_required and data is None:
        faults.append(FieldFault(f"/{FILE}", "missing"))
    return validated(model, {name: values[0] for name, values in fields.items()}, faults), data


def _boundary(content_type: str) -> bytes:
    media, parameters = parse_content_header(content_type)
    if media != MEDIA:
        raise DomainError("not_a_form", 415)
    boundary = str(parameters.get("boundary", "")).encode()
    if not _SHORTEST_BOUNDARY <= len(boundary) <= _LONGEST_BOUNDARY:
        raise DomainError("unreadable_request", 400)
    return boundary


def _parsed(body: bytes, boundary: bytes) -> tuple[RequestParameters, RequestParameters]:
    """Return the text fields and the files, each with all its values; raises DomainError 400."""
    try:
        _check(body, boundary)
        return parse_multipart_form(body, boundary)  # type: ignore[no-any-return,no-untyped-call]
    except (ValueError, LookupError):  # its charset may be unknown, its head without a colon
        raise DomainError("unreadable_request", 400) from None


def _check(body: bytes, boundary: bytes) -> None:
    """Raise ValueError unless the parser will find a few parts with short heads, and nothing between them."""
    if not 1 < body.count(boundary) <= _MOST_PARTS or not body.startswith(b"--" + boundary):
        raise ValueError("not so many parts")
    *parts, end = body.split(boundary)[1:]
    if not end.startswith(b"--"):
        raise ValueError("cut off")
    for part in parts:
        head = part.find(b"\r\n\r\n", 0, _LONGEST_HEAD)
        if not part.startswith(b"\r\n") or not part.endswith(b"\r\n--") or head < 0:
            raise ValueError("a part without a head or an end")
