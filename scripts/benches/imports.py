"""A list of ten thousand students: sent, checked, sealed, told apart and committed by one process on one core."""

import asyncio
import io
import tempfile
import time
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from statistics import median

import orjson
from xlsxwriter import Workbook

from scripts.benches import schooling
from scripts.benches.load import LoadError, ask, request_bytes
from scripts.benches.processes import Process, apart, migrate, running
from scripts.benches.report import Fact, Report
from scripts.benches.rounds import Effort
from scripts.benches.schooling import School
from tests.harness import postgres

SUMMARY = "10,000 referrals from a spreadsheet: rows a second, memory above rest"
ROWS, MOST_ROUNDS = 10_000, 3
PATH = "/api/v1/referrals/imports"
ACCEPTED, OK = 202, 200
GOALS = {"rows a second": "≥3000", "memory above rest, MB": "≤100"}
_BOUNDARY = "boundary-of-the-bench"
_PAUSE = 0.05
_PATIENCE = 120.0


def run(effort: Effort) -> Report:
    """Measure on SQLite and on PostgreSQL; takes a minute at most."""
    with tempfile.TemporaryDirectory(prefix="yzt-bench-") as folder, apart(), postgres.running() as server:
        databases = {"SQLite": f"sqlite://{Path(folder) / 'bench.sqlite3'}", "PostgreSQL": server.fresh()}
        rounds = min(effort.rounds, MOST_ROUNDS)
        found = {name: _measured(url, Path(folder), rounds) for name, url in databases.items()}
    names = next(iter(found.values()))
    facts = [Fact(name, {one: figures[name] for one, figures in found.items()}, GOALS.get(name, "")) for name in names]
    words = f"{ROWS} rows, {rounds} rounds, the middle one; from the first byte sent to the last row committed"
    notes = ["The program that reads the spreadsheet is bounded to 256 MB of its own, which are not counted here."]
    return Report("imports", "A list of ten thousand students", words, facts=facts, notes=notes)


def _measured(url: str, folder: Path, rounds: int) -> dict[str, float | str | None]:
    migrate(YZT_DATABASE_URL=url)
    school = asyncio.run(schooling.school(url))
    numbers = schooling.numbers()
    settings = schooling.environment(url, str(folder))
    with running("server", log=folder / "ours.log", environment=settings, ready="/health/live") as ours:
        time.sleep(1)
        found = [_round(ours, school, numbers) for _ in range(rounds)]
    return {name: median(one[name] for one in found) for name in found[0]}


def _round(ours: Process, school: School, numbers: Iterator[str]) -> dict[str, float]:
    request = _request(school, _sheet(islice(numbers, ROWS)))
    rest, cpu, began = ours.resident_mb, ours.cpu_seconds, time.monotonic()
    ours.forget_peak()
    answer = asyncio.run(ask(ours.port, request, _PATIENCE))
    if answer.status != ACCEPTED:
        raise LoadError(f"the list was answered {answer.status}: {answer.body[:300]!r}")
    taken_in = time.monotonic() - began
    _wait(ours, school, orjson.loads(answer.body)["id"])
    seconds = time.monotonic() - began
    return {
        "rows a second": ROWS / seconds,
        "memory above rest, MB": ours.peak_mb - rest,
        "taken in after, s": taken_in,
        "all done after, s": seconds,
        "CPU µs a row": (ours.cpu_seconds - cpu) / ROWS * 1e6,
    }


def _wait(ours: Process, school: School, import_id: str) -> None:
    asking = request_bytes("GET", f"{PATH}/{import_id}", {"Authorization": f"Bearer {school.token}"})
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        told = orjson.loads(asyncio.run(ask(ours.port, asking)).body)
        if told["state"] == "done" and told["counts"]["accepted"] == ROWS:
            return
        if told["state"] in {"done", "failed"}:
            raise LoadError(f"the list came to {told['counts']}, {told['failure']}")
        time.sleep(_PAUSE)
    raise LoadError("the list was not worked off in time")


def _sheet(numbers: Iterable[str]) -> bytes:
    file = io.BytesIO()
    with Workbook(file, {"in_memory": True, "strings_to_numbers": False}) as book:
        sheet = book.add_worksheet("名单")
        sheet.write_row(0, 0, ["学生姓名", "身份证号", "联系电话", "监护人姓名", "监护人电话", "层次", "班级"])
        for place, number in enumerate(numbers, 1):
            phone = f"139{place:08}"
            sheet.write_row(place, 0, ["何小满", number, phone, "何大满", f"138{place:08}", "中职", "九（1）班"])
    return file.getvalue()


def _request(school: School, data: bytes) -> bytes:
    def part(head: str, said: bytes) -> bytes:
        return f"--{_BOUNDARY}\r\nContent-Disposition: form-data; {head}\r\n\r\n".encode() + said + b"\r\n"

    fields = {"year": str(school.year), "intake": "autumn"}
    parts = [part(f'name="{name}"', text.encode()) for name, text in fields.items()]
    body = b"".join([*parts, part('name="file"; filename="a.xlsx"', data), f"--{_BOUNDARY}--\r\n".encode()])
    headers = {
        "Authorization": f"Bearer {school.token}",
        "Content-Type": f"multipart/form-data; boundary={_BOUNDARY}",
    }
    return request_bytes("POST", PATH, headers, body)
