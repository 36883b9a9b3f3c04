"""Lists as files: whole, marked with who took them and when, and harmless to whoever opens them."""

import csv
import io
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, date, datetime
from typing import Any, Literal

import pytest
from sanic import HTTPResponse

from miniprogram_api import tables
from miniprogram_api.tables import File, Value, every, exported
from server.gateways.spreadsheets import Spreadsheets
from server.kernel import clock
from server.kernel.errors import DomainError
from server.kernel.paging import Page

FILE = File("推荐名单", ["编号", "姓名", "登记时间"], "某中学 李*")
MOMENT = datetime(2026, 9, 1, 4, 5, tzinfo=UTC)
HOSTILE = ["=1+1", "+1", "-1", "@a", "\ta", "\ra", " =1", "＝1", "　=1"]


@pytest.fixture(autouse=True)
def _moment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: MOMENT)


async def pages(*found: list[Sequence[Value]]) -> AsyncIterator[list[Sequence[Value]]]:
    for page in found:
        yield page


async def made(kind: Literal["csv", "xlsx"], *rows: Sequence[Value]) -> HTTPResponse:
    return await exported(kind, FILE, pages(list(rows[:1]), list(rows[1:])))


def lines(answer: HTTPResponse) -> list[list[str]]:
    body = answer.body or b""
    assert body.startswith("\ufeff".encode())
    return list(csv.reader(io.StringIO(body.decode("utf-8-sig"), newline="")))


async def test_a_csv_begins_with_who_and_when_and_how_many() -> None:
    answer = await made("csv", ["R-1", "张*", MOMENT], ["R-2", None, date(2026, 9, 2)], ["R-3", "买*·艾*", 3])
    assert lines(answer) == [
        ["推荐名单　导出：某中学 李*　时间：2026-09-01 12:05　共3行"],
        ["编号", "姓名", "登记时间"],
        ["R-1", "张*", "2026-09-01 12:05"],
        ["R-2", "", "2026-09-02"],
        ["R-3", "买*·艾*", "3"],
    ]
    assert answer.headers["cache-control"] == "private, no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-disposition"].endswith("-20260901-1205.csv")
    assert answer.headers["content-disposition"].isascii()


async def test_no_cell_of_a_csv_is_a_formula() -> None:
    found = lines(await made("csv", *[[text, "a", None] for text in HOSTILE]))
    assert [row[0] for row in found[2:]] == [f"'{text}" for text in HOSTILE]


async def test_an_xlsx_holds_text_only() -> None:
    answer = await made("xlsx", *[[text, "340802********1234", None] for text in HOSTILE[:4]], ["R", "𠮷", MOMENT])
    [sheet] = await Spreadsheets().read(answer.body or b"")
    rows = [list(row) for row in sheet.rows]
    assert rows[0] == ["推荐名单　导出：某中学 李*　时间：2026-09-01 12:05　共5行"]
    assert [row[0] for row in rows[1:]] == ["编号", *HOSTILE[:4], "R"]
    assert rows[-1] == ["R", "𠮷", "2026-09-01 12:05"]
    assert answer.content_type == tables.XLSX


async def test_more_rows_than_a_file_may_have_are_refused() -> None:
    rows: list[Sequence[Value]] = [["a", "b", None]] * tables.MOST_ROWS
    assert len(lines(await made("csv", *rows))) == tables.MOST_ROWS + 2
    with pytest.raises(DomainError, match="too_many_rows") as refused:
        await made("csv", *rows, rows[0])
    assert refused.value.status == 422


async def test_every_page_of_a_list_is_fetched_once() -> None:
    asked: list[tuple[int, str | None]] = []

    async def fetch(limit: int, cursor: str | None) -> Page[int]:
        asked.append((limit, cursor))
        return Page([len(asked)], {None: "a", "a": "b"}.get(cursor))

    found: list[Any] = [line async for page in every(fetch, lambda number: [number]) for line in page]
    assert found == [[1], [2], [3]]
    assert asked == [(100, None), (100, "a"), (100, "b")]
