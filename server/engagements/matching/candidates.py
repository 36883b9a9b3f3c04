"""Of all that is open on the other side the best, found by indexes: the buckets that can hold better ones come first.

What a bucket's rows have in common, such as the same occupation in the same county, says how much a match in it can be
worth at most. Each is walked from the newest on, and is left once nothing better can come; so the answer is the one
that judging everything would give.
"""

# ruff: noqa: S608 -- names of our own; whatever a posting says is a placeholder

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from heapq import heappush, heapreplace
from typing import Any, NamedTuple
from uuid import UUID

from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.connection import get_connection

from server.engagements.matching.book import Book
from server.engagements.matching.score import INTERNSHIP, Item, Judged, groups, judge
from server.labour.listing import standing
from server.labour.models import Side
from server.labour.statement import Statement

FIRST, MOST = 100, 1600
"""How many rows a walk reads at first, and how many at once later."""
_COLUMNS = (
    "id", "side", "kind", "person_id", "organisation_id", "occupation", "major", "region", "latitude", "longitude",
    "starts_on", "ends_on", "hours", "shift", "hourly_fen", "age_min", "age_max", "published_at",
)  # fmt: skip
_SELECTED = ", ".join([*(f"p.{name}" for name in _COLUMNS), "p.headcount - p.filled AS heads"])

Known = Callable[[Item], bool]


class Best(NamedTuple):
    """One that suits, and how well; the greater the better."""

    points: int
    key: tuple[Any, Any]
    item: Item
    judged: Judged


@dataclass(frozen=True, slots=True)
class Run:
    """Rows that an index has beside each other: those of one `value` of a column, `there` or elsewhere, or anywhere."""

    column: str = ""
    value: str | None = None
    there: bool | None = None


@dataclass(frozen=True, slots=True)
class Bucket:
    """Runs of rows none of which can be worth more than `bound`, unless a bucket with a higher one has them too."""

    bound: int
    runs: tuple[Run, ...]


async def item(posting_id: UUID, today: date) -> Item | None:
    """Return what matching reads of a posting, None where it is not live today or has no place left."""
    connection = get_connection("default")
    to = Statement(connection.capabilities.dialect)
    to.sql = (
        f"SELECT {_SELECTED} FROM posting p WHERE p.id = {to.put(posting_id)} AND state = 'live' "
        f"AND valid_until >= {to.put(today)} AND headcount > filled"
    )
    rows = await connection.execute_query_dict(to.sql, to.values)
    return _item(rows[0]) if rows else None


async def best(asking: Item, book: Book, today: date, limit: int, known: Known) -> list[Best]:
    """Return the `limit` best of the other side, the best first, of those alike the newest; `known` are left out."""
    connection, found, seen = get_connection("default"), list[Best](), set[UUID]()
    for bucket in sorted(buckets(asking, book), key=lambda one: -one.bound):
        if len(found) == limit and found[0].points > bucket.bound:
            break
        async for rows in _walk(connection, asking, bucket, today, book):
            for one in rows:
                if one.id not in seen and not known(one):
                    _keep(found, limit, _judged(asking, one, book, today))
            seen.update(one.id for one in rows)
            if len(found) == limit and found[0][:2] > (bucket.bound, rows[-1].key):
                break
    return sorted(found, key=lambda one: one[:2], reverse=True)


def buckets(asking: Item, book: Book) -> Iterator[Bucket]:
    """Yield the buckets of what may suit, each with what its rows can be worth at most."""
    levels = book.levels
    placed = asking.latitude is not None and asking.kind == INTERNSHIP
    here, away = levels.place.same.points, (levels.place.near if placed else levels.place.city).points

    def both(points: int, column: str, *values: str | None) -> Iterator[Bucket]:
        for there, place in ((True, here), (False, away)):
            runs = tuple(Run(column, value, there) for value in values)
            yield Bucket(points + place + levels.others, runs)

    own, mine = asking.occupation, sorted(groups(asking, book))
    leading = [one for group in mine for one in book.leading(group) if one != own]
    if own is None:
        yield from both(levels.work.open.points, "", None)
    else:
        yield from both(levels.work.same.points, "occupation", own)
        yield from both(levels.work.open.points, "occupation", None)
    if leading:
        yield from both(levels.work.related.points, "occupation", *leading)
    if mine:
        yield Bucket(levels.work.related.points + here + levels.others, tuple(Run("major", one) for one in mine))
    if own in book.casual:
        yield from both(levels.work.casual.points, "occupation", *sorted(book.casual - {own}))


