"""Programmes: what a clause grants, to whom, how much, from when and on which conditions."""

from datetime import date
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from server.kernel.content import Content
from server.kernel.dates import PolicyDate
from server.kernel.money import yuan_text
from server.policy.documents import Jurisdiction, Standing
from server.policy.facts import Value

Audience = Literal["student", "feeder_school", "enterprise", "vocational_school"]
Comparison = Literal["is", "one_of", "at_least", "at_most"]
Verdict = Literal["eligible", "ineligible", "needs_information"]

PayeeKind = Literal[
    "feeder_school",
    "vocational_school",
    "enterprise",
    "agency",
    "authority",
    "consortium",
    "industry_college",
    "student",
    "graduate",
    "worker",
]
"""Who receives: a kind of organisation, or of person."""

_WAN_FEN = 10_000 * 100


def money_text(amount_fen: int) -> str:
    """Return an amount as documents write it: `50000` -> `500元`, `10000000` -> `10万元`."""
    if amount_fen >= _WAN_FEN and amount_fen % _WAN_FEN == 0:
        return f"{amount_fen // _WAN_FEN}万元"
    return f"{yuan_text(amount_fen)}元"


class Condition(Content):
    """One thing a version demands. `at_least` and `at_most` include their figure."""

    fact: str
    comparison: Comparison
    value: Value | tuple[Value, ...]
    clause: str
    text: str

    @model_validator(mode="after")
    def _value_fits_comparison(self) -> Self:
        if isinstance(self.value, tuple) != (self.comparison == "one_of"):
            raise ValueError(f"{self.fact}: one_of, and nothing else, takes a list")
        return self

    @property
    def values(self) -> tuple[Value, ...]:
        """The value or values compared with."""
        return self.value if isinstance(self.value, tuple) else (self.value,)


class Amount(Content):
    """What is granted: fen per unit, or a text where there is no figure. `when` chooses between several.

    `unstated` marks a clause that promises money without saying how much; its text tells what it does say.
    """

    amount_fen: Annotated[int, Field(gt=0)] | None = None
    per: str | None = None
    text: str | None = None
    unstated: bool = False
    when: dict[str, bool | str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _figure_or_text(self) -> Self:
        if (self.amount_fen is None) != (self.per is None) or (self.amount_fen is None) != (self.text is not None):
            raise ValueError("an amount is either amount_fen with per, or a text")
        if self.unstated and self.text is None:
            raise ValueError("an amount with a figure is not unstated")
        return self


class NamedWarning(Content):
    """Something to know before relying on an answer."""

    code: str
    text: str
    clause: str | None = None


class Decision(Content):
    """A decision note (口径): a dated reading of what a document leaves open."""

    id: str
    decided_on: date
    decided_by: str
    clause: str
    question: str
    reading: str


class Version(Content):
    """The programme as one clause has it. Its period is the document's, ended by the next version's start."""

    id: str
    clause: str
    payer: str | None
    """None where the document does not say."""
    payee: str | None
    payee_kind: PayeeKind | None
    """None where the document does not say, or names none of these."""
    quantity: str | None = None
    """The condition's fact that counts the units; None where a check is about a single one."""
    starts: Annotated[PolicyDate | None, Field(alias="from")] = None
    """Only where the clause has another start than its document."""
    ends: Annotated[PolicyDate | None, Field(alias="to")] = None
    amounts: Annotated[tuple[Amount, ...], Field(min_length=1)]
    conditions: tuple[Condition, ...]
    warnings: tuple[NamedWarning, ...] = ()


class Case(Content):
    """A worked case: facts on a day, and the answer the rules must give."""

    name: str
    on: date
    facts: dict[str, Value]
    verdict: Verdict
    amount_fen: int | None = None
    total_fen: int | None = None
    fails: tuple[str, ...] = ()
    """Facts whose check is not ok."""
    asks: tuple[str, ...] = ()
    """Facts that are still asked for."""
    warns: tuple[str, ...] = ()
    """Warnings that must be among those given."""


class Programme(Content):
    """One entitlement, its versions from oldest to newest."""

    id: str
    title: str
    audience: Audience
    jurisdiction: Jurisdiction
    standing: Standing
    recheck_by: date
    versions: Annotated[tuple[Version, ...], Field(min_length=1)]
    warnings: tuple[NamedWarning, ...] = ()
    """Those of every version."""
    decisions: tuple[Decision, ...] = ()
    cases: Annotated[tuple[Case, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _ids_once(self) -> Self:
        for ids in ([v.id for v in self.versions], [d.id for d in self.decisions], [c.name for c in self.cases]):
            if twice := sorted({i for i in ids if ids.count(i) > 1}):
                raise ValueError(f"given twice: {', '.join(twice)}")
        return self
