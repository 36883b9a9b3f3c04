"""Pushes handed to a WeChat that answers in 30 ms, states and permissions written, beside wechatpy in threads."""

import asyncio
import contextlib
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import orjson
from tortoise.backends.base.executor import EXECUTOR_CACHE

from scripts.benches import letters
from scripts.benches.load import ask, request_bytes
from scripts.benches.processes import Process, apart, migrate, running
from scripts.benches.report import Fact, Report
from scripts.benches.rounds import Effort
from scripts.benches.stats import Sample
from server import db
from server.kernel import clock
from server.kernel.jobs import queue
from server.notices import broadcasts
from server.notices.models import Broadcast, BroadcastState, DeliveryState
from server.people.models import Person
from tests.harness import keys, postgres
from tests.notices.crowd import tell

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
    found = {
        OURS: _middle([_ours(folder, server.fresh(), at_once, number) for _ in range(rounds)]),
        PEER: _middle([_peer(folder, at_once, number) for _ in range(rounds)]),
    }
    shares = {name: sample.requests_per_second / ceiling for name, sample in found.items()}
    rates: dict[str, float | str | None] = {name: sample.requests_per_second for name, sample in found.items()}
    return [
        Fact(f"pushes a second, {at_once} at once", {**rates, CEILING: ceiling}),
        Fact(f"of the ceiling, {at_once} at once", shares, f"≥{goal}"),
        Fact(f"CPU µs a push, {at_once} at once", {name: sample.cpu_us for name, sample in found.items()}),
    ]


def _ours(folder: Path, url: str, at_once: int, number: int) -> Sample:
    _prepare(url, number)
    with _wechat(folder) as wechat, _worker(folder, url, wechat, at_once) as worker:
        before = worker.cpu_seconds
        asyncio.run(letters.write(url, number))
        _until_sent(url, number)
        return Sample(_rate(wechat), (worker.cpu_seconds - before) / number * 1e6)


def _peer(folder: Path, at_once: int, number: int) -> Sample:
    with _wechat(folder) as wechat:
        arguments = [f"http://127.0.0.1:{wechat.port}", str(at_once), str(number)]
        module = "scripts.benches.peers.wechatpy_threads"
        with running(module, arguments, log=folder / "peer.log", ready="/") as peer:
            end = time.monotonic() + PATIENCE_SECONDS
            while _counts(wechat)["pushes"] < number and time.monotonic() < end:
                time.sleep(0.1)
            return Sample(_rate(wechat), peer.cpu_seconds / number * 1e6)


def _amid_a_crowd(folder: Path, server: postgres.Postgres) -> Fact:
    """Have a broadcast go out, and one after the other what somebody waits for happen."""
    url = server.fresh()
    _prepare(url, CROWD)
    with _wechat(folder) as wechat, _worker(folder, url, wechat, 50):
        left = asyncio.run(_happen(url))
        longest = asyncio.run(letters.waits(url))[-1]
    return Fact(
        f"longest wait of {SINGLE} urgent ones, {left:,} of {CROWD:,} left behind them, s", {OURS: longest}, "≤10"
    )


async def _happen(url: str) -> int:
    """Let it all happen, and return how many of the crowd waited still when the last of the few was served."""
    EXECUTOR_CACHE.clear()  # it keeps statements by the connection's name, in the dialect of the last database
    async with db.opened(url, everywhere=True):
        [someone] = await Person.all().limit(1)
        await _broadcast(someone)
        while not (await letters.states(url)).get(DeliveryState.SENT):
            await asyncio.sleep(0.1)
        for _ in range(SINGLE):
            await tell([someone.id])
            await asyncio.sleep(0.3)
        while len(await letters.waits(url)) < SINGLE:
            await asyncio.sleep(0.1)
        return CROWD + SINGLE - (await letters.states(url))[DeliveryState.SENT]


async def _broadcast(author: Person) -> None:
    made = await Broadcast.create(
        title="示例公告",
        text="示例公告的内容",
        audience={},
        state=BroadcastState.RUNNING,
        author_id=author.id,
        approved_at=clock.now(),
        created_at=clock.now(),
    )
    await queue.enqueue(broadcasts.SEND, {"broadcast": str(made.id)})


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


def _middle(samples: Sequence[Sample]) -> Sample:
    return sorted(samples, key=lambda sample: sample.requests_per_second)[len(samples) // 2]
