"""Lists that can be had as a file as well: one page as JSON, or all of it as a table."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import BaseModel
from sanic import HTTPResponse, Request

from miniprogram_api import tables
from miniprogram_api.shelf import paged
from miniprogram_api.tables import Exportable, File, Value
from server.access import exports
from server.kernel.paging import Page

V = TypeVar("V", bound=BaseModel)
T = TypeVar("T")
Columns = Sequence[tuple[str, Callable[[V], Any]]]
"""Headings, and what stands under each: a `Value`."""


@dataclass(frozen=True, slots=True)
class Table(Generic[V]):
    """A list as a file: `name` is what the audit calls it, `columns` are headings with what stands under each."""

    name: str
    title: str
    columns: Columns[V]

    def line(self, view: V) -> list[Value]:
        """Return one row."""
        return [value(view) for _, value in self.columns]


async def listed(
    request: Request,
    query: Exportable,
    table: Table[V],
    fetch: Callable[[int, str | None], Awaitable[Page[T]]],
    view: Callable[[T], V],
) -> HTTPResponse:
    """Answer with a page of a list, or with the whole list as a file where the query asks for one.

    Raises DomainError 422 for a file of too many rows.
    """
    if query.format == "json":
        return paged(await fetch(query.limit, query.cursor), view)
    who = await exports.taken(request.ctx.caller, table.name, query.format)
    file = File(table.title, [heading for heading, _ in table.columns], who)
    return await tables.exported(query.format, file, tables.every(fetch, lambda row: table.line(view(row))))
