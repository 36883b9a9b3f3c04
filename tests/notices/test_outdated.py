"""Of one thing people are pushed what is so now: nothing older takes its permission, follows it, or is sent again."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from server.kernel import clock
from server.kernel.errors import DomainError
from server.kernel.ids import new_id
from server.notices import claiming, deliveries, permissions, putting
from server.notices.models import Delivery, DeliveryState, Priority
from server.people.models import Person
from tests.factories import make_event, make_person
from tests.notices.carrying import DECIDED, message, told
from tests.notices.ledgering import credit

pytestmark = pytest.mark.usefixtures("database")
URGENT, USUAL = Priority.URGENT, Priority.USUAL
CANCELLED, HELD, RETRYING, UNKNOWN = (
    DeliveryState.CANCELLED,
    DeliveryState.HELD,
    DeliveryState.RETRYING,
    DeliveryState.UNKNOWN,
)
THING = "engagement:1"


@pytest.fixture(autouse=True)
async def alone(database: object) -> None:
    """By day, and with nothing else to take."""
    assert database
    await Delivery.all().delete()
    clock.move_to(at(12))


def at(hour: int, days: int = 0) -> datetime:
    return clock.now().astimezone(clock.SHANGHAI).replace(hour=hour, minute=30) + timedelta(days=days)


async def of(person: Person, **values: Any) -> Delivery:
    """A push about one and the same thing."""
    return await told(person, **{"subject": THING, **values})


async def permit(person: Person, times: int = 1) -> None:
    """What the event that somebody accepted comes to."""
    await credit(person.id, times, DECIDED)
    await claiming.release_held(person.id, DECIDED)


async def taken(*priorities: Priority) -> set[UUID]:
    return {push.id for push in (await claiming.claim(priorities or (URGENT, USUAL), "test", 100)).pushes}


async def ended(*rows: Delivery) -> list[tuple[DeliveryState, str, bool]]:
    found = {one.id: one for one in await Delivery.filter(id__in=[row.id for row in rows])}
    return [(found[row.id].state, found[row.id].refusal, found[row.id].reserved) for row in rows]


async def test_the_only_permission_goes_to_the_cancellation() -> None:
    person = await make_person()
    accepted = await of(person)
    assert await taken() == set()
    cancelled = await of(person)
    assert await taken() == set()
    assert {state for state, *_ in await ended(accepted, cancelled)} == {HELD}
    await permit(person)
    assert await taken() == {cancelled.id}
    assert await ended(accepted) == [(CANCELLED, "superseded", False)]
    await permit(person)
    assert await taken() == set()


async def test_who_is_hired_at_night_is_not_told_in_the_morning_that_they_wait() -> None:
    person = await make_person()
    await permit(person, 3)
    clock.move_to(at(23))
    waiting = await of(person, priority=USUAL)
    assert await taken() == set()
    moved_up = await of(person)
    assert await taken() == {moved_up.id}
    clock.move_to(at(8, days=1))
    assert await taken() == set()
    assert await ended(waiting) == [(CANCELLED, "superseded", False)]


async def test_what_waits_for_its_next_try_gives_its_permission_to_what_is_so_now() -> None:
    person = await make_person()
    await permit(person)
    before = await of(person)
    assert await taken() == {before.id}
    await Delivery.filter(id=before.id).update(state=RETRYING, due_at=clock.now() + timedelta(minutes=1))
    now = await of(person)
    assert await taken() == set()
    assert (await ended(now))[0][0] is HELD
    clock.move_to(clock.now() + timedelta(minutes=2))
    assert await taken() == set()
    assert await ended(before) == [(CANCELLED, "superseded", False)]
    assert await taken() == {now.id}
    assert (await permissions.left(person.id))[DECIDED].left == 0


async def test_what_may_have_arrived_is_not_sent_again_and_its_permission_is_spent() -> None:
    person = await make_person()
    await permit(person)
    before = await of(person)
    assert await taken() == {before.id}
    await Delivery.filter(id=before.id).update(state=UNKNOWN, due_at=clock.now())
    now = await of(person)
    assert await taken() == set()
    assert await ended(before, now) == [
        (DeliveryState.FAILED_TECHNICAL, "unknown", False),
        (HELD, "no_permission", False),
    ]


async def test_what_happened_last_counts_whatever_was_put_first_into_the_inbox() -> None:
    person = await make_person()
    await permit(person, 2)
    first, second = [await make_event("thing.so", subject=THING, people=[str(person.id)]) for _ in range(2)]
    clock.move_to(clock.now() + timedelta(minutes=5))
    later = await of(person, event_id=second.id)
    clock.move_to(clock.now() + timedelta(minutes=5))
    earlier = await of(person, event_id=first.id, priority=USUAL)
    assert await taken() == {later.id}
    assert await ended(earlier) == [(CANCELLED, "superseded", False)]


async def test_another_thing_another_person_and_what_is_about_many_things_go() -> None:
    one, other = await make_person(), await make_person()
    await permit(one, 4)
    await permit(other)
    many = [await of(one, subject="") for _ in range(2)]
    about = [await of(one), await of(one, subject="engagement:2"), await of(other)]
    assert await taken() == {row.id for row in (*many, *about)}


async def test_a_permission_wakes_one_push_and_the_newest_of_what_is_urgent() -> None:
    person = await make_person()
    things = [(URGENT, 1), (URGENT, 2), (USUAL, 3)]
    rows = [await of(person, priority=priority, subject=f"engagement:{number}") for priority, number in things]
    assert await taken() == set()
    await permit(person)
    assert await taken(USUAL) == set()  # in whatever order the lanes come
    assert await taken() == {rows[1].id}
    await permit(person)
    assert await taken() == {rows[0].id}
    await credit(person.id, 1, DECIDED, long_term=True)
    await claiming.release_held(person.id, DECIDED)
    assert await taken() == {rows[2].id}


@pytest.mark.parametrize("was", [CANCELLED, DeliveryState.FAILED_TECHNICAL, DeliveryState.EXPIRED])
async def test_nobody_sends_again_what_is_no_longer_so(was: DeliveryState) -> None:
    person = await make_person()
    before = await of(person)
    await Delivery.filter(id=before.id).update(state=was, due_at=None, template="application")
    await putting.put([message(person, subject=THING, pushes=())])  # that says so in the inbox alone
    with pytest.raises(DomainError, match="delivery_superseded"):
        await deliveries.resend(before.id, new_id())
