"""Claims and enrolments meet: whichever comes second, wherever the student went, whatever the names."""

from datetime import date

import pytest
from tortoise.backends.base.client import BaseDBAsyncClient

from server.enrolments.life import Step
from server.enrolments.models import Enrolment, Intake, MatchVerdict
from server.kernel.audit import AuditEntry
from server.kernel.errors import DomainError
from server.kernel.outbox import Event
from server.organisations import group
from server.organisations.group import Period
from server.organisations.models import Organisation
from server.organisations.roles import Role
from server.people.service import Decider
from server.referrals import attendance, census, receiving
from server.referrals.attendance import Confirmed
from server.referrals.models import Referral, ReferralState
from server.referrals.terms import schools, terms
from tests.factories import make_member, make_person
from tests.harness import statements
from tests.harness.referring import make_student
from tests.referrals.receiving_world import DOCUMENT, World, at, line, make_world, now, reconsider, stands
from tests.students.numbers import number_of

pytestmark = pytest.mark.usefixtures("database")
OTHER_NAME = "欧阳鸢"


@pytest.fixture
async def world(database: BaseDBAsyncClient) -> World:
    assert database
    at(9, 10)
    return await make_world()


async def history(claim: Referral) -> list[str]:
    rows = await AuditEntry.filter(subject=f"referral:{claim.id}").order_by("id")
    return [row.action.removeprefix("referral.") for row in rows]


async def test_it_makes_no_difference_which_side_comes_second(world: World) -> None:
    early, late = await world.student(), await world.student()
    before = await world.lists(world.named, early)
    first, second = await world.claims(early), await world.claims(late)
    assert await stands(second) == ("registered", None, [])
    after = await world.lists(world.named, late)
    assert await stands(first) == ("matched", before.id, [])
    assert await stands(second) == ("matched", after.id, [])
    assert await history(second) == ["matched"]


async def test_the_school_that_sent_the_student_is_told(world: World) -> None:
    clerk = await make_member(world.feeder, Role.CLERK)
    claim = await world.claims(student := await world.student())
    await world.lists(world.named, student)
    [event] = await Event.filter(subject=f"referral:{claim.id}")
    assert (event.name, event.people) == ("referral.matched", [str(clerk.person_id)])


async def test_looking_again_changes_nothing(world: World) -> None:
    claim = await world.claims(student := await world.student())
    await world.lists(world.other, student)
    before, told = await Referral.filter(id=claim.id).values(), await history(claim)
    for _ in range(3):
        await reconsider(student)
    assert await Referral.filter(id=claim.id).values() == before
    assert await history(claim) == told


async def test_another_school_than_the_one_named_is_flagged_and_matches(world: World) -> None:
    claim = await world.claims(student := await world.student())
    there = await world.lists(world.other, student)
    assert await stands(claim) == ("matched", there.id, ["other_school"])
    assert not (await now(claim)).needs_check


async def test_the_named_school_is_preferred_then_who_is_registered(world: World) -> None:
    claim = await world.claims(student := await world.student())
    unnamed = await world.claims(nobody := await world.student(), named_school=None)
    for one in (student, nobody):
        await world.lists(world.named, one)
    elsewhere = [await world.lists(world.other, one, evidence=DOCUMENT) for one in (student, nobody)]
    assert (await now(claim)).enrolment_id not in {one.id for one in elsewhere}
    assert await stands(unnamed) == ("matched", elsewhere[1].id, [])


async def test_who_repeats_a_year_was_sent_by_nobody(world: World) -> None:
    claim = await world.claims(student := await world.student())
    await world.lists(world.named, student, repeating=True)
    assert await stands(claim) == ("registered", None, [])


async def test_another_year_does_not_match(world: World) -> None:
    claim = await world.claims(student := await world.student())
    await world.lists(world.named, student, year=2027)
    assert await stands(claim) == ("registered", None, [])


