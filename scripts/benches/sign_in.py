"""Signing in against the stand-in, and what being signed in costs a read."""

import asyncio
import contextlib
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import orjson

from scripts.benches.load import CONNECTIONS, Answer, LoadError, Shot, ask, ask_each, request_bytes
from scripts.benches.processes import Process, apart, migrate, running
from scripts.benches.report import Comparison, Fact, Report
from scripts.benches.rounds import Effort, Lane, alternate
from tests.harness import postgres

SUMMARY = "sign-ins a second against the stand-in; a read signed in against the same read anonymous"
SIGNED, ANONYMOUS = "signed in", "anonymous"
PEOPLE = 400
GOAL = 0.70
_JSON = {"Content-Type": "application/json"}
_CREATED = 201


def run(effort: Effort) -> Report:
    """Measure on SQLite and on PostgreSQL; takes about 8 × rounds × seconds, and half a minute."""
    with tempfile.TemporaryDirectory(prefix="yzt-bench-") as folder, apart(), postgres.running() as server:
        place = Path(folder)
        databases = {"SQLite": f"sqlite://{place / 'bench.sqlite3'}", "PostgreSQL": server.fresh()}
        facts: list[Fact] = []
        comparisons: list[Comparison] = []
        for name, url in databases.items():
            with _servers(place, url) as (ours, standin):
                facts += _sign_ins(name, ours, standin)
                comparisons += _reads(name, ours, standin, effort)
    words = (
        f"{PEOPLE} sign-ins on {CONNECTIONS} connections; reads: {effort.rounds} rounds of {effort.seconds} s in turn"
    )
    return Report("sign_in", "Signing in, and being signed in", words, comparisons, facts)


@contextlib.contextmanager
def _servers(place: Path, url: str) -> Iterator[tuple[Process, Process]]:
    """Run the stand-in and ours on a database with rows to read."""
    migrate(YZT_DATABASE_URL=url)
    standin = running(
        "server",
        ["standin"],
        log=place / "standin.log",
        environment={"YZT_DATA_DIR": str(place)},
        ready="/control/calls",
        port_variable="YZT_STANDIN_PORT",
    )
    with standin as wechat:
        ours = {
            "YZT_DATABASE_URL": url,
            "YZT_DATA_DIR": str(place),
            "YZT_WECHAT_URL": f"http://127.0.0.1:{wechat.port}",
            "YZT_JOBS": "off",
            "YZT_LOG_LEVEL": "WARNING",
            "YZT_SIGN_INS_PER_MINUTE": "1000000",
        }
        doors = "scripts.benches.peers.doors"
        with running(doors, log=place / "ours.log", environment=ours, ready="/health/live") as server:
            yield server, wechat


def _sign_ins(database: str, ours: Process, standin: Process) -> list[Fact]:
    """Sign `PEOPLE` in for the first time, and again."""
    rows = []
    for name in ("new people", "people known"):
        requests = asyncio.run(_requests(standin.port, [f"bench-{number}" for number in range(PEOPLE)]))
        cpu, started = ours.cpu_seconds, time.monotonic()
        asyncio.run(ask_each(ours.port, requests, _CREATED))
        seconds = time.monotonic() - started
        figures: dict[str, float | str | None] = {
            "a second": PEOPLE / seconds,
            "CPU ms each": (ours.cpu_seconds - cpu) / PEOPLE * 1000,
        }
        rows.append(Fact(f"{database}: sign-ins, {name}", figures))
    return rows


async def _requests(standin_port: int, openids: Sequence[str]) -> list[bytes]:
    """Fetch a login code for each openid, and return the requests that sign in with them."""
    asking = [request_bytes("POST", "/control/codes", _JSON, orjson.dumps({"openid": openid})) for openid in openids]
    answers = await ask_each(standin_port, asking, 200)
    return [
        request_bytes("POST", "/api/v1/sessions", _JSON, orjson.dumps({"code": orjson.loads(answer.body)["code"]}))
        for answer in answers
    ]


def _reads(database: str, ours: Process, standin: Process, effort: Effort) -> list[Comparison]:
    asyncio.run(ask(ours.port, request_bytes("POST", "/doors/rows")))
    [request] = asyncio.run(_requests(standin.port, ["bench-reader"]))
    token = orjson.loads(asyncio.run(ask(ours.port, request)).body)["access_token"]
    return [
        _read(f"{database}: {words}", path, token, ours, effort)
        for path, words in (("page", "a page of 20 rows"), ("word", "an answer without a database"))
    ]


def _read(name: str, path: str, token: str, ours: Process, effort: Effort) -> Comparison:
    requests = {
        SIGNED: request_bytes("GET", f"/doors/signed/{path}", {"Authorization": f"Bearer {token}"}),
        ANONYMOUS: request_bytes("GET", f"/doors/open/{path}"),
    }
    lanes = {who: Lane(ours, _shot(request, asyncio.run(ask(ours.port, request)))) for who, request in requests.items()}
    goals = {ANONYMOUS: GOAL} if path == "page" else {}
    return Comparison(name, alternate(lanes, effort), goals)


def _shot(request: bytes, answer: Answer) -> Shot:
    if answer.status != 200:  # noqa: PLR2004
        raise LoadError(f"the read answered {answer.status}")
    return Shot(request, answer.status, len(answer.body))
