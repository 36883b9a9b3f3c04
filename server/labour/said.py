"""What the rules read of a posting, and what they say of it; a `Draft` is read so without the rules knowing of rows."""

# ruff: noqa: D102 -- what a posting's fields are is said where it is made

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time
from typing import Any, Literal, NamedTuple, Protocol

Level = Literal["refuse", "warn", "review"]
"""Must be changed before anyone looks; is told to poster and reviewer; a reviewer has to look."""

TEXTS = ("title", "address", "deductions", "insurance", "requirements", "description", "source")
"""What is written freely."""


class Hours(Protocol):
    """From one time of day to another, `minutes` long, past midnight where that takes it there."""

    @property
    def begins(self) -> time: ...
    @property
    def minutes(self) -> int: ...


class Said(Protocol):
    """All that rules read of a posting; None and empty are unsaid. `hours` are by weekday, 1 Monday to 7 Sunday."""

    @property
    def side(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def supplier(self) -> str | None: ...
    @property
    def title(self) -> str: ...
    @property
    def occupation(self) -> str | None: ...
    @property
    def region(self) -> str | None: ...
    @property
    def address(self) -> str: ...
    @property
    def headcount(self) -> int | None: ...
    @property
    def starts_on(self) -> date | None: ...
    @property
    def ends_on(self) -> date | None: ...
    @property
    def hours(self) -> Mapping[int, Sequence[Hours]]: ...
    @property
    def shift(self) -> str: ...
    @property
    def pay_fen(self) -> int | None: ...
    @property
    def pay_unit(self) -> str | None: ...
    @property
    def pieces_per_hour(self) -> int | None: ...
    @property
    def deductions(self) -> str: ...
    @property
    def insurance(self) -> str: ...
    @property
    def age_min(self) -> int | None: ...
    @property
    def age_max(self) -> int | None: ...
    @property
    def requirements(self) -> str: ...
    @property
    def description(self) -> str: ...
    @property
    def source(self) -> str: ...
    @property
    def valid_until(self) -> date | None: ...


class Found(NamedTuple):
    """A rule that a field of a posting does not keep, with what is filled into its words."""

    field: str
    code: str
    facts: Mapping[str, Any] = {}


@dataclass(frozen=True, slots=True)
class Finding:
    """What is told of a field: `code` names its Chinese words, `source` is the law or standard, as people cite it."""

    field: str
    code: str
    level: Level
    facts: Mapping[str, Any]
    source: str


def sought(said: Said) -> bool:
    """Whether hands are sought, not offered."""
    return said.side == "demand"


def internship(said: Said) -> bool:
    """Whether it is for practice as a part of school."""
    return said.kind == "internship"
