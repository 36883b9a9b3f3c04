"""Whatever both sides, the secretariat and the calendar do, in any order and at one moment: places are given once."""

import asyncio
from collections.abc import Coroutine
from datetime import date
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

from server.engagements import contests, service, sweeps
from server.engagements.models import ContestState, Engagement, Party
from server.engagements.states import Verb, open_to
from server.kernel import clock
from server.kernel.errors import DomainError
from server.labour import life, operator
from server.people.service import Decider
from tests.engagements import machine_world as world
from tests.engagements.machine_world import DEEDS, PLACE, STARTS, TEAM, WHY, Seen, World

T = TypeVar("T")
PARTIES = st.sampled_from(Party)
CHANGES = ["heads", "heads", "pause", "end", "remove", "offer"]
ENDS = {Verb.WITHDRAW, Verb.DECLINE, Verb.CANCEL}
CHOICE = st.tuples(PLACE, PLACE, PARTIES)


class Engagements(RuleBasedStateMachine):
    """Three postings, four people, one of whom speaks for a team; places are taken modulo what there is.

    No rule has a precondition: who of those that act at one moment comes first is another one each time, and Hypothesis
    wants to be able to choose the same rules again.
    """

    loop: ClassVar[asyncio.AbstractEventLoop]
    seen: Seen | None = None

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(60)

    def may(self, *work: Any) -> None:
        """Do at one moment what may be refused, in words; anything else that is raised is a fault."""
        for result in self.run(self._gathered(work)):
            if isinstance(result, BaseException) and not isinstance(result, DomainError):
                raise result

    async def _gathered(self, work: Any) -> list[Any]:
        return await asyncio.gather(*work, return_exceptions=True)

    @initialize(asked=st.lists(st.tuples(PLACE, PLACE), max_size=12), accepted=st.integers(0, 8), begun=st.booleans())
    def begin(self, asked: list[tuple[int, int]], accepted: int, begun: bool) -> None:  # noqa: FBT001 -- drawn
        """Begin with some who asked, some of them accepted, perhaps on the first day of the work."""
        clock.move_to(None)
        self.world: World = self.run(world.make_world())
        self.freed = set[UUID]()
        """Whose time, or for whom a place, came free since everything was swept last: they may fit somewhere again."""
        self.seen = Seen([], [])
        for posting, person in asked:
            self.ask(posting, person)
        self.look()
        for row in self.rows[:accepted]:
            self.may(service.accept(row.id, self.world.firm.actor))
        if begun:
            clock.move_to(world.later(STARTS.days, 0))
        self.look()

    def look(self) -> None:
        self.seen = self.run(world.seen(self.world.postings))

    @property
    def rows(self) -> list[Engagement]:
        return self.seen.rows if self.seen else []

    def posting(self, place: int) -> UUID:
        return self.world.postings[place % len(self.world.postings)]

    @rule(posting=PLACE, person=PLACE)
    def ask(self, posting: int, person: int) -> None:
        self.may(service.apply(self.posting(posting), by=self.world.people[person % len(self.world.people)]))

    @rule(posting=PLACE, size=st.integers(1, TEAM), offered=PLACE)
    def ask_as_a_team_or_by_an_offer(self, posting: int, size: int, offered: int) -> None:
        """At one moment the team applies, and somebody is offered a place, perhaps the same."""
        (person, team), (_, other) = self.world.supplies[-1], self.world.supplies[offered % len(self.world.supplies)]
        mine = service.apply(self.posting(posting), by=person, size=size, supply_id=team)
        self.may(mine, service.offer(self.posting(posting + offered), other, by=self.world.firm.clerk))

    @rule(choices=st.lists(CHOICE, min_size=1, max_size=4))
    def act(self, choices: list[tuple[int, int, Party]]) -> None:
        """Do what somebody may, as far as the state says; several of them at one moment."""
        work = []
        for place, which, party in choices if self.rows else []:
            row = self.rows[place % len(self.rows)]
            verbs = open_to(row.state, party)
            if which % 5:  # who goes is nowhere any more: the rest is to be seen more often
                verbs = [verb for verb in verbs if verb not in ENDS] or verbs
            if verbs:
                deed = DEEDS[verbs[which % len(verbs)]]
                work.append(deed(row.id, world.actor_of(row, party, self.world)))
        self.may(*work)

    @rule(verb=st.sampled_from([Verb.ACCEPT, Verb.ACCEPT, Verb.ATTEND, Verb.COMPLETE, Verb.CANCEL]), party=PARTIES)
    def all_act(self, verb: Verb, party: Party) -> None:
        """All of one side do the same at one moment."""
        rows = [row for row in self.rows if verb in open_to(row.state, party)]
        self.may(*[DEEDS[verb](row.id, world.actor_of(row, party, self.world)) for row in rows])

    @rule(place=PLACE, verb=st.sampled_from(sorted(DEEDS)), party=PARTIES)
    def try_what_is_not_to_be_done(self, place: int, verb: Verb, party: Party) -> None:
        row = self.rows[place % len(self.rows)] if self.rows else None
        if row and verb not in open_to(row.state, party):
            self.may(DEEDS[verb](row.id, world.actor_of(row, party, self.world)))
            now = self.run(world.seen(self.world.postings))
            assert [one.version for one in now.rows] == [one.version for one in self.rows]

    @rule(place=PLACE, verdict=PLACE)
    def decide(self, place: int, verdict: int) -> None:
        contested = [row for row in self.rows if row.contest is ContestState.OPEN]
        if contested:
            row = contested[place % len(contested)]
            self.may(contests.decide(row.id, world.verdict(verdict), Decider(self.world.reviewer, WHY)))

    @rule(posting=PLACE, heads=st.integers(1, 5), what=st.sampled_from(CHANGES))
    def change_a_posting(self, posting: int, heads: int, what: str) -> None:
        one, clerk = self.posting(posting), self.world.firm.clerk
        if what == "heads":
            self.may(world.has_heads(one, heads, clerk))
        elif what == "pause":
            self.may(world.turn(one, clerk))
        elif heads > 1:  # what ends, ends seldom: nothing happens afterwards
            return
        elif what == "offer":
            person, supply = self.world.supplies[posting % len(self.world.supplies)]
            meanwhile = [service.accept(row.id, world.actor_of(row, Party.WORKER, self.world)) for row in self.rows]
            self.may(life.close(supply, by=person), *meanwhile)
        else:
            self.may(world.end(one, self.world, removed=what == "remove"))

    @rule(days=st.sampled_from([0, 1, 2, 2, 8]), minutes=st.sampled_from([1, 400]))
    def let_time_pass(self, days: int, minutes: int) -> None:
        clock.move_to(world.later(days, minutes))
        self.run(self._swept())

    async def _swept(self) -> None:
        await sweeps.watch()
        self._count_the_freed(await world.seen(self.world.postings))
        await sweeps.watch()
        self.freed.clear()
        self.seen = await world.seen(self.world.postings)

    def _count_the_freed(self, now: Seen) -> None:
        before = self.seen.busy if self.seen else {}
        self.freed |= {person for one, person in before.items() if one not in now.busy}
        self.freed |= world.wait_for_the_sweep(self.seen, now) if self.seen else set()

    @invariant()
    def holds(self) -> None:
        if self.seen:
            self.run(self._hold())

    async def _hold(self) -> None:
        now = await world.seen(self.world.postings)
        self._count_the_freed(now)
        self.seen = now
        world.places_are_counted(now)
        world.nobody_is_in_two_places(now)
        await world.everything_is_recorded(now)
        assert await world.might_move_up(now) <= self.freed

    def teardown(self) -> None:
        clock.move_to(None)


async def test_the_state_machine_of_engagements(
    database: BaseDBAsyncClient, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert database
    monkeypatch.setattr(operator, "_valid_to", date.max)
    drills = request.config.getoption("--drills")
    examples, steps = (150, 60) if drills else (10, 25)
    Engagements.loop = asyncio.get_running_loop()
    profile = settings(
        max_examples=examples, stateful_step_count=steps, deadline=None, database=None,
        suppress_health_check=list(HealthCheck), phases=[Phase.generate, Phase.shrink] if drills else [Phase.generate],
    )  # fmt: skip
    await asyncio.to_thread(run_state_machine_as_test, Engagements, settings=profile)
