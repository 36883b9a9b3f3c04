"""Whatever anybody does to awards, in any order and at one moment: each fen is where it should be, nobody is alone."""

import asyncio
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any, ClassVar, TypeVar
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from tortoise.backends.base.client import BaseDBAsyncClient

from server.awards import life, objections, publications, samples
from server.awards.models import Award, Clawback, RunKind
from server.funds.models import PaperKind
from server.kernel import clock
from server.kernel.errors import DomainError
from server.organisations.roles import Role
from server.people.service import Decider
from server.referrals.models import ReferralState
from server.statements import opening
from server.statements.models import Statement
from tests.awards import machine_deeds as deeds
from tests.awards import machine_laws as laws
from tests.awards import machine_world as world
from tests.awards.machine_deeds import AWARD_DEEDS, STATEMENT_DEEDS
from tests.awards.machine_seen import Seen, seen
from tests.awards.machine_world import FEN, WHY, World
from tests.harness.awarding import PROGRAMME

T = TypeVar("T")
PLACE = st.integers(0, 1000)
SEVERAL = st.lists(st.tuples(PLACE, PLACE), min_size=1, max_size=4)
ALL_AT_ONCE = [RunKind.REVIEW, RunKind.APPROVE, RunKind.APPROVE, RunKind.HOLD, RunKind.RELEASE, RunKind.RELEASE]
FOUND, PAID, DEPTHS = 4, 8, 12
"""From nothing to statements that are paid, and to money of theirs that is demanded back."""


