"""What the calendar does to claims, with the clock moved: the census, the last day, the end of the year."""

from datetime import date
from typing import Any, cast

import pytest
from tortoise.backends.base.client import BaseDBAsyncClient

from server import schedules
from server.enrolments.life import Move, Shown, Step
from server.enrolments.models import Intake
from server.kernel.audit import AuditEntry
from server.kernel.jobs.models import Job
from server.people.service import Decider
from server.referrals import census, matching, receiving, years
from server.referrals.models import Referral, ReferralState, ReferralYear
from server.students.models import Student
from tests.referrals.receiving_world import DOCUMENT, World, at, line, make_world, now, reconsider, stands
from tests.students.numbers import REGIONS

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
async def world(database: BaseDBAsyncClient) -> World:
    assert database
    await Referral.filter(state__in=["registered", "matched"]).update(state="withdrawn")
    at(9, 10)
    return await make_world()


async def claimed(world: World, **values: Any) -> tuple[Student, Referral]:
    student = await world.student()
    return student, await world.claims(student, **values)


async def test_who_is_registered_on_the_day_is_confirmed_on_it_and_not_before(world: World) -> None:
    student, claim = await claimed(world)
    there = await world.lists(world.named, student, evidence=DOCUMENT)
    at(11, 19)
    await census.settle()
    assert (await now(claim)).state is ReferralState.MATCHED
    at(11, 20)
    assert await census.settle() == {"looked_at": 1}
    assert await stands(claim) == ("confirmed", there.id, [])
    assert await census.settle() == {"looked_at": 0}


async def test_who_is_only_listed_then_is_not(world: World) -> None:
    student, claim = await claimed(world)
    there = await world.lists(world.named, student)
    at(11, 21)
    await census.settle()
    assert (await now(claim)).state is ReferralState.MATCHED
    shown, clerk = Shown(None, "补报材料", REGIONS), world.clerk
    await receiving.register(there.id, shown, Move(clerk))
    assert (await now(claim)).state is ReferralState.MATCHED, "registered from today on, after the day"


async def test_evidence_given_later_counts_from_the_day_it_names(world: World) -> None:
    student, claim = await claimed(world)
    there = await world.lists(world.named, student)
    at(12, 1)
    await receiving.register(there.id, Shown(None, "补报材料", REGIONS), Move(world.clerk, date(2026, 11, 20)))
    assert (await now(claim)).state is ReferralState.CONFIRMED


async def test_a_late_list_counts_by_its_dates(world: World) -> None:
    (early, first), (late, second) = await claimed(world), await claimed(world)
    at(12, 20)
    await world.lists(world.named, early, evidence=DOCUMENT)
    await world.lists(world.named, late, evidence=DOCUMENT, entered_on=date(2026, 11, 21))
    assert (await now(first)).state is ReferralState.CONFIRMED
    assert (await now(second)).state is ReferralState.MATCHED


async def test_who_leaves_after_the_day_stays_confirmed_who_had_left_before_does_not(world: World) -> None:
    for left, expected in [(date(2026, 11, 21), "confirmed"), (date(2026, 11, 20), "lapsed")]:
        at(9, 10)
        student, claim = await claimed(world)
        there = await world.lists(world.named, student, evidence=DOCUMENT)
        at(11, 20)
        await census.settle()
        assert (await now(claim)).state is ReferralState.CONFIRMED
        at(1, 15, 2027)
        await world.says(there, Step.WITHDRAW, left)
        assert (await now(claim)).state == expected


async def test_a_census_that_was_missed_is_made_up_by_whatever_happens_next(world: World) -> None:
    student, claim = await claimed(world)
    there = await world.lists(world.named, student, evidence=DOCUMENT)
    at(12, 5)
    await world.says(there, Step.WITHDRAW, date(2026, 12, 4))
    assert await stands(claim) == ("confirmed", there.id, [])


async def test_a_transfer_around_the_day(world: World) -> None:
    """The enrolment in which the student was on the day counts, and stays the one that confirms."""
    for moved, registered, confirmed_by in [(date(2026, 11, 1), date(2026, 11, 10), 1), (date(2026, 11, 25), None, 0)]:
        at(9, 10)
        student, claim = await claimed(world, named_school=None)
        first = await world.lists(world.named, student, evidence=DOCUMENT)
        at(11, 26)
        second = await world.transfers(first, world.other, moved)
        if registered:
            await receiving.register(second.id, Shown(None, "转学证明", REGIONS), Move(world.clerk, registered))
        assert await stands(claim) == ("confirmed", (first, second)[confirmed_by].id, [])


