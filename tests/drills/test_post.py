"""Thousands of pushes to a WeChat that fails in every way, while server and worker are killed again and again."""

import asyncio
import itertools
import socket
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from server.notices.models import Delivery, DeliveryState, Notice, PermissionChange, PermissionEntry, PushPermission
from server.people.models import Person
from tests.harness import standin as wechat
from tests.harness.app import Server, free_port
from tests.harness.standin import StandIn
from tests.notices.carrying import PUSH, UNDER_WAY
from tests.notices.crowd import crowd, tell

pytestmark = [pytest.mark.drill, pytest.mark.usefixtures("database")]

PUSHES, KILLS = 5000, 20
ARRIVED = {DeliveryState.SENT, DeliveryState.DELIVERED}
TROUBLES: tuple[dict[str, Any], ...] = (
    {"status": 502},
    {"errcode": -1},
    {"errcode": 45009},
    {"html": True},
    {"html": True, "after": True},
    {"drop": True},
    {"drop": True, "after": True},
    {"delay_ms": 300},
    {"delay_ms": 1500},
    {"delay_ms": 30_000, "drop": True},
    {"status": 503, "after": True},
)
AT_A_TIME = 10


@dataclass
class Drill:
    """Two processes, the WeChat that they meet, and what has been done to them."""

    standin: StandIn
    victims: list[Server]
    offered: list[dict[str, Any]] = field(default_factory=list)
    lost_by_kills: set[UUID] = field(default_factory=set)

    async def kill(self, number: int) -> None:
        """Kill one of the two and start it again; note what WeChat had got from it and it had not written."""
        victim = self.victims[number % 2]
        assert victim.process
        name = f"{socket.gethostname()[:40]}-{victim.process.pid}"
        victim.kill()
        came = {message["openid"] for message in self.standin.messages()}
        sending = await Delivery.filter(state=DeliveryState.SENDING, worker=name).values("id", "person_id")
        openids = {person.id: person.openid for person in await Person.filter(openid__startswith="demo-crowd-")}
        self.lost_by_kills |= {one["id"] for one in sending if openids[one["person_id"]] in came}
        victim.start()

    async def trouble(self) -> None:
        """Let WeChat fail in one way after the other."""
        for what in itertools.cycle(TROUBLES):
            self.standin.fault(PUSH, **what, times=AT_A_TIME)
            self.offered.append(what)
            if what.get("status") == 502:
                self.standin.revoke()
            await asyncio.sleep(0.5)

    def met(self, which: Callable[[dict[str, Any]], bool]) -> int:
        """Return how many calls met trouble of some kind: what was offered, without what nobody has come upon."""
        left: int = sum(one["times"] for one in self.standin.faults() if which(one))
        return AT_A_TIME * sum(map(which, self.offered)) - left


def loses(what: dict[str, Any]) -> bool:
    """Whether nobody knows afterwards what became of the push."""
    return bool(what.get("drop") or what.get("html")) or doubles(what)


def doubles(what: dict[str, Any]) -> bool:
    """Whether WeChat carried the push, and no answer tells so."""
    return bool(what.get("after")) or (what.get("delay_ms", 0) > 1000 and not what.get("drop"))


@pytest.fixture
def own_standin(tmp_path: Path) -> Iterator[StandIn]:
    with wechat.running(tmp_path / "standin") as running:
        running.callback_mode(mode="off")
        yield running


@pytest.fixture
async def drill(own_standin: StandIn, database_url: str, tmp_path: Path) -> AsyncIterator[Drill]:
    settings = {
        "YZT_DATABASE_URL": database_url,
        "YZT_DATA_DIR": str(tmp_path),
        "YZT_JOB_LEASE_SECONDS": "2",
        "YZT_WECHAT_URL": own_standin.base,
        "YZT_LOG_LEVEL": "ERROR",
    }
    victims = [
        Server(tmp_path / "server", settings, "tests.harness.hasty", port=free_port()),
        Server(tmp_path / "worker", settings, "tests.harness.hasty", ("worker",)),
    ]
    yield Drill(own_standin, victims)
    for victim in victims:
        if victim.process and victim.process.poll() is None:
            victim.kill()


def parts(people: Sequence[UUID]) -> list[Sequence[UUID]]:
    """As many parts as there are kills."""
    size = PUSHES // KILLS
    return [people[start : start + size] for start in range(0, len(people), size)]


async def ended(seconds: int) -> None:
    """Wait until nothing is under way."""
    for _ in range(seconds):
        if await Notice.all().count() == PUSHES and not await Delivery.filter(state__in=UNDER_WAY).exists():
            return
        await asyncio.sleep(1)
    raise TimeoutError(f"{await Notice.all().count()} notices, {Counter(await Delivery.all().values_list('state'))}")


async def test_nothing_is_lost_and_little_comes_twice(drill: Drill) -> None:
    given = await crowd(drill.standin, PUSHES, permissions=(1, 3))
    people = {person.openid: person.id for person in await Person.filter(openid__startswith="demo-crowd-")}
    for victim in drill.victims:
        victim.start()
    await asyncio.to_thread(drill.victims[0].wait_until_live)
    drill.standin.callback_mode(base=drill.victims[0].base, mode="secure")
    troubling = asyncio.create_task(drill.trouble())
    for number, some in enumerate(parts(list(people.values()))):
        await tell(some)
        await asyncio.sleep(2)
        await drill.kill(number)
    troubling.cancel()
    await ended(300)
    came = Counter(message["openid"] for message in drill.standin.messages())
    states = {one["person_id"]: one for one in await Delivery.all().values("person_id", "state", "refusal", "again")}
    failed = _nothing_lost(people, came, states)
    assert failed <= drill.met(loses) // 2 + len(drill.lost_by_kills), "two lost answers each"
    twice = sum(number - 1 for number in came.values())
    _said(drill, came, states, twice)
    assert twice <= drill.met(doubles) + len(drill.lost_by_kills)
    await _not_overspent(given, people, came)


def _nothing_lost(people: dict[str, Any], came: Counter[str], states: dict[Any, dict[str, Any]]) -> int:
    """Whoever has not got it, of them an operator can see it; return how many those may be."""
    assert len(states) == PUSHES
    for openid, person_id in people.items():
        found = states[person_id]
        if (found["state"], found["refusal"]) == (DeliveryState.FAILED_TECHNICAL, "unknown"):
            assert found["again"], "not before it was sent once more"
        else:
            assert came[openid], "WeChat has it"
            assert found["state"] in ARRIVED or found["refusal"] == "no_permission", "which the first one used up"
    return sum(found["refusal"] == "unknown" for found in states.values())


async def _not_overspent(given: dict[str, int], people: dict[str, Any], came: Counter[str]) -> None:
    assert all(came[openid] <= number for openid, number in given.items())
    spent: Counter[Any] = Counter()
    for entry in await PermissionEntry.filter(change=PermissionChange.SPENT):
        spent[entry.person_id] += entry.amount
    assert all(spent[people[openid]] <= number for openid, number in given.items())
    assert not await PushPermission.filter(reserved__not=0).exists()
    assert not await PushPermission.filter(credited__lt=0).exists()


def _said(drill: Drill, came: Counter[str], states: dict[Any, dict[str, Any]], twice: int) -> None:
    """Print what it came to: figures that a bound alone would hide."""
    ends = Counter(f"{one['state']} {one['refusal']}".strip() for one in states.values())
    print(f"{sum(came.values())} arrived, {twice} twice, {dict(ends)}; {drill.met(loses)} answers lost by faults")  # noqa: T201
    print(f"{len(drill.lost_by_kills)} lost by {KILLS} kills")  # noqa: T201