from collections import Counter
STATS = Counter()
class Awards(RuleBasedStateMachine):
    """Two schools, a fund, and a secretariat; who acts, and on what, is taken modulo what there is.

    Two in three acts are those of somebody who has the role for it, else anybody tries.
    """

    loop: ClassVar[asyncio.AbstractEventLoop]
    seen: Seen | None = None

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(60)

    def may(self, *work: Any) -> None:
        """Do at one moment what may be refused, in words; anything else that is raised is a fault."""
        for result in self.run(self._gathered(work)):
            STATS[f"err {result.slug}" if isinstance(result, DomainError) else "ok"] += 1
            if isinstance(result, BaseException) and not isinstance(result, DomainError):
                raise result

    async def _gathered(self, work: Any) -> list[Any]:
        return await asyncio.gather(*work, return_exceptions=True)

    @initialize(depth=st.sampled_from([DEPTHS, 10, 9, 7, 3, 0]), rewards=st.sampled_from([5, 8, 3, 0]))
    def begin(self, depth: int, rewards: int) -> None:
        """Begin with things as far as they come when everybody does what is theirs."""
        clock.move_to(None)
        self.world: World = self.run(world.make_world())
        self.seen = self.run(seen(self.world))
        if rewards:
            self.may(world.money(self.world, rewards * FEN, self.world.proper(Role.FINANCE)))
        for _ in range(min(depth, FOUND)):
            self.run(deeds.go_on(self.world))
        if depth > FOUND:
            self.may(deeds.pay_all(self.world, depth - FOUND - 1))
        if depth > PAID:
            self.may(deeds.claim_back(self.world, depth - PAID))

    def who(self, choice: int, *roles: Role) -> UUID:
        fit = self.world.fit(*roles) if choice % 3 else self.world.everybody
        return (fit or self.world.everybody)[choice // 3 % len(fit or self.world.everybody)]

    def by(self, choice: int, *roles: Role) -> Decider:
        return Decider(self.who(choice, *roles), WHY)

    @property
    def awards(self) -> list[Award]:
        return [self.seen.awards[one] for one in sorted(self.seen.awards)] if self.seen else []

    def clawback(self, one: Award) -> Clawback | None:
        return (
            next((row for row in self.seen.clawbacks.values() if row.award_id == one.id), None) if self.seen else None
        )

    @property
    def statements(self) -> list[Statement]:
        return [self.seen.statements[one] for one in sorted(self.seen.statements)] if self.seen else []

    @rule(choices=st.lists(st.tuples(PLACE, PLACE, PLACE), min_size=1, max_size=4))
    def act(self, choices: list[tuple[int, int, int]]) -> None:
        """Several do at one moment what may be done, to the same award or to others."""
        some, work = self.awards, []
        for place, which, who in choices if some else ():
            one = some[place % len(some)]
            names = deeds.fitting(one, self.clawback(one))
            roles, deed = AWARD_DEEDS[names[which % len(names)]]
            work.append(deed(one, self.by(who, *roles)))
        self.may(*work)

    @rule(name=st.sampled_from(sorted(AWARD_DEEDS)), choices=SEVERAL)
    def try_anything(self, name: str, choices: list[tuple[int, int]]) -> None:
        """Several try the same thing at one moment, whether it may be done or not."""
        roles, deed = AWARD_DEEDS[name]
        some = self.awards
        self.may(*[deed(some[place % len(some)], self.by(who, *roles)) for place, who in choices if some])

    @rule(verb=st.sampled_from(ALL_AT_ONCE), who=PLACE, other=PLACE)
    def decide_all(self, verb: RunKind, who: int, other: int) -> None:
        """Two decide everything at one moment."""
        roles, ids = AWARD_DEEDS[verb.value][0], [one.id for one in self.awards]
        self.may(*[life.decide(ids, verb, self.by(one, *roles)) for one in (who, other)])

    @rule()
    def go_on(self) -> None:
        self.may(deeds.go_on(self.world))

    @rule(who=PLACE, year=st.integers(0, 3))
    def propose(self, who: int, year: int) -> None:
        self.may(world.propose(self.world.years[year // 3], self.who(who, Role.REVIEWER)))

    @rule(who=PLACE, draws=st.booleans())
    def draw_or_publish(self, who: int, draws: bool) -> None:  # noqa: FBT001 -- drawn
        by, year = self.who(who, Role.REVIEWER, Role.APPROVER), self.world.years[0]
        self.may(samples.draw(PROGRAMME, year, by) if draws else publications.publish(year, PROGRAMME, by))

    @rule(verdict=st.sampled_from(objections.Verdict), place=PLACE, who=PLACE)
    def answer(self, verdict: objections.Verdict, place: int, who: int) -> None:
        self.may(deeds.decide_objection(verdict, place, self.who(who, Role.REVIEWER), self.world))

    @rule(place=PLACE, who=PLACE)
    def appeal(self, place: int, who: int) -> None:
        refused = [one for one in self.awards if one.state in {"refused", "cancelled"}]
        if refused:
            self.may(deeds.appeal(refused[place % len(refused)], self.world, self.who(who, Role.REVIEWER)))

    @rule(rewards=st.integers(-1, 4), who=PLACE)
    def move_money(self, rewards: int, who: int) -> None:
        """Money comes or goes while those who wait are served."""
        serve = world.serve(self.world)
        if rewards:
            self.may(world.money(self.world, rewards * FEN, self.who(who, Role.FINANCE)), serve)
        self.may(world.serve(self.world)) if rewards else self.may(serve)

    @rule(school=st.integers(0, 1), who=PLACE, follows=PLACE, times=st.integers(1, 2))
    def open_a_statement(self, school: int, who: int, follows: int, times: int) -> None:
        payee, by = self.world.schools[school].id, self.who(who, Role.FINANCE)
        mine = [one.id for one in self.statements if one.payee_id == payee]
        followed = mine[follows % len(mine)] if mine and follows % 3 == 0 else None
        wanted = opening.Wanted(payee, self.world.fund.id, follows_id=followed)
        self.may(*[opening.open_statement(wanted, by) for _ in range(times)])

    @rule(choices=SEVERAL, place=PLACE, anything=st.integers(0, 3))
    def treat(self, choices: list[tuple[int, int]], place: int, anything: int) -> None:
        """Several do something with one statement at one moment, mostly what may be done with it."""
        if not self.statements:
            return
        one = self.statements[-1 - place % min(len(self.statements), 3)]
        names, work = sorted(STATEMENT_DEEDS) if not anything else deeds.treatments(one), []
        for which, who in choices:
            role, deed = STATEMENT_DEEDS[names[which % len(names)]]
            work.append(deed(one, self.by(who, role)))
        self.may(*work)

    @rule(step=st.sampled_from([4, 4, 3, 2, 1, 0]))
    def pay(self, step: int) -> None:
        self.may(deeds.pay_all(self.world, step))

    @rule(school=st.integers(0, 1), number=st.integers(10**9, 10**10))
    def name_another_account(self, school: int, number: int) -> None:
        self.may(world.name_account(self.world.schools[school], self.world.managers[school], f"62170{number}"))

    @rule(place=PLACE, what=st.integers(0, 5), who=PLACE)
    def shake(self, place: int, what: int, who: int) -> None:
        """Something happens to a student's claims, or they all stand again, while somebody approves the awards."""
        state = ReferralState.LAPSED if what == 0 else ReferralState.CONFIRMED
        some = [self.world.students[place % len(self.world.students)]] if what < 2 else self.world.students
        shaken = [world.shake(student, state, needs_check=what == 1) for student in some]
        meanwhile = life.decide([one.id for one in self.awards], RunKind.APPROVE, self.by(who, Role.APPROVER))
        self.may(meanwhile, *shaken)

    @rule(kind=st.sampled_from(PaperKind), there=st.sampled_from([True, True, True, False]), year=st.integers(0, 1))
    def move_a_paper(self, kind: PaperKind, there: bool, year: int) -> None:  # noqa: FBT001
        self.run(world.paper(self.world, kind, self.world.years[year], there=there))
        self.seen = self.run(seen(self.world))

    @rule(days=st.sampled_from([0, 1, 1, 8, 8, 8, 45]))
    def let_time_pass(self, days: int) -> None:
        clock.move_to(clock.now() + timedelta(days=days))
        self.may(world.serve(self.world))

    @rule(fen=st.sampled_from([0, FEN, FEN // 2]), who=PLACE)
    def close_the_year(self, fen: int, who: int) -> None:
        self.may(world.close(self.world, fen, self.who(who, Role.FINANCE)))

    @invariant()
    def holds(self) -> None:
        if self.seen:
            self.run(self._hold(self.seen))

    async def _hold(self, before: Seen) -> None:
        now = await seen(self.world)
        await laws.all_is_well(now, self.world)
        laws.what_is_locked_stays(before, now)
        laws.nothing_without_papers(before, now)
        laws.nobody_jumps_the_queue(before, now)
        known = {e.id for e in before.audit}
        for e in now.audit:
            if e.id not in known: STATS[f"act {e.action}"] += 1
        self.seen = now

    def teardown(self) -> None:
        clock.move_to(None)


async def test_the_state_machine_of_awards(database: BaseDBAsyncClient, request: pytest.FixtureRequest) -> None:
    assert database
    drills = request.config.getoption("--drills")
    examples, steps = (150, 60) if drills else (40, 40)
    Awards.loop = asyncio.get_running_loop()
    profile = settings(
        max_examples=examples, stateful_step_count=steps, deadline=None, database=None,
        suppress_health_check=list(HealthCheck), phases=[Phase.generate, Phase.shrink] if drills else [Phase.generate],
    )  # fmt: skip
    await asyncio.to_thread(run_state_machine_as_test, Awards, settings=profile)
    print("STAT", dict(sorted(STATS.items())))
