"""The rules of fair postings as content has them: which law each rests on, its figures, its words."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

from pydantic import Field

from server.kernel.content import Content, ContentError, read
from server.kernel.dates import PolicyDate
from server.labour.said import Finding, Found, Level
from server.labour.wages import MinimumWages
from server.labour.wording import Wording
from server.reference.service import Reference

Positive = Annotated[int, Field(ge=1)]
PER_UNIT = {"hour", "day", "piece", "month"}


class Law(Content):
    """A law, regulation or notice, or what this platform demands by itself."""

    title: str
    number: str | None = None
    in_force_from: PolicyDate
    note: str | None = None


class Rule(Content):
    """What a finding of one code is worth and rests on; `clause` as people cite it."""

    level: Level
    law: str
    clause: str | None = None
    note: str | None = None


class Limits(Content):
    """The figures of the rules: ages in years, times in minutes, money in fen."""

    youngest: Positive
    of_age: Positive
    oldest: Positive
    young_only: Positive
    """A highest age below this one is asked about."""
    ahead_days: Positive
    """So many days ahead work begins at most."""
    work_years: Positive
    """So many years it lasts at most, and so long ago it began."""
    valid_days: Positive
    headcount_most: Positive
    headcount_many: Positive
    """From so many on a reviewer looks."""
    pay_most_fen: dict[str, Positive]
    hourly_high_fen: Positive
    pieces_most: Positive
    normal_day: Positive
    longest_day: Positive
    normal_week: Positive
    longest_week: Positive
    open_day: Positive
    """How long a day is taken to be whose hours are open."""
    open_month: Positive
    """How long a month is taken to be whose hours are open."""
    part_time_week: Positive
    internship_months: Positive
    hazardous: tuple[str, ...]
    """Occupations that nobody under age may do."""
    insured: tuple[str, ...]
    """Words by which the insurance of an internship is known."""
    uninsured: tuple[str, ...]
    """Expressions for the same words where they are denied; blanks do not count."""


class Statutes(Content):
    """`content/labour/rules.yaml`. `assumptions` say how pay is made comparable."""

    note: str
    laws: dict[str, Law]
    limits: Limits
    assumptions: dict[str, str]
    rules: dict[str, Rule]


@dataclass(frozen=True, slots=True)
class Rulebook:
    """Everything the rules know."""

    statutes: Statutes
    wording: Wording
    wages: MinimumWages

    @property
    def limits(self) -> Limits:
        """The figures of the rules."""
        return self.statutes.limits

    def finding(self, found: Found) -> Finding:
        """Return what is told of what was found."""
        rule = self.statutes.rules[found.code]
        return Finding(found.field, found.code, rule.level, dict(found.facts), self.cited(rule))

    def cited(self, rule: Rule) -> str:
        """Return what a rule rests on, as people cite it."""
        return f"{self.statutes.laws[rule.law].title}{rule.clause or ''}"

    def supposing(self, wages: MinimumWages) -> "Rulebook":
        """Return the same with other minimum wages, as worked cases suppose them."""
        return replace(self, wages=wages)


def load(content_dir: Path, reference: Reference) -> Rulebook:
    """Return `labour/{rules,wording,minimum-wages}.yaml`; raises ContentError with what does not hold together."""
    regions = {region.id for region in reference.regions}
    occupations = {occupation.id for occupation in reference.occupations}
    folder = content_dir / "labour"
    book = Rulebook(
        read(Statutes, folder / "rules.yaml"),
        read(Wording, folder / "wording.yaml"),
        read(MinimumWages, folder / "minimum-wages.yaml"),
    )
    if faults := [f"{folder / name}: {fault}" for name, fault in _faults(book, regions, occupations)]:
        raise ContentError(faults)
    return book


def _faults(book: Rulebook, regions: Collection[str], occupations: Collection[str]) -> Iterator[tuple[str, str]]:
    statutes = book.statutes
    yield from _unknown("rules.yaml", "law", {rule.law for rule in statutes.rules.values()}, statutes.laws)
    yield from _unknown("rules.yaml", "occupation", set(statutes.limits.hazardous), occupations)
    yield from _unknown("rules.yaml", "pay unit", PER_UNIT ^ set(statutes.limits.pay_most_fen), ())
    groups = book.wording.groups
    named = {group.rule for group in groups} | {group.otherwise for group in groups if group.otherwise}
    yield from _unknown("wording.yaml", "rule", named, statutes.rules)
    places = [place.region for place in book.wages.regions]
    yield from _unknown("minimum-wages.yaml", "region", set(places), regions)
    yield from _unknown("minimum-wages.yaml", "region twice", {one for one in places if places.count(one) > 1}, ())


def _unknown(
    name: str, what: str, used: set[str], known: Collection[str] | Mapping[str, object]
) -> Iterator[tuple[str, str]]:
    yield from ((name, f"{what} {one} is nowhere") for one in sorted(used - set(known)))
