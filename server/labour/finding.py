"""Finding postings, and keeping what is searched in step with what they say."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from tortoise.connection import get_connection

from server.kernel import paging
from server.kernel.ids import parse_id
from server.labour import listing, tokens
from server.labour.models import Posting, PostingState
from server.labour.wanted import Order, Place, Stretch, Wanted

SEARCHED = frozenset({PostingState.LIVE, PostingState.FILLED, PostingState.PAUSED})
"""Of these the words are kept: they are live, or may be again without anyone's looking."""
READ_FIRST = 1500
"""How many postings words are looked for in one by one, before it is known how rare they are."""
SPARE = 1.2
"""How many times as many are read as should be enough."""
GATHERING = 2.5
"""How many times as long it takes to gather a posting by its words, from anywhere, as to read one in the order."""
_ROW_NUMBER = (1 << 62) - 1
"""FTS5 finds rows by a number only: ours are 62 random bits of the id, so that a row is replaced without a search."""
_PARSE: Mapping[Order, Callable[[str], Any]] = {
    Order.NEWEST: paging.moment,
    Order.WRITTEN: paging.moment,
    Order.SOONEST: date.fromisoformat,
    Order.PAY: paging.whole,
    Order.DISTANCE: paging.whole,
}
_FORGET = {
    "postgres": "UPDATE posting SET folded = NULL, tokens = NULL WHERE id = $1 AND folded IS NOT NULL",
    "sqlite": "DELETE FROM posting_search WHERE rowid = ?",
}
REMEMBER = {
    "postgres": "UPDATE posting SET folded = $2, tokens = array_to_tsvector($3::text[]) "
    "WHERE id = $1 AND folded IS DISTINCT FROM $2",
    "sqlite": "REPLACE INTO posting_search (rowid, id, folded, tokens) VALUES (?, ?, ?, ?)",
}


@dataclass(frozen=True, slots=True)
class Found:
    """A page as the JSON text of a list of cards; `next_cursor` is None on the last."""

    items: str
    next_cursor: str | None


async def page(wanted: Wanted, order: Order, limit: int, cursor: str | None) -> Found:
    """Return a page of postings; one query, and for words that few of the first ones have a second or third one.

    Raises DomainError 422 for a cursor that was not given out for this order.
    """
    connection = get_connection("default")
    stretch = Stretch(order, limit, _place(order, cursor) if cursor else None)
    dialect = connection.capabilities.dialect
    read = READ_FIRST if listing.readable(dialect, wanted, order) else None
    while True:
        asked = listing.statement(dialect, wanted, stretch, read)
        row = (await connection.execute_query_dict(asked.sql, asked.values))[0]
        if read is None or not row["unread"]:
            return _found(row, order)
        read = _read_on(row, limit) if read == READ_FIRST else None


def _read_on(row: Mapping[str, Any], limit: int) -> int | None:
    """Return how many to read instead for a whole page, None where gathering what has the words is less work."""
    if not row["found"]:
        return None
    share, read = row["found"] / READ_FIRST, READ_FIRST
    while read < SPARE * (limit + 1) / share:  # few different statements, which are prepared once
        read *= 2
    return read if read < GATHERING * share * row["rows"] else None


async def index(posting: Posting) -> None:
    """Keep what is searched in step with a posting that was just written, inside its transaction; one statement."""
    connection = get_connection("default")
    dialect = connection.capabilities.dialect
    if posting.state in SEARCHED:
        await connection.execute_query(REMEMBER[dialect], entry(posting, dialect))
    else:
        await connection.execute_query(_FORGET[dialect], [_row(posting, dialect)])


def entry(posting: Posting, dialect: str) -> list[Any]:
    """Return what `REMEMBER` is told of a posting."""
    text = tokens.folded(posting.title, posting.address, posting.requirements, posting.description)
    pieces = tokens.pieces(text)
    told = [text, pieces] if dialect == "postgres" else [str(posting.id), text, " ".join(pieces)]
    return [_row(posting, dialect), *told]


def _row(posting: Posting, dialect: str) -> Any:
    return posting.id if dialect == "postgres" else posting.id.int & _ROW_NUMBER


def _place(order: Order, cursor: str) -> Place:
    _, value, row_id = paging.decode_cursor(cursor, order)
    found = parse_id(row_id)
    if found is None:
        raise paging.bad_cursor()
    try:
        return Place(_PARSE[order](value), found)
    except (ValueError, OverflowError):
        raise paging.bad_cursor() from None


def _found(row: Mapping[str, Any], order: Order) -> Found:
    more = row["last_id"] is not None
    return Found(row["items"], paging.encode_cursor(order, row["last"], row["last_id"]) if more else None)
