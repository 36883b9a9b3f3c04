"""What WeChat says afterwards closes the loop, in whatever order it comes, and never about another's push."""

from datetime import timedelta
from typing import Any

import pytest

from server.kernel import clock
from server.notices import permissions, receipts
from server.notices.endings import NO_PERMISSION
from server.notices.models import Delivery, DeliveryState, Service
from server.notices.receipts import BLOCKED, NOT_DELIVERED, Receipt
from server.people.models import Follower, Person
from tests.factories import make_delivery, make_notice, make_person
from tests.notices.ledgering import TEMPLATE, credit, row_of

pytestmark = pytest.mark.usefixtures("database")
SENDING, SENT, UNKNOWN, DELIVERED = (
    DeliveryState.SENDING,
    DeliveryState.SENT,
    DeliveryState.UNKNOWN,
    DeliveryState.DELIVERED,
)


def receipt(person: Person, message_id: str, **values: Any) -> Receipt:
    said = {"service": Service.MINI_PROGRAM, "openid": person.openid, "template_id": TEMPLATE, "at": clock.now()}
    return Receipt(message_id=message_id, **{**said, **values})


async def pushed(person: Person, state: DeliveryState, **values: Any) -> Delivery:
    return await make_delivery(await make_notice(person.id), TEMPLATE, state=state, **values)


async def now(*pushes: Delivery) -> list[DeliveryState]:
    for push in pushes:
        await push.refresh_from_db()
    return [DeliveryState(push.state) for push in pushes]


async def test_a_push_is_known_by_its_name() -> None:
    person, at = await make_person(), clock.now().replace(microsecond=0)
    first, second = [await pushed(person, SENT, message_id=f"known-{number}") for number in (1, 2)]
    assert await receipts.settle(receipt(person, "known-2", at=at))
    assert await now(first, second) == [SENT, DELIVERED]
    assert (second.delivered_at, second.due_at) == (at, None)
    assert await receipts.settle(receipt(person, "known-2", failure=NOT_DELIVERED))
    assert await now(second) == [DELIVERED]


@pytest.mark.parametrize(
    ("failure", "state"), [(BLOCKED, DeliveryState.FAILED_PERMANENT), (NOT_DELIVERED, DeliveryState.FAILED_TECHNICAL)]
)
async def test_what_did_not_arrive_has_visibly_failed(failure: str, state: DeliveryState) -> None:
    person = await make_person()
    push = await pushed(person, SENT, message_id=f"failed-{failure}")
    assert await receipts.settle(receipt(person, f"failed-{failure}", failure=failure))
    assert (await now(push), push.refusal, push.delivered_at) == ([state], failure, None)


async def test_of_a_lost_answer_the_receipt_takes_the_place_and_the_permission_is_spent() -> None:
    person = await make_person()
    await credit(person.id, 2)
    push = await pushed(person, UNKNOWN, reserved=True, due_at=clock.now() + timedelta(minutes=2))
    assert await permissions.change_many(reserve=[push]) == {push.id}
    assert await receipts.settle(receipt(person, "lost-1"))
    assert (await now(push), push.message_id, push.reserved, push.due_at) == ([DELIVERED], "lost-1", False, None)
    assert push.handed_over_at
    row = await row_of(person.id)
    assert (row.credited, row.reserved) == (1, 0)


async def test_while_one_is_being_sent_nobody_else_is_taken_for_it() -> None:
    person = await make_person()
    lost, flying = await pushed(person, UNKNOWN), await pushed(person, SENDING)
    assert not await receipts.settle(receipt(person, "flying"))
    assert await now(lost, flying) == [UNKNOWN, SENDING]
    await Delivery.filter(id=flying.id).update(state=SENT, message_id="flying")
    assert await receipts.settle(receipt(person, "flying"))
    assert await now(lost, flying) == [UNKNOWN, DELIVERED]
    assert await receipts.settle(receipt(person, "lost"))
    assert await now(lost) == [DELIVERED]


