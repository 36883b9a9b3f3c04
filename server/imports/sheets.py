"""Spreadsheets that we give out for lists: the template to fill in, and the rows that were refused, to be mended.

Every cell is text: nothing that somebody wrote is ever a formula, and no program rounds a number or guesses a date.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

from server.imports.cells import as_sent, offered
from server.imports.headings import EXAMPLE, MOST_ROWS, REASON, ROW_NUMBER, Column, Kind

if TYPE_CHECKING:  # 2 MB that nobody needs who never makes one
    from collections.abc import Iterable, Mapping, Sequence

    from xlsxwriter import Workbook
    from xlsxwriter.worksheet import Worksheet

    from server.imports.ports import Cell

_TEXT = 49
"""Excel's own number for the format of text."""
_OPTIONS = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
"""In memory: what is written to a disk might stay there."""
_LIST, _NOTES, _WORDS = "名单", "填写说明", "选项"
_WIDTHS = {
    Kind.ID_NUMBER: 22,
    Kind.NAME: 14,
    Kind.PHONE: 15,
    Kind.DATE: 13,
    Kind.FIRST_DAY: 13,
    Kind.TEXT: 20,
    Kind.CHOICE: 14,
}
_GREY, _RED = "#E7E6E6", "#C00000"
_GENERAL_NOTES = (
    "“名单”页从第{first}行起每行填一名学生；以“示例”开头的一行不会导入，可以保留，也可以删除。",
    "标有 * 的栏目必须填写。栏目的先后可以调整，也可以另加栏目，系统只读取认得的栏目。",
    "请不要改动单元格格式：身份证号、电话须为文本。从别处粘贴时，请用“选择性粘贴—数值”。",
    "一次至多{most}行。请保存为 .xlsx 文件，不要设置密码，不要带宏。",
)


@dataclass(frozen=True, slots=True)
class Failed:
    """A row to be given back: its number as it came, its cells in the order of the headings, and why it was refused."""

    number: int
    cells: Sequence[Cell]
    reason: str


def template(
    columns: Sequence[Column], title: str, choices: Mapping[str, Sequence[str]] | None = None, notes: Sequence[str] = ()
) -> bytes:
    """Return an xlsx file to fill in: `title` above the headings, one example, drop-downs, a page of notes.

    `choices` are words to choose from by field; others may be written there too, unless the column is a CHOICE.
    """
    file = io.BytesIO()
    with _book(file) as book:
        sheet = book.add_worksheet(_LIST)
        _fill_list(book, sheet, columns, title)
        _note(book, columns, notes)
        _offer(book, sheet, columns, choices or {})
    return file.getvalue()


def failed(headings: Sequence[str], rows: Iterable[Failed], mark: str) -> bytes:
    """Return an xlsx file of refused rows under `headings`, each with its reason; `mark` stands above.

    Once mended it can be sent again as it is: our two columns are passed over. It holds personal data in full. Ten
    thousand rows take a second, so it belongs in a thread.
    """
    file = io.BytesIO()
    with _book(file) as book:
        sheet = book.add_worksheet(_LIST)
        every = [*headings, REASON, ROW_NUMBER]
        _head(book, sheet, mark, every)
        text = book.add_format({"num_format": _TEXT})
        why = book.add_format({"num_format": _TEXT, "font_color": _RED})
        sheet.set_column(0, len(every) - 1, 20, text)
        sheet.set_column(len(headings), len(headings), 60, why)
        for place, row in enumerate(rows, 2):
            for column, cell in enumerate(row.cells):
                sheet.write_string(place, column, as_sent(cell), text)
            sheet.write_string(place, len(headings), row.reason, why)
            sheet.write_string(place, len(headings) + 1, str(row.number), text)
    return file.getvalue()


def _book(file: io.BytesIO) -> Workbook:
    from xlsxwriter import Workbook  # noqa: PLC0415

    return Workbook(file, _OPTIONS)


def _head(book: Workbook, sheet: Worksheet, title: str, headings: Sequence[str]) -> None:
    bold = book.add_format({"bold": True, "bg_color": _GREY, "border": 1, "text_wrap": True, "valign": "vcenter"})
    sheet.write_string(0, 0, title, book.add_format({"bold": True}))
    for column, heading in enumerate(headings):
        sheet.write_string(1, column, heading, bold)
    sheet.freeze_panes(2, 0)
    sheet.set_footer("&L" + title.replace("&", "&&")[:200] + "&R&P/&N")


def _fill_list(book: Workbook, sheet: Worksheet, columns: Sequence[Column], title: str) -> None:
    _head(book, sheet, title, [column.heading + ("*" if column.required else "") for column in columns])
    text = book.add_format({"num_format": _TEXT})
    faint = book.add_format({"num_format": _TEXT, "italic": True, "font_color": "#7F7F7F"})
    for place, column in enumerate(columns):
        sheet.set_column(place, place, _WIDTHS[column.kind], text)
        sheet.write_string(2, place, column.example, faint)
    sheet.write_string(2, 0, EXAMPLE + columns[0].example, faint)


def _note(book: Workbook, columns: Sequence[Column], notes: Sequence[str]) -> None:
    sheet = book.add_worksheet(_NOTES)
    sheet.set_column(0, 0, 18)
    sheet.set_column(1, 1, 100, book.add_format({"text_wrap": True}))
    lines = [("", line.format(first=3, most=MOST_ROWS)) for line in (*_GENERAL_NOTES, *notes)]
    lines += [(column.heading, ("必填。" if column.required else "选填。") + column.hint) for column in columns]
    for row, (heading, line) in enumerate(lines):
        sheet.write_string(row, 0, heading)
        sheet.write_string(row, 1, line)


def _offer(book: Workbook, sheet: Worksheet, columns: Sequence[Column], choices: Mapping[str, Sequence[str]]) -> None:
    """Put the words to choose from on a hidden sheet, since a list in the cell itself holds 255 characters at most."""
    words = book.add_worksheet(_WORDS)
    words.hide()
    for place, column in enumerate(columns):
        options = choices.get(column.field) or offered(column)
        rule: dict[str, object] = {"validate": "any"}
        if options:
            words.write_column(0, place, options)
            letter = _letter(place)
            source = f"='{_WORDS}'!${letter}$1:${letter}${len(options)}"
            strict = "stop" if column.kind is Kind.CHOICE else "warning"
            rule = {"validate": "list", "source": source, "error_type": strict, "error_title": column.heading}
        if column.hint:
            rule |= {"input_title": column.heading, "input_message": column.hint[:255]}
        sheet.data_validation(2, place, MOST_ROWS + 2, place, rule)


def _letter(place: int) -> str:
    return chr(ord("A") + place) if place < 26 else _letter(place // 26 - 1) + _letter(place % 26)  # noqa: PLR2004
