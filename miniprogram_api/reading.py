"""Reading what a client sent: the query and the body, strictly, with every fault listed."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import lru_cache
from typing import Annotated, Any, TypeVar
from urllib.parse import parse_qsl

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import PydanticCustomError
from sanic import Request

from miniprogram_api import strict_json
from server.kernel import codes, paging
from server.kernel.errors import DomainError, FieldFault, invalid

MAX_QUERY_FIELDS = 50
MOST_FAULTS = 100
JSON_LIMIT_BYTES = 256 * 1024
"""Larger JSON would hold up everybody while it is read; files come as multipart."""
_ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_VERSION_TAG = re.compile(r'"([0-9]{1,9})"|([0-9]{1,9})', re.ASCII)
NO_VERSION = -1
View = TypeVar("View", bound=BaseModel)


def _only_iso(value: Any) -> Any:
    """Refuse what pydantic would also take for a date: `0.0` and `1700000000` as moments of Unix time."""
    if not isinstance(value, str):
        return value
    try:
        return date.fromisoformat(value if _ISO_DATE.fullmatch(value) else "")
    except ValueError:
        raise PydanticCustomError("date_parsing", "not YYYY-MM-DD") from None


Day = Annotated[date, BeforeValidator(_only_iso)]
"""A date as our clients write it, `YYYY-MM-DD`."""


def _impersonal(text: str) -> str:
    """Refuse a text with somebody's number in it, however it is spaced: what is written here is kept for good."""
    if codes.personal(text):
        raise PydanticCustomError("personal_number", "a personal number")
    return text


IMPERSONAL = AfterValidator(_impersonal)
"""For every free text that is kept: no citizen number, mobile number or account number in it."""


class Body(BaseModel):
    """Base of request bodies: nothing unknown, nothing converted."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, defer_build=True)


class Query(BaseModel):
    """Base of query strings: nothing unknown; texts are converted to their types."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class Form(BaseModel):
    """Base of the text fields of a form with a file: nothing unknown; texts are converted to their types."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class Paged(Query):
    """What every list accepts."""

    limit: int = Field(paging.LIMIT_DEFAULT, ge=1, le=paging.LIMIT_MAX)
    cursor: str | None = Field(None, min_length=1, max_length=400)


@lru_cache(maxsize=1024)
def read_query(text: str, model: type[View]) -> View:
    """Return the query string `text` as `model`; raises DomainError with every parameter at fault.

    Kept, since the same few queries come again and again and their models are frozen.
    """
    pairs = _query_pairs(text)
    names = [name for name, _ in pairs]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise invalid(*(FieldFault(f"?{name}", "repeated") for name in repeated))
    try:
        return model.model_validate(dict(pairs))
    except ValidationError as error:
        raise invalid(*_faults(error, _parameter)) from None


def refuse_query(text: str) -> None:
    """Raise DomainError naming every parameter of a route that takes none."""
    raise invalid(*(FieldFault(f"?{name}", "extra_forbidden") for name, _ in _query_pairs(text)))


def read_body(request: Request, model: type[View]) -> View:
    """Return the JSON body as `model`; raises DomainError 400, 413, 415, or 422 with every field at fault.

    Validators find `app.ctx`, with the content, as their context, so that every fault is listed at once.
    """
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media != "application/json":
        raise DomainError("not_json", 415)
    if len(request.body) > JSON_LIMIT_BYTES:
        raise DomainError("body_too_large", 413)
    try:
        strict_json.check(request.body)
        return model.model_validate_json(request.body, context=request.app.ctx)
    except strict_json.UnreadableJsonError:
        raise DomainError("unreadable_json", 400) from None
    except ValidationError as error:
        raise invalid(*_faults(error, _pointer)) from None


def validated(model: type[View], values: Mapping[str, str], faults: Sequence[FieldFault] = ()) -> View:
    """Return the fields of a form as `model`; raises DomainError 422 with `faults` and every field at fault."""
    found = list(faults)
    try:
        view = model.model_validate(values)
    except ValidationError as error:
        found += _faults(error, _pointer)
    if found:
        raise invalid(*found)
    return view


def read_if_match(header: str | None, *, required: bool) -> int | None:
    """Return the version that an If-Match header asks for, None for any.

    `"3"` as our ETags are, or just 3; a tag that we never gave matches no version. Raises DomainError 428 where the
    header is `required` and missing.
    """
    if header is None:
        if required:
            raise DomainError("if_match_missing", 428)
        return None
    tag = header.strip()
    if tag == "*":
        return None
    found = _VERSION_TAG.fullmatch(tag)
    return int(found[1] or found[2]) if found else NO_VERSION


def _query_pairs(text: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MAX_QUERY_FIELDS)
    except ValueError:
        raise DomainError("unreadable_request", 400) from None


def _faults(error: ValidationError, place: Callable[[tuple[int | str, ...]], str]) -> list[FieldFault]:
    if error.error_count() > MOST_FAULTS:
        raise DomainError("too_many_faults", 422, limit=MOST_FAULTS)
    found = error.errors(include_url=False, include_input=False)
    return [FieldFault(place(item["loc"]), item["type"], _params(item.get("ctx", {}))) for item in found]


def _params(context: dict[str, Any]) -> dict[str, Any]:
    """Return pydantic's figures; its English list of choices (`'a', 'b' or 'c'`) becomes `a、b、c`."""
    if "expected" not in context:
        return context
    return {**context, "expected": "、".join(re.findall(r"'([^']*)'", context["expected"]))}


def _parameter(location: tuple[int | str, ...]) -> str:
    return f"?{location[0]}"


def _pointer(location: tuple[int | str, ...]) -> str:
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in location)
