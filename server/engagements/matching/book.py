"""What a match is worth and how it is told, as content has it, with what is known of work and places."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from string import Formatter
from typing import Annotated

from pydantic import Field

from server.kernel.content import Content, ContentError, read
from server.reference.service import Reference

Points = Annotated[int, Field(ge=0, le=100)]
FULL = 100
_FACTS = frozenset({
    "occupation", "major", "region", "other", "city", "km", "days", "all", "offered", "expected", "heads", "places",
})  # fmt: skip


class Level(Content):
    """How many points something brings, and the sentence that says so."""

    points: Points
    words: Annotated[str, Field(min_length=1)]


class Step(Level):
    """The same for `share` per cent and more."""

    share: Annotated[int, Field(ge=0, le=100)]


class Work(Content):
    """The same occupation, one that the same majors lead to, one side open to any, both casual work."""

    same: Level
    related: Level
    open: Level
    casual: Level


class Place(Content):
    """The same county, near it, another county of the same city, farther."""

    same: Level
    near: Level
    city: Level
    elsewhere: Level


Steps = Annotated[tuple[Step, ...], Field(min_length=1)]


class Levels(Content):
    """`content/matching.yaml`."""

    note: str
    work: Work
    place: Place
    near_km: Annotated[int, Field(ge=1)]
    dates: Steps
    open_end_days: Annotated[int, Field(ge=1)]
    hours: Steps
    pay: Steps
    pay_unsaid: Level
    numbers: Steps

    @property
    def steps(self) -> Mapping[str, Steps]:
        """What is measured by shares."""
        return {"dates": self.dates, "hours": self.hours, "pay": self.pay, "numbers": self.numbers}

    @property
    def others(self) -> int:
        """The most that dates, hours, pay and numbers bring together."""
        return sum(steps[0].points for steps in self.steps.values())


@dataclass(frozen=True, slots=True)
class Book:
    """The levels, with what the reference lists say of occupations, majors and regions.

    `majors` has the group of majors of an occupation, `casual` the occupations that need none; `cities` the city of a
    county. `hazardous` are occupations that nobody under `of_age` may do; `related` keeps what was found of pairs.
    """

    levels: Levels
    majors: Mapping[str, str]
    casual: frozenset[str]
    cities: Mapping[str, str]
    names: Mapping[str, str]
    hazardous: frozenset[str]
    of_age: int
    related: dict[tuple[str | None, ...], Level | None] = field(default_factory=dict)

    def leading(self, major: str) -> list[str]:
        """Return the occupations to which a group of majors leads."""
        return [occupation for occupation, group in self.majors.items() if group == major]


def load(content_dir: Path, reference: Reference, hazardous: Sequence[str], of_age: int) -> Book:
    """Return the book; raises ContentError for levels that do not fall, or points that do not make a hundred."""
    path = content_dir / "matching.yaml"
    levels = read(Levels, path)
    if faults := [f"{path}: {fault}" for fault in _faults(levels)]:
        raise ContentError(faults)
    occupations, regions = reference.occupations, reference.regions
    named = [(one.id, one.title) for one in occupations] + [(one.id, one.name) for one in reference.majors]
    return Book(
        levels,
        {one.id: one.major for one in occupations if one.major},
        frozenset(one.id for one in occupations if one.major is None),
        {one.code: one.city for one in regions if one.code},
        dict([*named, *((one.code, one.name) for one in regions if one.code)]),
        frozenset(hazardous),
        of_age,
    )


def _faults(levels: Levels) -> Iterator[str]:
    for name, steps in levels.steps.items():
        shares, points = [step.share for step in steps], [step.points for step in steps]
        if not _fall(shares) or not _fall(points) or (shares[0], shares[-1]) != (FULL, 0):
            yield f"{name} do not fall from 100 to 0 per cent"
    if levels.pay_unsaid.points > levels.pay[0].points:
        yield "pay_unsaid brings more than the best pay"
    best = {"work": levels.work, "place": levels.place}
    for name, group in best.items():
        if not _fall([level.points for level in dict(group).values()]):
            yield f"{name} does not fall"
    if levels.work.same.points + levels.place.same.points + levels.others != FULL:
        yield "the best of everything is not 100"
    yield from (f"{words} asks for what is not known" for words in _words(levels) if not _known(words))


def _fall(figures: Sequence[int]) -> bool:
    return list(figures) == sorted(figures, reverse=True)


def _words(levels: Levels) -> list[str]:
    groups = [*dict(levels.work).values(), *dict(levels.place).values(), levels.pay_unsaid]
    return [one.words for one in (*groups, *(step for steps in levels.steps.values() for step in steps))]


def _known(words: str) -> bool:
    return {name for _, name, _, _ in Formatter().parse(words) if name is not None} <= _FACTS
