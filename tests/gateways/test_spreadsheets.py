"""Spreadsheets: odd but honest files are read rightly, hostile ones are refused in time, within their memory."""

import asyncio
import io
import random
import resource
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

import pytest
from xlsxwriter import Workbook

from miniprogram_api.problem import Problems
from server.gateways import bounded, spreadsheets
from server.gateways.spreadsheets import Cell, Refusal, Spreadsheets
from server.kernel.errors import DomainError
from tests.gateways.workbooks import PARTS, archive, book, cell, raw, workbook
from tests.harness.waiting import allowed
from tests.policy.shelf import CONTENT

READER = Spreadsheets()
SMALL = book([["姓名", "班级"], ["张三", "一班"]])


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """However little of the machine is left: what is read here is told by what a file says, not by the clock."""
    monkeypatch.setattr(spreadsheets, "_SECONDS", 60.0)


async def rows(data: bytes) -> list[list[Cell]]:
    return [list(row) for row in (await READER.read(data))[0].rows]


async def refusal(data: bytes) -> tuple[str, int]:
    with pytest.raises(DomainError) as refused:
        await READER.read(data)
    return refused.value.slug.removeprefix("spreadsheet_"), refused.value.status


def cores_worked() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


async def test_cells_come_as_what_they_are_in_their_places() -> None:
    moment = datetime(2026, 9, 1, 13, 5)  # noqa: DTZ001 -- a spreadsheet knows no zones
    found = await rows(
        book([[], [None, "𠮷田·买买提", 13812345678, 1.5, True, date(2026, 9, 1), moment], [], ["末", None]])
    )
    assert found == [[], [None, "𠮷田·买买提", 13812345678, 1.5, True, date(2026, 9, 1), moment], [], ["末"]]
    assert [type(value) for value in found[1][2:]] == [int, float, bool, date, datetime]


async def test_a_number_that_lost_digits_stays_a_float() -> None:
    [[number]] = await rows(book([[340802201201011234]]))
    assert isinstance(number, float)


async def test_a_formula_is_what_its_sender_saw_and_never_worked_out() -> None:
    def fill(made: Workbook) -> None:
        sheet = made.add_worksheet()
        sheet.write_formula(0, 0, "=1+1", value="看见的")
        sheet.write_string(0, 1, '=HYPERLINK("http://a")')
        sheet.write_rich_string(0, 2, "张", made.add_format({"bold": True}), "三")

    assert await rows(workbook(fill)) == [["看见的", '=HYPERLINK("http://a")', "张三"]]


async def test_a_value_merged_over_rows_is_the_value_of_each() -> None:
    def fill(made: Workbook) -> None:
        sheet = made.add_worksheet()
        sheet.merge_range("A1:B1", "标题")
        sheet.merge_range("B2:B4", "一班")
        sheet.write_column("A2", ["甲", "乙", "丙"])
        sheet.merge_range("A5:A9", "")

    assert await rows(workbook(fill)) == [["标题"], ["甲", "一班"], ["乙", "一班"], ["丙", "一班"]]


async def test_hidden_sheets_and_charts_are_not_read() -> None:
    def fill(made: Workbook) -> None:
        made.add_worksheet("看得见").write(0, 0, "甲")
        hidden = made.add_worksheet("看不见")
        hidden.write(0, 0, "乙")
        hidden.hide()
        chart = made.add_chart({"type": "bar"})
        chart.add_series({"values": "=看得见!$A$1"})
        made.add_chartsheet("图").set_chart(chart)
        made.add_worksheet("也看得见")

    assert [sheet.name for sheet in await READER.read(workbook(fill))] == ["看得见", "也看得见"]


async def test_formats_far_out_make_no_sheet_large() -> None:
    styled = "".join(f'<row r="{row}"><c r="XFD{row}" s="0"/></row>' for row in range(2, 60_000))
    assert await rows(raw(cell("A1") + styled)) == [[1]]


async def test_phonetic_marks_and_backslashes_of_other_programs_do_no_harm() -> None:
    texts = "<t>张三</t><rPh sb='0' eb='1'><t>zhang</t></rPh>"
    data = raw(f'<row><c r="A1" t="inlineStr"><is>{texts}</is></c></row>')
    with zipfile.ZipFile(io.BytesIO(data)) as sent:
        crooked = archive({name.replace("/", "\\"): sent.read(name) for name in sent.namelist()})
    assert await rows(data) == await rows(crooked) == [["张三"]]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
