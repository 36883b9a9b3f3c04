"""One referral registered, with all that belongs to it, against the same statements by the raw driver."""

import asyncio
import itertools
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import orjson

from scripts.benches import schooling
from scripts.benches.load import ask_each, request_bytes
from scripts.benches.processes import Process, apart, migrate, running
from scripts.benches.report import Comparison, Report
from scripts.benches.rounds import Effort
from scripts.benches.schooling import School
from scripts.benches.stats import Sample
from tests.harness import postgres

SUMMARY = "one POST /referrals against the same statements by raw asyncpg and aiosqlite in bare Sanic"
OURS, RAW = "yizhitong", "raw driver, bare Sanic"
GOAL = 0.70
CONNECTIONS, REQUESTS, WARM_UP = 8, 100, 50
CREATED = 201


def run(effort: Effort) -> Report:
    """Measure on SQLite and on PostgreSQL; `REQUESTS` of each server in every round."""
    with tempfile.TemporaryDirectory(prefix="yzt-bench-") as folder, apart(), postgres.running() as server:
        databases = {"SQLite": f"sqlite://{Path(folder) / 'bench.sqlite3'}", "PostgreSQL": server.fresh()}
        found = [_compared(name, url, Path(folder), effort.rounds) for name, url in databases.items()]
    words = f"{effort.rounds} rounds of {REQUESTS} referrals each on {CONNECTIONS} connections, servers in turn"
    note = "Ours checks, seals, indexes and signs besides; the peer sends the statements that ours sent, with new ids."
    return Report("referral", "Registering one referral", words, found, notes=[note])


def _compared(name: str, url: str, folder: Path, rounds: int) -> Comparison:
    migrate(YZT_DATABASE_URL=url)
    school = asyncio.run(schooling.school(url))
    settings = schooling.environment(url, str(folder)) | {"YZT_JOBS": "off"}
    recording = [str(school.id), str(school.clerk_id), str(school.year)]
    ours = running("server", log=folder / "ours.log", environment=settings, ready="/health/live")
    peer = "scripts.benches.peers.raw_referral"
    raw = running(peer, recording, log=folder / "raw.log", environment=settings, ready="/health/live")
    with raw as other, ours as mine:
        samples = _alternate({OURS: mine, RAW: other}, school, rounds)
    return Comparison(f"{name}: one referral", samples, {RAW: GOAL})


def _alternate(servers: dict[str, Process], school: School, rounds: int) -> dict[str, list[Sample]]:
    requests = _requests(school)
    for process in servers.values():
        _sample(process, list(itertools.islice(requests, WARM_UP)))
    samples: dict[str, list[Sample]] = {name: [] for name in servers}
    for _ in range(rounds):
        for name, process in servers.items():
            samples[name].append(_sample(process, list(itertools.islice(requests, REQUESTS))))
    return samples


def _sample(process: Process, requests: Sequence[bytes]) -> Sample:
    cpu, began = process.cpu_seconds, time.monotonic()
    asyncio.run(ask_each(process.port, requests, CREATED, CONNECTIONS))
    seconds = time.monotonic() - began
    return Sample(len(requests) / seconds, (process.cpu_seconds - cpu) / len(requests) * 1e6)


def _requests(school: School) -> Iterator[bytes]:
    """Yield requests about one new student each; the first number is the recording's."""
    for place, number in enumerate(itertools.islice(schooling.numbers(), 1, None)):
        student = {"name": "何小满", "id_number": number}
        body = {"year": school.year, "intake": "autumn", "student": student, "phone": "13900000000"}
        headers = {
            "Authorization": f"Bearer {school.token}",
            "Content-Type": "application/json",
            "Idempotency-Key": f"bench-{place}",
        }
        yield request_bytes("POST", "/api/v1/referrals", headers, orjson.dumps(body | {"level": "secondary"}))
