"""Spreadsheets for the tests, honest and hostile."""

import io
import zipfile
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from xlsxwriter import Workbook

_NS = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
_TYPES = "http://schemas.openxmlformats.org/package/2006/content-types"
_LINKS = "http://schemas.openxmlformats.org/package/2006/relationships"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PARTS = {
    "[Content_Types].xml": f"""<Types xmlns="{_TYPES}"><Default Extension="xml" ContentType="application/xml"/>
        <Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/></Types>""",
    "_rels/.rels": f"""<Relationships xmlns="{_LINKS}">
        <Relationship Id="r1" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>""",
    "xl/workbook.xml": f"""<workbook {_NS} xmlns:r="{_OFFICE}">
        <sheets><sheet name="a" sheetId="1" r:id="r1"/></sheets></workbook>""",
    "xl/_rels/workbook.xml.rels": f"""<Relationships xmlns="{_LINKS}">
        <Relationship Id="r1" Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>""",
}


def archive(parts: Mapping[str, str | bytes]) -> bytes:
    """Return a zip archive of `parts`."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as made:
        for name, part in parts.items():
            made.writestr(name, part)
    return file.getvalue()


def raw(rows: str, head: str = "", more: Mapping[str, str | bytes] | None = None) -> bytes:
    """Return an xlsx file whose one sheet is this XML; `more` parts come beside it."""
    sheet = f'<?xml version="1.0" encoding="UTF-8"?>{head}<worksheet {_NS}><sheetData>{rows}</sheetData></worksheet>'
    return archive({**PARTS, "xl/worksheets/sheet1.xml": sheet, **(more or {})})


def cell(place: str, text: str = "1") -> str:
    """Return the XML of a row with one number in it."""
    return f'<row><c r="{place}"><v>{text}</v></c></row>'


def book(*sheets: Sequence[Sequence[Any]], names: Sequence[str] = ()) -> bytes:
    """Return an xlsx file with these rows, each value written as what it is."""

    def fill(made: Workbook) -> None:
        day = made.add_format({"num_format": "yyyy-mm-dd"})
        for place, rows in enumerate(sheets):
            sheet = made.add_worksheet(names[place] if names else None)
            for number, row in enumerate(rows):
                for column, value in enumerate(row):
                    sheet.write(number, column, value, *([day] if hasattr(value, "year") else []))

    return workbook(fill)


def workbook(fill: Callable[[Workbook], None]) -> bytes:
    """Return an xlsx file that `fill` has filled."""
    file = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False}
    with Workbook(file, options) as made:
        fill(made)
    return file.getvalue()
