"""What becomes of an enrolment: which way leads where, from which day, and who is told."""

from datetime import date

import pytest
from tortoise.backends.base.client import BaseDBAsyncClient

from server.enrolments import life, sealed, service
from server.enrolments.life import Move, Shown, Step
from server.enrolments.models import Enrolment, EnrolmentState
from server.kernel.audit import AuditEntry
from server.kernel.errors import DomainError
from server.kernel.ids import new_id
from server.kernel.outbox import Event
from server.organisations.models import Organisation
from server.organisations.roles import Kind, Role
from server.students.models import Student
from server.students.sealed import number_of
from tests.factories import make_member, make_organisation
from tests.referrals.receiving_world import DOCUMENT, STARTS, World, at, make_world
from tests.students.numbers import REGIONS

pytestmark = pytest.mark.usefixtures("database")
WAYS = {
    Step.SUSPEND: ({"registered"}, "suspended"),
    Step.RESUME: ({"suspended"}, "registered"),
    Step.WITHDRAW: ({"listed", "registered", "suspended"}, "withdrawn"),
    Step.GRADUATE: ({"registered"}, "graduated"),
    Step.VOID: ({"listed", "registered", "suspended", "graduated", "withdrawn", "transferred"}, "void"),
}


@pytest.fixture
async def world(database: BaseDBAsyncClient) -> World:
    assert database
    at(10, 10)
    return await make_world()


@pytest.fixture
async def listed(world: World) -> Enrolment:
    return await world.lists(world.named, await world.student())


def on(day: date) -> Move:
    return Move(new_id(), day)


async def faults(enrolment: Enrolment, move: Move) -> list[tuple[str, str]]:
    with pytest.raises(DomainError) as refused:
        await life.step(enrolment.id, Step.WITHDRAW, move)
    return [(fault.pointer, fault.code) for fault in refused.value.faults]


@pytest.mark.parametrize("step", Step)
@pytest.mark.parametrize("state", EnrolmentState)
async def test_every_step_leads_from_its_states_to_one_and_names_any_other(
    world: World, listed: Enrolment, step: Step, state: EnrolmentState
) -> None:
    await Enrolment.filter(id=listed.id).update(state=state)
    before, after = WAYS[step]
    if state in before:
        assert (await life.step(listed.id, step, Move(world.clerk))).state == after
        entry = await AuditEntry.filter(subject=f"enrolment:{listed.id}").order_by("-id").first()
        assert entry
        assert (entry.actor_id, entry.before, entry.after) == (world.clerk, state, after)
        assert [one.state for one in await service.statuses(listed.id)] == ["listed", after]
        return
    with pytest.raises(DomainError) as refused:
        await life.step(listed.id, step, Move(world.clerk))
    assert (refused.value.slug, refused.value.status) == ("enrolment_state", 409)
    assert refused.value.facts == {"state": f"enrolment_{state}"}


async def test_a_day_lies_between_the_first_and_today(listed: Enrolment) -> None:
    assert await faults(listed, on(date(2026, 10, 11))) == [("/on", "day_to_come")]
    assert await faults(listed, on(date(2026, 8, 31))) == [("/on", "day_before_entry")]
    await life.step(listed.id, Step.WITHDRAW, on(STARTS))
    assert (await service.statuses(listed.id))[-1].effective_on == STARTS


async def test_without_a_day_it_holds_from_today_or_the_first_one_to_come(world: World, listed: Enrolment) -> None:
    await life.step(listed.id, Step.WITHDRAW, Move(world.clerk))
    assert (await service.statuses(listed.id))[-1].effective_on == date(2026, 10, 10)
    at(8, 1)
    early = await world.lists(world.named, await world.student())
    await life.step(early.id, Step.WITHDRAW, Move(world.clerk))
    assert (await service.statuses(early.id))[-1].effective_on == STARTS


async def test_what_is_void_never_was(world: World, listed: Enrolment) -> None:
    await life.step(listed.id, Step.VOID, Move(world.clerk, date(2026, 10, 9)))
    assert (await service.statuses(listed.id))[-1].effective_on == STARTS


