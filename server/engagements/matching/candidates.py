"""Of all that is open on the other side the best, found by indexes: the buckets that can hold better ones come first.

What a bucket's rows have in common, such as the same occupation in the same county, says how much a match in it can be
worth at most. Each is walked from the newest on, and is left once nothing better can come; so the answer is the one
that judging everything would give, unless more than `READ_MOST` had to be read.
"""

from collections.abc import Callable, Iterator
from datetime import date
from heapq import heappush, heapreplace
from typing import NamedTuple
from uuid import UUID

from tortoise.connection import get_connection

from server.engagements.matching.book import Book
from server.engagements.matching.score import FULL, Item, Judged, groups, judge, reached
from server.engagements.matching.statements import Bucket, Key, Stretch, Walk, best_paid, key, places, read, single

FIRST, MOST = 60, 150
"""How many rows a walk reads at first, and how many at once later."""
READ_MOST = 10_000
"""How many rows are read in all, so that hours which hardly anyone has cannot keep the server busy."""

Known = Callable[[Item], bool]


class Best(NamedTuple):
    """One that suits, and how well; the greater the better."""

    points: int
    key: Key
    item: Item
    judged: Judged


async def item(posting_id: UUID, today: date) -> Item | None:
    """Return what matching reads of a posting, None where it is not live today or has no place left."""
    connection = get_connection("default")
    asked = single(connection.capabilities.dialect, posting_id, today)
    rows = await connection.execute_query_dict(asked.sql, asked.values)
    return read(rows[0]) if rows else None


async def best(asking: Item, book: Book, today: date, limit: int, known: Known) -> list[Best]:
    """Return the `limit` best of the other side, the best first, of those alike the newest; `known` are left out."""
    connection, found, seen = get_connection("default"), list[Best](), set[str]()
    paid = await _paid_at_most(asking, book)
    for bucket in sorted(buckets(asking, book, paid), key=lambda one: -one.bound):
        behind, size = None, FIRST
        while len(seen) < READ_MOST and (len(found) < limit or _bettered(found[0], bucket.bound, behind)):
            beaten = (found[0].points, found[0].key) if len(found) == limit else None
            walk = Walk(connection.capabilities.dialect, asking, book, today)
            sql = walk.sql(bucket, Stretch(size, behind, beaten))
            rows = await connection.execute_query_dict(sql, walk.to.values)
            items = [read(row) for row in rows if row["stands"]]
            for one in items:
                if one.id not in seen and not known(one):
                    _keep(found, limit, _judged(asking, one, book, today))
            seen.update(str(row["id"]) for row in rows)
            if len(rows) < size:
                break
            behind, size = key(rows[-1]), MOST
    return sorted(found, key=lambda one: one[:2], reverse=True)


def buckets(asking: Item, book: Book, paid: tuple[int, int]) -> Iterator[Bucket]:
    """Yield the buckets of what may suit, each with what its rows can be worth at most.

    `paid` is how many points their pay can bring in the same county, and anywhere.
    """
    levels, work = book.levels, book.levels.work
    here, away = places(asking, book)
    others = levels.others - levels.pay[0].points

    def both(points: int, column: str, *values: str | None) -> Iterator[Bucket]:
        for there, place in ((True, here + paid[0]), (False, away + paid[1])):
            yield Bucket(points, points + place + others, there, column, values)

    own, mine = asking.occupation, sorted(groups(asking, book))
    leading = [one for group in mine for one in book.leading(group) if one != own]
    if own is None:
        yield from both(work.open.points, "", None)
    else:
        yield from both(work.same.points, "occupation", own)
        yield from both(work.open.points, "occupation", None)
    if leading:
        yield from both(work.related.points, "occupation", *leading)
    if mine:
        yield Bucket(work.related.points, work.related.points + here + paid[1] + others, None, "major", tuple(mine))
    if own in book.casual:
        yield from both(work.casual.points, "occupation", *sorted(book.casual - {own}))


async def _paid_at_most(asking: Item, book: Book) -> tuple[int, int]:
    """Return how many points the pay of a row can bring in the same county, and anywhere.

    Where nobody pays what is asked, no walk would end early without it.
    """
    unsaid, mine = book.levels.pay_unsaid.points, asking.hourly_fen
    if not mine:
        return unsaid, unsaid
    connection = get_connection("default")
    asked = best_paid(connection.capabilities.dialect, asking)
    [ends] = await connection.execute_query_dict(asked.sql, asked.values)

    def points(pay: int | None) -> int:
        least = unsaid if ends["unsaid"] else 0
        if not pay:
            return least
        given, wanted = (mine, pay) if asking.demand else (pay, mine)
        return max(reached(book.levels.pay, given * FULL // wanted).points, least)

    return points(ends["here"]), points(ends["anywhere"])


def _bettered(worst: Best, bound: int, behind: Key | None) -> bool:
    """Whether rows that are worth `bound` at most, and come behind one, can be better than the worst of the best."""
    return worst.points < bound or (worst.points == bound and (behind is None or worst.key < behind))


def _judged(asking: Item, one: Item, book: Book, today: date) -> Best | None:
    judged = judge(asking, one, book, today) if asking.demand else judge(one, asking, book, today)
    return Best(judged.points, one.key, one, judged) if judged else None


def _keep(found: list[Best], limit: int, one: Best | None) -> None:
    if one is None:
        return
    if len(found) < limit:
        heappush(found, one)
    elif one[:2] > found[0][:2]:
        heapreplace(found, one)
