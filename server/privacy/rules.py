"""How long what is kept, and why: `content/retention.yaml`, dated and told to people in these words."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import Field

from server.kernel import clock
from server.kernel.content import Content, ContentError, read

Words = Annotated[str, Field(min_length=1)]


class Kept(StrEnum):
    """What has a period."""

    PERSON_NAME = "person_name"
    STUDENT_LINK = "student_link"
    STUDENT_LINK_UNCONFIRMED = "student_link_unconfirmed"
    STUDENT = "student"
    CONSENT = "consent"
    REFERRAL_CONTACT = "referral_contact"
    REFERRAL = "referral"
    IMPORT_ROW = "import_row"
    ORGANISATION_CONTACT = "organisation_contact"
    LICENCE_REJECTED = "licence_rejected"
    LICENCE_CLOSED = "licence_closed"
    PAYEE_ACCOUNT_UNUSED = "payee_account_unused"
    PAYEE_ACCOUNT = "payee_account"
    AWARD = "award"
    POSTING = "posting"
    ENGAGEMENT = "engagement"
    NOTICE = "notice"
    DELIVERY = "delivery"
    BROADCAST = "broadcast"
    PERMISSION = "permission"
    SESSION = "session"
    AUDIT = "audit"


class Period(Content):
    """How long, from a day on; null is for good."""

    since: Annotated[date, Field(alias="from")]
    days: Annotated[int, Field(ge=1)] | None


class Rule(Content):
    """One kind of thing that is kept."""

    field: Kept
    what: Words
    why: Words
    periods: Annotated[tuple[Period, ...], Field(min_length=1)]


class Deletion(Content):
    """What is told to someone who goes."""

    undo_days: Annotated[int, Field(ge=1)]
    undo: Words
    erased: tuple[Words, ...]


class Retention(Content):
    """Every rule, and what goes at once with an account."""

    deletion: Deletion
    rules: tuple[Rule, ...]

    def rule(self, kept: Kept) -> Rule:
        """Return the rule for `kept`."""
        return next(rule for rule in self.rules if rule.field is kept)

    def period(self, kept: Kept, on: date) -> timedelta | None:
        """Return how long `kept` is kept by what holds on a day, None for good."""
        days = [period.days for period in self.rule(kept).periods if period.since <= on]
        return timedelta(days=days[-1]) if days and days[-1] is not None else None

    def limit(self, kept: Kept, now: datetime) -> datetime:
        """Return the moment before which what has ended is kept no longer; the beginning of time where all is."""
        period = self.period(kept, now.astimezone(clock.SHANGHAI).date())
        return now - period if period else datetime.min.replace(tzinfo=now.tzinfo)


def load(content_dir: Path) -> Retention:
    """Return the rules; raises ContentError."""
    path = content_dir / "retention.yaml"
    retention = read(Retention, path)
    if faults := [f"{path}: {fault}" for fault in _faults(retention)]:
        raise ContentError(faults)
    return retention


def _faults(retention: Retention) -> Iterator[str]:
    fields = [rule.field for rule in retention.rules]
    if sorted(fields) != sorted(Kept):
        yield "every field has one rule"
    for rule in retention.rules:
        days = [period.since for period in rule.periods]
        if days != sorted(set(days)):
            yield f"{rule.field}: periods must follow one another"
