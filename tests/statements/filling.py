"""The payer's file filled in, as programs save it: our own archive with words in its two columns, and other kinds."""

import csv
import io
import re
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any

from server.gateways.spreadsheets import Spreadsheets
from server.imports.stored import Row
from server.statements import results
from server.statements.columns import COLUMNS, OUTCOME, REASON, ROW
from tests.gateways.workbooks import book

OUTCOME_AT, REASON_AT, ROW_AT = (
    next(place for place, column in enumerate(COLUMNS) if column.field == name) for name in (OUTCOME, REASON, ROW)
)
ABOVE = 6
"""In so many lines of the file stands what is above its rows, the headings last."""
SHEET, STRINGS = "xl/worksheets/sheet1.xml", "xl/sharedStrings.xml"
Said = Mapping[int, tuple[str, str]]


async def read(data: bytes) -> Sequence[Row]:
    return await results.read(data, Spreadsheets())


async def cells(data: bytes) -> list[list[Any]]:
    """The rows of the file as they stand, headings and all."""
    [sheet] = await Spreadsheets().read(data)
    return [list(row) for row in sheet.rows]


def filled(data: bytes, said: Said) -> bytes:
    """Fill the two columns in of the very archive, as Excel and WPS do: the words go among the shared strings."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    sheet, strings = parts[SHEET].decode(), parts[STRINGS].decode()
    count = strings.count("<si>")
    for number, words in said.items():
        for column, word in zip((OUTCOME_AT, REASON_AT), words, strict=True):
            place = f"{chr(ord('A') + column)}{ABOVE + number}"
            if not word:
                continue
            sheet, times = re.subn(
                rf'<c r="{place}" s="(\d+)"/>', rf'<c r="{place}" s="\1" t="s"><v>{count}</v></c>', sheet
            )
            assert times == 1
            strings = strings.replace("</sst>", f"<si><t>{word}</t></si></sst>")
            count += 1
    parts |= {SHEET: sheet.encode(), STRINGS: strings.encode()}
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    return made.getvalue()


async def table(data: bytes, said: Said) -> list[list[Any]]:
    """The rows of the file, filled in, to be saved otherwise; those of which nothing is said are left out."""
    found = await cells(data)
    assert found[ABOVE - 1][0] == "结算单号"
    kept = found[:ABOVE]
    for number, words in said.items():
        row = found[ABOVE + number - 1]
        assert row[ROW_AT] == str(number)
        kept.append([*row, *[None] * (OUTCOME_AT - len(row)), *words])
    return kept


def workbook(*sheets: Sequence[Sequence[Any]]) -> bytes:
    """Another program's file: numbers are numbers there."""
    return book(*([[cell if cell is not None else "" for cell in row] for row in rows] for rows in sheets))


def separated(rows: Sequence[Sequence[Any]], encoding: str = "gb18030") -> bytes:
    """What Excel saves as csv."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows([["" if cell is None else cell for cell in row] for row in rows])
    return text.getvalue().encode(encoding)
