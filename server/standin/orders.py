"""The bodies of the control routes."""

import json
import re
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PlainValidator,
    StringConstraints,
    field_validator,
    model_validator,
)

from server.standin.templates import KEY, Side

OpenId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
TemplateId = Annotated[str, StringConstraints(min_length=1, max_length=64)]
Result = Literal["accept", "reject", "ban", "filter"]
TOLD = {"accept", "reject"}
"""The answers of which WeChat tells the callback."""
YEARS = range(2000, 2200)
"""Where the clock may be moved: sums of days and years with any moment there are moments still."""
_OUTSIDE = f"lies outside the years {YEARS.start} to {YEARS.stop - 1}"
ERRCODES = 2**31
"""WeChat's numbers lie below, on both sides of zero."""
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})")
_HIGHEST_PORT = 65535


class Order(BaseModel):
    """What a control route takes: nothing beyond its fields, each once and of its own type."""

    model_config = ConfigDict(extra="forbid", strict=True)

    @classmethod
    def read(cls, body: bytes) -> Self:
        """Return the order in `body`; raises pydantic's ValidationError or WrongError."""
        order = cls.model_validate_json(body)
        json.loads(body, object_pairs_hook=_once_each)
        return order


class WrongError(Exception):
    """A body that only its route can see to be wrong: the field, and why."""

    def __init__(self, field: str, words: str) -> None:
        super().__init__(field, words)
        self.field = field
        self.words = words


def _once_each(pairs: list[tuple[str, Any]]) -> None:
    seen: set[str] = set()
    for name, _ in pairs:
        if name in seen:
            raise WrongError(name, "is given more than once")
        seen.add(name)


def _moment(text: object) -> datetime:
    """Return the moment that RFC 3339 writes as `text`, in UTC; raises ValueError."""
    if not isinstance(text, str) or not _MOMENT.fullmatch(text):
        raise ValueError("a moment is written as in 2026-09-01T08:00:00+08:00")
    try:
        moment = datetime.fromisoformat(text).astimezone(UTC)
    except OverflowError:
        raise ValueError(_OUTSIDE) from None
    if moment.year not in YEARS:
        raise ValueError(_OUTSIDE)
    return moment


def _base(text: str) -> str:
    if int(text.rpartition(":")[2]) > _HIGHEST_PORT:
        raise ValueError(f"no port is above {_HIGHEST_PORT}")
    return text


class Nothing(Order):
    """No fields at all."""


class NewCode(Order):
    """Who opens the mini-program. Without `unionid` it stays, at first `union-` and the openid; null is none."""

    openid: OpenId
    unionid: OpenId | None = None


class NewPhoneCode(Order):
    """Whose number is shared: its digits without the country code."""

    phone: str = Field(pattern=r"^[0-9]{5,15}$")
    country_code: str = Field("86", pattern=r"^[1-9][0-9]{0,3}$")


class Permissions(Order):
    """How someone answered.

    `results` is one answer or several in a row about `template_id`, or one answer each for several templates that
    were asked for together. `in_settings` means on the page of settings: permissions are withdrawn.
    """

    openid: OpenId
    template_id: TemplateId | None = None
    results: (
        Result
        | Annotated[list[Result], Field(min_length=1, max_length=1000)]
        | Annotated[dict[TemplateId, Result], Field(min_length=1, max_length=1000)]
    )
    in_settings: bool = False

    @model_validator(mode="after")
    def _names_templates(self) -> Self:
        if not isinstance(self.results, dict) and not self.template_id:
            raise ValueError("template_id is needed unless results names templates")
        if self.in_settings and any(result != "reject" for asked in self.asked() for result in asked.values()):
            raise ValueError("in_settings goes with reject only")
        return self

    def asked(self) -> list[dict[str, Result]]:
        """Return the answers by template, once for each time someone was asked."""
        if isinstance(self.results, dict):
            return [self.results]
        results = self.results if isinstance(self.results, list) else [self.results]
        return [{str(self.template_id): result} for result in results]


class NewFault(Order):
    """What is to go wrong; see `faults.Fault`."""

    path: str
    errcode: int | None = Field(None, gt=-ERRCODES, lt=ERRCODES)
    status: int | None = Field(None, ge=200, le=599)
    delay_ms: int = Field(0, ge=0, le=60_000)
    drop: bool = False
    html: bool = False
    after: bool = False
    times: int | None = Field(None, ge=1, le=1_000_000)

    @model_validator(mode="after")
    def _does_something(self) -> Self:
        if not (self.delay_ms or self.drop or self.html or self.errcode is not None or self.status is not None):
            raise ValueError("one of errcode, status, delay_ms, drop, html is needed")
        return self


class Revocation(Order):
    """Whose tokens die: one account's, or both."""

    appid: str | None = None


class Moment(Order):
    """What time it is from now on; null is real time."""

    now: Annotated[datetime, PlainValidator(_moment)] | None


class Follower(Order):
    """Who follows the service account, or does no more; `unionid` as in `NewCode`."""

    openid: OpenId
    unionid: OpenId | None = None
    following: bool = True


class CallbackMode(Order):
    """How events are sent, and to which API on this machine; what is left out stays. `off` sends none."""

    base: Annotated[str, AfterValidator(_base)] | None = Field(
        None, pattern=r"^http://(127\.0\.0\.1|localhost):[1-9][0-9]{0,4}$"
    )
    mode: Literal["secure", "plain", "off"] | None = None
    format: Literal["xml", "json"] | None = None


class NewTemplate(Order):
    """A template to add or to put in another's place."""

    id: TemplateId
    keys: list[str] = Field(min_length=1, max_length=20)
    side: Side = Side.MINI_PROGRAM
    long_term: bool = False
    choices: dict[str, list[str]] = {}

    @field_validator("keys")
    @classmethod
    def _are_keys(cls, keys: list[str]) -> list[str]:
        wrong = [key for key in keys if not KEY.fullmatch(key)]
        if wrong:
            raise ValueError(f"{', '.join(wrong)}: a key is a prefix that WeChat knows and a number, as in thing1")
        return keys
