"""The bodies of the control routes."""

from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

from server.standin.templates import KEY, Side

OpenId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
TemplateId = Annotated[str, StringConstraints(min_length=1, max_length=64)]
Result = Literal["accept", "reject", "ban", "filter"]
TOLD = {"accept", "reject"}
"""The answers of which WeChat tells the callback."""


class Order(BaseModel):
    """What a control route takes: nothing beyond its fields."""

    model_config = ConfigDict(extra="forbid")


class WrongError(Exception):
    """A body that only its route can see to be wrong: the field, and why."""

    def __init__(self, field: str, words: str) -> None:
        super().__init__(field, words)
        self.field = field
        self.words = words


class Nothing(Order):
    """No fields at all."""


class NewCode(Order):
    """Who opens the mini-program. Without `unionid` it stays, at first `union-` and the openid; null is none."""

    openid: OpenId
    unionid: OpenId | None = None


class NewPhoneCode(Order):
    """Whose number is shared: its digits without the country code."""

    phone: str = Field(pattern=r"^\d{5,15}$")
    country_code: str = Field("86", pattern=r"^[1-9]\d{0,3}$")


class Permissions(Order):
    """How someone answered.

    `results` is one answer or several in a row about `template_id`, or one answer each for several templates that
    were asked for together. `in_settings` means on the page of settings: permissions are withdrawn.
    """

    openid: OpenId
    template_id: TemplateId | None = None
    results: Result | Annotated[list[Result], Field(max_length=1000)] | dict[TemplateId, Result]
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
    errcode: int | None = None
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

    now: AwareDatetime | None


class Follower(Order):
    """Who follows the service account, or does no more; `unionid` as in `NewCode`."""

    openid: OpenId
    unionid: OpenId | None = None
    following: bool = True


class CallbackMode(Order):
    """How events are sent, and to which API on this machine; what is left out stays. `off` sends none."""

    base: str | None = Field(None, pattern=r"^http://(127\.0\.0\.1|localhost):\d{1,5}$")
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