async def test_csv_is_read_in_the_encodings_of_excel(encoding: str, delimiter: str) -> None:
    text = delimiter.join(["姓名", "班级"]) + "\r\n" + delimiter.join(["张三", '"一\n班"']) + "\r\n\r\n"
    assert await rows(text.encode(encoding)) == [["姓名", "班级"], ["张三", "一\n班"]]


async def test_ten_thousand_rows_take_no_time() -> None:
    data = book([[f"{row}{column}" for column in range(12)] for row in range(10_000)])
    began = cores_worked()
    assert len(await rows(data)) == 10_000
    assert cores_worked() - began < 1  # 0.5 where nothing else runs


ENTITY = '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]>'
CFB, LOCKED = spreadsheets._COMPOUND, spreadsheets._LOCKED  # noqa: SLF001
TEXTS = f'<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><si><t>{"长" * 30_000}</t></si></sst>'
SAME = '<row><c t="s"><v>0</v></c></row>'
SHEET = "xl/worksheets/sheet1.xml"


def flagged() -> bytes:
    data = bytearray(SMALL)
    data[data.index(b"PK\x01\x02") + 8] |= 1
    return bytes(data)


def wide_and_long() -> bytes:
    return raw("<row>" + "".join(f"<c><v>{n}</v></c>" for n in range(300_000)) + "</row>" + cell("A19999"))


def lying() -> bytes:
    """Return a file with six million rows that says it unpacks to 200 bytes."""
    data = bytearray(raw(cell("A1") + "<row/>" * 6_000_000))
    place = data.rindex(b"PK\x01\x02") + 24
    data[place : place + 4] = (200).to_bytes(4, "little")
    return bytes(data)


HOSTILE: dict[str, tuple[Callable[[], bytes], str, int]] = {
    "nothing": (lambda: b"", "type", 415),
    "picture": (lambda: b"\x89PNG\r\n\x1a\n" + bytes(100), "type", 415),
    "pdf": (lambda: b"%PDF-1.7,,,\n", "type", 415),
    "web page": (lambda: b"<html><table>,,,</table>", "type", 415),
    "words": ("只有文字".encode, "type", 415),
    "other archive": (lambda: archive({"word/document.xml": "<a/>"}), "type", 415),
    "xls": (lambda: CFB + bytes(1000), "old", 415),
    "password": (lambda: CFB + bytes(500) + LOCKED + bytes(500), "password", 422),
    "archive with password": (flagged, "password", 422),
    "macros": (lambda: raw(cell("A1"), more={"xl/vbaProject.bin": b"x"}), "macros", 422),
    "old macros": (lambda: raw(cell("A1"), more={"xl/macrosheets/sheet1.xml": "<a/>"}), "macros", 422),
    "too large": (lambda: SMALL + bytes(spreadsheets.MEGABYTES * 1024 * 1024), "too_large", 413),
    "entity": (lambda: raw(cell("A1"), ENTITY), "unsafe", 422),
    "entity elsewhere": (lambda: raw(cell("A1"), more={"docProps/core.xml": ENTITY + "<a/>"}), "unsafe", 422),
    "utf-16": (lambda: archive({**PARTS, SHEET: "<worksheet/>".encode("utf-16")}), "unsafe", 422),
    "last cell": (lambda: raw(cell("A1") + cell("XFD1048576")), "area", 422),
    "last row": (lambda: raw(cell("A1048576")), "area", 422),
    "last column": (lambda: raw(cell("XFD1")), "area", 422),
    "empty rows": (lambda: raw(cell("A1") + "<row/>" * 5_000_000), "area", 422),
    "bomb": (lambda: raw("<row/>", more={"xl/media/a.png": bytes(60_000_000)}), "area", 422),
    "bomb of text": (lambda: raw("<a>" * 15_000_000), "area", 422),
    "wide and long": (wide_and_long, "broken", 422),
    "one text everywhere": (lambda: raw(SAME * 15_000, more={"xl/sharedStrings.xml": TEXTS}), "broken", 422),
    "lies about its size": (lying, "broken", 422),
    "many parts": (lambda: archive({**PARTS, **{f"xl/{n}.xml": "<a/>" for n in range(1001)}}), "area", 422),
    "cut": (lambda: SMALL[:-40], "broken", 422),
    "no xml": (lambda: archive({**PARTS, SHEET: "<worksheet><sheetData><row><c"}), "broken", 422),
    "long csv": (lambda: b"a,b\n" * 25_000, "area", 422),
    "wide csv": (lambda: b"," * 1_000_000, "area", 422),
    "csv of many cells": (lambda: (b"1," * 60 + b"\n") * 10_000, "area", 422),
    "many cells": (lambda: raw(("<row>" + "<c><v>1</v></c>" * 60 + "</row>") * 10_000), "area", 422),
}
HUNGRY = (
    "wide and long",
    "one text everywhere",
    "lies about its size",
    "csv of many cells",
    "empty rows",
    "bomb of text",
    "last cell",
)


