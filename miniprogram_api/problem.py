"""Every refusal as `application/problem+json` (RFC 9457), with its Chinese texts from content."""

import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson
import structlog
from pydantic import BaseModel, ConfigDict
from sanic import HTTPResponse
from sanic.exceptions import MethodNotAllowed, PayloadTooLarge, RequestCancelled, SanicException
from sanic.handlers import ErrorHandler

from miniprogram_api.protocol import StrictRequest
from server.kernel.content import read
from server.kernel.errors import DomainError, FieldFault
from server.kernel.transactions import CONTENDED, DATABASE_AWAY

UNAUTHORISED = 401
CLIENT_GONE = 499
INTERNAL = DomainError("internal", 500)
RETRY_AFTER_SECONDS = {503: 5, 429: 60, 409: 1}
"""By status, where the error itself does not say in how many `seconds`."""

_SLUGS = {
    400: "unreadable_request", 404: "no_such_route", 405: "method_not_allowed", 408: "request_timeout",
    413: "body_too_large", 414: "address_too_long", 417: "unreadable_request", 431: "head_too_large",
    503: "overloaded",
}  # fmt: skip
_METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")
_API = "/api/v1/"
_PLACE = re.compile(r"/[0-9]+(?=/|$)")
"""The place of one thing among several, in a pointer."""
_INNER = re.compile(r"(?:/(?:[0-9]+|\[key\]))+$")
"""The place within a field that has no name of its own, such as a weekday that is none."""
_log = structlog.get_logger(__name__)


class Text(BaseModel):
    """The words of one kind of refusal; `{name}` is filled in from the error's facts."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str
    detail: str


class Problems(BaseModel):
    """`content/problems.yaml`: texts of refusals and of faults of single fields, what fields are called, nouns."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    problems: dict[str, Text]
    faults: dict[str, str]
    fields: dict[str, str]
    nouns: dict[str, str]

    @classmethod
    def load(cls, content_dir: Path) -> "Problems":
        """Read the texts; raises ContentError."""
        path = content_dir / "problems.yaml"
        return read(cls, path)

    def body(self, error: DomainError, request_id: str, face: str = "") -> bytes:
        """Return the problem document of `error`, of a route under `face`, such as `funds`."""
        text, subject = self.problems[error.slug], error.facts.get("subject")
        return orjson.dumps(
            {
                "type": f"/docs#problem-{error.slug}",
                "title": text.title,
                "status": error.status,
                "detail": self.detail(error.slug, error.facts),
                "code": error.slug,
                "errors": [{"pointer": fault.pointer, "detail": self.sentence(fault, face)} for fault in error.faults],
                "request_id": request_id,
                **({"subject": subject} if subject else {}),
            }
        )

    def detail(self, slug: str, facts: Mapping[str, Any]) -> str:
        """Return what a refusal says, by its slug and facts."""
        told = {name: self._told(value) for name, value in facts.items()}
        return self.problems[slug].detail.format(**told)

    def sentence(self, fault: FieldFault, face: str = "") -> str:
        """Return what is wrong with one field, beginning with its Chinese name."""
        told = self.faults.get(fault.code, self.faults["malformed"]).format(**fault.params)
        label = fault.label or self._label(fault.pointer, face)
        return f"{label}：{told}" if label else told

    def called(self, name: str) -> str:
        """Return what a field is called, as it stands in a file for people to read."""
        return self.fields.get(name, name)

    def _told(self, value: Any) -> Any:
        """Return what a fact is called, of several all of them."""
        if isinstance(value, list):
            return "、".join(self.nouns.get(str(one), str(one)) for one in value)
        return self.nouns.get(str(value), value)

    def _label(self, pointer: str, face: str) -> str | None:
        """Return what the field is called under this very face, else at this place, else wherever it stands."""
        here = face + _PLACE.sub("/*", pointer)
        return self.fields.get(here) or self.fields.get(pointer) or self._anywhere(pointer)

    def _anywhere(self, pointer: str) -> str | None:
        return self.fields.get(_INNER.sub("", pointer).lstrip("?/").rpartition("/")[2])


class ProblemHandler(ErrorHandler):
    """Sanic's single place for whatever went wrong."""

    def __init__(self, problems: Problems) -> None:
        """Keep the texts."""
        super().__init__()
        self._problems = problems

    def response(self, request: StrictRequest, exception: BaseException) -> HTTPResponse:
        """Return the answer for any exception; a 500 says nothing of the inside."""
        if isinstance(exception, PayloadTooLarge) and request.method == "NONE":  # Sanic had no request yet
            exception = DomainError("head_too_large", 431)
        error, headers = _domain_error(exception)
        if isinstance(exception, MethodNotAllowed):
            headers["allow"] = ", ".join(_allowed(request))
        if error is INTERNAL:
            _log.error("unexpected error", request_id=request.request_id, exc_info=exception)
        if after := RETRY_AFTER_SECONDS.get(error.status):
            headers["retry-after"] = str(error.facts.get("seconds", after))
        if error.status == UNAUTHORISED:
            headers["www-authenticate"] = "Bearer"
        body = self._problems.body(error, request.request_id, _face(request))
        headers |= {"cache-control": "no-store", "x-content-type-options": "nosniff"}
        return HTTPResponse(body, error.status, headers, "application/problem+json")


def _face(request: StrictRequest) -> str:
    """Return under which part of the interface a request came: `funds` of `/api/v1/funds/…`."""
    return request.path.removeprefix(_API).partition("/")[0] if request.path.startswith(_API) else ""


def _domain_error(exception: BaseException) -> tuple[DomainError, dict[str, str]]:
    if isinstance(exception, DomainError):
        return exception, {}
    if isinstance(exception, DATABASE_AWAY):
        _log.warning("database is away", exc_info=exception)
        return DomainError("unavailable", 503), {}
    if isinstance(exception, CONTENDED):
        _log.warning("transaction given up", error=type(exception).__name__)
        return DomainError("contended", 503), {}
    if isinstance(exception, RequestCancelled):
        return DomainError("client_gone", CLIENT_GONE), {}
    if isinstance(exception, SanicException) and exception.status_code in _SLUGS:
        return DomainError(_SLUGS[exception.status_code], exception.status_code), {}
    return INTERNAL, {}


def _allowed(request: StrictRequest) -> list[str]:
    """Return the methods that a path takes; Sanic does not name them where a path with a parameter takes several."""
    found = []
    for method in _METHODS:
        with suppress(MethodNotAllowed):
            request.app.router.get(request.path, method, None)
            found.append(method)
    return found
