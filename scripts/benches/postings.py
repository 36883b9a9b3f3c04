"""What people do most with postings: a page by filters, deep pages, words to search for, signed in or not."""

import asyncio
import contextlib
import tempfile
import time
from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import chain
from pathlib import Path
from urllib.parse import parse_qs, quote, urlencode, urlsplit
from uuid import UUID

import orjson

from scripts.benches import board
from scripts.benches.load import Answer, LoadError, Shot, ask, request_bytes
from scripts.benches.processes import Process, apart, running
from scripts.benches.report import Comparison, Fact, Report
from scripts.benches.rounds import Effort, Lane, alternate
from server.kernel import paging
from tests.harness import postgres

SUMMARY = (
    "a page by three filters, deep pages, search, signed in, at 200,000 and at --rows (asyncpg, FastAPI + SQLAlchemy)"
)
OURS, RAW, FASTAPI, SIGNED = "yizhitong", "asyncpg + orjson in bare Sanic", "FastAPI + SQLAlchemy", "signed in"
LIST = "/api/v1/postings"
FILTERS = {"side": "demand", "region": "340826", "kind": "short_term", "meals": "true"}
SMALL = 200_000
"""How many rows everything is measured on first; the goals of larger boards are told in what that takes."""
FILTERED = "three filters"
DEPTH = 100_000
TIMES, WARM_UP = 40, 2
TIMES_PEERS_SEARCH = 2
"""Theirs can take seconds."""
PATIENCE_SECONDS = 120.0
PAIR = 2
_SIGN = "采"
QUESTIONS = (
    *board.COMMON, *board.USUAL[:6], *board.RARE[:3], "无此", _SIGN, "采茶工", "缝纫 包吃",
)  # fmt: skip
WORDS = (board.COMMON[0], board.USUAL[0], board.USUAL[5], board.USUAL[11], board.RARE[0], "无此")
"""Asked of the peers too: from very common to nearly nowhere."""
Servers = Mapping[str, Process]
Times = Mapping[str, list[float]]
"""By server."""


def run(effort: Effort) -> Report:
    """Measure on PostgreSQL at 200,000 rows and at so many; two million take a quarter of an hour and 10 GB of disk."""
    sizes = sorted({min(SMALL, effort.rows), effort.rows})
    comparisons, facts, loaded = list[Comparison](), list[Fact](), 0
    with tempfile.TemporaryDirectory(prefix="yzt-bench-") as folder, postgres.running() as server:
        url, first_page = server.fresh(), 0.0
        for rows in sizes:
            started = time.monotonic()
            asyncio.run(board.load(url, rows - loaded, first=loaded + 1))
            facts.append(Fact(f"{rows:,} rows: loading, s", {f"{OURS}, median": time.monotonic() - started}))
            loaded = rows
            with apart(), _servers(Path(folder), url) as servers:
                comparisons += _rates(servers, effort, f"{rows:,} rows")
                pages = _depths(servers, url, rows)
                first_page = first_page or _at(pages["first page"][OURS], 0.5)
                facts += _page_facts(pages, f"{rows:,} rows", first_page)
                facts += _searches(servers, url, f"{rows:,} rows")
    words = f"{' and '.join(f'{rows:,}' for rows in sizes)} live postings, {effort.rounds} rounds of {effort.seconds} s"
    return Report("postings", "Postings", f"{words}, servers in turn", comparisons, facts)


def _rates(servers: Servers, effort: Effort, size: str) -> list[Comparison]:
    return [_pages(servers, effort, size), _signed(servers[OURS], servers[SIGNED], effort, size)]


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


def _pages(servers: Servers, effort: Effort, size: str) -> Comparison:
    request = request_bytes("GET", f"{LIST}?{urlencode(FILTERS)}")
    lanes = {name: _lane(servers[name], request) for name in (OURS, RAW, FASTAPI)}
    return Comparison(f"{size}: page of 20, three filters", alternate(lanes, effort), {RAW: 0.95, FASTAPI: 4.5})


def _signed(ours: Process, wechat: Process, effort: Effort, size: str) -> Comparison:
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
    return Comparison(f"{size}: the same page, signed in", alternate(lanes, effort), {"anonymous": 0.70})


def _lane(process: Process, request: bytes) -> Lane:
    answer = asyncio.run(ask(process.port, request))
    if len(orjson.loads(_right(answer).body)["items"]) != paging.LIMIT_DEFAULT:
        raise LoadError("not a page of twenty")
    return Lane(process, Shot(request, answer.status, len(answer.body)))


def _right(answer: Answer) -> Answer:
    if answer.status != 200:  # noqa: PLR2004
        raise LoadError(f"{answer.status}: {answer.body[:200]!r}")
    return answer


