"""Read a spreadsheet: its bytes on standard input, the cells of its visible sheets as JSON on standard output.

A program of its own, which `server.gateways.spreadsheets` starts within bounds: whoever sent the file chose every byte
of it. A file that is refused ends it with `REFUSED` and the reason as output.

What is parsed is not the file but a new archive of the few parts that matter, each unpacked and looked at here first:
no macro, picture or link comes along, and no second reading of a crooked archive. Formulas are never worked out; of
each the value that the sender's program left beside it is taken.
"""

import csv
import io
import re
import sys
import zipfile
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from typing import Any

import orjson
from python_calamine import CalamineSheet, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

REFUSED = 3
_MOST_ENTRIES = 1000
_MOST_UNPACKED = 32 * 1024 * 1024
_HIGHEST_RATIO = 200
_RATIO_COUNTS_FROM = 4 * 1024 * 1024
_MOST_ROW_ELEMENTS = 100_000
"""Bordered and otherwise empty rows may be many."""
_LAST_ROW, _LAST_COLUMN = 20_000, 200
_MOST_SHEETS = 20
_MOST_CELLS = 500_000
"""Ten thousand rows of fifty columns; each costs the server some fifty bytes."""
_MOST_MERGED = 20_000
_LONGEST_TEXT = 2000
_EXACT = 10**15
"""Up to here a number of Excel's keeps all its digits."""
_MARKS = (b"<!DOCTYPE", b"<!ENTITY")
_FAR = re.compile(rb"""\sr=["'](?:(?:[A-Z]{3,}|[H-Z][A-Z]|G[S-Z])\d+|[A-Z]+(?:[2-9]\d{4}|\d{6,}))["'][^<>]*(?<!/)>""")
"""A cell with something in it behind column GR or row 19,999."""
Rows = list[list[Any]]


class Refused(Exception):  # noqa: N818 -- not an error of ours
    """The file is not one that we take, for the reason in `args`."""


def main() -> int:
    """Read, check, write; return the exit code."""
    data = sys.stdin.buffer.read()
    try:
        sheets = _workbook(_only_what_matters(data)) if data.startswith(b"PK") else [("", _separated(data))]
        _check_cells(row for _, rows in sheets for row in rows)
        output, code = orjson.dumps(sheets, _told, orjson.OPT_PASSTHROUGH_DATETIME), 0
    except Refused as refused:
        output, code = str(refused).encode(), REFUSED
    except BaseException:  # noqa: BLE001 -- a parser led astray fails in many ways, its panics among them
        output, code = b"broken", REFUSED
    sys.stdout.buffer.write(output)
    return code


def _only_what_matters(data: bytes) -> io.BytesIO:
    """Return a new archive with the checked parts that hold cells."""
    fresh = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as sent, zipfile.ZipFile(fresh, "w") as kept:
        entries = [(entry.filename.replace("\\", "/").lstrip("/"), entry) for entry in sent.infolist()]
        _check_entries(entries, len(data))
        left = _MOST_UNPACKED
        for name, entry in entries:
            if not name.lower().endswith((".xml", ".rels", ".vml")):
                continue
            part = sent.open(entry).read(left + 1)
            left -= len(part)
            _check_part(part, left)
            if name.lower().startswith(("[content_types]", "_rels/", "xl/")):
                kept.writestr(name, part)
    fresh.seek(0)
    return fresh


def _check_entries(entries: list[tuple[str, zipfile.ZipInfo]], packed: int) -> None:
    names = [name.lower() for name, _ in entries]
    unpacked = sum(entry.file_size for _, entry in entries)
    if len(entries) > _MOST_ENTRIES or unpacked > max(_RATIO_COUNTS_FROM, packed * _HIGHEST_RATIO):
        raise Refused("area")
    if any(entry.flag_bits & 1 for _, entry in entries):
        raise Refused("password")
    if any(name.endswith("vbaproject.bin") or name.startswith("xl/macrosheets/") for name in names):
        raise Refused("macros")
    if not {"xl/workbook.xml", "[content_types].xml"} <= set(names):
        raise Refused("type")
    if len(set(names)) != len(names):
        raise Refused("broken")


def _check_part(part: bytes, left: int) -> None:
    if left < 0 or part.count(b"<row") > _MOST_ROW_ELEMENTS or _FAR.search(part):
        raise Refused("area")
    if b"\0" in part or any(mark in part for mark in _MARKS):
        raise Refused("unsafe")


def _check_cells(rows: Iterable[list[Any]]) -> None:
    if sum(map(len, rows)) > _MOST_CELLS:
        raise Refused("area")


def _workbook(archive: io.BytesIO) -> list[tuple[str, Rows]]:
    book = CalamineWorkbook.from_filelike(archive)
    seen = [
        sheet.name
        for sheet in book.sheets_metadata
        if sheet.typ is SheetTypeEnum.WorkSheet and sheet.visible is SheetVisibleEnum.Visible
    ]
    return [(name, _rows(book.get_sheet_by_name(name))) for name in seen[:_MOST_SHEETS]]


def _rows(sheet: CalamineSheet) -> Rows:
    """Return the rows from the first on, so that a row's place is its number."""
    rows = _trimmed(sheet.to_python(skip_empty_area=False))
    for (top, column), (bottom, _) in (sheet.merged_cell_ranges or [])[:_MOST_MERGED]:
        below = rows[top + 1 : bottom + 1]  # a value merged over several rows is the value of each
        value = rows[top][column] if below and column < len(rows[top]) else None
        for row in below if value is not None else ():
            row.extend([None] * (column + 1 - len(row)))
            row[column] = value if row[column] is None else row[column]
    return rows


def _trimmed(found: Iterable[Iterable[Any]]) -> Rows:
    """Return rows without what is empty at their ends."""
    rows = [[_plain(value) for value in row] for row in found]
    for row in rows:
        while row and row[-1] is None:
            row.pop()
    while rows and not rows[-1]:
        rows.pop()
    return rows


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return value[:_LONGEST_TEXT] or None
    if isinstance(value, float) and value.is_integer() and abs(value) < _EXACT:
        return int(value)
    return value


def _told(value: Any) -> Any:
    """Say of a value that JSON has no form for what it is."""
    return {"day": value.isoformat()} if isinstance(value, datetime | date) else str(value)


def _separated(data: bytes) -> Rows:
    """Return the rows of text with commas, semicolons or tabs between the cells."""
    text = _decoded(data)
    head = text[:4000]
    delimiter = max(",;\t", key=head.count)
    if delimiter not in head or head.lstrip().startswith(("<", "{", "%PDF")):
        raise Refused("type")
    return _trimmed(_bounded(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)))


def _bounded(found: Iterable[list[str]]) -> Iterator[list[str]]:
    for number, row in enumerate(found, 1):
        if number > _LAST_ROW or len(row) > _LAST_COLUMN:
            raise Refused("area")
        yield row


def _decoded(data: bytes) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise Refused("type")


if __name__ == "__main__":
    sys.exit(main())
