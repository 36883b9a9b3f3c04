"""What clients that hang up in the middle of a write leave behind, with our shielded transactions and without."""

import asyncio
import contextlib
import random
import socket
import struct
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import asyncpg
import orjson

from scripts.benches.load import LoadError, ask, request_bytes
from scripts.benches.processes import Process, apart, migrate, running
from scripts.benches.report import Fact, Report
from scripts.benches.rounds import Effort
from tests.harness import postgres

SUMMARY = "600 clients that hang up in the middle of a write, SQLite and PostgreSQL (Tortoise's own transaction)"
OURS, PEER = "yizhitong", "Tortoise's in_transaction"
MODULES = {OURS: "tests.harness.probe", PEER: "scripts.benches.peers.unshielded"}

HANG_UPS, AT_ONCE, POOL = 600, 60, 10
HANG_UP_WITHIN_SECONDS = 0.02
PARALLEL_WRITES, PARALLEL_SECONDS = 20, 2.0
NEXT_WRITE_PATIENCE_SECONDS = 10.0
HELD_SECONDS = 0.6
"""How long each write of the pool's count keeps its connection: too long for two of them to fit the time given."""
_SEED = 20240091
_RESET = struct.pack("ii", 1, 0)
_TOKEN = "a-token-of-the-bench"  # noqa: S105 -- of a server that lives a few seconds
_CREATED = 201


@dataclass(frozen=True, slots=True)
class Found:
    """What one server was left with; None where it cannot be seen."""

    next_write_seconds: float | str
    parallel_writes: int
    idle_in_transaction: int | None = None
    pool_serving: int | None = None


_ROWS = {
    "next_write_seconds": (f"next write after {HANG_UPS} hang-ups, s", "<1"),
    "parallel_writes": (f"of {PARALLEL_WRITES} parallel writes, done in {PARALLEL_SECONDS:.0f} s", "20"),
    "idle_in_transaction": ("connections left `idle in transaction`", "0"),
    "pool_serving": (f"of the pool's {POOL} connections, still serving", "10"),
}


def run(_effort: Effort) -> Report:
    """Let the clients hang up on both servers and both databases; takes about a minute."""
    with tempfile.TemporaryDirectory(prefix="yzt-bench-") as folder, apart():
        place = Path(folder)
        on_sqlite = {name: _on_sqlite(name, place) for name in MODULES}
        with postgres.running() as server:
            on_postgres = {name: _on_postgres(name, server, place) for name in MODULES}
    facts = [*_facts("SQLite", on_sqlite), *_facts("PostgreSQL", on_postgres)]
    effort = f"{HANG_UPS} hang-ups, {AT_ONCE} at once, each within {HANG_UP_WITHIN_SECONDS * 1000:.0f} ms"
    return Report("hangups", "Clients that hang up", effort, facts=facts)


def _facts(database: str, found: dict[str, Found]) -> list[Fact]:
    columns = {name: asdict(one) for name, one in found.items()}
    return [
        Fact(f"{database}: {words}", {name: figures[key] for name, figures in columns.items()}, goal)
        for key, (words, goal) in _ROWS.items()
        if columns[OURS][key] is not None
    ]


def _on_sqlite(name: str, place: Path) -> Found:
    url = f"sqlite://{place / MODULES[name]}.sqlite3"
    migrate(YZT_DATABASE_URL=url)
    with _serving(name, url, place) as process:
        return Found(*asyncio.run(_disturb(process.port)))


def _on_postgres(name: str, server: postgres.Postgres, place: Path) -> Found:
    url = server.fresh()
    with _serving(name, url, place) as process:
        found = asyncio.run(_disturb(process.port))
        idle = asyncio.run(_idle_in_transaction(server, url))
        return Found(*found, idle, asyncio.run(_pool_serving(process.port)))


@contextlib.contextmanager
def _serving(name: str, url: str, place: Path) -> Iterator[Process]:
    environment = {"YZT_DATABASE_URL": url, "YZT_DATA_DIR": str(place), "YZT_METRICS_TOKEN": _TOKEN}
    environment["YZT_LOG_LEVEL"] = "WARNING"
    with running(MODULES[name], log=place / "hangups.log", environment=environment, ready="/health/live") as process:
        asyncio.run(_written(process.port, 5))
        yield process


async def _disturb(port: int) -> tuple[float | str, int]:
    """Hang up `HANG_UPS` times; return the seconds of the next write and how many of the parallel ones were done."""
    chance, gate = random.Random(_SEED), asyncio.Semaphore(AT_ONCE)  # noqa: S311 -- no secret, the same every time
    delays = [chance.uniform(0, HANG_UP_WITHIN_SECONDS) for _ in range(HANG_UPS)]
    async with asyncio.TaskGroup() as group:
        for number, delay in enumerate(delays):
            group.create_task(_hang_up(port, delay, gate, reset=number % 2 == 0))
    started = time.monotonic()
    done = await _written(port, NEXT_WRITE_PATIENCE_SECONDS)
    took = time.monotonic() - started if done else f"none in {NEXT_WRITE_PATIENCE_SECONDS:.0f} s"
    parallel = await asyncio.gather(*(_written(port, PARALLEL_SECONDS) for _ in range(PARALLEL_WRITES)))
    return took, sum(parallel)


async def _hang_up(port: int, delay: float, gate: asyncio.Semaphore, *, reset: bool) -> None:
    """Send a whole request and go away: half the clients with a RST, as a phone's lost network does."""
    async with gate:
        _reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(_note())
        await asyncio.sleep(delay)
        if reset:
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        writer.transport.abort()


async def _pool_serving(port: int) -> int:
    """Return how many writes that keep a connection each are done in the time of one and a half."""
    patience = HELD_SECONDS * 1.5
    return sum(await asyncio.gather(*(_written(port, patience, HELD_SECONDS) for _ in range(POOL))))


async def _written(port: int, patience: float, seconds: float = 0) -> bool:
    with contextlib.suppress(LoadError, OSError):
        return (await ask(port, _note(seconds), patience)).status == _CREATED
    return False


def _note(seconds: float = 0) -> bytes:
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {_TOKEN}"}
    return request_bytes("POST", "/probe/notes", headers, orjson.dumps({"text": "bench", "seconds": seconds}))


async def _idle_in_transaction(server: postgres.Postgres, url: str) -> int:
    """Ask PostgreSQL, once what was running has had time to end."""
    database = url.rpartition("/")[2].partition("?")[0]
    connection = await asyncpg.connect(host=str(server.directory), user="postgres", database=database)
    try:
        await asyncio.sleep(1)
        state = "datname = current_database() AND state LIKE 'idle in transaction%'"
        return int(await connection.fetchval(f"SELECT count(*) FROM pg_stat_activity WHERE {state}"))  # noqa: S608
    finally:
        await connection.close()
