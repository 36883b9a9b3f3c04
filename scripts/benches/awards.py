"""Awards proposed and approved in bulk, over HTTP, by one process on one core: each is decided and noted alone."""

import asyncio
import tempfile
import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
from tortoise.backends.base.executor import EXECUTOR_CACHE

from scripts.benches import schooling
from scripts.benches.load import LoadError, ask, request_bytes
from scripts.benches.processes import Process, apart, migrate, running
from scripts.benches.report import Fact, Report
from scripts.benches.rounds import Effort
from server import db
from server.awards.models import Award, AwardState, Publication
from server.funds.models import PaperKind
from server.kernel import audit, clock, sensitive
from server.kernel.ids import new_id
from server.organisations.models import Organisation
from server.organisations.roles import Kind, Role
from server.organisations.secretariat import secretariat
from tests.factories import make_member, make_token
from tests.harness import keys, postgres
from tests.harness.awarding import AMOUNT_FEN, PROGRAMME, make_college, make_school
from tests.harness.crowd_of_claims import confirm
from tests.harness.funding import make_budget, make_fund, make_paper

SUMMARY = "awards proposed and approved in bulk: 3,000, 10,000 and 100,000, SQLite and PostgreSQL"
SIZES = (3_000, 10_000, 100_000)
SCHOOLS = 200
FIRST_YEAR = 2026
"""Of the smallest crowd; each larger one is of the next year, beside what is there already."""
GOAL = "≤5"
_RUNS = "/api/v1/awards/runs"
_ANSWERED = (201, 202)
_PAUSE = 0.02
_PATIENCE = 20 * 60.0


@dataclass(frozen=True, slots=True)
class Office:
    """Tokens of those who propose, review and approve."""

    reviewer: str
    approver: str


def run(effort: Effort) -> Report:
    """Measure on SQLite and on PostgreSQL; takes about ten minutes, less with fewer `--rows` than 100,000."""
    sizes = [size for size in SIZES if size <= max(effort.rows, SIZES[0])]
    with tempfile.TemporaryDirectory(prefix="yzt-bench-") as folder, apart(), postgres.running() as server:
        databases = {"SQLite": f"sqlite://{Path(folder) / 'bench.sqlite3'}", "PostgreSQL": server.fresh()}
        found = {name: _measured(url, Path(folder), sizes) for name, url in databases.items()}
    goals = {_name("approved", SIZES[0]): GOAL}
    facts = [
        Fact(name, {base: figures[name] for base, figures in found.items()}, goals.get(name, ""))
        for name in found["SQLite"]
    ]
    words = f"one run over all awards of a year, {SCHOOLS} schools; from the first byte sent to the last row committed"
    notes = [
        "Each award is decided alone, noted in the audit, and has its row in the run; money has its entry.",
        "The larger crowds come on top of the smaller ones.",
    ]
    return Report("awards", "Many awards at once", words, facts=facts, notes=notes)


def _name(verb: str, size: int) -> str:
    return f"{size:,} {verb}, s"


def _measured(url: str, folder: Path, sizes: list[int]) -> dict[str, float]:
    migrate(YZT_DATABASE_URL=url)
    office = asyncio.run(_office(url, sizes))
    settings = schooling.environment(url, str(folder))
    figures: dict[str, float] = {}
    with running("server", log=folder / "ours.log", environment=settings, ready="/health/live") as ours:
        for year, size in enumerate(sizes, FIRST_YEAR):
            asyncio.run(_crowd(url, year, size))
            proposal, chosen = {"programme": PROGRAMME, "year": year}, {"year": year, "programme": PROGRAMME}
            for verb, token, path, body in (
                ("proposed", office.reviewer, "propose", proposal),
                ("reviewed", office.reviewer, "decisions", _decision(chosen, "review")),
                ("approved", office.approver, "decisions", _decision(chosen, "approve")),
            ):
                if verb == "approved":
                    asyncio.run(_publicise(url, year))
                figures |= _timed(ours, verb, size, _request(token, path, body), token)
    return figures


