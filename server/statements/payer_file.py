"""The spreadsheet that the payer gets: what to pay for which award, into which account, with two columns to fill in.

Every cell is text: no program rounds an amount, cuts an account number, or takes a word for a formula.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from server.imports.headings import MOST_ROWS
from server.kernel.money import yuan_text
from server.statements import columns
from server.statements.columns import COLUMNS, KEEPS_BACK, OUTCOMES, PAYS

if TYPE_CHECKING:  # 2 MB that nobody needs who never makes one
    from collections.abc import Sequence

    from xlsxwriter import Workbook
    from xlsxwriter.worksheet import Worksheet

_TEXT = 49
"""Excel's own number for the format of text."""
_OPTIONS = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
"""In memory: what is written to a disk might stay there."""
_WIDTHS = {
    columns.NUMBER: 15,
    columns.ROW: 7,
    columns.KIND: 7,
    columns.SUBJECT: 22,
    columns.HOLDER: 34,
    columns.BANK: 34,
    columns.ACCOUNT: 26,
    columns.AMOUNT: 14,
    columns.PURPOSE: 30,
    columns.OUTCOME: 12,
    columns.REASON: 40,
}
_FILLED_IN = (columns.OUTCOME, columns.REASON)
_NOTE = (
    "请只填写“结果”和“原因”两栏：已经支付的填“已支付”，没有支付的填“失败”并写明原因；"
    "抵扣行随支付一并扣减的填“已支付”或“已抵扣”。没有结果的行请删去，下次再回传；其他各栏和单元格格式请不要改动。"
)


@dataclass(frozen=True, slots=True)
class FileRow:
    """A row: what it is for, how much; below zero is kept back."""

    number: int
    subject: str
    amount_fen: int
    purpose: str


@dataclass(frozen=True, slots=True)
class PayerFile:
    """What the file says; `mark` tells who took it and when."""

    number: str
    payer: str
    payee: str
    fund: str
    holder: str = field(repr=False)
    bank: str = field(repr=False)
    account: str = field(repr=False)
    total_fen: int
    kept_back_fen: int
    rows: Sequence[FileRow]
    mark: str


def capitals(amount_fen: int) -> str:
    """Return a sum in Chinese capital numerals, as banks take it: `伍佰元整`."""
    import cn2an  # noqa: PLC0415 -- a third of a second and 6 MB that nobody needs who gives out no file

    return str(cn2an.an2cn(yuan_text(amount_fen), "rmb"))


def write(told: PayerFile) -> bytes:
    """Return the file; thousands of rows take a second, so it belongs in a thread."""
    from xlsxwriter import Workbook  # noqa: PLC0415

    made = io.BytesIO()
    with Workbook(made, _OPTIONS) as book:
        sheet = book.add_worksheet("结算单")
        above = _head(book, sheet, told)
        _fill(book, sheet, told, above)
        words = [word for word in OUTCOMES if told.kept_back_fen or word != "已抵扣"]
        place = next(place for place, column in enumerate(COLUMNS) if column.field == columns.OUTCOME)
        rule = {"validate": "list", "source": words, "error_title": "结果", "error_message": "、".join(words)}
        sheet.data_validation(above, place, min(above + len(told.rows), MOST_ROWS) - 1, place, rule)
    return made.getvalue()


def _head(book: Workbook, sheet: Worksheet, told: PayerFile) -> int:
    """Write what stands above the rows; return in which line they begin."""
    grey, bold = book.add_format({"font_color": "#7F7F7F"}), book.add_format({"bold": True})
    gross = told.total_fen + told.kept_back_fen
    lines = (
        (told.mark, grey),
        (f"付款单位：{told.payer}　收款单位：{told.payee}　资金渠道：{told.fund}", bold),
        (f"应付合计（元）：{yuan_text(told.total_fen)}　大写：{capitals(told.total_fen)}　共{len(told.rows)}行", bold),
        (f"其中奖补（元）：{yuan_text(gross)}　抵扣（元）：{yuan_text(told.kept_back_fen)}", bold),
        (_NOTE, grey),
    )
    for place, (line, style) in enumerate(lines):
        sheet.write_string(place, 0, line, style)
    heading = book.add_format({"bold": True, "bg_color": "#E7E6E6", "border": 1})
    for place, column in enumerate(COLUMNS):
        sheet.write_string(len(lines), place, column.heading, heading)
    sheet.freeze_panes(len(lines) + 1, 0)
    sheet.repeat_rows(len(lines))
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)
    sheet.set_footer("&L" + told.mark.replace("&", "&&")[:200] + "&R&P/&N")
    return len(lines) + 1


def _fill(book: Workbook, sheet: Worksheet, told: PayerFile, above: int) -> None:
    text = book.add_format({"num_format": _TEXT})
    to_fill = book.add_format({"num_format": _TEXT, "bg_color": "#FFF2CC", "border": 1})
    for place, column in enumerate(COLUMNS):
        sheet.set_column(place, place, _WIDTHS[column.field], text)
    for line, row in enumerate(told.rows, above):
        said = _cells(told, row)
        for place, column in enumerate(COLUMNS):
            style = to_fill if column.field in _FILLED_IN else text
            if column.field in _FILLED_IN:
                sheet.write_blank(line, place, None, style)
            else:
                sheet.write_string(line, place, said[column.field], style)


def _cells(told: PayerFile, row: FileRow) -> dict[str, str]:
    return {
        columns.NUMBER: told.number,
        columns.ROW: str(row.number),
        columns.KIND: PAYS if row.amount_fen > 0 else KEEPS_BACK,
        columns.SUBJECT: row.subject,
        columns.HOLDER: told.holder,
        columns.BANK: told.bank,
        columns.ACCOUNT: told.account,
        columns.AMOUNT: yuan_text(row.amount_fen),
        columns.PURPOSE: row.purpose,
    }
