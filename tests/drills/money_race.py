"""Many who attempt the same with awards and statements at one moment, at servers that are killed meanwhile."""

import asyncio
import random
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import aiohttp

from scripts.story import payer
from server.awards.models import AwardState, Publication
from server.kernel import clock
from server.kernel.ids import new_id
from server.organisations import payee_accounts
from server.organisations.models import AccountBasis
from server.organisations.payee_accounts import Named, Verdict
from server.organisations.roles import Role
from server.organisations.secretariat import secretariat
from server.people import sessions
from server.people.models import Session
from tests.factories import make_member, make_organisation
from tests.harness.app import Server
from tests.harness.funding import make_award, make_budget, make_fund
from tests.harness.keys import TOKENS

AWARDS, FEN, SHORT = 4, 3_000_000, 2
"""Of each school; large ones, so that a statement needs two approvers. For so many awards there is no money."""
AT_ONCE = 32
APPROVE, OPEN, LOCK, LET_GO, SEND, SETTLE = STAGES = ("approve", "open", "lock", "let go", "send", "settle")
DONE, AGAIN, BUSY = "done", {"request_running"}, 503
REFUSED = {
    APPROVE: {"award_state"},
    OPEN: {"nothing_to_pay"},
    LOCK: {"statement_state"},
    LET_GO: {"statement_approved_already", "statement_state"},
    SEND: {"statement_state"},
    SETTLE: set[str](),
}
"""By what whoever comes later is told that it is done; some ask again once a statement is long settled."""


@dataclass(frozen=True)
class Attempt:
    """One try to do something with an award, a school or a statement; `order` says who tries, and with which key."""

    thing: str
    order: int


@dataclass
class Race:
    """Servers, who tries, and what was acknowledged; `keyed`: whoever lost an answer asks again with the same key."""

    servers: list[Server]
    schools: list[str]
    awards: list[str]
    finance: list[Session]
    approvers: list[Session]
    tries: int
    keyed: bool
    crash: Callable[[], None]
    files: dict[str, bytes] = field(default_factory=dict)
    acknowledged: dict[str, set[str]] = field(default_factory=lambda: {stage: set() for stage in STAGES})
    told: Counter[str] = field(default_factory=Counter)
    settled: int = 0
    later: list[tuple[str, Attempt]] = field(default_factory=list)
    """Whose key a killed server has taken for a minute: they ask again in the end."""

    @property
    def attempts(self) -> int:
        """How many there are altogether."""
        return (len(self.awards) + 5 * len(self.schools)) * self.tries

    async def run(self, kills: int) -> None:
        """Take one stage after the other, each attempted by many at once, and kill servers all the while."""
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(20)) as client:
            killer = asyncio.create_task(self._kill(kills))
            for stage in STAGES:
                await self._attempt_all(client, stage, await self._things(client, stage))
            await killer
            while self.later:
                stage, attempt = self.later.pop()
                if not await self._made(client, stage, attempt):
                    self.later += [(stage, attempt)] if (stage, attempt) not in self.later else []
                    await asyncio.sleep(0.1)

    async def _things(self, client: aiohttp.ClientSession, stage: str) -> Sequence[str]:
        if stage == APPROVE:
            return self.awards
        if stage == OPEN:
            return self.schools
        statements = [one["id"] for one in (await self._sure(client, "/statements?limit=100"))["items"]]
        if stage == SETTLE:
            for one in statements:
                file = await self._sure(client, f"/statements/{one}/file.xlsx")
                self.files[one], _ = payer.filled_in(file, lambda _row, _fen: payer.PAID)
        return statements

    async def _attempt_all(self, client: aiohttp.ClientSession, stage: str, things: Sequence[str]) -> None:
        attempts = [Attempt(thing, order) for thing in things for order in range(self.tries)]
        random.shuffle(attempts)
        waiting = deque(attempts)
        async with asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(self._work_off(client, stage, waiting))

    async def _work_off(self, client: aiohttp.ClientSession, stage: str, waiting: deque[Attempt]) -> None:
        while waiting:
            attempt = waiting.popleft()
            if await self._made(client, stage, attempt):
                self.settled += 1
            elif (stage, attempt) not in self.later:
                waiting.append(attempt)
                await asyncio.sleep(0.02)

    async def _made(self, client: aiohttp.ClientSession, stage: str, attempt: Attempt) -> bool:
        """Try once, at any server; return whether that is answered for good."""
        code = await self._asked(client, stage, attempt)
        self.told[f"{stage}: {code}"] += 1
        if code == DONE:
            self.acknowledged[stage].add(attempt.thing)
        elif code in AGAIN:
            self.later.append((stage, attempt))
        elif code is not None:
            assert code in REFUSED[stage], (stage, code)
        return code is not None and code not in AGAIN

    async def _asked(self, client: aiohttp.ClientSession, stage: str, attempt: Attempt) -> str | None:
        path, body = self._request(stage, attempt.thing)
        staff = self.approvers if stage in {APPROVE, LET_GO} else self.finance
        who = attempt.order % len(staff)
        key = f"{stage}-{attempt.thing}-{attempt.order // 3 if self.keyed else new_id()}"
        headers = _as(staff[who]) | {"Idempotency-Key": key}
        url = f"{random.choice(self.servers).base}/api/v1{path}"  # noqa: S311
        try:
            async with client.post(url, headers=headers, **body) as answer:
                if answer.status == BUSY:
                    return None
                told = await answer.json(content_type=None)
        except (aiohttp.ClientError, TimeoutError):
            return None
        return DONE if answer.ok else str(told["code"])

    def _request(self, stage: str, thing: str) -> tuple[str, dict[str, Any]]:
        reason = {"json": {"reason": "核对无误"}}
        if stage == SETTLE:
            form = aiohttp.FormData(default_to_multipart=True)
            form.add_field("file", self.files[thing], filename="results.xlsx", content_type="application/octet-stream")
            return f"/statements/{thing}/results", {"data": form}
        return {
            APPROVE: (f"/awards/{thing}/approve", reason),
            OPEN: ("/statements", {"json": {"payee": thing}}),
            LOCK: (f"/statements/{thing}/lock", {}),
            LET_GO: (f"/statements/{thing}/approve", reason),
            SEND: (f"/statements/{thing}/send", {}),
        }[stage]

    async def _sure(self, client: aiohttp.ClientSession, path: str) -> Any:
        """Return what finance reads, from whichever server answers."""
        headers = _as(self.finance[0])
        while True:
            try:
                async with client.get(f"{random.choice(self.servers).base}/api/v1{path}", headers=headers) as answer:  # noqa: S311
                    if answer.ok:
                        return await (answer.json() if "json" in answer.content_type else answer.read())
            except (aiohttp.ClientError, TimeoutError):
                pass
            await asyncio.sleep(0.05)

    async def _kill(self, kills: int) -> None:
        for kill in range(1, kills + 1):
            while self.settled + len(self.later) < self.attempts * kill // (kills + 1):
                await asyncio.sleep(0.01)
            if kill % 5 == 0:
                await asyncio.to_thread(self.crash)
            victim = self.servers[kill % len(self.servers)]
            victim.kill()
            victim.start()