@pytest.mark.parametrize(
    ("step", "matched"), [(Step.SUSPEND, True), (Step.GRADUATE, True), (Step.WITHDRAW, False), (Step.VOID, False)]
)
async def test_before_the_census_a_claim_follows_the_enrolment(world: World, step: Step, *, matched: bool) -> None:
    claim = await world.claims(student := await world.student())
    there = await world.lists(world.named, student, evidence=DOCUMENT)
    await world.says(there, step, reason="核对后更正")
    assert await stands(claim) == (("matched", there.id, []) if matched else ("registered", None, []))


async def test_a_transfer_keeps_the_one_claim(world: World) -> None:
    claim = await world.claims(student := await world.student())
    first = await world.lists(world.named, student, evidence=DOCUMENT)
    second = await world.transfers(first, world.other)
    assert await stands(claim) == ("matched", second.id, ["other_school"])
    third = await world.transfers(second, world.named)
    assert await stands(claim) == ("matched", third.id, [])
    await world.transfers(third, None)
    assert await stands(claim) == ("registered", None, [])


async def test_a_transfer_meets_the_list_that_has_the_student_already(world: World) -> None:
    claim = await world.claims(student := await world.student())
    first = await world.lists(world.named, student, evidence=DOCUMENT)
    known = await world.lists(world.other, student)
    assert (await world.transfers(first, world.other)).id == known.id
    assert (await now(claim)).enrolment_id == known.id
    assert await Enrolment.filter(student=student).count() == 2


class TestNames:
    """Names that differ go to a human."""

    @pytest.fixture
    async def pair(self, world: World) -> tuple[Referral, Enrolment]:
        student = await world.student()
        claim = await world.claims(student)
        return claim, await world.lists(world.named, student, OTHER_NAME)

    async def judge(self, pair: tuple[Referral, Enrolment], verdict: MatchVerdict, by: Decider | None = None) -> None:
        claim, enrolment = pair
        by = by or Decider((await make_person()).id, "已核对户口簿")
        await receiving.judge(enrolment.id, claim.id, verdict, by)

    async def test_they_are_flagged_and_do_not_match(self, pair: tuple[Referral, Enrolment]) -> None:
        claim, enrolment = pair
        assert await stands(claim) == ("registered", enrolment.id, ["name_differs"])
        assert (await now(claim)).needs_check

    async def test_the_same_matches(self, pair: tuple[Referral, Enrolment]) -> None:
        await self.judge(pair, MatchVerdict.SAME)
        assert await stands(pair[0]) == ("matched", pair[1].id, [])
        assert not (await now(pair[0])).needs_check
        note = await AuditEntry.get(subject=f"enrolment:{pair[1].id}", action="enrolment.match_decided")
        assert (note.before, note.after, note.reason) == ("", "same", "已核对户口簿")

    async def test_different_never_matches_with_this_one_but_with_another(
        self, world: World, pair: tuple[Referral, Enrolment]
    ) -> None:
        claim, enrolment = pair
        await self.judge(pair, MatchVerdict.DIFFERENT)
        assert await stands(claim) == ("registered", None, [])
        student = await enrolment.student
        there = await world.lists(world.other, student)
        assert await stands(claim) == ("matched", there.id, ["other_school"])

    async def test_another_word_undoes_it(self, pair: tuple[Referral, Enrolment]) -> None:
        await self.judge(pair, MatchVerdict.SAME)
        await self.judge(pair, MatchVerdict.DIFFERENT)
        assert await stands(pair[0]) == ("registered", None, [])
        await self.judge(pair, MatchVerdict.SAME)
        assert (await now(pair[0])).state is ReferralState.MATCHED

    async def test_the_word_goes_with_the_student_to_another_school(
        self, world: World, pair: tuple[Referral, Enrolment]
    ) -> None:
        await self.judge(pair, MatchVerdict.SAME)
        there = await world.transfers(pair[1], world.other)
        assert (await now(pair[0])).enrolment_id == there.id

    async def test_a_school_whose_list_agrees_is_matched_meanwhile(
        self, world: World, pair: tuple[Referral, Enrolment]
    ) -> None:
        there = await world.lists(world.other, await pair[1].student)
        assert await stands(pair[0]) == ("matched", there.id, ["other_school"])

    async def test_who_has_to_do_with_either_school_decides_nothing(
        self, world: World, pair: tuple[Referral, Enrolment]
    ) -> None:
        for school in (world.feeder, world.named):
            member = await make_member(school, Role.CLERK)
            with pytest.raises(DomainError, match="decides_for_own"):
                await self.judge(pair, MatchVerdict.SAME, Decider(member.person_id, "认识"))

    async def test_a_word_on_another_claim_takes_nothing_from_the_one_that_lives_by_it(
        self, world: World, pair: tuple[Referral, Enrolment]
    ) -> None:
        claim, enrolment = pair
        student = await claim.student
        beside = await world.claims(student, "欧阳元", school=world.rival, state=ReferralState.LAPSED)
        await self.judge(pair, MatchVerdict.SAME)
        with pytest.raises(DomainError, match="match_in_use"):
            await self.judge((beside, enrolment), MatchVerdict.SAME)
        assert await stands(claim) == ("matched", enrolment.id, [])
        await self.judge(pair, MatchVerdict.DIFFERENT)
        await self.judge((beside, enrolment), MatchVerdict.DIFFERENT)

    async def test_it_is_asked_only_where_there_is_something_to_decide(
        self, world: World, pair: tuple[Referral, Enrolment]
    ) -> None:
        by = Decider((await make_person()).id, "核对")
        agreed = await world.claims(other := await world.student())
        there = await world.lists(world.named, other)
        with pytest.raises(DomainError, match="names_agree"):
            await receiving.judge(there.id, agreed.id, MatchVerdict.SAME, by)
        with pytest.raises(DomainError) as refused:
            await receiving.judge(there.id, pair[0].id, MatchVerdict.SAME, by)
        assert [fault.code for fault in refused.value.faults] == ["claim_of_another"]
        await Referral.filter(id=pair[0].id).update(state=ReferralState.WITHDRAWN)
        with pytest.raises(DomainError, match="referral_state"):
            await receiving.judge(pair[1].id, pair[0].id, MatchVerdict.SAME, by)


