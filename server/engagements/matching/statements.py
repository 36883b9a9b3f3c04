"""The statements that walk through what may suit: the rows of a bucket, the newest first, only those that can count.

What a row can be worth by its days and pay the database reckons itself, from the levels that `score` goes by, and from
what stands in the indexes: most rows that are walked past are never read.
"""

# ruff: noqa: S608 -- names and levels of our own; whatever a posting says is a placeholder or a number

from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from server.engagements.matching.book import Book, Steps
from server.engagements.matching.score import FULL, INTERNSHIP, Item, span
from server.labour.models import Side
from server.labour.seen import stands
from server.labour.statement import Statement

_COLUMNS = (
    "id", "side", "kind", "person_id", "organisation_id", "occupation", "major", "region", "latitude", "longitude",
    "starts_on", "ends_on", "hours", "shift", "hourly_fen", "age_min", "age_max", "published_at",
)  # fmt: skip
_SELECTED = ", ".join([*(f"p.{name}" for name in _COLUMNS), "p.headcount - p.filled AS heads"])
_HOURLY = "CAST(p.hourly_fen AS bigint)"
_LATER = {"postgres": "greatest({0}, {1})", "sqlite": "max({0}, {1})"}
_EARLIER = {"postgres": "least({0}, {1})", "sqlite": "min({0}, {1})"}
_DAYS = {"postgres": "({1} - {0} + 1)", "sqlite": "CAST(julianday({1}) - julianday({0}) + 1 AS integer)"}
_ON = {"postgres": "({0} + {1})", "sqlite": "date({0}, '+{1} days')"}

Key = tuple[Any, Any]


@dataclass(frozen=True, slots=True)
class Run:
    """Rows that an index has beside each other: those of one `value` of a column, `there` or elsewhere, or anywhere."""

    column: str = ""
    value: str | None = None
    there: bool | None = None


@dataclass(frozen=True, slots=True)
class Bucket:
    """Runs of rows whose work is worth as much, and which can be worth no more than `bound` in all."""

    work: int
    bound: int
    runs: tuple[Run, ...]


@dataclass(frozen=True, slots=True)
class Stretch:
    """So many rows behind one, each of which may be worth more than what is `beaten`: points and key."""

    size: int
    behind: Key | None = None
    beaten: tuple[int, Key] | None = None


def single(dialect: str, posting_id: UUID, today: date) -> Statement:
    """Return what asks for one posting that is live today and has places left."""
    to = Statement(dialect)
    to.sql = (
        f"SELECT {_SELECTED} FROM posting p WHERE p.id = {to.put(posting_id)} AND p.state = 'live' "
        f"AND p.valid_until >= {to.put(today)} AND p.headcount > p.filled"
    )
    return to


def read(row: dict[str, Any]) -> Item:
    """Return what a row says."""
    said = {name: value for name, value in row.items() if name not in {"side", "published_at"}}
    said |= {name: _id(row[name]) for name in ("id", "person_id", "organisation_id")}
    said |= {name: _day(row[name]) for name in ("starts_on", "ends_on")}
    return Item(**said, demand=row["side"] == Side.DEMAND, key=(row["published_at"], row["id"]))


def places(asking: Item, book: Book) -> tuple[int, int]:
    """Return what the place of a row is worth in the same county, and at most elsewhere."""
    place = book.levels.place
    placed = asking.latitude is not None and asking.kind == INTERNSHIP
    return place.same.points, (place.near if placed else place.city).points


