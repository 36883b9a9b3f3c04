"""What came of the demand of the last twelve months: filled, how soon, worked, paid; for anyone to read.

Where few people worked, or for few employers, counties, occupations or months are told together, so that nobody is
recognised by a figure; what postings say of themselves anyone may read anyway.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from tortoise.connection import get_connection

from server.engagements.states import GONE
from server.kernel import clock
from server.kernel.kept import Kept
from server.labour.statement import Statement

SECONDS_KEPT = 600
"""As long as it may be old: counting reads every demand of a year."""
MONTHS = 12
FEWEST_PEOPLE, FEWEST_EMPLOYERS = 5, 3
_MONTH = {
    "postgres": "to_char(p.published_at AT TIME ZONE 'Asia/Shanghai', 'YYYY-MM')",
    "sqlite": "strftime('%Y-%m', p.published_at, '+8 hours')",
}
_DAY = {"postgres": "({0} AT TIME ZONE 'Asia/Shanghai')::date", "sqlite": "julianday(date({0}, '+8 hours'))"}
_OF = "p.side = 'demand' AND p.state <> 'removed' AND p.published_at >= {since}"
_POSTINGS = """
SELECT p.region, p.occupation, {month} AS month, count(*) AS postings, sum(p.headcount) AS places,
  sum(p.filled) AS filled
FROM posting p WHERE {of} GROUP BY 1, 2, 3"""
_FILLED = """
SELECT p.region, p.occupation, {month} AS month, CAST({filled} - {published} AS integer) AS days, count(*) AS postings
FROM posting p WHERE {of} AND p.filled_at IS NOT NULL GROUP BY 1, 2, 3, 4"""
_WORKED = """
SELECT p.region, p.occupation, {month} AS month, p.organisation_id, sum(e.size) AS people,
  count(DISTINCT e.person_id) AS persons,
  min(CAST(e.person_id AS text)) AS one, max(CAST(e.person_id AS text)) AS other,
  sum(CASE WHEN e.completed_at IS NULL THEN 0 ELSE e.size END) AS completed,
  sum(CASE WHEN e.paid_at IS NULL THEN 0 ELSE e.size END) AS paid
FROM posting p JOIN engagement e ON e.posting_id = p.id
WHERE {of} AND e.accepted_at IS NOT NULL AND e.state NOT IN ({gone}) GROUP BY 1, 2, 3, 4"""
_GONE = ", ".join(f"'{state}'" for state in sorted(GONE))
FIGURES = ("postings", "places", "filled", "people", "completed", "paid")
Row = Mapping[str, Any]


@dataclass(slots=True)
class Group:
    """Demands of one kind: `figures` by their names, and who sought.

    `soon` counts postings by the days from publication until they were full; `people` are the places of those who were
    accepted and did not go before they came. A person of several places, or who speaks for a team, is one of `persons`,
    of whom some are known by name, and of whom there are `most` at least by one count alone.
    """

    figures: Counter[str] = field(default_factory=Counter)
    soon: Counter[int] = field(default_factory=Counter)
    employers: set[str] = field(default_factory=set)
    persons: set[str] = field(default_factory=set)
    most: int = 0

    @property
    def people(self) -> int:
        """How many places were taken."""
        return self.figures["people"]

    @property
    def distinct(self) -> int:
        """How many different people took them, at least."""
        return max(self.most, len(self.persons))

    @property
    def tellable(self) -> bool:
        """Whether nobody is recognised by how many worked."""
        return not self.people or (self.distinct >= FEWEST_PEOPLE and len(self.employers) >= FEWEST_EMPLOYERS)

    @property
    def median_days(self) -> float | None:
        """The middle of the days until they were full, None where none was."""
        days = sorted(self.soon)
        half, passed, low = sum(self.soon.values()) / 2, 0, None
        for one in days:
            passed += self.soon[one]
            if low is not None:
                return (low + one) / 2
            if passed > half:
                return float(one)
            low = one if passed == half else None
        return None

    def add(self, other: "Group") -> None:
        """Take another group in."""
        self.figures.update(other.figures)
        self.soon.update(other.soon)
        self.employers |= other.employers
        self.persons |= other.persons
        self.most = max(self.most, other.most)


@dataclass(frozen=True, slots=True)
class Told:
    """One county, occupation or month, or where `name` is None several of them together."""

    name: str | None
    group: Group


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of the demands published since a day, in all and each way of parting them."""

    since: date
    total: Group
    by_region: Sequence[Told]
    by_occupation: Sequence[Told]
    by_month: Sequence[Told]


class Outcomes(Kept[Outcome]):
    """The last count of this process."""

    def __init__(self) -> None:
        super().__init__(outcome, SECONDS_KEPT)


async def outcome(now: datetime) -> Outcome:
    """Count what came of the demand of the twelve months up to the one that `now` is in."""
    today = now.astimezone(clock.SHANGHAI).date()
    months = today.year * MONTHS + today.month - MONTHS
    since = date(months // MONTHS, months % MONTHS + 1, 1)
    rows = [*await _rows(_POSTINGS, since), *await _rows(_FILLED, since), *await _rows(_WORKED, since)]
    parted = {name: folded(_parted(rows, name)) for name in ("region", "occupation", "month")}
    total = Group()
    for row in rows:
        total.add(_group(row))
    return Outcome(since, total, *parted.values())


def folded(groups: Mapping[str | None, Group]) -> list[Told]:
    """Return groups by name with those in one that cannot be told by themselves, and as many more as that takes."""
    together, alone = Group(), dict(groups)
    for name in [name for name, group in groups.items() if name is None or not group.tellable]:
        together.add(alone.pop(name))
    for name in sorted((name for name, group in alone.items() if group.people), key=lambda name: alone[name].people):
        if not together.tellable:
            together.add(alone.pop(name))
    told = [Told(name, group) for name, group in sorted(alone.items(), key=lambda one: str(one[0]))]
    return [*told, Told(None, together)] if together.figures["postings"] else told


async def _rows(sql: str, since: date) -> Sequence[Row]:
    connection = get_connection("default")
    dialect = connection.capabilities.dialect
    to, day = Statement(dialect), _DAY[dialect]
    of = _OF.format(since=to.put(clock.midnight(since)))
    filled, published = day.format("p.filled_at"), day.format("p.published_at")
    to.sql = sql.format(month=_MONTH[dialect], filled=filled, published=published, of=of, gone=_GONE)
    found: Sequence[Row] = await connection.execute_query_dict(to.sql, to.values)
    return found


def _parted(rows: Iterable[Row], by: str) -> dict[str | None, Group]:
    groups: dict[str | None, Group] = {}
    for row in rows:
        groups.setdefault(row[by], Group()).add(_group(row))
    return groups


def _group(row: Row) -> Group:
    """Return what one row of any of the three counts says."""
    if "days" in row:
        return Group(soon=Counter({int(row["days"]): row["postings"]}))
    figures = Counter({name: int(row[name]) for name in FIGURES if name in row})
    if "persons" not in row:
        return Group(figures)
    # two of each count are known by name: reading who they all are would take as long as there are engagements
    return Group(figures, Counter(), {str(row["organisation_id"])}, {row["one"], row["other"]}, row["persons"])
