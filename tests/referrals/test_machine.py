"""Whatever schools, reviewers and the calendar do, in whatever order: one claim lives, none vanishes, all is told."""

import asyncio
from collections.abc import Coroutine
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, ClassVar, TypeVar
from uuid import UUID

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from tortoise.backends.base.client import BaseDBAsyncClient

from server.appeals import service as appeals
from server.enrolments.life import Move, Shown, Step
from server.enrolments.listing import Evidence, Listed
from server.enrolments.models import Intake, Level, MatchVerdict
from server.kernel import clock
from server.kernel.errors import DomainError
from server.people.service import Decider
from server.referrals import census, correction, decisions, evidence, receiving, service, undoing, withdrawal
from server.referrals.claims import Claim
from server.referrals.correction import Right
from server.referrals.models import Referral, ReferralDecision, ReferralState, Verdict
from server.referrals.verdicts import OPEN
from tests.referrals import disputing
from tests.referrals import machine_world as world
from tests.referrals.machine_world import BEGINS, DATES, DAYS, ENDS, NAMES, PLACE, WORDS, World
from tests.referrals.registering import read
from tests.students.numbers import REGIONS, number_of

T = TypeVar("T")


class Claims(RuleBasedStateMachine):
    """Three schools that send, two that receive, three reviewers; places are taken modulo what there is."""

    loop: ClassVar[asyncio.AbstractEventLoop]
    world: ClassVar[World]

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(30)

    def may(self, work: Coroutine[Any, Any, T]) -> T | None:
        """Do what may be refused, in words; anything else that is raised is a fault."""
        try:
            return self.run(work)
        except DomainError:
            return None

    @initialize()
    def begin(self) -> None:
        self.day = BEGINS
        self.go_to(BEGINS)
        self.numbers = [number_of(date(2011, 5, 5)) for _ in range(2)]
        self.claims: list[UUID] = []
        self.seats: list[UUID] = []
        self.told: dict[UUID, list[UUID]] = {}
        self.states: dict[UUID, ReferralState] = {}

    def go_to(self, day: date) -> None:
        self.day = max(self.day, day)
        clock.move_to(datetime(self.day.year, self.day.month, self.day.day, 4, tzinfo=UTC))

    def said(self, student: int, name: int) -> Claim:
        found = read({"name": NAMES[name % 3], "id_number": self.numbers[student % 2]}, clock.today())
        assert isinstance(found, Claim)
        return found

    def reviewer(self, place: int) -> Decider:
        return Decider(self.world.reviewers[place % 3], WORDS)

    def claim(self, place: int, *states: ReferralState) -> UUID:
        """A claim, of those that were in these states after the last step where there are any."""
        fitting = [one for one in self.claims if self.states.get(one) in states] or self.claims
        return fitting[place % len(fitting)]

    def clerk_of(self, claim: Referral) -> UUID:
        return next(school.clerk for school in self.world.feeders if school.id == claim.school_id)

    def own(self, claim_id: UUID) -> Decider:
        return Decider(self.clerk_of(self.run(world.claim(claim_id))), WORDS)

    @rule(school=PLACE, student=PLACE, name=PLACE)
    def register(self, school: int, student: int, name: int) -> None:
        by = self.world.feeders[school % 3]
        if made := self.may(service.register(by.id, self.said(student, name), by=by.clerk)):
            assert made.referral_id
            self.claims.append(made.referral_id)

    @rule(school=PLACE, students=st.lists(PLACE, min_size=1, max_size=3), name=PLACE)
    def import_list(self, school: int, students: list[int], name: int) -> None:
        said = [self.said(student, name) for student in {one % 2 for one in students}]
        by = self.world.feeders[school % 3]
        results = self.may(service.register_many(by.id, said, by=by.clerk)) or []
        self.claims += [one.referral_id for one in results if one.referral_id and one.referral_id not in self.claims]

    @precondition(lambda self: self.claims)
    @rule(claim=PLACE)
    def take_back(self, claim: int) -> None:
        one = self.claim(claim)
        self.may(withdrawal.withdraw(one, self.own(one)))

    @precondition(lambda self: self.claims)
    @rule(claim=PLACE, student=PLACE, name=PLACE, reviewer=st.none() | PLACE)
    def correct(self, claim: int, student: int, name: int, reviewer: int | None) -> None:
        said, one = self.said(student, name), self.claim(claim)
        by = self.own(one) if reviewer is None else self.reviewer(reviewer)
        self.may(correction.correct(one, Right(said.number, said.name), by))

    @precondition(lambda self: self.claims)
    @rule(claim=PLACE, school=PLACE)
    def amend(self, claim: int, school: int) -> None:
        one, named = self.claim(claim), self.world.receiving[school % 2].id
        self.may(correction.amend(one, {"named_school_id": named}, None, self.own(one).person_id))

    @precondition(lambda self: self.claims)
    @rule(claim=PLACE, everybody=st.booleans())
    def put_forward(self, claim: int, everybody: bool) -> None:  # noqa: FBT001 -- drawn
        for one in self.claims if everybody else [self.claim(claim, *OPEN)]:
            self.may(evidence.add(one, "见志愿表", None, by=self.own(one).person_id))

    @precondition(lambda self: self.claims)
    @rule(claim=PLACE, verdict=st.sampled_from(Verdict), reviewer=PLACE)
    def decide(self, claim: int, verdict: Verdict, reviewer: int) -> None:
        one = self.claim(claim, ReferralState.DISPUTED) if verdict is Verdict.UPHOLD else self.claim(claim, *OPEN)
        before = self.run(world.kept(self.claims))
        if not self.may(decisions.decide(one, verdict, self.reviewer(reviewer))):
            return
        back = self.run(world.tried_undoing(one, self.world.reviewers[(reviewer + 1) % 3], self.claims))
        assert back in (before, "another_person")

    @precondition(lambda self: self.claims)
    @rule(claim=PLACE, reviewer=PLACE)
    def undo(self, claim: int, reviewer: int) -> None:
        self.may(undoing.undo(self.claim(claim), self.reviewer(reviewer)))

    @precondition(lambda self: self.claims)
    @rule(claim=PLACE)
    def appeal(self, claim: int) -> None:
        one = self.run(world.claim(self.claim(claim, ReferralState.REJECTED)))
        manager = next(school.manager for school in self.world.feeders if school.id == one.school_id)
        self.may(appeals.appeal(f"referral:{one.id}", "志愿表可以证明", manager))

    @precondition(lambda self: self.claims)
    @rule(place=PLACE, verdict=st.sampled_from(appeals.Verdict), reviewer=PLACE)
    def judge(self, place: int, verdict: appeals.Verdict, reviewer: int) -> None:
        if made := self.run(world.appeals_of(self.claims)):
            self.may(disputing.judge(made[place % len(made)].id, verdict, self.reviewer(reviewer)))

    @rule(school=PLACE, student=PLACE, name=PLACE, entered=DAYS, kind=st.integers(0, 3))
    def enlist(self, school: int, student: int, name: int, entered: date | None, kind: int) -> None:
        said, by = self.said(student, name), self.world.receiving[school % 2]
        shown, first = Evidence(document="名册第3页" if kind else ""), entered or date(2026, 9, 1)
        line = Listed(said.name, said.number, 2026, Intake.AUTUMN, Level.SECONDARY, first, evidence=shown)
        line = replace(line, repeating=kind == 1)
        found = self.may(receiving.list_one(by.id, line, by=by.clerk))
        self.seats += [found] if found and found not in self.seats else []

    @precondition(lambda self: self.seats)
    @rule(place=PLACE, on=DAYS)
    def prove(self, place: int, on: date | None) -> None:
        shown = Shown(None, "名册第4页", REGIONS)
        self.may(receiving.register(self.seats[place % len(self.seats)], shown, self.move(on)))

    @precondition(lambda self: self.seats)
    @rule(place=PLACE, what=st.sampled_from(Step), on=DAYS)
    def step(self, place: int, what: Step, on: date | None) -> None:
        self.may(receiving.step(self.seats[place % len(self.seats)], what, self.move(on)))

    @precondition(lambda self: self.seats)
    @rule(place=PLACE, to=st.none() | PLACE, on=DAYS)
    def transfer(self, place: int, to: int | None, on: date | None) -> None:
        school = None if to is None else self.world.receiving[to % 2].id
        left = self.may(receiving.transfer(self.seats[place % len(self.seats)], school, self.move(on)))
        self.seats += [left.successor_id] if left and left.successor_id and left.successor_id not in self.seats else []

    @precondition(lambda self: self.seats and self.claims)
    @rule(seat=PLACE, claim=PLACE, verdict=st.sampled_from(MatchVerdict), reviewer=PLACE)
    def judge_match(self, seat: int, claim: int, verdict: MatchVerdict, reviewer: int) -> None:
        place, one = self.seats[seat % len(self.seats)], self.claim(claim)
        self.may(receiving.judge(place, one, verdict, self.reviewer(reviewer)))

    @rule(days=st.sampled_from([1, 12]))
    def let_time_pass(self, days: int) -> None:
        self.go_to(self.day + timedelta(days=days))
        self.run(census.settle())

    @rule(patience=st.integers(0, 3))
    def come_to_the_next_date(self, patience: int) -> None:
        if not patience:
            self.go_to(next((day for day in DATES if day > self.day), self.day))
            self.run(census.settle())

    def move(self, on: date | None) -> Move:
        return Move(self.world.receiving[0].clerk, on, "学校说明")

    @invariant()
    def holds(self) -> None:
        if getattr(self, "claims", None):
            self.run(self._hold())

    async def _hold(self) -> None:
        rows = await Referral.filter(id__in=self.claims)
        assert {row.id for row in rows} == set(self.claims)
        self.states = {row.id: row.state for row in rows}
        students = sorted({row.student_id for row in rows})
        await world.lives_once(students)
        for claim_id, entries in (await world.histories(self.claims)).items():
            ids = [entry.id for entry in entries]
            earlier = self.told.get(claim_id, [])
            assert ids[: len(earlier)] == earlier
            self.told[claim_id] = ids
            world.reads_true(next(row for row in rows if row.id == claim_id), entries)
        if self.day <= ENDS:
            for student in students:
                await world.settled(student)
            for row in rows:
                if row.state is ReferralState.CONFIRMED:
                    await world.was_there(row, self.day)

    def teardown(self) -> None:
        if getattr(self, "claims", None):
            self.run(self._come_back())

    async def _come_back(self) -> None:
        for decision in await ReferralDecision.filter(referral_id__in=self.claims):
            await world.has_a_way_back(decision, self.world.reviewers[2], self.claims)


async def test_the_state_machine_of_claims(database: BaseDBAsyncClient, request: pytest.FixtureRequest) -> None:
    assert database
    examples, steps = (200, 60) if request.config.getoption("--drills") else (10, 25)
    Claims.loop, Claims.world = asyncio.get_running_loop(), await world.make_world()
    profile = settings(
        max_examples=examples, stateful_step_count=steps, deadline=None, database=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    await asyncio.to_thread(run_state_machine_as_test, Claims, settings=profile)
