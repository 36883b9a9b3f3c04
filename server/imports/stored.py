"""The rows of a list between its arrival and its end: one sealed file, small, that any worker reads again."""

import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import orjson

_LEVEL = 1
"""Of compression: the next one takes twice as long for a tenth less."""


class Row(NamedTuple):
    """One row of a list: `number` as the spreadsheet counts, `values` by field, as text or as numbers were.

    `twin` is the number of an earlier row about the same student; `same` says that the two rows are alike.
    """

    number: int
    values: Mapping[str, Any]
    twin: int | None = None
    same: bool = False


def twinned(rows: Iterable[Row], key: Callable[[Row], str | None]) -> list[Row]:
    """Return `rows` with every further one of a `key` pointing to the first; None is the key of none."""
    first: dict[str, Row] = {}
    found = []
    for row in rows:
        known = key(row)
        earlier = first.setdefault(known, row) if known else row
        twin = row if earlier is row else Row(row.number, row.values, earlier.number, earlier.values == row.values)
        found.append(twin)
    return found


def packed(rows: Sequence[Row]) -> bytes:
    """Return rows as bytes; days become `YYYY-MM-DD`, moments RFC 3339."""
    lines = [orjson.dumps((row.number, dict(row.values), row.twin, row.same)) for row in rows]
    return zlib.compress(b"\n".join(lines), _LEVEL)


def unpacked(data: bytes, start: int = 0, stop: int | None = None) -> list[Row]:
    """Return what was packed, or the rows from `start` to before `stop`: no others are read."""
    return [Row(*orjson.loads(line)) for line in zlib.decompress(data).splitlines()[start:stop]]
