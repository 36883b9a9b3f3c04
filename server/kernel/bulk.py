"""Making and writing many rows of one table by one statement, at a fraction of what Tortoise's own way takes.

That one grows with the square of their number where it changes rows, and spends most of its time on converting and
checking values where it makes them. Here nothing is checked: the values are what the code behind us made of them.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from operator import attrgetter
from typing import Any, TypeVar

import orjson
from tortoise import fields
from tortoise.connection import get_connection
from tortoise.fields.base import Field
from tortoise.models import Model

M = TypeVar("M", bound=Model)
_Column = Callable[[Sequence[Model]], list[Any]]
_LOOSE = {"VARCHAR": "TEXT"}
"""A cast to a length cuts without a word; the column itself refuses what is too long."""

_UPDATE = "UPDATE {table} SET {changes} FROM {source} WHERE {table}.id = fresh.column1"
"""SQLite calls the columns of VALUES so."""


async def write(rows: Sequence[Model], columns: Sequence[str]) -> None:
    """Write these columns of `rows`, all of one table whose key is `id`; at most a few hundred rows."""
    if not rows:
        return
    connection = get_connection("default")
    dialect = connection.capabilities.dialect
    if dialect == "postgres":
        statement, readings = _changing(type(rows[0]), tuple(columns))
        await connection.execute_query(statement, [reading(rows) for reading in readings])
        return
    meta = rows[0]._meta  # noqa: SLF001 -- where Tortoise has it
    fields = [meta.fields_map[name] for name in ("id", *columns)]
    holes = f"({', '.join('?' * len(fields))})"
    source = f"(VALUES {', '.join([holes] * len(rows))})"
    said = [
        field.to_db_value(getattr(row, name), row)
        for row in rows
        for name, field in zip(("id", *columns), fields, strict=True)
    ]
    await connection.execute_query(_update(type(rows[0]), columns, f"{source} AS fresh"), said)


def fresh(model: type[M], **values: Any) -> M:
    """Return a row as `model(**values)` would, not written yet; every value is given as the column's own type."""
    row = model.__new__(model)
    row.__dict__.update(_defaults(model))
    row.__dict__.update(values, _await_when_save={})
    return row


def put(row: M, **values: Any) -> M:
    """Set columns and relations of a row, not written yet, and return it; every value is of the column's own type."""
    for name, value in values.items():
        if isinstance(value, Model):
            row.__dict__.update({f"_{name}": value, f"{name}_id": value.pk})  # where Tortoise has them
        else:
            row.__dict__[name] = value
    return row


async def insert(rows: Sequence[Model], *, unless_there: bool = False) -> None:
    """Write `rows`, all of one table, as new ones; `unless_there` passes over those that a unique index refuses."""
    if not rows:
        return
    connection = get_connection("default")
    dialect = connection.capabilities.dialect
    statement, columns = _insertion(type(rows[0]), dialect)
    if unless_there:
        statement += " ON CONFLICT DO NOTHING"
    values = [reading(rows) for reading in columns]
    if dialect == "postgres":
        await connection.execute_query(statement, values)
    else:
        await connection.execute_many(statement, list(map(list, zip(*values, strict=True))))
    for row in rows:
        row.__dict__["_saved_in_db"] = True  # whoever refers to a row asks for this


@cache
def _defaults(model: type[Model]) -> Mapping[str, Any]:
    """Return what a row holds where nothing is said; a default that is made anew for each row is not among it."""
    fields = model._meta.fields_map  # noqa: SLF001
    plain = {name: fields[name].default for name in model._meta.fields_db_projection}  # noqa: SLF001
    said = {name: value for name, value in plain.items() if not callable(value)}
    return {**said, "_partial": False, "_saved_in_db": False, "_custom_generated_pk": False}


@cache
def _insertion(model: type[Model], dialect: str) -> tuple[str, Sequence[_Column]]:
    """Return the statement, and what reads each column that fills it from rows."""
    meta = model._meta  # noqa: SLF001
    names = list(meta.fields_db_projection)
    columns = ", ".join(meta.fields_db_projection[name] for name in names)
    if dialect == "postgres":
        source = f"SELECT * FROM {_unnested(model, names)}"  # noqa: S608 -- names of our own
    else:
        source = f"VALUES ({', '.join('?' for _ in names)})"
    statement = f"INSERT INTO {meta.db_table} ({columns}) {source}"
    return statement, [_reading(name, meta.fields_map[name], dialect) for name in names]


@cache
def _changing(model: type[Model], columns: tuple[str, ...]) -> tuple[str, Sequence[_Column]]:
    """Return PostgreSQL's statement that changes these columns, and what reads the id and each of them from rows."""
    names = ("id", *columns)
    named = ", ".join(f"column{place}" for place in range(1, len(names) + 1))
    statement = _update(model, columns, f"{_unnested(model, names)} AS fresh ({named})")
    fields = model._meta.fields_map  # noqa: SLF001 -- where Tortoise has it
    return statement, [_reading(name, fields[name], "postgres") for name in names]


def _update(model: type[Model], columns: Sequence[str], source: str) -> str:
    changes = ", ".join(f"{name} = fresh.column{place}" for place, name in enumerate(columns, start=2))
    return _UPDATE.format(table=model._meta.db_table, changes=changes, source=source)  # noqa: SLF001


def _unnested(model: type[Model], names: Sequence[str]) -> str:
    """Return one array for each column, side by side as rows; each is as long as there are rows."""
    fields = model._meta.fields_map  # noqa: SLF001 -- where Tortoise has it
    types = [str(fields[name].get_for_dialect("postgres", "SQL_TYPE")) for name in names]
    arrays = [f"${place}::{_LOOSE.get(kind.partition('(')[0], kind)}[]" for place, kind in enumerate(types, 1)]
    return f"unnest({', '.join(arrays)})"


def _reading(name: str, field: Field[Any], dialect: str) -> _Column:
    """Return what reads a column's values as the driver takes them; words of an enumeration are texts to it."""
    plain = attrgetter(name)
    if isinstance(field, fields.JSONField):
        spelt: Callable[[Any], Any] = field.encoder
    elif isinstance(field, fields.UUIDField) and dialect == "sqlite":
        return lambda rows: _identities(list(map(plain, rows)))
    elif isinstance(field, fields.DatetimeField) and dialect == "sqlite":
        spelt = _moment
    else:
        return lambda rows: list(map(plain, rows))
    return lambda rows: _spelt(map(plain, rows), spelt)


def _identities(values: Sequence[Any]) -> list[Any]:
    """Return ids spelt out, a whole column at a tenth of the time that one by one takes; None stays None."""
    found: list[Any] = orjson.loads(orjson.dumps(values))
    return found


def _spelt(values: Iterable[Any], spelt: Callable[[Any], Any]) -> list[Any]:
    """Return values spelt out; one that many rows share, as the moment or the school, only once."""
    last, text, found = None, None, []
    for value in values:
        if value is not last:
            last, text = value, None if value is None else spelt(value)
        found.append(text)
    return found


def _moment(value: datetime) -> str:
    return value.isoformat(" ")