async def test_where_answers_bear_no_name_what_was_sent_comes_first_and_of_that_the_nearest() -> None:
    person, at = await make_person(), clock.now()
    lost = await pushed(person, UNKNOWN, state_since=at)
    late, early = [await pushed(person, SENT, state_since=at - timedelta(minutes=ago)) for ago in (1, 9)]
    for number, ago in enumerate((9, 1, 5)):
        assert await receipts.settle(receipt(person, f"nameless-{number}", at=at - timedelta(minutes=ago)))
    assert await now(early, late, lost) == [DELIVERED] * 3
    assert [one.message_id for one in (early, late, lost)] == ["nameless-0", "nameless-1", "nameless-2"]


async def test_of_lost_answers_that_is_meant_which_was_lost_at_about_the_moment() -> None:
    person, at = await make_person(), clock.now()
    before, meant = [await pushed(person, UNKNOWN, state_since=at - timedelta(minutes=ago)) for ago in (20, 1)]
    assert await receipts.settle(receipt(person, "nearest", at=at - timedelta(minutes=1, seconds=5)))
    assert await now(before, meant) == [UNKNOWN, DELIVERED]


async def test_a_number_that_wechat_gives_twice_means_the_newest_push_of_that_person() -> None:
    person, other = await make_person(), await make_person()
    old, new = [await pushed(person, SENT, message_id="twice") for _ in range(2)]
    anothers = await pushed(other, SENT, message_id="twice")
    followed = await pushed(person, SENT, message_id="twice", service=Service.SERVICE_ACCOUNT)
    assert await receipts.settle(receipt(person, "twice"))
    assert await now(old, new, anothers, followed) == [SENT, DELIVERED, SENT, SENT]


@pytest.mark.parametrize("reserved", [False, True])
async def test_a_receipt_that_says_no_permission_is_left_empties_the_ledger(reserved: bool) -> None:  # noqa: FBT001
    person = await make_person()
    await credit(person.id, 3, at=clock.now() - timedelta(minutes=1))
    push = await pushed(person, UNKNOWN if reserved else SENT, reserved=reserved, message_id="refused")
    await permissions.change_many(reserve=[push])
    if not reserved:
        await permissions.change_many(spend=[push])
    assert await receipts.settle(receipt(person, "refused", failure=NO_PERMISSION))
    row = await row_of(person.id)
    assert (await now(push), row.credited, row.reserved) == ([DeliveryState.FAILED_PERMANENT], 0, 0)


@pytest.mark.parametrize(
    ("given_up", "state"),
    [
        ({"state": DeliveryState.FAILED_TECHNICAL, "refusal": "unknown"}, DELIVERED),
        ({"state": DeliveryState.FAILED_PERMANENT, "refusal": "no_permission", "again": True}, DELIVERED),
        ({"state": DeliveryState.FAILED_PERMANENT, "refusal": "no_permission"}, DeliveryState.FAILED_PERMANENT),
        ({"state": DeliveryState.EXPIRED}, DeliveryState.EXPIRED),
        ({"state": DeliveryState.RETRYING, "refusal": "away"}, DeliveryState.RETRYING),
    ],
)
async def test_what_was_given_up_for_want_of_an_answer_may_have_arrived(
    given_up: dict[str, Any], state: DeliveryState
) -> None:
    person = await make_person()
    push = await pushed(person, **given_up)
    assert await receipts.settle(receipt(person, f"late-{push.id}"))
    assert await now(push) == [state]


async def test_a_receipt_is_about_nobody_elses_push() -> None:
    person, other = await make_person(), await make_person()
    push = await pushed(person, UNKNOWN)
    for one in (
        receipt(other, "x"),
        receipt(person, "x", template_id="another"),
        receipt(person, "x", service=Service.SERVICE_ACCOUNT, template_id=None),
        receipt(person, "x", openid="nobody-knows-them"),
    ):
        assert await receipts.settle(one)
    assert await now(push) == [UNKNOWN]


async def test_a_follower_is_known_by_their_union_id() -> None:
    person = await make_person(unionid="union-receipts")
    await Follower.create(openid="follower-receipts", unionid=person.unionid, following=True, changed_at=clock.now())
    push = await pushed(person, UNKNOWN, service=Service.SERVICE_ACCOUNT)
    about = receipt(person, "s-1", service=Service.SERVICE_ACCOUNT, openid="follower-receipts", template_id=None)
    assert await receipts.settle(about)
    assert await now(push) == [DELIVERED]