class TestRegistering:
    """With evidence from outside."""

    async def test_with_a_number_of_the_students_own(self, world: World, listed: Enrolment) -> None:
        number = f"G{number_of(await Student.get(id=listed.student_id)).reveal()}"
        await life.register(listed.id, Shown(number, "", REGIONS), Move(world.clerk))
        found = await Enrolment.get(id=listed.id)
        kept = sealed.record_number_of(found)
        assert kept
        assert (found.state, kept.reveal()) == ("registered", number)
        entry = await AuditEntry.get(subject=f"enrolment:{listed.id}", action="enrolment.registered")
        assert entry.fields == ["record_number"]
        assert number[1:] not in str(await AuditEntry.filter(id=entry.id).values())

    async def test_without_any_or_with_anothers_it_is_refused(self, world: World, listed: Enrolment) -> None:
        other = number_of(await world.student()).reveal()
        for shown, codes in [
            (Shown(None, "", REGIONS), ["record_missing"] * 2),
            (Shown(f"G{other}", "名册", REGIONS), ["record_number_other"]),
        ]:
            with pytest.raises(DomainError) as refused:
                await life.register(listed.id, shown, Move(world.clerk))
            assert [fault.code for fault in refused.value.faults] == codes
        assert (await Enrolment.get(id=listed.id)).state is EnrolmentState.LISTED

    async def test_at_one_school_at_a_time(self, world: World, listed: Enrolment) -> None:
        student = await Student.get(id=listed.student_id)
        there = await world.lists(world.other, student, evidence=DOCUMENT)
        shown = Shown(None, "名册第2页", REGIONS)
        for step in (None, Step.SUSPEND):
            if step:
                await life.step(there.id, step, Move(world.clerk))
            with pytest.raises(DomainError) as refused:
                await life.register(listed.id, shown, Move(world.clerk))
            assert (refused.value.slug, refused.value.facts) == ("registered_elsewhere", {})
        await life.step(there.id, Step.WITHDRAW, Move(world.clerk))
        assert (await life.register(listed.id, shown, Move(world.clerk))).state is EnrolmentState.REGISTERED


class TestTransfer:
    """To another school, or out of the group."""

    async def test_the_receiving_school_has_them_on_its_list_and_is_told(self, world: World) -> None:
        clerk = await make_member(world.other, Role.CLERK)
        first = await world.lists(world.named, await world.student(), evidence=DOCUMENT)
        second = await world.transfers(first, world.other, date(2026, 10, 1))
        same = ("student_id", "year", "intake", "level", "repeating")
        assert [getattr(second, name) for name in same] == [getattr(first, name) for name in same]
        assert (second.state, second.entered_on, second.record_document) == ("listed", date(2026, 10, 1), "")
        assert sealed.name_of(second) == sealed.name_of(first)
        assert (await Enrolment.get(id=first.id)).state is EnrolmentState.TRANSFERRED
        [event] = await Event.filter(subject=f"enrolment:{second.id}")
        assert (event.name, event.people) == ("enrolment.listed", [str(clerk.person_id)])

    async def test_only_to_another_verified_member_of_the_group(self, world: World, listed: Enrolment) -> None:
        lapsed = await make_organisation(Kind.VOCATIONAL_SCHOOL, state="lapsed")
        left = await make_organisation(Kind.VOCATIONAL_SCHOOL, member_until=date(2026, 8, 31))
        for to in (world.named.id, world.feeder.id, lapsed.id, left.id, new_id()):
            with pytest.raises(DomainError) as refused:
                await life.transfer(listed.id, to, Move(world.clerk))
            assert [(one.pointer, one.code) for one in refused.value.faults] == [("/to", "school_to_transfer_to")]

    async def test_out_of_the_group_nobody_goes_on(self, world: World, listed: Enrolment) -> None:
        await life.transfer(listed.id, None, Move(world.clerk, reason="转往外省"))
        found = await Enrolment.get(id=listed.id)
        assert (found.state, found.successor_id) == ("transferred", None)


async def test_a_school_that_is_not_verified_says_nothing(world: World, listed: Enrolment) -> None:
    await Organisation.filter(id=world.named.id).update(state="suspended")
    with pytest.raises(DomainError, match="organisation_state"):
        await life.step(listed.id, Step.WITHDRAW, Move(world.clerk))
