"""The statements that walk through what may suit: the rows of a bucket, the newest first, only those that can count.

What a row can be worth by its days and pay the database reckons itself, from the levels that `score` goes by, and from
what stands in the indexes: most rows that are walked past are never read.
"""

# ruff: noqa: S608 -- names and levels of our own; whatever a posting says is a placeholder or a number

from collections.abc import Iterator, Mapping, Sequence
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
_PAY = "coalesce(hourly_fen, 0)"
_LATER = {"postgres": "greatest({0}, {1})", "sqlite": "max({0}, {1})"}
_EARLIER = {"postgres": "least({0}, {1})", "sqlite": "min({0}, {1})"}
_DAYS = {"postgres": "({1} - {0} + 1)", "sqlite": "(julianday({1}) - julianday({0}) + 1)"}
_ON = {"postgres": "({0} + {1})", "sqlite": "date({0}, '+{1} days')"}
_ALWAYS, _NEVER = "TRUE", "FALSE"

Key = tuple[Any, Any]


@dataclass(frozen=True, slots=True)
class Bucket:
    """Rows whose work is worth as much, `there` or elsewhere or anywhere, worth at most `bound` in all.

    An index has the rows of each of the values of `column` beside each other: a run. Without a column all are one.
    """

    work: int
    bound: int
    there: bool | None
    column: str = ""
    values: tuple[str | None, ...] = (None,)


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


def best_paid(dialect: str, asking: Item) -> Statement:
    """Return what asks for the best pay on the other side, in the county and anywhere, and whether any is unsaid.

    Of offers that is the least that one asks. Each is the end of an index.
    """
    to, side = Statement(dialect), f"side = '{other_side(asking)}' AND state = 'live'"
    ends = f"{_PAY} > 0 ORDER BY {_PAY} {'ASC' if asking.demand else 'DESC'} LIMIT 1"
    to.sql = (
        f"SELECT (SELECT {_PAY} FROM posting WHERE {side} AND region = {to.put(asking.region)} AND {ends}) AS here, "
        f"(SELECT {_PAY} FROM posting WHERE {side} AND {ends}) AS anywhere, "
        f"(SELECT 1 FROM posting WHERE {side} AND {_PAY} = 0 LIMIT 1) AS unsaid"
    )
    return to


def other_side(asking: Item) -> Side:
    """Return what a posting looks for."""
    return Side.SUPPLY if asking.demand else Side.DEMAND


def read(row: Mapping[str, Any]) -> Item:
    """Return what a row says."""
    ids = (_id(row[name]) for name in ("id", "person_id", "organisation_id"))
    days = (_day(row[name]) for name in ("starts_on", "ends_on"))
    (id_, person_id, organisation_id), (starts_on, ends_on) = ids, days
    return Item(
        id_, row["side"] == Side.DEMAND, row["kind"], person_id, organisation_id, row["occupation"], row["major"],
        row["region"], row["latitude"], row["longitude"], row["heads"], starts_on, ends_on, row["hours"], row["shift"],
        row["hourly_fen"], row["age_min"], row["age_max"], key(row),
    )  # fmt: skip


