"""Pushes handed to a WeChat that answers in 30 ms, states and permissions written, beside wechatpy in threads."""

import asyncio
import contextlib
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import orjson

from scripts.benches import letters
from scripts.benches.load import ask, request_bytes
from scripts.benches.processes import Process, apart, migrate, running
from scripts.benches.report import Fact, Report
from scripts.benches.rounds import Effort
from server.notices.models import Priority
from tests.harness import keys, postgres

SUMMARY = "pushes a second and an urgent one amid 50,000, WeChat answering in 30 ms (wechatpy in threads)"
OURS, PEER, CEILING = "yizhitong", "wechatpy in threads", "ceiling"
ANSWERING_SECONDS = 0.03
GOALS = {50: 0.90, 200: 0.85}
SECONDS_WORTH = 4
ROUNDS_AT_MOST = 5
CROWD, SINGLE = 50_000, 20
PATIENCE_SECONDS = 120.0


def run(effort: Effort) -> Report:
    """Measure on PostgreSQL; takes about two minutes."""
    rounds = min(effort.rounds, ROUNDS_AT_MOST)
    with tempfile.TemporaryDirectory(prefix="yzt-bench-") as folder, apart(), postgres.running() as server:
        facts = []
        for at_once, goal in GOALS.items():
            facts += _handed_over(Path(folder), server, at_once, goal, rounds)
        facts.append(_amid_a_crowd(Path(folder), server))
    words = f"{rounds} rounds of {SECONDS_WORTH} s at the ceiling's pace, the middle one shown"
    notes = [
        "Each push is written as being sent, sent, written with its answer, and uses a permission of the ledger up.",
        "The peer writes nothing.",
        "From the first call that WeChat meets to the last; the servers' core is shared by whichever of the two runs.",
    ]
    return Report("push", "Handing pushes over", words, facts=facts, notes=notes)


def _handed_over(folder: Path, server: postgres.Postgres, at_once: int, goal: float, rounds: int) -> list[Fact]:
    ceiling = at_once / ANSWERING_SECONDS
    number = int(ceiling * SECONDS_WORTH)
    ours = _middle([_ours(folder, server.fresh(), at_once, number) for _ in range(rounds)])
    peer = _middle([_peer(folder, at_once, number) for _ in range(rounds)])
    rates = {OURS: ours, PEER: peer, CEILING: ceiling}
    return [
        Fact(f"pushes a second, {at_once} at once", rates),
        Fact(f"of the ceiling, {at_once} at once", {name: rate / ceiling for name, rate in rates.items()}, f"≥{goal}"),
    ]


def _ours(folder: Path, url: str, at_once: int, number: int) -> float:
    _prepare(url, number)
    asyncio.run(letters.write(url, number, Priority.URGENT))
    with _wechat(folder) as wechat, _worker(folder, url, wechat, at_once):
        _until_sent(url, number)
        return _rate(wechat)


def _peer(folder: Path, at_once: int, number: int) -> float:
    with _wechat(folder) as wechat:
        arguments = [f"http://127.0.0.1:{wechat.port}", str(at_once), str(number)]
        peer = "scripts.benches.peers.wechatpy_threads"
        with running(peer, arguments, log=folder / "peer.log", ready="/"):
            end = time.monotonic() + PATIENCE_SECONDS
            while _counts(wechat)["pushes"] < number and time.monotonic() < end:
                time.sleep(0.1)
            return _rate(wechat)


def _amid_a_crowd(folder: Path, server: postgres.Postgres) -> Fact:
    """Have a broadcast go out, and one after the other something that somebody waits for."""
    url = server.fresh()
    _prepare(url, CROWD)
    asyncio.run(letters.write(url, CROWD, Priority.BULK))
    with _wechat(folder) as wechat, _worker(folder, url, wechat, 50):
        while not asyncio.run(letters.states(url)).get("sent"):
            time.sleep(0.1)
        for _ in range(SINGLE):
            asyncio.run(letters.write(url, 1, Priority.URGENT))
            time.sleep(0.3)
        while len(asyncio.run(letters.waits(url, Priority.URGENT))) < SINGLE:
            time.sleep(0.1)
        left = CROWD - asyncio.run(letters.states(url)).get("sent", 0)
        waits = asyncio.run(letters.waits(url, Priority.URGENT))
    return Fact(
        f"longest wait of {SINGLE} urgent ones, {left:,} of {CROWD:,} left behind them, s", {OURS: waits[-1]}, "≤10"
    )


def _prepare(url: str, number: int) -> None:
    migrate(YZT_DATABASE_URL=url)
    asyncio.run(letters.people(url, number))


def _wechat(folder: Path) -> contextlib.AbstractContextManager[Process]:
    arguments = [str(ANSWERING_SECONDS)]
    return running("scripts.benches.peers.wechat", arguments, log=folder / "wechat.log", ready="/", elsewhere=True)


def _worker(folder: Path, url: str, wechat: Process, at_once: int) -> contextlib.AbstractContextManager[Process]:
    settings = {
        "YZT_DATABASE_URL": url,
        "YZT_DATA_DIR": str(folder),
        "YZT_WECHAT_URL": f"http://127.0.0.1:{wechat.port}",
        "YZT_PUSH_CONCURRENCY": str(at_once),
        "YZT_LOG_LEVEL": "WARNING",
    }
    environment = keys.ENVIRONMENT | settings
    return running("scripts.benches.by_day", log=folder / "ours.log", environment=environment, ready="/health/live")


def _until_sent(url: str, number: int) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while asyncio.run(letters.states(url)).get("sent", 0) < number:
        if time.monotonic() > end:
            raise RuntimeError(f"not all were sent: {asyncio.run(letters.states(url))}")
        time.sleep(0.2)


def _counts(wechat: Process) -> Mapping[str, float]:
    answer = asyncio.run(ask(wechat.port, request_bytes("GET", "/counts")))
    found: Mapping[str, float] = orjson.loads(answer.body)
    return found


def _rate(wechat: Process) -> float:
    counts = _counts(wechat)
    return counts["pushes"] / (counts["last"] - counts["first"] + ANSWERING_SECONDS)


def _middle(figures: list[float]) -> float:
    return sorted(figures)[len(figures) // 2]
