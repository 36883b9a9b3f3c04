"""Who left, or was removed, is pushed nothing more of what they heard of as a member; everybody else is."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import UUID

import pytest

from server.gateways.wechat.outcomes import PushOutcome, PushState
from server.kernel import clock
from server.kernel.ids import new_id
from server.kernel.outbox import Event
from server.notices import catalogue, claiming, facts, leaving, putting, sending
from server.notices.models import Delivery, DeliveryState, Priority, PushPermission
from server.notices.sorting import Push
from server.organisations import memberships
from server.organisations.models import Membership, Organisation
from server.organisations.roles import Kind, Role
from server.people.models import Person
from tests.factories import make_event, make_member, make_organisation, make_person
from tests.harness import statements
from tests.harness.funding import make_budget, make_fund
from tests.harness.referring import make_claim, make_import
from tests.notices.ledgering import credit

pytestmark = pytest.mark.usefixtures("database")
ALL = tuple(Priority)
CANCELLED = DeliveryState.CANCELLED
LEFT = (CANCELLED, leaving.LEFT, False)


@pytest.fixture(autouse=True)
async def alone(database: object) -> None:
    """By day, and with nothing else to take."""
    assert database
    await Delivery.all().delete()
    clock.move_to(clock.now().astimezone(clock.SHANGHAI).replace(hour=12, minute=30))


async def told(event: Event) -> dict[UUID, Delivery]:
    """Put what is said of an event into inboxes; return the pushes by person."""
    await putting.put(await facts.messages([event], catalogue.in_force()))
    return {one.person_id: one for one in await Delivery.filter(notice__event_id=event.id)}


async def disputed(school: Organisation, *people: UUID) -> dict[UUID, Delivery]:
    subject = f"referral:{(await make_claim(school)).id}"
    return await told(await make_event("referral.disputed", subject=subject, people=[str(one) for one in people]))


async def permit(push: Delivery, times: int = 1) -> None:
    """What the event that somebody accepted comes to."""
    await credit(push.person_id, times, push.template_id)
    await claiming.release_held(push.person_id, push.template_id)


async def taken() -> list[Push]:
    return (await claiming.claim(ALL, "test", 100)).pushes


async def ended(push: Delivery) -> tuple[DeliveryState, str, bool]:
    now = await Delivery.get(id=push.id)
    return now.state, now.refusal, now.reserved


async def leave(membership: Membership, by: Membership | None = None) -> None:
    clock.move_to(clock.now() + timedelta(seconds=1))
    await memberships.end(membership.id, by=(by or membership).person_id)
    clock.move_to(clock.now() + timedelta(seconds=1))


async def elsewhere(person: Person) -> None:
    """Have somebody leave another organisation, so that it is asked what still concerns them."""
    await leave(await make_member(await make_organisation(), Role.CLERK, person))


async def test_who_was_removed_is_not_pushed_what_waited_for_a_permission_which_goes_to_what_is_theirs() -> None:
    school, other = await make_organisation(), await make_organisation()
    manager, clerk = await make_member(school, Role.MANAGER), await make_member(school, Role.CLERK)
    await make_member(other, Role.CLERK, await clerk.person)
    kept = (await disputed(other, clerk.person_id))[clerk.person_id]
    waits = (await disputed(school, clerk.person_id, manager.person_id))[clerk.person_id]
    assert await taken() == []
    assert (await ended(waits))[0] is (await ended(kept))[0] is DeliveryState.HELD
    await leave(clerk, manager)
    await permit(waits)
    assert await taken() == []
    assert await ended(waits) == LEFT
    assert [one.id for one in await taken()] == [kept.id], "the permission was free, and let the other come up"
    row = await PushPermission.get(person_id=clerk.person_id, template_id=kept.template_id)
    assert (row.credited, row.reserved) == (1, 1)


async def test_that_they_were_removed_they_are_told_all_the_same() -> None:
    school = await make_organisation()
    manager, clerk = await make_member(school, Role.MANAGER), await make_member(school, Role.CLERK)
    await leave(clerk, manager)
    removed = await Event.get(name="membership.ended", subject=f"membership:{clerk.id}")
    push = (await told(removed))[clerk.person_id]
    await permit(push)
    assert [one.id for one in await taken()] == [push.id]


async def test_what_comes_back_from_wechat_after_they_left_is_not_sent_again() -> None:
    school = await make_organisation()
    manager, clerk = await make_member(school, Role.MANAGER), await make_member(school, Role.CLERK)
    push = (await disputed(school, clerk.person_id))[clerk.person_id]
    await permit(push)
    [going] = await taken()
    await leave(clerk, manager)
    await sending.note([sending.answered(going, PushOutcome(PushState.AWAY))], "test")
    assert await ended(push) == (DeliveryState.RETRYING, "away", True)
    clock.move_to(clock.now() + timedelta(hours=1))
    assert await taken() == []
    assert await ended(push) == LEFT
    row = await PushPermission.get(person_id=clerk.person_id, template_id=push.template_id)
    assert (row.credited, row.reserved) == (1, 0)


async def test_who_leaves_while_pushes_are_taken_gets_none_after_that() -> None:
    school = await make_organisation()
    manager = await make_member(school, Role.MANAGER)
    clerks = [await make_member(school, Role.CLERK) for _ in range(8)]
    pushes = await disputed(school, *(one.person_id for one in clerks))
    for push in pushes.values():
        await credit(push.person_id, 2, push.template_id)
    ways = (claiming.claim(ALL, f"test-{at}", 1) for at in range(3))
    ends = (memberships.end(one.id, by=manager.person_id) for one in clerks)
    await asyncio.gather(*ways, *ends)
    sending_now = await Delivery.filter(state=DeliveryState.SENDING).count()
    assert sending_now <= 3
    assert await taken() == []
    assert await Delivery.filter(state=CANCELLED, refusal=leaving.LEFT).count() == len(clerks) - sending_now
    for push in pushes.values():
        row = await PushPermission.get(person_id=push.person_id, template_id=push.template_id)
        assert row.reserved == (await Delivery.get(id=push.id)).reserved


async def of_organisation(school: Organisation) -> tuple[str, str]:
    return "organisation.lapse_near", f"organisation:{school.id}"


async def of_request(school: Organisation) -> tuple[str, str]:
    asked = await memberships.request(school.id, (await make_person()).id)
    return "membership.requested", f"membership:{asked.id}"


async def of_import(school: Organisation) -> tuple[str, str]:
    return "import.finished", f"import:{(await make_import(school)).id}"


@pytest.mark.parametrize("about", [of_organisation, of_request, of_import])
async def test_whatever_it_is_about_it_goes_to_who_stays_alone(
    about: Callable[[Organisation], Awaitable[tuple[str, str]]],
) -> None:
    school = await make_organisation()
    manager, goes = await make_member(school, Role.MANAGER), await make_member(school, Role.MANAGER)
    name, subject = await about(school)
    people = [str(one.person_id) for one in (manager, goes)]
    pushes = await told(await make_event(name, subject=subject, people=people))
    await elsewhere(await manager.person)
    await make_member(await make_organisation(), Role.CLERK, await goes.person)
    await leave(goes, manager)
    for push in pushes.values():
        await permit(push)
    assert [one.id for one in await taken()] == [pushes[manager.person_id].id]
    assert await ended(pushes[goes.person_id]) == LEFT


async def test_what_names_no_organisation_goes_to_whoever_still_acts_for_one() -> None:
    office, school = await make_organisation(Kind.SECRETARIAT), await make_organisation()
    finance = [await make_member(office, Role.FINANCE) for _ in range(2)]
    clerks = [await make_member(school, Role.CLERK) for _ in range(2)]
    budget = await make_budget(await make_fund(f"p-{new_id().hex[:20]}"), 100)
    for name, subject, (stays, goes) in (
        ("fund.run_out", f"fund:{budget.fund_id}", finance),
        ("budget.unclosed", f"budget:{budget.id}", finance),
        ("budget.requeued", f"budget:{budget.id}", clerks),
        ("window.opening", "window:2026-autumn", clerks),
    ):
        await Membership.filter(id=goes.id).update(ended_at=None)
        people = [str(one.person_id) for one in (stays, goes)]
        pushes = await told(await make_event(name, subject=subject, people=people))
        await elsewhere(await stays.person)
        await leave(goes)
        for push in pushes.values():
            await permit(push)
        assert [one.id for one in await taken()] == [pushes[stays.person_id].id], name
        assert await ended(pushes[goes.person_id]) == LEFT


async def test_what_cannot_be_judged_is_not_sent_and_keeps_nothing_else_back(monkeypatch: pytest.MonkeyPatch) -> None:
    school = await make_organisation()
    left, stays = [await make_member(school, Role.CLERK) for _ in range(2)]
    pushes = await disputed(school, left.person_id, stays.person_id)
    await elsewhere(await left.person)
    for push in pushes.values():
        await permit(push)

    async def broken(_ids: object) -> object:
        raise ValueError

    monkeypatch.setattr("server.organisations.current.acting", broken)
    assert [one.id for one in await taken()] == [pushes[stays.person_id].id]
    assert await ended(pushes[left.person_id]) == LEFT


async def test_where_nobody_left_nothing_more_is_asked_and_long_ago_counts_no_more() -> None:
    school = await make_organisation()
    strangers, clerks = [await make_person() for _ in range(2)], [await make_member(school, Role.CLERK) for _ in (1, 2)]
    await Membership.filter(id=clerks[0].id).update(ended_at=clock.now() - leaving.LATELY - timedelta(days=1))
    seen = [await _claimed([one.id for one in strangers]), await _claimed([one.person_id for one in clerks])]
    assert seen[0] == seen[1]
    await elsewhere(await clerks[0].person)
    assert seen[0] < await _claimed([one.person_id for one in clerks])


async def _claimed(people: list[UUID]) -> int:
    """How many statements it takes to take pushes to people, who are told of their own affairs."""
    for person in people:
        link = f"student_link:{new_id()}"
        kind = catalogue.in_force().kinds["student_link.confirmed"]["person"]
        event = await make_event("student_link.confirmed", subject=link, people=[str(person)])
        said = facts.message(kind, person, {"relation": "self"}, event.created_at, subject=link, event_id=event.id)
        await putting.put([said])
        push = await Delivery.get(notice__event_id=event.id)
        await credit(person, 1, push.template_id)
    with statements.sent() as seen:
        assert await taken()
    return len(seen)
