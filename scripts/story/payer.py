"""What comes from outside: papers as pictures, and the payer, who fills in the file that was sent."""

import io
import struct
import zlib
from collections.abc import Callable, Mapping

from python_calamine import CalamineWorkbook
from xlsxwriter import Workbook

from server.kernel import money

PAID, FAILED = ("已支付", ""), ("失败", "账户名称不符")
KEPT_BACK = ("已抵扣", "")
_NUMBER, _ROW, _AMOUNT, _OUTCOME, _REASON = "结算单号", "行号", "金额（元）", "结果", "原因"
Said = Callable[[int, int], tuple[str, str] | None]
"""Takes a row's number and fen, and returns what the payer says of it; None is nothing, and the row is left out."""


def picture() -> bytes:
    """Return a scan of a paper, as a PNG of white pixels."""
    size = 64
    head = struct.pack(">IIBBBBB", size, size, 8, 0, 0, 0, 0)
    rows = zlib.compress((b"\0" + b"\xff" * size) * size)
    parts = ((b"IHDR", head), (b"IDAT", rows), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, data) for name, data in parts)


def filled_in(file: bytes, said: Said, amounts: Mapping[int, str] | None = None) -> tuple[bytes, int]:
    """Fill a payer's file in, and return it with how many fen that comes to.

    `amounts` are rows whose amounts are changed on the way, which nobody may do.
    """
    lines = [
        [str(cell) for cell in row]
        for row in CalamineWorkbook.from_filelike(io.BytesIO(file)).get_sheet_by_index(0).to_python()
    ]
    begins = next(place for place, line in enumerate(lines) if line[0] == _NUMBER)
    headings, kept, paid = lines[begins], [lines[begins]], 0
    for line in lines[begins + 1 :]:
        row = dict(zip(headings, line, strict=True))
        fen = money.fen(row[_AMOUNT])
        told = said(int(row[_ROW]), fen)
        if told is None:
            continue
        row[_OUTCOME], row[_REASON] = told
        row[_AMOUNT] = (amounts or {}).get(int(row[_ROW]), row[_AMOUNT])
        kept.append([row[heading] for heading in headings])
        paid += fen if told[0] != FAILED[0] else 0
    return _saved(kept), paid


def _saved(lines: list[list[str]]) -> bytes:
    made = io.BytesIO()
    with Workbook(made, {"in_memory": True}) as book:
        page = book.add_worksheet()
        for place, line in enumerate(lines):
            for column, cell in enumerate(line):
                page.write_string(place, column, cell)
    return made.getvalue()


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
