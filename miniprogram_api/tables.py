"""Lists as files: the same rows as csv or xlsx, every cell text, under a line that says who took them and when."""

import asyncio
import csv
import io
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal, TypeVar
from urllib.parse import quote

from sanic import HTTPResponse

from miniprogram_api.reading import Paged
from server.kernel import clock, paging
from server.kernel.errors import DomainError
from server.kernel.paging import Page

MOST_ROWS = 10_000
CSV, XLSX = "text/csv; charset=utf-8", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MEDIA = ("application/json", "text/csv", XLSX)
"""What a list answers with that can be had as a file."""
_FORMULA_STARTS = tuple("=+-@\t\r＝＋－＠")
_TEXT = 49
"""Excel's own number for the format of text."""
_OPTIONS = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
_WIDTH = 18
Value = str | int | date | datetime | None
T = TypeVar("T")


class Exportable(Paged):
    """What a list accepts that can be had as a file; `limit` and `cursor` count for JSON only."""

    format: Literal["json", "csv", "xlsx"] = "json"


@dataclass(frozen=True, slots=True)
class File:
    """What a list is called as a file, its headings, and `who` takes it: a masked name or a role, and organisation."""

    title: str
    headings: Sequence[str]
    who: str


async def every(
    fetch: Callable[[int, str | None], Awaitable[Page[T]]], line: Callable[[T], Sequence[Value]]
) -> AsyncIterator[list[Sequence[Value]]]:
    """Yield all pages of a list, as lines; `fetch` takes a limit and a cursor. Goes on until the list ends."""
    cursor, more = None, True
    while more:
        found = await fetch(paging.LIMIT_MAX, cursor)
        yield [line(item) for item in found.items]
        cursor = found.next_cursor
        more = cursor is not None


async def exported(
    kind: Literal["csv", "xlsx"], file: File, pages: AsyncIterator[list[Sequence[Value]]]
) -> HTTPResponse:
    """Answer with a list as a file, to be saved; raises DomainError 422 for more than `MOST_ROWS` rows."""
    rows: list[list[str]] = []
    async for page in pages:
        rows += [[told(value) for value in line] for line in page]
        if len(rows) > MOST_ROWS:
            raise DomainError("too_many_rows", 422, most=MOST_ROWS)
    made_at = clock.now().astimezone(clock.SHANGHAI)
    mark = f"{file.title}　导出：{file.who}　时间：{made_at:%Y-%m-%d %H:%M}　共{len(rows)}行"
    body = await asyncio.to_thread(_csv if kind == "csv" else _xlsx, mark, file, rows)
    return attachment(body, CSV if kind == "csv" else XLSX, f"{file.title}-{made_at:%Y%m%d-%H%M}.{kind}")


def attachment(body: bytes, media: str, name: str) -> HTTPResponse:
    """Answer with a file that is saved under `name` and kept by no cache."""
    headers = {
        "cache-control": "private, no-store",
        "x-content-type-options": "nosniff",
        "content-disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}",
    }
    return HTTPResponse(body, 200, headers, media)


def told(value: Value) -> str:
    """Return a value as people read it: a moment in the time of Anqing."""
    if isinstance(value, datetime):
        return f"{value.astimezone(clock.SHANGHAI):%Y-%m-%d %H:%M}"
    return "" if value is None else str(value)


def _csv(mark: str, file: File, rows: Sequence[Sequence[str]]) -> bytes:
    """Return it with the mark by which Excel knows UTF-8, and no cell that it would take for a formula."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    for row in ([mark], file.headings, *rows):
        writer.writerow([_harmless(cell) for cell in row])
    return text.getvalue().encode("utf-8-sig")


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell.lstrip(" \u3000").startswith(_FORMULA_STARTS) else cell


def _xlsx(mark: str, file: File, rows: Sequence[Sequence[str]]) -> bytes:
    made = io.BytesIO()
    from xlsxwriter import Workbook  # noqa: PLC0415 -- 2 MB that nobody needs who never exports

    with Workbook(made, _OPTIONS) as book:
        sheet = book.add_worksheet()
        text, bold = book.add_format({"num_format": _TEXT}), book.add_format({"bold": True, "bg_color": "#E7E6E6"})
        sheet.set_column(0, len(file.headings) - 1, _WIDTH, text)
        sheet.write_string(0, 0, mark, book.add_format({"bold": True, "font_color": "#7F7F7F"}))
        for number, (row, style) in enumerate([(file.headings, bold), *((row, text) for row in rows)], 1):
            for column, cell in enumerate(row):
                sheet.write_string(number, column, cell, style)
        sheet.freeze_panes(2, 0)
        sheet.repeat_rows(1)
        footer = mark.replace("&", "&&")[:200]
        sheet.set_footer(f"&L{footer}&R&P/&N")
    return made.getvalue()
