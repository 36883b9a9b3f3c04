"""Keyset paging: a page begins where the last one ended, however deep it is."""

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

import orjson
from tortoise.expressions import Q
from tortoise.models import Model
from tortoise.queryset import QuerySet

from server.kernel.errors import FieldFault, invalid
from server.kernel.ids import parse_id

LIMIT_DEFAULT = 20
LIMIT_MAX = 100

T = TypeVar("T")
M = TypeVar("M", bound=Model)


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page; `next_cursor` is None on the last."""

    items: Sequence[T]
    next_cursor: str | None


def moment(text: str) -> datetime:
    """Return the aware moment that `text` spells, in UTC; raises ValueError or OverflowError."""
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError("a moment without an offset")
    return found.astimezone(UTC)


def whole(text: str) -> int:
    """Return the number that `text` spells, as a column of integers can hold it; raises ValueError."""
    found = int(text)
    if not -(1 << 31) <= found < 1 << 31:
        raise ValueError("no number of a column")
    return found


@dataclass(frozen=True, slots=True)
class Sort:
    """An order by one column and then by id, both in the same direction.

    `parse` turns the text of a cursor back into the column's value and raises ValueError or OverflowError.
    """

    column: str
    descending: bool = True
    parse: Callable[[str], Any] = moment

    @property
    def order(self) -> tuple[str, str]:
        """The order as Tortoise spells it."""
        sign = "-" if self.descending else ""
        return f"{sign}{self.column}", f"{sign}id"

    def after(self, value: Any, row_id: str) -> Q:
        """Return the condition for rows behind (`value`, `row_id`).

        The first comparison alone lets an index find the place; without it PostgreSQL reads from the start.
        """
        verb = "lt" if self.descending else "gt"
        tie = Q(**{self.column: value, f"id__{verb}": row_id})
        return Q(**{f"{self.column}__{verb}e": value}) & (Q(**{f"{self.column}__{verb}": value}) | tie)


async def page(query: QuerySet[M], sort: Sort, limit: int, cursor: str | None) -> Page[M]:
    """Return the page of `query` behind `cursor`; one query, no count.

    Raises DomainError 422 for a cursor that was not given out for this order.
    """
    if cursor:
        query = query.filter(_behind(sort, cursor))
    rows: Sequence[M] = await query.order_by(*sort.order).limit(limit + 1)
    return _cut(rows, limit, lambda row: encode_cursor(sort.column, getattr(row, sort.column), row.pk))


def slice_page(items: Sequence[T], key: Callable[[T], str], limit: int, cursor: str | None) -> Page[T]:
    """Return the page of a list held in memory, in its own order, behind the item whose key is in `cursor`.

    Raises DomainError 422 for a cursor that names none of them.
    """
    start = 0
    if cursor:
        _, _, last = decode_cursor(cursor, "key")
        keys = [key(item) for item in items]
        if last not in keys:
            raise bad_cursor()
        start = keys.index(last) + 1
    return _cut(items[start : start + limit + 1], limit, lambda item: encode_cursor("key", "", key(item)))


def encode_cursor(column: str, value: Any, row_id: Any) -> str:
    """Return an opaque cursor for the last row of a page."""
    text = value.isoformat() if isinstance(value, datetime) else str(value)
    return base64.urlsafe_b64encode(orjson.dumps([column, text, str(row_id)])).decode().rstrip("=")


def decode_cursor(cursor: str, column: str) -> tuple[str, str, str]:
    """Return (column, value, id) of a cursor given out for `column`; raises DomainError 422."""
    try:
        found = orjson.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True))
    except (binascii.Error, ValueError):
        raise bad_cursor() from None
    fields = 3
    if not isinstance(found, list) or len(found) != fields or not all(isinstance(part, str) for part in found):
        raise bad_cursor()
    if found[0] != column:
        raise bad_cursor()
    return found[0], found[1], found[2]


def bad_cursor() -> Exception:
    """Return the 422 for a cursor that we did not give out."""
    return invalid(FieldFault("?cursor", "cursor"))


def _behind(sort: Sort, cursor: str) -> Q:
    _, value, row_id = decode_cursor(cursor, sort.column)
    if parse_id(row_id) is None:
        raise bad_cursor()
    try:
        return sort.after(sort.parse(value), row_id)
    except (ValueError, OverflowError):
        raise bad_cursor() from None


def _cut(rows: Sequence[T], limit: int, cursor_of: Callable[[T], str]) -> Page[T]:
    more = len(rows) > limit
    items = rows[:limit]
    return Page(items, cursor_of(items[-1]) if more else None)
