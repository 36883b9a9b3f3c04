"""What the data says, put as the facts that the rules ask for, and what the rules make of it: values in, values out."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from server.enrolments.models import Level
from server.policy import telling
from server.policy.book import PolicyBook
from server.policy.facts import Value
from server.policy.rules import decide

Facts = Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Sent:
    """A confirmed claim, as far as the rules ask: `region` is its school's.

    `entered_on` is the day as of which the rules are asked; `in_group` says whether the school that the student entered
    was a member of the group on that day.
    """

    region: str | None
    in_group: bool
    level: Level
    entered_on: date


@dataclass(frozen=True, slots=True)
class Found:
    """What the rules say of one case: `code` is empty where there is money in it, else why there is none.

    `verdict` is `{"version", "verdict", "checks", "warnings"}`: of each check its fact, what was got, whether that is
    enough, and the clause; of warnings their codes.
    """

    code: str
    verdict: Mapping[str, Any]
    amount_fen: int = 0


def of_claim(sent: Sent, city: Collection[str]) -> Facts:
    """Return what the data says of a confirmed claim; a school of no known region leaves out where it is.

    A school is in the city where its own place is: the student's ID number says nothing of it.
    """
    facts: dict[str, Value] = {
        "sent_by_school": True,  # a claim is confirmed only once a member school had the student at the census
        "receiver_in_group": sent.in_group,
        "level": str(sent.level),
    }
    return {"school_in_city": sent.region in city, **facts} if sent.region else facts


def judged(book: PolicyBook, programme: str, facts: Facts, on: date) -> Found:
    """Return what the rules of a programme in the book say of `facts` as of a day."""
    decided = decide(book.terms[programme], facts, on)
    told = telling.item(book, book.programmes[programme], decided)
    verdict = {
        "version": told.version,
        "verdict": told.verdict,
        "checks": [{"fact": one.fact, "got": one.got, "ok": one.ok, "clause": one.clause} for one in told.checks],
        "warnings": [one.code for one in told.warnings],
    }
    if told.verdict != "eligible":
        return Found(told.verdict, verdict)
    amount_fen = told.total_fen or told.amount_fen
    return Found("", verdict, amount_fen) if amount_fen else Found("amount_unstated", verdict)
