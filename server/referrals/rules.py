"""What the secretariat can change about referrals without code: `content/referrals.yaml`, and what follows from it.

Handed to a process once, as its clock and vault are: whoever registers, matches or decides asks `in_force`.
"""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Annotated

from pydantic import Field

from server.enrolments.models import EnrolmentState, Intake
from server.kernel.content import Content, ContentError, read
from server.kernel.handed import Handed

Words = Annotated[str, Field(min_length=1)]
Years = Annotated[int, Field(ge=1, le=100)]


class YearDay(Content):
    """A day of the year that lies `years` after the entry year; no 29th of February, which most years lack."""

    years: Annotated[int, Field(ge=-1, le=1)]
    day: Annotated[str, Field(pattern=r"^(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8]|30|31)|(?:0[13-9]|1[0-2])-29)$")]
    source: Words

    def of(self, year: int) -> date:
        """Return the day for an entry year; raises ValueError for one that its month does not have."""
        return date.fromisoformat(f"{year + self.years}-{self.day}")


class IntakeRules(Content):
    """The days of one intake, where the secretariat set no others for the year."""

    opens_on: YearDay
    closes_on: YearDay
    enters_on: YearDay
    census_on: YearDay
    match_by: YearDay


class Evidence(Content):
    """How many days the schools in a dispute have to put something forward."""

    days: Annotated[int, Field(ge=1, le=365)]
    source: Words


class Ages(Content):
    """Full years of life at entry that nobody has who enters, and those that are worth a look."""

    refused_under: Years
    unusual_under: Years
    unusual_over: Years
    refused_over: Years
    source: Words

    def refused(self, age: int) -> bool:
        """Whether nobody enters at this age."""
        return not self.refused_under <= age <= self.refused_over

    def unusual(self, age: int) -> bool:
        """Whether somebody should look whether the number is right."""
        return not self.unusual_under <= age <= self.unusual_over


class Guardian(Content):
    """Below which age a guardian consents."""

    under: Years
    source: Words


class Census(Content):
    """The states of an enrolment on the day of the census that confirm a claim."""

    states: Annotated[tuple[EnrolmentState, ...], Field(min_length=1)]
    source: Words


class Rules(Content):
    """`content/referrals.yaml`."""

    intakes: dict[Intake, IntakeRules]
    ends_on: YearDay
    evidence: Evidence
    ages: Ages
    guardian: Guardian
    census: Census


_handed = Handed[Rules]("rules for referrals were")
use, in_force = _handed.use, _handed.in_force


def load(content_dir: Path) -> Rules:
    """Return the rules; raises ContentError."""
    path = content_dir / "referrals.yaml"
    rules = read(Rules, path)
    if faults := [f"{path}: {fault}" for fault in _faults(rules)]:
        raise ContentError(faults)
    return rules


def _faults(rules: Rules) -> Iterator[str]:
    if set(rules.intakes) != set(Intake):
        yield "every intake has its days, and no other"
    ages = rules.ages
    if not ages.refused_under <= ages.unusual_under <= ages.unusual_over <= ages.refused_over:
        yield "ages must ascend"
    for intake, days in rules.intakes.items():
        try:
            found = [getattr(days, name).of(2027) for name in ("opens_on", "closes_on", "match_by")]
            found.append(rules.ends_on.of(2027))
            census, enters = days.census_on.of(2027), days.enters_on.of(2027)
        except ValueError as error:
            yield f"{intake}: {error}"
            continue
        if found != sorted(found) or not enters <= census <= found[-1]:
            yield f"{intake}: days must follow one another"