@pytest.mark.parametrize("name", HOSTILE)
async def test_hostile_files_are_refused_in_time(name: str) -> None:
    make, reason, status = HOSTILE[name]
    data, began = make(), time.perf_counter()
    assert await refusal(data) == (reason, status)
    assert time.perf_counter() - began < allowed(6)


WORKER = Path(spreadsheets.__file__).with_name("worker.py")
BOUNDED = Path(bounded.__file__).with_name("bounded_child.py")
MEASURED = f"""
import resource, subprocess, sys
worker = [sys.executable, "-I", {str(BOUNDED)!r}, {str(WORKER)!r}]
subprocess.run(worker, stdin=sys.stdin, stdout=subprocess.DEVNULL)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(used.ru_maxrss // 1024, used.ru_utime + used.ru_stime)
"""


def test_no_file_takes_more_than_its_memory_and_time() -> None:
    for name in HUNGRY:
        command = [sys.executable, "-c", MEASURED]
        told = subprocess.run(command, input=HOSTILE[name][0](), capture_output=True, check=True)
        megabytes, seconds = map(float, told.stdout.split())
        assert megabytes <= 256, name
        assert seconds <= 5, name


async def test_bytes_changed_at_random_are_read_or_refused() -> None:
    dice = random.Random(6)  # noqa: S311 -- chance, not secrecy

    async def tried(data: bytearray) -> bool:
        for _ in range(4):
            data[dice.randrange(len(data))] = dice.randrange(256)
        try:
            return bool(await READER.read(bytes(data)))
        except DomainError as refused:
            return 400 <= refused.status < 500

    for _ in range(5):
        assert all(await asyncio.gather(tried(bytearray(SMALL)), tried(bytearray(SMALL))))


async def test_when_many_are_read_the_next_is_asked_to_come_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "worker.py"
    path.write_text("import time; time.sleep(60)")
    monkeypatch.setattr(spreadsheets, "_WORKER", path)
    monkeypatch.setattr(spreadsheets, "_LONGEST_WAIT", 0.1)
    monkeypatch.setattr(spreadsheets, "_SECONDS", 1.0)
    first = [asyncio.create_task(refusal(SMALL)) for _ in range(2)]
    await asyncio.sleep(0)
    assert await refusal(SMALL) == ("busy", 503)
    assert await asyncio.gather(*first) == [("busy", 503)] * 2  # nothing is said of what nobody came to read


@pytest.mark.parametrize(
    "program", ["print('[[1]]')", "print('{}')", 'print(\'[["a", [[{"day": "x"}]]]]\')', "import os; os.abort()"]
)
async def test_the_word_of_a_worker_led_astray_is_not_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str
) -> None:
    path = tmp_path / "worker.py"
    path.write_text(program)
    monkeypatch.setattr(spreadsheets, "_WORKER", path)
    assert await refusal(SMALL) == ("broken", 422)


def test_the_server_itself_never_loads_the_parser() -> None:
    code = "import sys, server.gateways.spreadsheets; sys.exit('python_calamine' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_sheet_does_not_print_what_it_holds() -> None:
    assert "张三" not in repr(spreadsheets.Sheet("a", [["张三"]]))


def test_every_refusal_has_its_words() -> None:
    assert {f"spreadsheet_{reason}" for reason in (*Refusal, "busy")} <= set(Problems.load(CONTENT).problems)