class Walk:
    """What is walked through for one posting that asks."""

    def __init__(self, dialect: str, asking: Item, book: Book, today: date) -> None:
        self.to, self.dialect = Statement(dialect), dialect
        self.asking, self.book, self.levels, self.today = asking, book, book.levels, today
        self.first, self.last = span(asking, book, today)
        self.other = Side.SUPPLY if asking.demand else Side.DEMAND

    def sql(self, bucket: Bucket, stretch: Stretch) -> str:
        """Return the next rows of a bucket."""
        runs = [self._run(bucket, run, stretch) for run in bucket.runs]
        together = " UNION ALL ".join(f"SELECT * FROM ({run}) r{number}" for number, run in enumerate(runs))
        ordered = f"SELECT * FROM ({together}) r ORDER BY published_at DESC, id DESC LIMIT {stretch.size}"
        return ordered if len(runs) > 1 else runs[0]

    def _run(self, bucket: Bucket, run: Run, stretch: Stretch) -> str:
        put = self.to.put
        said = [f"p.side = '{self.other}'", "p.state = 'live'", f"p.kind = '{self.asking.kind}'"]
        if run.column:
            said.append(f"p.{run.column} IS NULL" if run.value is None else f"p.{run.column} = {put(run.value)}")
        if run.there is not None:
            said.append(f"p.region {'=' if run.there else '<>'} {put(self.asking.region)}")
        if stretch.behind:
            said.append(f"(p.published_at, p.id) < ({put(stretch.behind[0])}, {put(stretch.behind[1])})")
        said += [f"p.valid_until >= {put(self.today)}", "p.headcount > p.filled"]
        said.append(f"(p.ends_on IS NULL OR p.ends_on >= {put(self.first)})")
        until = self.last if self.asking.demand else self.asking.ends_on
        said += [f"p.starts_on <= {put(until)}"] if until else []
        said += [self._beats(bucket, run, stretch.beaten)] if stretch.beaten else []
        said.append(stands(self.to, self.other, self.today))
        return (
            f"SELECT {_SELECTED} FROM posting p WHERE {' AND '.join(said)} "
            f"ORDER BY p.published_at DESC, p.id DESC LIMIT {stretch.size}"
        )

    def _beats(self, bucket: Bucket, run: Run, beaten: tuple[int, Key]) -> str:
        """Ask for rows that can be worth more than what is beaten, or as much and are newer."""
        points, (published, row_id) = beaten
        at_most = bucket.work + self.levels.hours[0].points + self.levels.numbers[0].points
        worth = f"({at_most} + {self._place(run)} + {self._pay()} + {_worth(self._dates(), self.levels.dates)})"
        newer = f"(p.published_at, p.id) > ({self.to.put(published)}, {self.to.put(row_id)})"
        return f"({worth} > {points} OR ({worth} = {points} AND {newer}))"

    def _place(self, run: Run) -> str:
        here, away = places(self.asking, self.book)
        if run.there is not None:
            return str(here if run.there else away)
        return f"CASE WHEN p.region = {self.to.put(self.asking.region)} THEN {here} ELSE {away} END"

    def _pay(self) -> str:
        """Return what the pay of a row is worth."""
        asking, unsaid = self.asking, str(self.levels.pay_unsaid.points)
        if not asking.hourly_fen:
            return unsaid
        mine = asking.hourly_fen
        share = f"{mine * FULL} / nullif({_HOURLY}, 0)" if asking.demand else f"{_HOURLY} * {FULL} / {mine}"
        return f"CASE WHEN coalesce(p.hourly_fen, 0) = 0 THEN {unsaid} ELSE {_worth(share, self.levels.pay)} END"

    def _dates(self) -> str:
        """Return how many per cent of the work's days an offer has."""
        later, earlier, days = (which[self.dialect] for which in (_LATER, _EARLIER, _DAYS))
        if self.asking.demand:
            first, last = self._day(self.first), self._day(self.last)
            starts, ends = "p.starts_on", f"coalesce(p.ends_on, {last})"
        else:
            first = later.format("p.starts_on", self._day(self.today))
            far = _ON[self.dialect].format(first, self.levels.open_end_days - 1)
            last = f"coalesce(p.ends_on, {far})"
            starts, ends = (
                self._day(self.asking.starts_on),
                self._day(self.asking.ends_on) if self.asking.ends_on else last,
            )
        both = days.format(later.format(first, starts), earlier.format(last, ends))
        return f"{both} * {FULL} / {days.format(first, last)}"

    def _day(self, day: date) -> str:
        return f"CAST('{day}' AS date)" if self.dialect == "postgres" else f"'{day}'"


def _worth(share: str, steps: Steps) -> str:
    return f"CASE {' '.join(f'WHEN {share} >= {step.share} THEN {step.points}' for step in steps)} ELSE 0 END"


def _id(value: Any) -> Any:
    return str(value) if isinstance(value, UUID) else value


def _day(value: Any) -> Any:
    return date.fromisoformat(value) if isinstance(value, str) else value
