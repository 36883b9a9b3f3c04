"""The best matches of one posting among all that is open, on both databases."""

import gc
import tempfile
import time
from pathlib import Path
from statistics import median

import uvloop
from tortoise.backends.base.executor import EXECUTOR_CACHE

from scripts.benches.load import LoadError
from scripts.benches.market import Crowd, Market
from scripts.benches.processes import apart, migrate
from scripts.benches.report import Fact, Report
from scripts.benches.rounds import Effort
from server import db
from server.app import CONTENT_DIR
from server.engagements.matching import book, service
from server.engagements.matching.book import Book
from server.labour import rulebook
from server.labour.models import Posting, Side
from server.policy import service as policy
from server.reference import service as reference_service
from server.reference.service import Reference
from tests.harness import postgres

SUMMARY = "the best matches of one posting among 10,000, 100,000 and --rows open ones, SQLite and PostgreSQL"
SIZES = (10_000, 100_000)
ASKED, LIMIT, WARM_UP = 60, 20, 5
GOAL = "≤50 at 100,000"


def run(effort: Effort) -> Report:
    """Measure inside one process, as the handler asks; takes about a minute for each 100,000 rows."""
    sizes = sorted({*SIZES, max(effort.rows, SIZES[-1])})
    facts: list[Fact] = []
    with tempfile.TemporaryDirectory(prefix="yzt-bench-") as folder, postgres.running() as server, apart():
        for market in (Market, Crowd):
            measured = sizes if market is Market else sizes[:2]
            urls = {"SQLite": f"sqlite://{Path(folder) / market.__name__}.sqlite3", "PostgreSQL": server.fresh()}
            found = {name: uvloop.run(_measured(url, market, measured)) for name, url in urls.items()}
            facts += [
                Fact(name, {base: figures[name] for base, figures in found.items()}, GOAL) for name in found["SQLite"]
            ]
    words = f"{ASKED} postings of each side ask for {LIMIT}, one after the other; {SIZES} and {sizes[-1]:,} are open"
    notes = [
        "A crowd is all of one trade in one county, paid less than anyone asks: none suits wholly, no walk ends early."
    ]
    return Report("matching", "Matching", words, facts=facts, notes=notes)


async def _measured(url: str, kind: type[Market], sizes: list[int]) -> dict[str, float]:
    migrate(YZT_DATABASE_URL=url)
    reference = reference_service.load(CONTENT_DIR, policy.load(CONTENT_DIR))
    limits = rulebook.load(CONTENT_DIR, reference).limits
    levels = book.load(CONTENT_DIR, reference, limits.hazardous, limits.of_age)
    found: dict[str, float] = {}
    EXECUTOR_CACHE.clear()  # it keeps statements by the connection's name, in the dialect of the last database
    async with db.opened(url, everywhere=True, **db.unhurried(url)) as connection:
        market, there = kind(reference), 0
        await market.open()
        await market.keep_searches()
        for size in sizes:
            await market.put_up(connection, size - there, first=there)
            there = size
            gc.collect()
            gc.freeze()  # as the server does before it serves: what the market is made of is no part of an answer
            for side in Side:
                name = f"{'a crowd, ' if kind is Crowd else ''}{side} asks, {size:,} open, ms"
                times = await _times(side, levels, reference)
                found |= {f"{name}: median": median(times), f"{name}: p95": sorted(times)[int(len(times) * 0.95)]}
    return found


async def _times(side: Side, levels: Book, reference: Reference) -> list[float]:
    postings = await Posting.filter(side=side).order_by("-published_at").limit(ASKED + WARM_UP)
    if len(postings) < ASKED + WARM_UP:
        raise LoadError("not so many postings")
    times = []
    for posting in postings:
        started = time.perf_counter()
        await service.matches(posting, levels, reference, LIMIT)
        times.append((time.perf_counter() - started) * 1000)
    return times[WARM_UP:]
