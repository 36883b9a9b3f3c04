"""Targets, quotas, windows and duties that the documents set: what is owed, by whom, by when, and where it says so."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from server.kernel.content import Content
from server.kernel.dates import PolicyDate, within
from server.policy.documents import Jurisdiction, Policy, Standing

TargetKind = Literal["target", "quota", "window", "duty", "measure"]
"""A goal to reach; a share or number set aside; a time in which to act; what must be done; an employment rate."""

Recurrence = Literal["week", "ten_days", "quarter", "year"]


class Figure(Content):
    """One figure. `at_least` and `at_most` include it; a share is in percent, money in yuan."""

    value: Annotated[int | float, Field(gt=0)]
    unit: str
    comparison: Literal["is", "at_least", "at_most"]
    dated: PolicyDate | None = None
    """The time it is set for, where one target has several."""


class Period(Content):
    """When it holds. Without a start or an end it is the document's own; `every` says how often it recurs."""

    starts: Annotated[PolicyDate | None, Field(alias="from")] = None
    ends: Annotated[PolicyDate | None, Field(alias="to")] = None
    every: Recurrence | None = None
    months: tuple[Annotated[int, Field(ge=1, le=12)], ...] = ()
    """Calendar months of a window that opens every year."""
    text: str


class Ratio(Content):
    """What is divided by what, and where one must be for it to count."""

    numerator: str
    denominator: str | None
    """None where the document does not say."""
    place: str


class Target(Content):
    """One thing that a document sets, in our own words."""

    id: str
    kind: TargetKind
    title: str
    figures: tuple[Figure, ...] = ()
    """Empty where the document gives no figure."""
    ratio: Ratio | None = None
    period: Period
    jurisdiction: Jurisdiction
    answers_for: tuple[str, ...]
    """Who is responsible; empty where the document names nobody."""
    policy: str
    clause: str | None
    """None where it stands before the first clause of the document."""
    also: tuple[str, ...] = ()
    """Further clauses, or documents before their first clause, that set the same."""
    note: str | None = None

    @model_validator(mode="after")
    def _parts_fit(self) -> Self:
        if self.clause is not None and self.clause.partition("/")[0] != self.policy:
            raise ValueError(f"{self.id}: {self.clause} is no clause of {self.policy}")
        if self.kind == "measure" and (self.ratio is None or not self.figures):
            raise ValueError(f"{self.id}: a measure has a ratio and a figure")
        if len(self.figures) > 1 and not all(figure.dated for figure in self.figures):
            raise ValueError(f"{self.id}: several figures need the time of each")
        return self

    @property
    def places(self) -> tuple[str, ...]:
        """Ids of the clauses and documents that set it, the leading one first."""
        return (self.clause or self.policy, *self.also)


class Targets(Content):
    """`content/reference/targets.yaml`."""

    targets: tuple[Target, ...]

    @model_validator(mode="after")
    def _ids_once(self) -> Self:
        ids = [target.id for target in self.targets]
        if twice := sorted({target for target in ids if ids.count(target) > 1}):
            raise ValueError(f"given twice: {', '.join(twice)}")
        return self


class TargetAnswer(Target):
    """A target as it is answered: `label` is how its place is cited in Chinese, `standing` its document's."""

    label: str
    standing: Standing


def answered(target: Target, policy: Policy) -> TargetAnswer:
    """Return a target with what its document adds."""
    clause = next((clause for clause in policy.clauses if clause.id == target.clause), None)
    return TargetAnswer(**dict(target), label=policy.label(clause), standing=policy.standing)


def faults_of_targets(
    targets: Iterable[Target], policies: Mapping[str, Policy], clauses: Collection[str]
) -> Iterator[str]:
    """Yield what is wrong between targets and the documents they come from."""
    for target in targets:
        for place in target.places:
            policy = policies.get(place.partition("/")[0])
            if policy is None or ("/" in place and place not in clauses):
                yield f"targets: {target.id}: {place} is nowhere"
            elif policy.jurisdiction != target.jurisdiction:
                yield f"targets: {target.id}: {place} is another city's"
            elif "/" not in place and policy.preamble is None:
                yield f"targets: {target.id}: nothing is told of what {place} says before its first clause"


def holds(target: Target, policy: Policy, on: date) -> bool | None:
    """Tell whether a target holds on one day; None where its period is not known well enough."""
    starts = target.period.starts or policy.effective_from
    return within(starts, target.period.ends or policy.effective_to, on)