def key(row: Mapping[str, Any]) -> Key:
    """Return where a row stands among those of a bucket."""
    return row["published_at"], row["id"]


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
        self.other = other_side(asking)

    def sql(self, bucket: Bucket, stretch: Stretch) -> str:
        """Return the next rows of a bucket; their column `stands` tells whether they may be seen with who posts them.

        That is asked of what was found: to plan it for every run takes longer than to read some rows in vain.
        """
        latest = f"ORDER BY p.published_at DESC, p.id DESC LIMIT {stretch.size}"
        together = self._runs(bucket, f"AND {self._common(bucket, stretch)} {latest}")
        return f"SELECT p.*, {stands(self.to, self.other, self.today)} AS stands FROM ({together}) p {latest}"

    def _runs(self, bucket: Bucket, common: str) -> str:
        """Return what finds the first rows of every run; PostgreSQL plans one run for all, which SQLite cannot."""
        said, column = f"p.side = '{self.other}' AND p.state = 'live' AND p.kind = '{self.asking.kind}'", bucket.column
        if column:
            said += f" AND p.{column} {{}}"
        run = f"SELECT {_SELECTED} FROM posting p WHERE {said} {common}"
        if bucket.values == (None,):
            return run.format("IS NULL")
        if self.dialect == "postgres":
            values = f"unnest({self.to.put(bucket.values)}::text[]) v(said)"
            return f"SELECT r.* FROM {values} CROSS JOIN LATERAL ({run.format('= v.said')}) r"
        runs = (run.format(f"= {self.to.put(value)}") for value in bucket.values)
        return " UNION ALL ".join(f"SELECT * FROM ({one})" for one in runs)

    def _common(self, bucket: Bucket, stretch: Stretch) -> str:
        """Return what is asked of every run alike."""
        put, said = self.to.put, []
        if bucket.there is not None:
            said.append(f"p.region {'=' if bucket.there else '<>'} {put(self.asking.region)}")
        if stretch.behind:
            said.append(f"(p.published_at, p.id) < ({put(stretch.behind[0])}, {put(stretch.behind[1])})")
        said += [f"p.valid_until >= {put(self.today)}", "p.headcount > p.filled"]
        said.append(f"(p.ends_on IS NULL OR p.ends_on >= {put(self.first)})")
        until = self.last if self.asking.demand else self.asking.ends_on
        said += [f"p.starts_on <= {put(until)}"] if until else []
        said += [self._beats(bucket, stretch.beaten)] if stretch.beaten else []
        return " AND ".join(said)

    def _beats(self, bucket: Bucket, beaten: tuple[int, Key]) -> str:
        """Ask for rows that can be worth more than what is beaten, or as much and are newer.

        Where none can be worth more, only the newer ones are left: a range of the index.
        """
        points, (published, row_id) = beaten
        missing = points - bucket.work - self.levels.hours[0].points
        as_much, more = self._reaches(bucket, missing), self._reaches(bucket, missing + 1)
        if as_much == more:
            return as_much
        newer = f"(p.published_at, p.id) > ({self.to.put(published)}, {self.to.put(row_id)})"
        return f"{as_much} AND {newer}" if more == _NEVER else f"{as_much} AND ({newer} OR {more})"

    def _reaches(self, bucket: Bucket, points: int) -> str:
        """Ask for rows that have so many points by their place, pay, heads and days."""
        (here, away), parts = places(self.asking, self.book), [list(self._pay()), list(self._heads())]
        if bucket.there is not None:
            return self._needed(points - (here if bucket.there else away), parts)
        there, elsewhere = (self._needed(points - place, parts) for place in (here, away))
        if there == elsewhere:  # PostgreSQL refuses a placeholder that no text has
            return there
        return _case([(f"p.region = {self.to.put(self.asking.region)}", there), ("", elsewhere)])

    def _needed(self, points: int, parts: Sequence[Sequence[tuple[str, int]]]) -> str:
        if parts:
            first, *others = parts
            return _case([(holds, self._needed(points - brought, others)) for holds, brought in first])
        return self._has(min((step.share for step in self.levels.dates if step.points >= points), default=None))

    def _pay(self) -> Iterator[tuple[str, int]]:
        """Yield what a row's pay may be, the first that holds counts, and how many points it brings."""
        unsaid = self.levels.pay_unsaid.points
        if self.asking.hourly_fen:
            yield "coalesce(p.hourly_fen, 0) = 0", unsaid
            yield from self._steps("p.hourly_fen", self.asking.hourly_fen, self.levels.pay)
        else:
            yield "", unsaid

    def _heads(self) -> Iterator[tuple[str, int]]:
        """Yield the same of its heads."""
        return self._steps("p.headcount - p.filled", self.asking.heads, self.levels.numbers)

    def _steps(self, theirs: str, mine: int, steps: Steps) -> Iterator[tuple[str, int]]:
        """Yield the same of what a demand has for each hundred that an offer has, asks or brings."""
        for step in steps:
            if not step.share:
                yield "", step.points
                return
            most, least = mine * FULL // step.share, -(-mine * step.share // FULL)
            yield f"{theirs} <= {most}" if self.asking.demand else f"{theirs} >= {least}", step.points

    def _has(self, share: int | None) -> str:
        """Ask for rows where an offer has so many per cent of the work's days: all, as mostly, needs no reckoning."""
        if not share:
            return _NEVER if share is None else _ALWAYS
        later, earlier, days = (which[self.dialect] for which in (_LATER, _EARLIER, _DAYS))
        if self.asking.demand:
            first, last = self._day(self.first), self._day(self.last)
            starts, ends = "p.starts_on", f"coalesce(p.ends_on, {last})"
        else:
            first = later.format("p.starts_on", self._day(self.today))
            far = _ON[self.dialect].format(first, self.levels.open_end_days - 1)
            last = f"coalesce(p.ends_on, {far})"
            starts = self._day(self.asking.starts_on)
            ends = self._day(self.asking.ends_on) if self.asking.ends_on else last
        if share == FULL:
            return f"({starts} <= {first} AND {ends} >= {last})"
        both = days.format(later.format(first, starts), earlier.format(last, ends))
        return f"{both} * {FULL} / {days.format(first, last)} >= {share}"

    def _day(self, day: date) -> str:
        return f"CAST('{day}' AS date)" if self.dialect == "postgres" else f"'{day}'"


def _case(said: Sequence[tuple[str, str]]) -> str:
    """Return what is asked under the first of some conditions that holds, the last of which is none."""
    *before, (_, last) = said
    while before and before[-1][1] == last:
        before.pop()
    if not before:
        return last
    if len(before) == 1 and last == _NEVER:
        return f"({before[0][0]} AND {before[0][1]})"
    return f"CASE {' '.join(f'WHEN {condition} THEN {then}' for condition, then in before)} ELSE {last} END"


def _id(value: Any) -> Any:
    return str(value) if isinstance(value, UUID) else value


def _day(value: Any) -> Any:
    return date.fromisoformat(value) if isinstance(value, str) else value
