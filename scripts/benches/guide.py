"""What most readers do all day: the guide's pages, against a Sanic without anything and against FastAPI."""

import asyncio
import contextlib
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from scripts.benches.load import Answer, Shot, ask, request_bytes
from scripts.benches.peers import material
from scripts.benches.peers.material import Piece
from scripts.benches.processes import Process, apart, migrate, running
from scripts.benches.report import Comparison, Fact, Report
from scripts.benches.rounds import Effort, Lane, alternate

SUMMARY = "article, leaflet, 304, small JSON, a programme check; start and memory (bare Sanic, FastAPI)"
OURS, BARE, FASTAPI = "yizhitong", "bare Sanic", "FastAPI"

ARTICLE_PATH = "/api/v1/guide/2026/articles/feeder-school-reward"
LEAFLET_PATH = "/api/v1/guide/2026/leaflet?audience=student"
CHECK_PATH = "/api/v1/programmes/check"
LIVE_PATH = "/health/live"
CHECK_BODY = (
    b'{"audience":"feeder_school","jurisdiction":"340800","on":"2025-09-01",'
    b'"facts":{"school_in_city":true,"sent_by_school":true,"receiver_in_group":true,"level":"secondary"}}'
)

_CLIENT = {"User-Agent": "Mozilla/5.0 MicroMessenger/8.0.50", "Accept-Encoding": "gzip, deflate, br"}
_JSON = {**_CLIENT, "Accept": "application/json"}
_PAGE = {**_CLIENT, "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
_BODY = {**_JSON, "Content-Type": "application/json"}

STARTS_AT_MOST = 5
REST_SECONDS = 1.0
Servers = Mapping[str, Process]


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table; `requests` differ between servers only where the goal says so."""

    name: str
    requests: Mapping[str, bytes]
    status: int = 200
    goals: Mapping[str, float] = field(default_factory=dict)
    note: str = ""


def run(effort: Effort) -> Report:
    """Measure everything here; takes about 15 × rounds × seconds, and half a minute."""
    with tempfile.TemporaryDirectory(prefix="yzt-bench-") as folder, apart():
        place = Path(folder)
        migrate(YZT_DATA_DIR=folder)
        facts = _starts(place, min(effort.rounds, STARTS_AT_MOST))
        with _servers(place) as servers:
            rows = _rows(servers[OURS].port)
            found = [_compare(row, servers, place, effort) for row in rows]
    comparisons = [one for one in found if isinstance(one, Comparison)]
    notes = [one for one in found if isinstance(one, str)]
    words = f"{effort.rounds} rounds of {effort.seconds} s, servers in turn"
    return Report("guide", "The guide's pages", words, comparisons, facts, notes)


def _rows(port: int) -> list[Row]:
    etag = asyncio.run(ask(port, request_bytes("GET", ARTICLE_PATH, _JSON))).headers.get("etag", "")
    known = {**_JSON, "If-None-Match": etag}
    article, live = request_bytes("GET", ARTICLE_PATH, known), request_bytes("GET", LIVE_PATH, known)
    page_goals, small = {BARE: 0.85, FASTAPI: 1.8}, request_bytes("GET", LIVE_PATH, _JSON)
    return [
        Row("article", _same(request_bytes("GET", ARTICLE_PATH, _JSON)), goals=page_goals),
        Row("leaflet", _same(request_bytes("GET", LEAFLET_PATH, _PAGE)), goals=page_goals),
        Row(
            "article, 304",
            {OURS: article, BARE: live, FASTAPI: article},
            304,
            {BARE: 0.90, FASTAPI: 1.8},
            "Bare Sanic answers `json({…})` with 200 here.",
        ),
        Row("small JSON, /health/live", _same(small)),
        Row(
            "programme check",
            _same(request_bytes("POST", CHECK_PATH, _BODY, CHECK_BODY)),
            note="For information: only ours works the answer out; FastAPI validates, bare Sanic does not even that.",
        ),
    ]


def _same(request: bytes) -> dict[str, bytes]:
    return dict.fromkeys((OURS, BARE, FASTAPI), request)


def _compare(row: Row, servers: Servers, place: Path, effort: Effort) -> Comparison | str:
    """Measure one row, or say why it cannot be."""
    answers = {name: asyncio.run(ask(servers[name].port, row.requests[name])) for name in servers}
    if answers[OURS].status != row.status:
        return f"`{row.name}` was left out: our server answered {answers[OURS].status}."
    lanes = {name: _lane(servers[name], row.requests[name], answer) for name, answer in answers.items()}
    samples = alternate(lanes, effort)
    (place / "ours.log").write_bytes(b"")  # it gathers a line per request
    length = f"{len(answers[OURS].body):,} bytes, {answers[OURS].headers.get('content-encoding', 'not encoded')}."
    return Comparison(row.name, samples, row.goals, f"{length} {row.note}".strip())


def _lane(process: Process, request: bytes, answer: Answer) -> Lane:
    return Lane(process, Shot(request, answer.status, len(answer.body)))


@contextlib.contextmanager
def _servers(place: Path) -> Iterator[Servers]:
    """Run ours, ask it for what the peers shall answer, and run them beside it."""
    with _ours(place) as ours:
        pieces = {
            material.ARTICLE: request_bytes("GET", ARTICLE_PATH, _JSON),
            material.LEAFLET: request_bytes("GET", LEAFLET_PATH, _PAGE),
            material.CHECK: request_bytes("POST", CHECK_PATH, _BODY, CHECK_BODY),
        }
        material.write(
            place / "material.json",
            {name: _piece(asyncio.run(ask(ours.port, request))) for name, request in pieces.items()},
        )
        with _peer("bare_sanic", place) as bare, _peer("fastapi_uvicorn", place) as fastapi:
            yield {OURS: ours, BARE: bare, FASTAPI: fastapi}


def _piece(answer: Answer) -> Piece:
    said = answer.headers
    return Piece(answer.body, said["content-type"], said.get("etag", ""), said.get("cache-control", ""))


def _ours(place: Path) -> contextlib.AbstractContextManager[Process]:
    return running("server", log=place / "ours.log", environment={"YZT_DATA_DIR": str(place)}, ready=LIVE_PATH)


def _peer(name: str, place: Path) -> contextlib.AbstractContextManager[Process]:
    arguments = [str(place / "material.json")]
    return running(f"scripts.benches.peers.{name}", arguments, log=place / f"{name}.log", ready=LIVE_PATH)


def _starts(place: Path, times: int) -> list[Fact]:
    """Start ours and the bare server in turn; return the middle of the seconds and of the memory."""
    material.write(place / "material.json", {})
    seconds: dict[str, list[float]] = {OURS: [], BARE: []}
    memory: dict[str, list[float]] = {OURS: [], BARE: []}
    for _ in range(times):
        for name, server in ((OURS, _ours(place)), (BARE, _peer("bare_sanic", place))):
            with server as process:
                seconds[name].append(process.seconds_to_first_answer)
                time.sleep(REST_SECONDS)
                memory[name].append(process.resident_mb)
    return [
        Fact("first answer after start, s", _middle(seconds), "≤1.5"),
        Fact("memory at rest, MB", _middle(memory), "≤110"),
    ]


def _middle(figures: Mapping[str, list[float]]) -> dict[str, float]:
    return {name: sorted(values)[len(values) // 2] for name, values in figures.items()}