def _depths(servers: Servers, url: str, rows: int) -> dict[str, Times]:
    """Time the first page, the one behind `DEPTH` others, and one by three filters."""
    depth = min(DEPTH, rows // 2)
    published_at, row_id = asyncio.run(_row_at(url, depth))
    deep = {
        OURS: {"cursor": paging.encode_cursor("newest", published_at, row_id)},
        RAW: {"behind": published_at.isoformat(), "id": str(row_id)},
        FASTAPI: {"offset": str(depth)},
    }
    demand = {"side": "demand"}
    asked = {
        "first page": dict.fromkeys(deep, demand),
        f"page at depth {depth:,}": {name: demand | where for name, where in deep.items()},
        FILTERED: dict.fromkeys(deep, FILTERS),
    }
    return {
        page: {name: asyncio.run(_milliseconds(servers[name].port, urlencode(query))) for name, query in by.items()}
        for page, by in asked.items()
    }


def _page_facts(pages: Mapping[str, Times], size: str, first_page: float) -> list[Fact]:
    facts = list[Fact]()
    for page, times in pages.items():
        facts.append(Fact(f"{size}: {page}, ms", _figures(times)))
        if page != FILTERED:
            ratio = {f"{OURS}, median": _at(times[OURS], 0.5) / first_page}
            facts.append(Fact(f"{size}: {page}, × the first at the fewest rows", ratio, "≤1.3"))
    return facts


async def _row_at(url: str, depth: int) -> tuple[datetime, UUID]:
    connection = await board.connect(url)
    try:
        newest = "SELECT published_at, id FROM posting WHERE side = 'demand' AND state = 'live' ORDER BY 1 DESC, 2 DESC"
        row = await connection.fetchrow(f"{newest} OFFSET {depth} LIMIT 1")
        if row is None:
            raise LoadError("not so many rows")
        return row["published_at"], row["id"]
    finally:
        await connection.close()


def _searches(servers: Servers, url: str, size: str) -> list[Fact]:
    """Time every question of ours, and some words of the peers as well."""
    times, worked = dict[str, list[float]](), dict[str, float]()
    for text in QUESTIONS:
        before = asyncio.run(_database_milliseconds(url))
        times[text] = asyncio.run(_milliseconds(servers[OURS].port, _asking(text)))
        worked[text] = (asyncio.run(_database_milliseconds(url)) - before) / (TIMES + WARM_UP)
    pairs = [one for text, found in times.items() if len(text) == PAIR for one in found]
    slowest = max(times, key=lambda text: _at(times[text], 0.95))
    facts = [
        Fact(f"{size}: search, {len(QUESTIONS)} questions, ms", _figures({OURS: [*chain(*times.values())]})),
        Fact(f"{size}: search, two-character words, ms", _figures({OURS: pairs}), "p95 ≤10 at 1,000,000"),
        Fact(f"{size}: slowest question", {f"{OURS}, p95": slowest}),
        Fact(f"{size}: processor time of PostgreSQL for a question, ms", _figures({OURS: [*worked.values()]})),
    ]
    for text, ours in times.items():
        peers = (RAW, FASTAPI) if text in WORDS else ()
        theirs = {
            name: asyncio.run(_milliseconds(servers[name].port, _asking(text), TIMES_PEERS_SEARCH)) for name in peers
        }
        facts.append(Fact(f"{size}: search for {text}, ms", _figures({OURS: ours, **theirs})))
    return facts


async def _database_milliseconds(url: str) -> float:
    """Return how long the processes of a database have worked so far, whatever else the machine does."""
    connection = await board.connect(url)
    try:
        others = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        rows = await connection.fetch(others)
    finally:
        await connection.close()
    return sum(int(Path(f"/proc/{row['pid']}/schedstat").read_text().split()[0]) for row in rows) / 1e6


def _asking(text: str) -> str:
    return f"side=demand&q={quote(text)}"


def _figures(times: Times) -> dict[str, float | str | None]:
    """Return the middle and the slow end of each server's."""
    shares = {"median": 0.5, "p95": 0.95}
    return {f"{name}, {word}": _at(found, share) for name, found in times.items() for word, share in shares.items()}


async def _milliseconds(port: int, query: str, asked: int = TIMES) -> list[float]:
    """Ask one at a time, each on a connection of its own, whose time is counted too; the first two warm it up."""
    request, times = request_bytes("GET", f"{LIST}?{query}"), []
    for _ in range(asked + WARM_UP):
        started = time.perf_counter()
        _right(await ask(port, request, PATIENCE_SECONDS))
        times.append((time.perf_counter() - started) * 1000)
    return times[WARM_UP:]


def _at(times: list[float], share: float) -> float:
    return sorted(times)[min(len(times) - 1, int(len(times) * share))]
