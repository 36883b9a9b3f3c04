"""Schools' lists as spreadsheets, sent over HTTP and worked off by a real worker."""

import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import aiohttp
from xlsxwriter import Workbook

from server.gateways.spreadsheets import Spreadsheets
from tests.harness.callers import API, Caller
from tests.harness.waiting import until

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
HEADINGS = ("学生姓名", "身份证号", "联系电话", "层次", "班级")


def sheet(rows: Iterable[Sequence[Any]], headings: Sequence[str] = HEADINGS) -> bytes:
    """An xlsx file: what is text stays text."""
    return workbook({"名单": [headings, *rows]})


def workbook(sheets: Mapping[str, Iterable[Sequence[Any]]]) -> bytes:
    """An xlsx file of several sheets, with their headings."""
    file = io.BytesIO()
    with Workbook(file, {"in_memory": True}) as book:
        for name, rows in sheets.items():
            made = book.add_worksheet(name)
            for number, row in enumerate(rows):
                for column, cell in enumerate(row):
                    (made.write_string if isinstance(cell, str) else made.write)(number, column, cell)
    return file.getvalue()


async def cells(data: bytes) -> list[list[Any]]:
    """The rows of the first sheet of a file."""
    [first, *_] = await Spreadsheets().read(data)
    return [list(row) for row in first.rows]


async def send(who: Caller, path: str, data: bytes, key: str = "", **fields: Any) -> tuple[int, Any]:
    """Send a list to `path`, such as `/referrals/imports`."""
    form = aiohttp.FormData()
    for name, value in fields.items():
        form.add_field(name, str(value))
    form.add_field("file", data, filename="a.xlsx", content_type=XLSX)
    headers = {"Authorization": f"Bearer {who.token}", **({"Idempotency-Key": key} if key else {})}
    async with who.client.post(API + path, data=form, headers=headers) as answer:
        return answer.status, await answer.json(content_type=None)


async def ended(who: Caller, path: str, source: Mapping[str, Any], seconds: float = 30) -> Any:
    """Wait until a list is worked off, and return it."""
    found: dict[str, Any] = {}

    async def over() -> bool:
        status, told, _ = await who.ask("GET", f"{path}/{source['id']}")
        assert status == 200, told
        found.update(told)
        return told["state"] in {"done", "failed"}

    await until(over, seconds)
    return found


async def rows(who: Caller, path: str, source: Mapping[str, Any], query: str = "") -> list[Any]:
    """Every row of a list that was worked off."""
    items: list[Any] = []
    cursor = ""
    while True:
        status, told, _ = await who.ask("GET", f"{path}/{source['id']}/rows?limit=100{query}{cursor}")
        assert status == 200, told
        items += told["items"]
        if told["next_cursor"] is None:
            return items
        cursor = f"&cursor={told['next_cursor']}"
