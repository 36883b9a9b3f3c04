"""Statements written out, for reads and writes that one request makes many of.

Tortoise puts a statement together anew each time, which takes several times as long as sending it. Here the text is
there already. It is PostgreSQL's, with values as `$1`, `$2` …; what SQLite spells otherwise is respelt once.
"""

import re
from collections.abc import Collection
from datetime import datetime
from enum import Enum
from functools import cache
from typing import Any, TypeVar
from uuid import UUID

import orjson
from tortoise.connection import get_connection
from tortoise.models import Model

M = TypeVar("M", bound=Model)
_ONE_OF = re.compile(r"= ANY\(\$(\d+)\)")


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


async def returned(statement: str, *values: Any) -> list[dict[str, Any]]:
    """Run a statement that gives rows back, and return them."""
    connection = get_connection("default")
    dialect = connection.capabilities.dialect
    return await connection.execute_query_dict(_spelt(statement, dialect), _said(values, dialect))


def identity(value: Any) -> UUID:
    """Return an id that `returned` gave, as each driver has it."""
    return value if isinstance(value, UUID) else UUID(value)


def moment(value: Any) -> datetime:
    """Return a moment that `returned` gave, as each driver has it."""
    return value if isinstance(value, datetime) else datetime.fromisoformat(value)


@cache
def _selection(model: type[Model], where: str, only: tuple[str, ...], hold: bool, dialect: str) -> str:  # noqa: FBT001
    meta = model._meta  # noqa: SLF001 -- where Tortoise has it
    columns = ", ".join(only or meta.fields_db_projection.values())
    locked = " FOR UPDATE" if hold and dialect == "postgres" else ""  # SQLite has one writer at a time
    return _spelt(f"SELECT {columns} FROM {meta.db_table} WHERE {where}{locked}", dialect)  # noqa: S608 -- our own texts


@cache
def _spelt(statement: str, dialect: str) -> str:
    if dialect == "postgres":
        return statement
    return _ONE_OF.sub(r"IN (SELECT value FROM json_each($\1))", statement).replace("$", "?")


def _said(values: Collection[Any], dialect: str) -> list[Any]:
    """Return values as the driver takes them."""
    if dialect == "postgres":
        return [value.value if isinstance(value, Enum) else value for value in values]
    return [_plain(value) for value in values]


def _plain(value: Any) -> Any:
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, list):
        return orjson.dumps(value).decode()
    return value.value if isinstance(value, Enum) else value
