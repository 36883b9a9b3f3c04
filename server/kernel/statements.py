"""Statements written out, for reads and writes that one request makes many of.

Tortoise puts a statement together anew each time, which takes several times as long as sending it. Here the text is
there already. It is PostgreSQL's, with values as `$1`, `$2` …; what SQLite spells otherwise is respelt once.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from enum import Enum
from functools import cache
from typing import Any, TypeVar, cast
from uuid import UUID

import orjson
from tortoise.connection import get_connection
from tortoise.models import Model

M = TypeVar("M", bound=Model)
_ONE_OF = re.compile(r"= ANY\(\$(\d+)\)")
_LOCKED = " FOR NO KEY UPDATE"
"""Against others who hold it, not against rows that come to refer to it: who writes these may hold what we wait for.

SQLite has one writer at a time."""


async def select(model: type[M], where: str, *values: Any, only: tuple[str, ...] = (), hold: bool = False) -> list[M]:
    """Return the rows for which `where` holds, with the columns `only` or all of them.

    `where` may end in an ORDER BY; `column = ANY($1)` is true of each of a list of ids or texts. `hold` keeps the rows
    from others until the transaction ends.
    """
    connection = get_connection("default")
    dialect = connection.capabilities.dialect
    _, rows = await connection.execute_query(_selection(model, where, only, hold, dialect), _said(values, dialect))
    return [model._init_from_db(**dict(row)) for row in rows]  # noqa: SLF001 -- as Tortoise's own reading does


async def change(statement: str, *values: Any) -> int:
    """Run an INSERT, UPDATE or DELETE and return how many rows it wrote."""
    connection = get_connection("default")
    dialect = connection.capabilities.dialect
    count, _ = await connection.execute_query(_spelt(statement, dialect), _said(values, dialect))
    return int(count)


async def returned(statement: str, *values: Any, hold: bool = False) -> list[dict[str, Any]]:
    """Run a statement that gives rows back, and return them; `hold` keeps them as in `select`."""
    connection = get_connection("default")
    dialect = connection.capabilities.dialect
    locked = _LOCKED if hold and dialect == "postgres" else ""
    return await connection.execute_query_dict(_spelt(statement, dialect) + locked, _said(values, dialect))


async def spread(
    statement: str, columns: Mapping[str, str], rows: Sequence[Sequence[Any]], *values: Any
) -> list[dict[str, Any]]:
    """Run a statement with `rows` as a table in it, and return what it gives back.

    Where `statement` says `{fresh}` there is a table of that name. `columns` are its columns' names, each with
    PostgreSQL's word for its type; those of `rows` follow in the same order.
    """
    connection = get_connection("default")
    dialect = connection.capabilities.dialect
    said = _said(values, dialect)
    if dialect == "postgres":
        said += map(list, zip(*rows, strict=True))
    else:
        plain = list(map(tuple, rows))  # orjson has no word for those with names
        said.append(orjson.dumps(plain, default=_moment, option=orjson.OPT_PASSTHROUGH_DATETIME).decode())
    text = _spread(statement, tuple(columns.items()), len(values), dialect)
    return await connection.execute_query_dict(text, said)


def identity(value: Any) -> UUID:
    """Return an id that `returned` gave, as each driver has it."""
    return value if isinstance(value, UUID) else UUID(value)


def moment(value: Any) -> datetime:
    """Return a moment that `returned` gave, as each driver has it."""
    return value if isinstance(value, datetime) else datetime.fromisoformat(value)


def day(value: Any) -> date:
    """Return a day that `returned` gave, as each driver has it."""
    return value if isinstance(value, date) else date.fromisoformat(value)


@cache
def _selection(model: type[Model], where: str, only: tuple[str, ...], hold: bool, dialect: str) -> str:  # noqa: FBT001
    meta = model._meta  # noqa: SLF001 -- where Tortoise has it
    columns = ", ".join(only or meta.fields_db_projection.values())
    locked = _LOCKED if hold and dialect == "postgres" else ""
    return _spelt(f"SELECT {columns} FROM {meta.db_table} WHERE {where}{locked}", dialect)  # noqa: S608 -- our own texts


@cache
def _spelt(statement: str, dialect: str) -> str:
    if dialect == "postgres":
        return statement
    return _ONE_OF.sub(r"IN (SELECT value FROM json_each($\1))", statement).replace("$", "?")


@cache
def _spread(statement: str, columns: tuple[tuple[str, str], ...], values: int, dialect: str) -> str:
    """Return the text whose table lies behind its `values`: an array for each column, or all rows as JSON."""
    if dialect == "postgres":
        arrays = ", ".join(f"${values + place}::{kind}[]" for place, (_, kind) in enumerate(columns, 1))
        fresh = f"unnest({arrays}) AS fresh({', '.join(name for name, _ in columns)})"
    else:
        cells = ", ".join(f"value ->> {place} AS {name}" for place, (name, _) in enumerate(columns))
        fresh = f"(SELECT {cells} FROM json_each(${values + 1})) AS fresh"  # noqa: S608 -- our own texts
    return _spelt(statement.format(fresh=fresh), dialect)


def _said(values: Collection[Any], dialect: str) -> list[Any]:
    """Return values as the driver takes them."""
    if dialect == "postgres":
        return [value.value if isinstance(value, Enum) else value for value in values]
    return [_plain(value) for value in values]


def _moment(value: Any) -> str:
    """Return a moment as SQLite's rows hold it; there is nothing else that JSON does not have."""
    return cast("datetime", value).isoformat(" ")


def _plain(value: Any) -> Any:
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, list):
        return orjson.dumps(value).decode()
    return value.value if isinstance(value, Enum) else value