def _timed(ours: Process, verb: str, size: int, request: bytes, token: str) -> dict[str, float]:
    cpu, began = ours.cpu_seconds, time.monotonic()
    answer = asyncio.run(ask(ours.port, request, _PATIENCE))
    if answer.status not in _ANSWERED:
        raise LoadError(f"{verb}: {answer.status}, {answer.body[:300]!r}")
    told = _settled(ours, orjson.loads(answer.body), token)
    seconds = time.monotonic() - began
    if told["counts"] != {verb: size}:
        raise LoadError(f"{verb}: {told['counts']}")
    return {
        _name(verb, size): seconds,
        f"{size:,} {verb}, µs each": seconds / size * 1e6,
        f"{size:,} {verb}, CPU µs each": (ours.cpu_seconds - cpu) / size * 1e6,
    }


def _settled(ours: Process, told: dict[str, Any], token: str) -> dict[str, Any]:
    asking = request_bytes("GET", f"{_RUNS}/{told['id']}", {"Authorization": f"Bearer {token}"})
    end = time.monotonic() + _PATIENCE
    while told["state"] != "done" and time.monotonic() < end:
        time.sleep(_PAUSE)
        told = orjson.loads(asyncio.run(ask(ours.port, asking)).body)
    return told


def _decision(chosen: dict[str, Any], verdict: str) -> dict[str, Any]:
    return {"filter": chosen, "verdict": verdict, "reason": "名册无误"}


def _request(token: str, path: str, body: dict[str, Any]) -> bytes:
    headers = {
        "Authorization": f"Bearer {token}",
        "Content-Type": "application/json",
        "Idempotency-Key": str(new_id()),
    }
    return request_bytes("POST", f"/api/v1/awards/{path}", headers, orjson.dumps(body))


async def _office(url: str, sizes: list[int]) -> Office:
    """Make schools, the secretariat's people, and a fund with all its papers and money enough."""
    audit.use(keys.AUDIT)
    sensitive.use(keys.VAULT)
    EXECUTOR_CACHE.clear()  # it keeps statements by the connection's name, in the dialect of the last database
    async with db.opened(url, everywhere=True, **db.unhurried(url)):
        for _ in range(SCHOOLS):
            await make_member(await make_school(), Role.MANAGER)
        await make_college()
        people = [(await make_member(await secretariat(), role)).person_id for role in (Role.REVIEWER, Role.APPROVER)]
        fund = await make_fund(PROGRAMME, papers_of=FIRST_YEAR)
        for year in range(FIRST_YEAR + 1, FIRST_YEAR + len(sizes)):
            await make_paper(fund, PaperKind.RECOGNITION, year=year)
        await make_budget(fund, sum(sizes) * AMOUNT_FEN)
        return Office(*[await make_token(one) for one in people])


async def _crowd(url: str, year: int, size: int) -> None:
    """Have so many students confirmed in an entry year."""
    EXECUTOR_CACHE.clear()
    async with db.opened(url, everywhere=True, **db.unhurried(url)):
        schools = await Organisation.filter(kind=Kind.FEEDER_SCHOOL)
        await confirm(schools, await Organisation.get(kind=Kind.VOCATIONAL_SCHOOL), year, size)


async def _publicise(url: str, year: int) -> None:
    """Bring all that is reviewed of a year behind a publication that is over."""
    EXECUTOR_CACHE.clear()
    async with db.opened(url, everywhere=True, **db.unhurried(url)):
        today, now = clock.today(), clock.now()
        made = await Publication.create(
            programme=PROGRAMME,
            year=year,
            starts_on=today - timedelta(days=8),
            ends_on=today - timedelta(days=1),
            made_by_id=new_id(),
            made_at=now,
        )
        reviewed = Award.filter(year=year, state=AwardState.REVIEWED)
        await reviewed.update(state=AwardState.PUBLICISED, publication_id=made.id, state_since=now)
