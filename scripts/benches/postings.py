"""What people do most with postings: a page by filters, deep pages, words to search for, signed in or not."""

import asyncio
import contextlib
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import orjson

from scripts.benches import board
from scripts.benches.load import Answer, LoadError, Shot, ask, request_bytes
from scripts.benches.processes import Process, apart, running
from scripts.benches.report import Comparison, Fact, Report
from scripts.benches.rounds import Effort, Lane, alternate
from server.kernel import paging
from tests.harness import postgres

SUMMARY = "a page by three filters, deep pages, search, signed in (raw asyncpg, FastAPI + SQLAlchemy); --rows"
OURS, RAW, FASTAPI, SIGNED = "yizhitong", "asyncpg + orjson in bare Sanic", "FastAPI + SQLAlchemy", "signed in"
LIST = "/api/v1/postings"
FILTERS = {"side": "demand", "region": "340826", "kind": "short_term", "meals": "true"}
DEPTH = 100_000
TIMES = 40
_SIGN = "采"
QUESTIONS = (
    *board.COMMON, *board.USUAL[:6], *board.RARE[:3], "无此", _SIGN, "采茶工", "缝纫 包吃",
)  # fmt: skip
Servers = Mapping[str, Process]


def run(effort: Effort) -> Report:
    """Measure on PostgreSQL; takes about 5 × rounds × seconds, and a minute for each half million rows."""
    with tempfile.TemporaryDirectory(prefix="yzt-bench-") as folder, postgres.running() as server:
        url, started = server.fresh(), time.monotonic()
        asyncio.run(board.load(url, effort.rows))
        loading = Fact("loading, s", {OURS: time.monotonic() - started})
        with apart(), _servers(Path(folder), url) as servers:
            comparisons = [_pages(servers, effort), _signed(servers[OURS], servers[SIGNED], effort)]
            facts = [loading, *_depths(servers[OURS].port, url, effort.rows), *_searches(servers[OURS].port)]
    words = f"{effort.rows:,} live postings, {effort.rounds} rounds of {effort.seconds} s, servers in turn"
    return Report("postings", "Postings", words, comparisons, facts)


@contextlib.contextmanager
def _servers(place: Path, url: str) -> Iterator[dict[str, Process]]:
    """Run WeChat, ours and the peers; under `signed in` stands the stand-in that gives codes to sign in with."""
    database, host = urlsplit(url).path.lstrip("/"), parse_qs(urlsplit(url).query)["host"][0]
    with contextlib.ExitStack() as stack:
        data = {"YZT_DATA_DIR": str(place)}
        wechat = stack.enter_context(
            running(
                "server",
                ["standin"],
                log=place / "standin.log",
                environment=data,
                ready="/control/calls",
                port_variable="YZT_STANDIN_PORT",
            )
        )
        ours = {**data, "YZT_DATABASE_URL": url, "YZT_WECHAT_URL": f"http://127.0.0.1:{wechat.port}"}
        ours |= {"YZT_JOBS": "off", "YZT_LOG_LEVEL": "WARNING"}
        found = {
            OURS: stack.enter_context(
                running("server", log=place / "ours.log", environment=ours, ready="/health/live")
            ),
            SIGNED: wechat,
        }
        for name, module in ((RAW, "postings_raw"), (FASTAPI, "postings_fastapi")):
            peer = running(
                f"scripts.benches.peers.{module}", [database, host], log=place / f"{module}.log", ready="/health/live"
            )
            found[name] = stack.enter_context(peer)
        yield found


def _pages(servers: Servers, effort: Effort) -> Comparison:
    request = request_bytes("GET", f"{LIST}?{urlencode(FILTERS)}")
    lanes = {name: _lane(servers[name], request) for name in (OURS, RAW, FASTAPI)}
    return Comparison("page of 20, three filters", alternate(lanes, effort), {RAW: 0.95, FASTAPI: 4.5})


