"""Many schools claim the same students at one moment at many processes, some of which are killed meanwhile.

Whatever happens, one claim per student lives, each other school's is kept in dispute, and nothing that was
acknowledged is missing.
"""

import asyncio
import itertools
import random
import time
from collections import Counter, deque
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from server import db
from server.kernel import clock
from server.kernel.audit import AuditEntry
from server.kernel.outbox import Event
from server.organisations.roles import Role
from server.referrals.models import Referral, ReferralState
from tests.factories import make_member, make_organisation, make_token
from tests.harness.app import Server
from tests.referrals.registering import opened
from tests.students.numbers import number_of

SCHOOLS, AT_ONCE, TOGETHER = 20, 32, 10
"""How many schools, requests at a time, and students for whom all schools race at a time."""
MADE, THERE, BUSY = "made", "already_registered", "request_running"


@dataclass
class Race:
    """Schools' tokens, the students whom all of them claim, the servers, and which claims were acknowledged.

    `keyed`: each attempt has an `Idempotency-Key`, by which every lost answer is given again; a key whose server was
    killed at work is taken for a minute.
    """

    servers: list[Server]
    tokens: list[str]
    numbers: list[str]
    year: int
    keyed: bool
    acknowledged: dict[tuple[int, int], str] = field(default_factory=dict)
    tries: Counter[str] = field(default_factory=Counter)

    async def run(self, kills: int) -> None:
        """Claim every student for every school, each until it is acknowledged, and kill servers all the while."""
        attempts = list(itertools.product(range(len(self.tokens)), range(len(self.numbers))))
        attempts.sort(key=lambda attempt: (attempt[1] // TOGETHER, random.random()))  # noqa: S311 -- so that schools meet
        waiting = deque(attempts)
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(20)) as client, asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(self._claim(client, waiting))
            group.create_task(self._kill(kills, len(attempts)))

    async def _claim(self, client: aiohttp.ClientSession, waiting: deque[tuple[int, int]]) -> None:
        while waiting:
            school, student = waiting.popleft()
            if not await self._claimed(client, school, student):
                waiting.append((school, student))
                await asyncio.sleep(0.1)  # a server that starts needs the machine

    async def _claimed(self, client: aiohttp.ClientSession, school: int, student: int) -> bool:
        """Try once, at any server; a claim that is there already was made by a try whose answer was lost."""
        server = random.choice(self.servers)  # noqa: S311
        headers = {"Authorization": f"Bearer {self.tokens[school]}"}
        headers |= {"Idempotency-Key": f"student-{student}"} if self.keyed else {}
        body: dict[str, Any] = {"year": self.year, "intake": "autumn"}
        body["student"] = {"name": "何小满", "id_number": self.numbers[student]}
        try:
            async with client.post(f"{server.base}/api/v1/referrals", json=body, headers=headers) as answer:
                told = await answer.json(content_type=None)
        except (aiohttp.ClientError, TimeoutError) as error:
            self.tries[type(error).__name__] += 1
            return False
        code = MADE if answer.status == 201 else str(told["code"])
        self.tries[code] += 1
        assert code in {MADE, BUSY if self.keyed else THERE, "unavailable"}, told
        if code == MADE:
            self.acknowledged[school, student] = told["id"]
        return code in {MADE, THERE}

    async def _kill(self, kills: int, attempts: int) -> None:
        for kill in range(1, kills + 1):
            while self.tries[MADE] + self.tries[THERE] < attempts * kill // (kills + 1):
                await asyncio.sleep(0.01)
            victim = self.servers[kill % len(self.servers)]
            victim.kill()
            victim.start()


async def ready(url: str, folder: Path, processes: int, students: int, *, keyed: bool) -> Race:
    tokens = []
    for place in range(SCHOOLS):
        school = await make_organisation(name=f"第{place + 1}中学（示例）")
        tokens.append(await make_token((await make_member(school, Role.CLERK)).person_id))
    settings = {"YZT_DATABASE_URL": url, "YZT_DATA_DIR": str(folder), "YZT_LOG_LEVEL": "WARNING"}
    servers = [Server(folder / f"log-{place}", settings) for place in range(processes)]
    numbers = [number_of(date(clock.today().year - 15, 5, 5)) for _ in range(students)]
    return Race(servers, tokens, numbers, await opened(), keyed)


async def raced(race: Race, kills: int) -> float:
    """Start the servers, run the race, end them; return how many seconds it took."""
    with ExitStack() as stack:
        for server in race.servers:  # one after the other: a machine with two cores starts eight no faster at once
            server.start()
            stack.callback(server.kill)
            await asyncio.to_thread(server.wait_until_live, 60)
        began = time.monotonic()
        await race.run(kills)
        return time.monotonic() - began


async def all_are_there(race: Race) -> None:
    """Of each student one claim lives and every other school's is in dispute, each told of once."""
    schools, students = len(race.tokens), len(race.numbers)
    rows = await Referral.all()
    assert set(race.acknowledged.values()) <= {str(row.id) for row in rows}
    assert not race.keyed or len(set(race.acknowledged.values())) == schools * students
    assert len(rows) == schools * students
    live = Counter(row.student_id for row in rows if row.state is ReferralState.REGISTERED)
    others = Counter(row.student_id for row in rows if row.state is ReferralState.DISPUTED)
    assert (len(live), set(live.values())) == (students, {1})
    assert (len(others), set(others.values())) == (students, {schools - 1})
    assert all(row.evidence_until for row in rows)
    assert len({row.number for row in rows}) == len(rows)
    made = Counter([entry.subject for entry in await AuditEntry.filter(action="referral.registered")])
    assert made == {f"referral:{row.id}": 1 for row in rows}
    told = {event.subject for event in await Event.filter(name="referral.disputed").only("id", "subject")}
    assert {f"referral:{row.id}" for row in rows} == told


async def test_schools_that_race_for_six_students_lose_nothing(own_url: str, tmp_path: Path) -> None:
    async with db.opened(own_url, everywhere=True) as database:
        race = await ready(own_url, tmp_path, processes=2, students=6, keyed=False)
        await raced(race, kills=2)
        await all_are_there(race)
        assert await db.schema_faults(database) == []


@pytest.mark.drill
@pytest.mark.only("postgres")
async def test_ten_thousand_claims_on_five_hundred_students_at_eight_processes(own_url: str, tmp_path: Path) -> None:
    async with db.opened(own_url, everywhere=True):
        race = await ready(own_url, tmp_path, processes=8, students=500, keyed=True)
        seconds = await raced(race, kills=50)
        print(f"{len(race.acknowledged)} claims in {seconds:.0f} s: {dict(race.tries)}")  # noqa: T201
        await all_are_there(race)
