"""What calls to WeChat come to."""

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Identity:
    """Who WeChat says someone is; `unionid` is known where the accounts are bound together."""

    openid: str
    unionid: str | None = None


@dataclass(frozen=True, slots=True)
class Follower:
    """Someone whom the service account asked about."""

    openid: str
    unionid: str | None
    following: bool


class Suggestion(StrEnum):
    """What WeChat advises about a text."""

    PASS = "pass"  # noqa: S105 -- no password
    REVIEW = "review"
    RISKY = "risky"
    UNCHECKED = "unchecked"
    """The writer has not used the mini-program for two hours, so only a human can tell."""


@dataclass(frozen=True, slots=True)
class TextVerdict:
    """The verdict on a text; `label` is WeChat's number for the kind of content, `trace_id` its name for the check."""

    suggestion: Suggestion
    label: int | None = None
    trace_id: str | None = None


class PushState(StrEnum):
    """Where a push got to."""

    SENT = "sent"
    REFUSED = "refused"
    AWAY = "away"
    """WeChat did not take it; sending it again makes no duplicate."""
    UNKNOWN = "unknown"
    """The answer was lost: it may have been delivered."""


class PushRefusal(StrEnum):
    """Why WeChat refused a push."""

    UNKNOWN_PERSON = "unknown_person"
    NOT_FOLLOWING = "not_following"
    NO_PERMISSION = "no_permission"
    """Refused by the person, or every permission is used up."""
    UNKNOWN_TEMPLATE = "unknown_template"
    WRONG_PAGE = "wrong_page"
    BAD_VALUE = "bad_value"
    """A value breaks its limit; `key` names it."""
    QUOTA = "quota"
    """The day's quota is used up."""
    TOO_OFTEN = "too_often"
    """Too many to this one person."""
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class PushOutcome:
    """What became of one push."""

    state: PushState
    message_id: str | None = None
    refusal: PushRefusal | None = None
    key: str | None = None