class TestLists:
    """What becomes of a line."""

    async def test_the_same_again_does_nothing(self, world: World) -> None:
        student = await world.student()
        lines = [line(student), line(student)]
        first = await receiving.list_many(world.named.id, lines, by=world.clerk)
        again = await receiving.list_many(world.named.id, lines[:1], by=world.clerk)
        assert [one.outcome for one in (*first, *again)] == ["accepted", "repeated", "repeated"]
        assert len({one.enrolment_id for one in (*first, *again)}) == 1

    async def test_a_list_with_evidence_registers_who_was_only_listed(self, world: World) -> None:
        student = await world.student()
        listed = await world.lists(world.named, student)
        [result] = await receiving.list_many(world.named.id, [line(student, evidence=DOCUMENT)], by=world.clerk)
        found = await Enrolment.get(id=listed.id)
        assert (result.outcome, result.enrolment_id) == ("accepted", listed.id)
        assert (found.state, found.record_document, found.version) == ("registered", DOCUMENT.document, 2)

    async def test_who_is_registered_elsewhere_is_listed_with_a_remark_and_registered_nowhere_else(
        self, world: World
    ) -> None:
        student = await world.student()
        await world.lists(world.named, student, evidence=DOCUMENT)
        lines = [line(student, evidence=DOCUMENT), line(student)]
        refused, warned = await receiving.list_many(world.other.id, lines, by=world.clerk)
        assert (refused.outcome, refused.enrolment_id) == ("refused", None)
        assert warned.outcome == "warning"
        told = [(one.field, one.code, dict(one.facts)) for one in (*refused.remarks, *warned.remarks)]
        assert told == [("id_number", "registered_elsewhere", {})] * 2
        with pytest.raises(DomainError, match="registered_elsewhere"):
            await world.lists(world.rival, student, evidence=DOCUMENT)

    async def test_a_name_unlike_the_one_known_is_told(self, world: World) -> None:
        student = await world.student()
        [result] = await receiving.list_many(world.named.id, [line(student, OTHER_NAME)], by=world.clerk)
        assert (result.outcome, [one.code for one in result.remarks]) == ("warning", ["name_unlike_known"])

    async def test_a_school_that_is_not_verified_lists_nobody(self, world: World) -> None:
        await type(world.named).filter(id=world.named.id).update(state="suspended")
        with pytest.raises(DomainError, match="organisation_state"):
            await world.lists(world.named, await world.student())