async def ready(url: str, folder: Path, processes: int, schools: int, tries: int, **more: Any) -> Race:
    """Awards whose publication is over, a fund with its papers, and money for all but `SHORT` of them."""
    office, year = await secretariat(), clock.today().year
    fund = await make_fund("feeder-referral", papers_of=year)
    await make_budget(fund, (schools * AWARDS - SHORT) * FEN)
    yesterday = clock.today() - timedelta(days=1)
    common: dict[str, Any] = {
        "starts_on": yesterday,
        "ends_on": yesterday,
        "made_by_id": new_id(),
        "made_at": clock.now(),
    }
    publication = await Publication.create(programme="feeder-referral", year=year, **common)
    payees, awards = list[str](), list[str]()
    for place in range(schools):
        school = await make_organisation(name=f"第{place + 1}中学（示例）")
        manager = (await make_member(school, Role.MANAGER)).person_id
        named = Named(AccountBasis.OWN_ACCOUNT, school.name, "宜城农商银行（示例）", f"62170000{place:03}2345678")
        await payee_accounts.name(school.id, named, by=manager)
        await payee_accounts.confirm(school.id, Verdict(new_id()))
        values = {"publication": publication, "state": AwardState.PUBLICISED, "amount_fen": FEN}
        awards += [str((await make_award(school, **values)).id) for _ in range(AWARDS)]
        payees.append(str(school.id))
    finance, approvers = [
        [await _signed_in((await make_member(office, role)).person_id) for _ in range(count)]
        for role, count in ((Role.FINANCE, 28), (Role.APPROVER, 2))
    ]
    settings = {"YZT_DATABASE_URL": url, "YZT_DATA_DIR": str(folder), "YZT_LOG_LEVEL": "WARNING"}
    servers = [Server(folder / f"log-{place}", settings) for place in range(processes)]
    return Race(servers, payees, awards, finance, approvers, tries, **more)


async def _signed_in(person_id: UUID) -> Session:
    now = clock.now()
    return await Session.create(person_id=person_id, created_at=now, expires_at=now + sessions.IDLE)


def _as(session: Session) -> dict[str, str]:
    """By which somebody is known, with a fresh token each time: a race may take longer than one lasts."""
    return {"Authorization": f"Bearer {TOKENS.issue(session.person_id, session.id, clock.now())}"}


async def _published(year: int) -> Publication:
    yesterday = clock.today() - timedelta(days=1)
    days = {"starts_on": yesterday, "ends_on": yesterday}
    said: dict[str, Any] = {"programme": "feeder-referral", "year": year, **days}
    return await Publication.create(**said, made_by_id=new_id(), made_at=clock.now())


async def raced(race: Race, kills: int) -> float:
    """Start the servers, run the race, end them; return how many seconds it took."""
    with ExitStack() as stack:
        for server in race.servers:
            server.start()
            stack.callback(server.kill)
            await asyncio.to_thread(server.wait_until_live, 60)
        began = time.monotonic()
        await race.run(kills)
        return time.monotonic() - began
