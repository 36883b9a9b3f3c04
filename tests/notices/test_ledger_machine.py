"""Whatever people, WeChat and workers do with permissions, in any order and at one moment: none is used twice."""

import asyncio
from collections.abc import Coroutine
from datetime import datetime, timedelta
from typing import Any, ClassVar, TypeVar
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from tortoise.backends.base.client import BaseDBAsyncClient

from server.kernel import clock
from server.kernel.ids import new_id
from server.notices import permissions
from server.notices.models import PermissionChange, PermissionEntry, PushPermission
from tests.notices.ledgering import Asking, reckoned, reserve

T = TypeVar("T")
Key = tuple[UUID, str]
TEMPLATES = ("one", "two")
WHO = st.tuples(st.integers(0, 1), st.sampled_from(TEMPLATES))
SOME = st.lists(WHO, min_size=1, max_size=6)
PLACES = st.lists(st.integers(0, 99), min_size=1, max_size=4)
ENDS = ("spend", "release", "zero")


class Ledger(RuleBasedStateMachine):
    """Two people and two templates; what is on its way is picked modulo what there is.

    Who comes first is left to chance, so no rule waits for what that decides: it finds nothing to do.
    """

    loop: ClassVar[asyncio.AbstractEventLoop]

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(60)

    def at_once(self, *work: Any) -> list[Any]:
        async def together() -> list[Any]:
            return await asyncio.gather(*work)

        return self.run(together())

    @initialize()
    def begin(self) -> None:
        self.people = [new_id(), new_id()]
        self.given: dict[Key, int] = {}
        """How many permissions people gave, whatever became of them: more were never used."""
        self.forever: set[Key] = set()
        """What was long-term at some time; of that any number may go."""
        self.flying: list[Asking] = []
        self.sources: list[tuple[Key, str, datetime, bool]] = []

    def key(self, who: tuple[int, str]) -> Key:
        return self.people[who[0]], who[1]

    @rule(who=WHO, long_term=st.sampled_from([False, False, False, True]), ago=st.integers(0, 3), twice=st.booleans())
    def accept(self, who: tuple[int, str], long_term: bool, ago: int, twice: bool) -> None:  # noqa: FBT001 -- drawn
        """WeChat tells of it, perhaps twice at one moment."""
        key, source = self.key(who), f"event:{new_id()}"
        self.sources.append((key, source, clock.now() - timedelta(seconds=ago), long_term))
        told = self.at_once(*(self.told(self.sources[-1]) for _ in range(1 + twice)))
        assert sum(told) == 1
        self.given[key] = self.given.get(key, 0) + (not long_term)
        self.forever |= {key} if long_term else set()

    async def told(self, of: tuple[Key, str, datetime, bool]) -> bool:
        key, source, at, long_term = of
        return await permissions.credit(*key, source, at, long_term=long_term)

    @rule(place=st.integers(0, 99))
    def tell_again(self, place: int) -> None:
        if self.sources:
            assert not self.run(self.told(self.sources[place % len(self.sources)]))

    @rule(who=WHO)
    def say(self, who: tuple[int, str]) -> None:
        person, template = self.key(who)
        self.run(permissions.hint(person, [template]))

    @rule(who=WHO, ago=st.integers(-2, 3))
    def turn_off(self, who: tuple[int, str], ago: int) -> None:
        at = clock.now() - timedelta(seconds=ago)
        assert self.run(permissions.withdraw(*self.key(who), f"event:{new_id()}", at))

    @rule(batches=st.lists(SOME, min_size=1, max_size=3))
    def ask(self, batches: list[list[tuple[int, str]]]) -> None:
        """Several workers reserve at one moment; exactly as many go as may."""
        before = self.run(self.rows())
        asking = [[Asking(*self.key(who)) for who in batch] for batch in batches]
        granted = set().union(*self.at_once(*map(reserve, asking)))
        for key in {self.key(who) for batch in batches for who in batch}:
            mine = [one for batch in asking for one in batch if (one.person_id, one.template_id) == key]
            row = before.get(key, PushPermission())
            may = len(mine) if row.long_term else min(len(mine), row.credited - row.reserved)
            went = [one for one in mine if one.id in granted]
            assert len(went) == may
            self.flying += went

    @rule(places=PLACES, ends=st.lists(st.sampled_from(ENDS), min_size=3, max_size=3))
    def end(self, places: list[int], ends: list[str]) -> None:
        """Workers note at one moment what became of some, each of its own."""
        batches: list[list[Asking]] = [[], [], []]
        for number, place in enumerate(places):
            if self.flying:
                batches[number % 3].append(self.flying.pop(place % len(self.flying)))
        self.at_once(*(permissions.change_many(**{end: batch}) for end, batch in zip(ends, batches, strict=True)))

    @rule(who=WHO, asked=st.integers(1, 3), ends=st.sampled_from(ENDS))
    def all_at_once(self, who: tuple[int, str], asked: int, ends: str) -> None:
        """One accepts while a worker notes an end and asks for more."""
        key, batch = self.key(who), self.flying[:3]
        del self.flying[:3]
        source = f"event:{new_id()}"
        self.sources.append((key, source, clock.now(), False))
        self.given[key] = self.given.get(key, 0) + 1
        asking = [Asking(*key) for _ in range(asked)]
        credit = self.told(self.sources[-1])
        _, granted = self.at_once(credit, permissions.change_many(reserve=asking, **{ends: batch}))
        self.flying += [one for one in asking if one.id in granted]

    @invariant()
    def holds(self) -> None:
        self.run(self.sums())

    async def rows(self) -> dict[Key, PushPermission]:
        rows = await PushPermission.filter(person_id__in=self.people)
        return {(row.person_id, row.template_id): row for row in rows}

    async def sums(self) -> None:
        entries = await PermissionEntry.filter(person_id__in=self.people).order_by("id")
        rows = await self.rows()
        for key in {*rows, *((entry.person_id, entry.template_id) for entry in entries)}:
            mine = [entry for entry in entries if (entry.person_id, entry.template_id) == key]
            row = rows.get(key, PushPermission())
            assert (row.credited, row.reserved, row.long_term) == reckoned(mine)
            assert row.reserved == sum((one.person_id, one.template_id) == key for one in self.flying)
            assert row.reserved >= 0
            assert row.credited >= (0 if row.long_term else row.reserved)
            used = sum(entry.amount for entry in mine if entry.change is PermissionChange.SPENT)
            assert key in self.forever or used + row.credited <= self.given.get(key, 0)


async def test_the_state_machine_of_permissions(database: BaseDBAsyncClient, request: pytest.FixtureRequest) -> None:
    assert database
    drills = request.config.getoption("--drills")
    examples, steps = (200, 60) if drills else (12, 25)
    Ledger.loop = asyncio.get_running_loop()
    profile = settings(
        max_examples=examples, stateful_step_count=steps, deadline=None, database=None,
        suppress_health_check=list(HealthCheck), phases=[Phase.generate, Phase.shrink] if drills else [Phase.generate],
    )  # fmt: skip
    await asyncio.to_thread(run_state_machine_as_test, Ledger, settings=profile)