async def test_a_year_that_is_over_stays_as_it_is_unless_somebody_decides(world: World) -> None:
    claim = await world.claims(student := await world.student())
    there = await world.lists(world.named, student)
    at(9, 1, 2027)
    await world.says(there, Step.WITHDRAW, date(2026, 10, 1))
    assert (await now(claim)).state is ReferralState.MATCHED
    with pytest.raises(DomainError, match="year_closed"):
        await receiving.terms(2026, Intake.AUTUMN)
    await reconsider(student, decided=True)
    assert (await now(claim)).state is ReferralState.LAPSED


async def lists_and_matches(count: int) -> int:
    """How many statements it takes to list so many students and match the half of them that is claimed."""
    world = await make_world()
    students = [await make_student(number_of(date(2011, 5, 5))) for _ in range(count)]
    claims = [await world.claims(student) for student in students[::2]]
    lines = [line(student) for student in students]
    with statements.sent() as seen:
        results = await receiving.list_many(world.named.id, lines, by=world.clerk)
    assert {one.outcome for one in results} == {"accepted"}
    assert await Referral.filter(id__in=[one.id for one in claims], state="matched").count() == len(claims)
    return len(seen)


async def test_however_many_they_are_it_takes_as_many_statements(world: World) -> None:
    assert world
    few = await lists_and_matches(2)
    assert await lists_and_matches(200) == few
    assert few < 30


class TestOutsideTheGroup:
    """A vocational school that is no member of the group has students like any other, but they count for nobody."""

    async def test_its_students_bring_nothing_until_it_joins(self, world: World) -> None:
        claim = await world.claims(student := await world.student())
        await Organisation.filter(id=world.other.id).update(member_since=None)
        there = await world.lists(world.other, student, evidence=DOCUMENT)
        assert await stands(claim) == ("registered", None, [])
        by = Decider((await make_person()).id, "理事会决议")
        for period, expected in (
            (Period(date(2026, 9, 1)), ("matched", there.id, ["other_school"])),
            (Period(date(2026, 9, 2)), ("registered", None, [])),
            (Period(date(2019, 1, 1), date(2026, 9, 1)), ("matched", there.id, ["other_school"])),
            (Period(date(2019, 1, 1), date(2026, 8, 31)), ("registered", None, [])),
        ):
            await group.set_period(world.other.id, period, by)
            await census.settle_school(world.other.id)
            assert await stands(claim) == expected

    async def test_who_is_transferred_to_it_left_the_group(self, world: World) -> None:
        claim = await world.claims(student := await world.student())
        first = await world.lists(world.named, student, evidence=DOCUMENT)
        at(10, 10)
        second = await world.transfers(first, world.other, date(2026, 10, 8))
        assert await stands(claim) == ("matched", second.id, ["other_school"])
        await Organisation.filter(id=world.other.id).update(member_until=date(2026, 10, 7))
        await census.settle_school(world.other.id)
        assert await stands(claim) == ("registered", None, [])
        assert await attendance.absent([Confirmed(claim.id, student.id, 2026, Intake.AUTUMN, first.id)]) == {claim.id}

    async def test_nobody_is_sent_there(self, world: World) -> None:
        await Organisation.filter(id=world.other.id).update(member_since=date(2026, 9, 2))
        both = {str(world.named.id), str(world.other.id)}
        assert both.intersection((await terms(2026, Intake.AUTUMN)).schools) == {str(world.named.id)}
        assert both.issubset((await terms(2027, Intake.SPRING)).schools)
        assert both.issubset(await schools()), "it has joined since"
        await Organisation.filter(id=world.other.id).update(member_since=None)
        assert both.intersection(await schools()) == {str(world.named.id)}