def _signed(ours: Process, wechat: Process, effort: Effort) -> Comparison:
    path, json = f"{LIST}?{urlencode(FILTERS)}", {"Content-Type": "application/json"}
    coded = request_bytes("POST", "/control/codes", json, orjson.dumps({"openid": "bench-reader"}))
    code = orjson.loads(asyncio.run(ask(wechat.port, coded)).body)["code"]
    asked = request_bytes("POST", "/api/v1/sessions", json, orjson.dumps({"code": code}))
    token = orjson.loads(asyncio.run(ask(ours.port, asked)).body)["access_token"]
    requests = {
        SIGNED: request_bytes("GET", path, {"Authorization": f"Bearer {token}"}),
        "anonymous": request_bytes("GET", path),
    }
    lanes = {name: _lane(ours, request) for name, request in requests.items()}
    return Comparison("the same page, signed in", alternate(lanes, effort), {"anonymous": 0.70})


def _lane(process: Process, request: bytes) -> Lane:
    answer = asyncio.run(ask(process.port, request))
    if len(orjson.loads(_right(answer).body)["items"]) != paging.LIMIT_DEFAULT:
        raise LoadError("not a page of twenty")
    return Lane(process, Shot(request, answer.status, len(answer.body)))


def _right(answer: Answer) -> Answer:
    if answer.status != 200:  # noqa: PLR2004
        raise LoadError(f"{answer.status}: {answer.body[:200]!r}")
    return answer


def _depths(port: int, url: str, rows: int) -> list[Fact]:
    """Time the first page and the one behind `DEPTH` others."""
    cursor = asyncio.run(_cursor(url, min(DEPTH, rows // 2)))
    pages = {"first page": "side=demand", f"page at depth {DEPTH:,}": f"side=demand&cursor={cursor}"}
    pages["three filters"] = urlencode(FILTERS)
    found = {name: asyncio.run(_milliseconds(port, query)) for name, query in pages.items()}
    return [
        Fact(f"{name}, ms", {"median": _at(times, 0.5), "p95": _at(times, 0.95)}, "≤1.3 × the first at 200,000")
        for name, times in found.items()
    ]


async def _cursor(url: str, depth: int) -> str:
    connection = await board.connect(url)
    try:
        newest = "SELECT published_at, id FROM posting WHERE side = 'demand' AND state = 'live' ORDER BY 1 DESC, 2 DESC"
        row = await connection.fetchrow(f"{newest} OFFSET {depth} LIMIT 1")
        if row is None:
            raise LoadError("not so many rows")
        return paging.encode_cursor("newest", row["published_at"], row["id"])
    finally:
        await connection.close()


def _searches(port: int) -> list[Fact]:
    """Time every question; the first two askings warm it up."""
    times = {text: asyncio.run(_milliseconds(port, f"side=demand&q={quote(text)}")) for text in QUESTIONS}
    together = [one for found in times.values() for one in found]
    slowest = max(times, key=lambda text: _at(times[text], 0.95))
    every = Fact(
        f"search, {len(QUESTIONS)} questions, ms", {"median": _at(together, 0.5), "p95": _at(together, 0.95)}, "p95 ≤10"
    )
    each = [
        Fact(f"search for {text}, ms", {"median": _at(found, 0.5), "p95": _at(found, 0.95)})
        for text, found in times.items()
    ]
    return [every, Fact("slowest question", {"p95": slowest}), *each]


async def _milliseconds(port: int, query: str) -> list[float]:
    """Ask one at a time, each on a connection of its own, whose time is counted too."""
    request, times = request_bytes("GET", f"{LIST}?{query}"), []
    for _ in range(TIMES + 2):
        started = time.perf_counter()
        _right(await ask(port, request))
        times.append((time.perf_counter() - started) * 1000)
    return times[2:]


def _at(times: list[float], share: float) -> float:
    return sorted(times)[min(len(times) - 1, int(len(times) * share))]
