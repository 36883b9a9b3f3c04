"""How money comes to be paid, as `content/awards.yaml` has it: values in, values out.

Handed to a process once, as the rules of referrals are: whoever needs a period asks `in_force`.
"""

from collections.abc import Mapping
from datetime import date, timedelta
from enum import StrEnum
from math import ceil
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, model_validator

from server.kernel.content import Content, read
from server.kernel.handed import Handed
from server.organisations.roles import Kind
from server.policy.programmes import Decision

Words = Annotated[str, Field(min_length=1)]


class From(StrEnum):
    """What awards of a programme are proposed from."""

    CONFIRMED_REFERRALS = "confirmed_referrals"
    STATED = "stated"
    """Cases whose facts somebody states."""


class Source(Content):
    """What awards of a programme are proposed from, and the kind of organisation that they are paid to.

    `yearly` says whether the same matter of a payee has one each year; else it has one ever.
    """

    origin: Annotated[From, Field(alias="from")]
    payee: Kind
    yearly: bool


class Days(Content):
    """How many days, and who says so."""

    days: Annotated[int, Field(ge=1, le=365)]
    source: Words

    def end(self, first: date) -> date:
        """Return the last day of a span that begins on `first`, both included."""
        return first + timedelta(days=self.days - 1)


class SecondCheck(Content):
    """Above how many reviewed awards some are looked at again: a share of them, and how many at least."""

    above: Annotated[int, Field(ge=0)]
    share: Annotated[float, Field(gt=0, le=1)]
    least: Annotated[int, Field(ge=1)]
    source: Words

    def size(self, population: int) -> int:
        """Return how many of so many are drawn."""
        return min(population, max(self.least, ceil(population * self.share)))


class Step(Content):
    """How many approvers a statement needs whose total is at most `up_to_fen`, null for any."""

    up_to_fen: Annotated[int, Field(gt=0)] | None
    approvers: Annotated[int, Field(ge=1, le=5)]


class Approvals(Content):
    """How many approvers a statement needs, by what it pays."""

    steps: tuple[Step, ...]
    source: Words

    @model_validator(mode="after")
    def _rise_without_end(self) -> Self:
        limits = [step.up_to_fen for step in self.steps]
        known = [limit for limit in limits if limit is not None]
        if not limits or limits[-1] is not None or len(known) != len(limits) - 1 or known != sorted(set(known)):
            raise ValueError("steps rise, and only the last has no limit")
        return self

    def needed(self, total_fen: int) -> int:
        """Return how many approvers a statement of this total needs."""
        return next(step.approvers for step in self.steps if step.up_to_fen is None or total_fen <= step.up_to_fen)


class BudgetWarning(Content):
    """At which share of a budget that is reserved or gone finance is told, and who says so."""

    used: Annotated[float, Field(gt=0, lt=1)]
    source: Words


class Rules(Content):
    """`content/awards.yaml`."""

    sources: Mapping[str, Source]
    publication: Days
    second_check: SecondCheck
    budget_warning: BudgetWarning
    contest: Days
    approvals: Approvals
    decisions: tuple[Decision, ...]


_handed = Handed[Rules]("rules of awards were")
use, in_force = _handed.use, _handed.in_force


def load(content_dir: Path) -> Rules:
    """Read the rules; raises ContentError."""
    return read(Rules, content_dir / "awards.yaml")