async def test_dates_that_are_changed_reach_what_was_settled_by_the_old_ones(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(census, "BATCH", 1)
    (student, confirmed), (_, lapsed) = await claimed(world), await claimed(world)
    await world.lists(world.named, student, evidence=DOCUMENT)
    at(1, 1, 2027)
    await census.settle()
    assert [(await now(one)).state for one in (confirmed, lapsed)] == ["confirmed", "lapsed"]
    usual = years.default(2026)
    autumn = usual.autumn.model_copy(update={"census_on": date(2027, 2, 20), "match_by": date(2027, 2, 28)})
    await years.set_dates(2026, usual.model_copy(update={"autumn": autumn}), None, Decider(world.clerk, "推迟"))
    job, nobody = await Job.filter(kind=years.CHANGED).get(), cast("Any", None)
    await schedules.handlers(nobody, nobody)[job.kind](job.payload)
    assert [(await now(one)).state for one in (confirmed, lapsed)] == ["matched", "registered"]
    await ReferralYear.all().delete()


async def test_spring_has_days_of_its_own(world: World) -> None:
    student, claim = await claimed(world, year=2027, intake=Intake.SPRING)
    at(3, 5, 2027)
    terms = await receiving.terms(2027, Intake.SPRING)
    assert terms.entered_on == date(2027, 3, 1)
    spring: dict[str, Any] = {"year": 2027, "intake": Intake.SPRING, "entered_on": terms.entered_on}
    await world.lists(world.named, student, **spring, evidence=DOCUMENT)
    at(4, 19, 2027)
    await census.settle()
    assert (await now(claim)).state is ReferralState.MATCHED
    at(4, 20, 2027)
    await census.settle()
    assert (await now(claim)).state is ReferralState.CONFIRMED


class TestLapse:
    """Who is at no school by the last day."""

    async def test_the_last_day_still_belongs_to_the_time(self, world: World) -> None:
        _student, claim = await claimed(world)
        at(12, 31)
        await census.settle()
        assert (await now(claim)).state is ReferralState.REGISTERED
        at(1, 1, 2027)
        await census.settle()
        assert (await now(claim)).state is ReferralState.LAPSED

    async def test_a_list_that_comes_before_the_year_ends_reopens_it(self, world: World) -> None:
        student, claim = await claimed(world)
        at(1, 1, 2027)
        await census.settle()
        at(3, 1, 2027)
        there = await world.lists(world.named, student, evidence=DOCUMENT)
        assert await stands(claim) == ("confirmed", there.id, [])
        rows = await AuditEntry.filter(subject=f"referral:{claim.id}").order_by("id")
        assert [(row.action, row.before, row.after) for row in rows] == [
            ("referral.lapsed", "registered", "lapsed"),
            ("referral.reopened", "lapsed", "confirmed"),
            ("referral.confirmed", "lapsed", "confirmed"),
        ]

    async def test_one_beside_which_another_lives_stays_lapsed(self, world: World) -> None:
        student, claim = await claimed(world, intake=Intake.SPRING)
        at(6, 1)
        await reconsider(student)
        assert (await now(claim)).state is ReferralState.LAPSED
        rival = await world.claims(student, school=world.rival)
        there = await world.lists(world.named, student)
        assert (await stands(rival))[:2] == ("matched", there.id)
        assert (await now(claim)).state is ReferralState.LAPSED

    async def test_of_two_that_lapsed_the_one_of_the_intake_comes_back(self, world: World) -> None:
        student, spring = await claimed(world, intake=Intake.SPRING)
        at(6, 1)
        await reconsider(student)
        autumn = await world.claims(student, school=world.rival)
        at(1, 1, 2027)
        await census.settle()
        await world.lists(world.named, student)
        assert [(await now(one)).state for one in (spring, autumn)] == ["lapsed", "matched"]
        await reconsider(student)
        assert [(await now(one)).state for one in (spring, autumn)] == ["lapsed", "matched"]

    async def test_after_the_year_nothing_lapses(self, world: World) -> None:
        _student, claim = await claimed(world)
        at(9, 1, 2027)
        assert await census.settle() == {"looked_at": 0}
        assert (await now(claim)).state is ReferralState.REGISTERED


async def test_a_run_that_breaks_off_between_parts_is_finished_by_the_next(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each part is kept; what was done is done once."""
    claims = []
    for _ in range(5):
        student, claim = await claimed(world)
        claims.append(claim)
        await receiving.list_many(world.named.id, [line(student, evidence=DOCUMENT)], by=world.clerk)
    at(11, 20)
    real, parts = matching.reconsider, 0

    async def killed(*args: Any, **kwargs: Any) -> None:
        nonlocal parts
        parts += 1
        await real(*args, **kwargs)
        if parts == 2:
            raise ConnectionAbortedError

    monkeypatch.setattr(census, "BATCH", 2)
    monkeypatch.setattr(matching, "reconsider", killed)
    with pytest.raises(ConnectionAbortedError):
        await census.settle()
    assert sorted([(await now(one)).state for one in claims]) == ["confirmed"] * 2 + ["matched"] * 3
    monkeypatch.setattr(matching, "reconsider", real)
    assert await census.settle() == {"looked_at": 3}
    assert {(await now(one)).state for one in claims} == {ReferralState.CONFIRMED}
    subjects = [f"referral:{one.id}" for one in claims]
    assert await AuditEntry.filter(subject__in=subjects, action="referral.confirmed").count() == len(claims)
