"""What we give out comes back rightly: the template filled in, the refused rows mended."""

import io
import time
import zipfile

import pytest
from xlsxwriter import Workbook

from server.gateways.spreadsheets import Sheet, Spreadsheets
from server.imports import cells
from server.imports.headings import Column, Kind, table
from server.imports.sheets import Failed, failed, template
from server.kernel.errors import DomainError

COLUMNS = (
    Column("name", "姓名", Kind.NAME, required=True, example="张三"),
    Column("id_number", "身份证号", Kind.ID_NUMBER, required=True, example="34080220120101123X", hint="18位"),
    Column("level", "层次", Kind.CHOICE, choices={"中专": "secondary", "中职": "secondary", "技工": "skilled_worker"}),
    Column("named_school", "录取学校", hint="写全称"),
    Column("born", "出生日期", Kind.DATE),
)
HEADINGS = [column.heading for column in COLUMNS]
ROW = ["李四", "340802201201011234", "中专", "甲学校", "2012-1-1"]


async def read(data: bytes) -> list[Sheet]:
    return list(await Spreadsheets().read(data))


def part(data: bytes, name: str) -> str:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return archive.read(name).decode()


def filled(sheet: Sheet, *rows: list[str]) -> bytes:
    """Return what a program saves after `rows` were written below what is there."""
    file = io.BytesIO()
    with Workbook(file, {"in_memory": True}) as book:
        made = book.add_worksheet(sheet.name)
        for number, row in enumerate([*sheet.rows, *rows]):
            for column, cell in enumerate(row):
                if cell is not None:
                    made.write_string(number, column, str(cell))
    return file.getvalue()


async def test_the_template_filled_in_is_read() -> None:
    sheets = await read(template(COLUMNS, "2026年秋季名单", {"named_school": ["甲学校", "乙学校"]}))
    assert [sheet.name for sheet in sheets] == ["名单", "填写说明"]
    with pytest.raises(DomainError, match="spreadsheet_empty"):
        table(sheets, COLUMNS)
    found = table(await read(filled(sheets[0], ROW)), COLUMNS)
    assert [row.number for row in found.rows] == [4]
    texts, wrong = cells.values(found.rows[0].values, COLUMNS)
    assert not wrong
    assert list(texts.values()) == ["李四", ROW[1], "secondary", "甲学校", "2012-01-01"]


def test_the_template_offers_words_and_keeps_numbers_as_text() -> None:
    data = template(COLUMNS, "名单", {"named_school": ["甲学校"] * 100})
    sheet, words = part(data, "xl/worksheets/sheet1.xml"), part(data, "xl/workbook.xml")
    assert sheet.count("<dataValidation ") == 3  # two lists, and a hint without one
    assert "'选项'!$C$1:$C$2" in sheet
    assert "'选项'!$D$1:$D$100" in sheet
    assert 'state="hidden"' in words
    assert 'numFmtId="49"' in part(data, "xl/styles.xml")


async def test_refused_rows_are_mended_and_sent_again() -> None:
    rows = [
        Failed(7, ["=1+1", 3.40802201201011e17, "大学", None, None], "身份证号：后几位已经丢失"),
        Failed(9, ["王五", "34", "", "甲学校", "2012-1-1"], "身份证号：须为18位"),
    ]
    sheets = await read(failed(HEADINGS, rows, "某中学 经办人 李* 2026-09-01 10:00 共2行"))
    assert [row[-1] for row in sheets[0].rows[1:]] == ["原行号", "7", "9"]
    assert sheets[0].rows[2][:3] == ["=1+1", "3.40802201201011E+17", "大学"]
    found = table(sheets, COLUMNS)
    assert found.ignored == ()
    mended = [list(row) for row in sheets[0].rows]
    mended[2][:5] = ROW
    again = table(await read(filled(Sheet("名单", mended))), COLUMNS)
    assert cells.values(again.rows[0].values, COLUMNS)[0]["id_number"] == ROW[1]


def test_nothing_in_it_is_a_formula_or_a_link() -> None:
    hostile = ['=HYPERLINK("http://a")', "@a", "+1", "http://a", "mailto:a"]
    data = failed(HEADINGS, [Failed(2, hostile, "=1")], "=2")
    sheet = part(data, "xl/worksheets/sheet1.xml")
    assert "<f>" not in sheet
    assert "hyperlink" not in sheet


def test_ten_thousand_refused_rows_fit() -> None:
    began = time.process_time()
    data = failed(HEADINGS, [Failed(n, ROW, "身份证号：须为18位") for n in range(10_000)], "名单")
    assert time.process_time() - began < 5
    assert len(data) < 8 * 1024 * 1024