def _judged(asking: Item, one: Item, book: Book, today: date) -> Best | None:
    judged = judge(asking, one, book, today) if asking.demand else judge(one, asking, book, today)
    return Best(judged.points, one.key, one, judged) if judged else None


def _keep(found: list[Best], limit: int, one: Best | None) -> None:
    if one is None:
        return
    if len(found) < limit:
        heappush(found, one)
    elif one > found[0]:
        heapreplace(found, one)


async def _walk(
    connection: BaseDBAsyncClient, asking: Item, bucket: Bucket, today: date, book: Book
) -> AsyncIterator[list[Item]]:
    """Yield the rows of a bucket, the newest first, some at a time."""
    behind, size = None, FIRST
    while True:
        to = Statement(connection.capabilities.dialect)
        asked = _Asked(to, asking, today, book).sql(bucket, size, behind)
        rows = [_item(row) for row in await connection.execute_query_dict(asked, to.values)]
        if rows:
            yield rows
        if len(rows) < size:
            return
        behind, size = rows[-1].key, min(2 * size, MOST)


class _Asked:
    """One statement: the next rows of a bucket."""

    def __init__(self, to: Statement, asking: Item, today: date, book: Book) -> None:
        self.to, self.asking, self.today = to, asking, today
        self.begins = max(asking.starts_on, today)
        open_end = self.begins + timedelta(days=book.levels.open_end_days - 1) if asking.demand else None
        self.ends = asking.ends_on or open_end

    def sql(self, bucket: Bucket, size: int, behind: tuple[Any, Any] | None) -> str:
        """Return it."""
        runs = [self._run(run, size, behind) for run in bucket.runs]
        together = " UNION ALL ".join(f"SELECT * FROM ({run}) r{number}" for number, run in enumerate(runs))
        ordered = f"SELECT * FROM ({together}) r ORDER BY published_at DESC, id DESC LIMIT {size}"
        return ordered if len(runs) > 1 else runs[0]

    def _run(self, run: Run, size: int, behind: tuple[Any, Any] | None) -> str:
        put, side = self.to.put, Side.SUPPLY if self.asking.demand else Side.DEMAND
        said = [f"p.side = '{side}'", "p.state = 'live'", f"p.kind = '{self.asking.kind}'"]
        if run.column:
            said.append(f"p.{run.column} IS NULL" if run.value is None else f"p.{run.column} = {put(run.value)}")
        if run.there is not None:
            said.append(f"p.region {'=' if run.there else '<>'} {put(self.asking.region)}")
        if behind:
            said.append(f"(p.published_at, p.id) < ({put(behind[0])}, {put(behind[1])})")
        said += [f"p.valid_until >= {put(self.today)}", "p.headcount > p.filled"]
        said.append(f"(p.ends_on IS NULL OR p.ends_on >= {put(self.begins)})")
        said += [f"p.starts_on <= {put(self.ends)}"] if self.ends else []
        return (
            f"SELECT {_SELECTED} FROM posting p {standing(self.to, side, self.today)} "
            f"WHERE {' AND '.join(said)} ORDER BY p.published_at DESC, p.id DESC LIMIT {size}"
        )


def _item(row: dict[str, Any]) -> Item:
    said = {name: value for name, value in row.items() if name not in {"side", "published_at"}}
    said |= {name: _id(row[name]) for name in ("id", "person_id", "organisation_id")}
    said |= {name: _day(row[name]) for name in ("starts_on", "ends_on")}
    return Item(**said, demand=row["side"] == Side.DEMAND, key=(row["published_at"], row["id"]))


def _id(value: Any) -> Any:
    return UUID(value) if isinstance(value, str) else value


def _day(value: Any) -> Any:
    return date.fromisoformat(value) if isinstance(value, str) else value
