"""Permissions are counted right whoever asks at one moment, and in few statements however many ask."""

import asyncio
from datetime import timedelta

import pytest

from server.kernel import clock
from server.kernel.ids import new_id
from server.kernel.transactions import transaction
from server.notices import permissions
from server.notices.models import PermissionChange, PermissionEntry, PushPermission
from server.notices.permissions import Left
from tests.harness.statements import sent
from tests.notices.ledgering import TEMPLATE, Asking, credit, reserve, row_of

pytestmark = pytest.mark.usefixtures("database")


async def test_of_many_who_ask_at_one_moment_as_many_go_as_there_are_permissions() -> None:
    person = new_id()
    await credit(person, 7)
    batches = [[Asking(person), Asking(new_id()), Asking(person)] for _ in range(15)]
    granted = set().union(*await asyncio.gather(*map(reserve, batches)))
    assert len(granted) == 7
    assert (await row_of(person)).reserved == 7
    assert await reserve([Asking(person)]) == set()


async def test_batches_in_any_order_never_wait_in_a_circle() -> None:
    people = [new_id() for _ in range(20)]
    forward = [Asking(person, template) for person in people for template in ("one", "two")]
    batches = [forward if number % 2 else forward[::-1] for number in range(20)]
    async with asyncio.timeout(30):
        assert set().union(*await asyncio.gather(*map(reserve, batches))) == set()
    assert await PushPermission.filter(person_id__in=people).count() == 40


async def test_a_repeated_event_credits_once() -> None:
    person = new_id()
    told = await asyncio.gather(*(permissions.credit(person, TEMPLATE, "event:twenty", clock.now()) for _ in range(20)))
    assert (sorted(told), (await row_of(person)).credited) == ([False] * 19 + [True], 1)


async def test_a_permission_that_comes_while_a_push_is_held_waits_for_the_push_to_be_written() -> None:
    """Else the push would be held for good, beside a permission for it."""
    person, order, asked = new_id(), [], asyncio.Event()

    @transaction
    async def find_none() -> None:
        assert await reserve([Asking(person)]) == set()
        asked.set()
        await asyncio.sleep(0.1)
        order.append("held")

    async def give() -> None:
        await asked.wait()
        await credit(person)
        order.append("credited")

    await asyncio.gather(find_none(), give())
    assert order == ["held", "credited"]


async def test_a_batch_takes_as_many_statements_as_one() -> None:
    counts = []
    for number in (8, 80):
        pushes = [Asking(new_id(), f"template-{place % 3}") for place in range(number)]
        for push in pushes:
            await credit(push.person_id, 2, push.template_id)
        with sent() as statements:
            assert len(await reserve(pushes)) == number
            await permissions.change_many(spend=pushes[::2], release=pushes[1::4], zero=pushes[3::4])
        counts.append(len(statements))
    assert counts[0] == counts[1] <= 11


async def test_a_refusal_leaves_what_is_on_its_way_and_what_came_since() -> None:
    person, now = new_id(), clock.now()
    await credit(person, 5, at=now - timedelta(minutes=5))
    first, second = Asking(person), Asking(person)
    await reserve([first, second])
    await credit(person, 2, at=now + timedelta(seconds=2))
    await permissions.change_many(zero=[first])
    row = await row_of(person)
    assert (row.credited, row.reserved) == (3, 1)
    await permissions.change_many(spend=[second])
    assert (await permissions.left(person))[TEMPLATE].left == 2


async def test_a_long_term_template_is_not_used_up_until_it_is_turned_off() -> None:
    person = new_id()
    await credit(person, long_term=True)
    pushes = [Asking(person) for _ in range(5)]
    assert len(await reserve(pushes)) == 5
    await permissions.change_many(spend=pushes[:3])
    assert (await permissions.left(person))[TEMPLATE].long_term
    await permissions.withdraw(person, TEMPLATE, "event:off", clock.now() + timedelta(seconds=1))
    row = await row_of(person)
    assert (row.long_term, row.credited, row.reserved) == (False, 2, 2)
    await permissions.change_many(spend=pushes[3:])
    assert await reserve([Asking(person)]) == set()


async def test_what_was_withdrawn_later_stays_so_in_whatever_order_one_hears_of_it() -> None:
    person, now = new_id(), clock.now()
    assert await permissions.withdraw(person, TEMPLATE, "event:withdrawn", now)
    assert not await permissions.withdraw(person, TEMPLATE, "event:withdrawn", now)
    await credit(person, at=now - timedelta(seconds=3))
    await credit(person, at=now - timedelta(seconds=3), long_term=True)
    row = await row_of(person)
    assert (row.credited, row.long_term) == (0, False)
    await credit(person, at=now + timedelta(seconds=3))
    await permissions.withdraw(person, TEMPLATE, "event:heard-late", now + timedelta(seconds=1))
    assert (await row_of(person)).credited == 1


async def test_the_clients_word_is_expected_and_never_spent() -> None:
    person = new_id()
    for _ in range(permissions.MOST_HINTS + 3):
        await permissions.hint(person, [TEMPLATE, "other"])
    assert await reserve([Asking(person)]) == set()
    assert await permissions.left(person) == {
        TEMPLATE: Left(0, permissions.MOST_HINTS), "other": Left(0, permissions.MOST_HINTS)
    }  # fmt: skip
    await credit(person, 2)
    assert (await permissions.left(person))[TEMPLATE] == Left(2, permissions.MOST_HINTS - 2)
    clock.move_to(clock.now() + permissions.HINTED_FOR + timedelta(minutes=1))
    assert (await permissions.left(person))[TEMPLATE] == Left(2)


async def test_of_who_has_gone_nothing_is_left_and_nothing_fails() -> None:
    person = new_id()
    await credit(person, 2)
    pushes = [Asking(person), Asking(person)]
    await reserve(pushes)
    await permissions.forget(person)
    await permissions.change_many(spend=pushes[:1])
    await permissions.change_many(release=pushes[1:])
    await permissions.change_many(zero=pushes[1:])
    assert not await PushPermission.exists(person_id=person)
    assert await PermissionEntry.filter(person_id=person, change=PermissionChange.SPENT).count() == 0
