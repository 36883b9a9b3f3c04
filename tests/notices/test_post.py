"""The post against the stand-in: what arrives, what is tried again, and what each trouble comes to."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from server.kernel import clock
from server.notices import claiming, endings, post, putting, sending
from server.notices.endings import Effect, Ending
from server.notices.models import Delivery, DeliveryState, Notice, Priority, PushPermission
from server.notices.weather import AWAY_AFTER
from server.people.models import Person, PersonState
from tests.harness import gateway
from tests.harness.gateway import WeChat
from tests.harness.standin import StandIn
from tests.harness.waiting import until
from tests.notices.carrying import (
    DECIDED,
    FOLLOWED,
    MINI,
    PUSH,
    allow,
    carried,
    carrying,
    follower,
    message,
    reachable,
    state,
    told,
)

pytestmark = pytest.mark.usefixtures("database")
SENT, HELD, RETRYING, UNKNOWN = (
    DeliveryState.SENT,
    DeliveryState.HELD,
    DeliveryState.RETRYING,
    DeliveryState.UNKNOWN,
)


@pytest.fixture(autouse=True)
async def fresh(standin: StandIn) -> None:
    """New, and by day: at night only what is urgent goes out."""
    standin.reset()
    await Delivery.all().delete()
    clock.move_to(clock.now().astimezone(clock.SHANGHAI).replace(hour=12))


@pytest.fixture
async def wechat(standin: StandIn) -> AsyncIterator[WeChat]:
    async with gateway.opened(standin.base) as opened:
        yield opened


async def left(person: Person) -> tuple[int, int]:
    """What our ledger has of somebody: credited and reserved."""
    row = await PushPermission.get(person_id=person.id, template_id=DECIDED)
    return row.credited, row.reserved


async def test_a_push_arrives_once_and_is_noted(wechat: WeChat, standin: StandIn) -> None:
    person = await reachable(standin)
    delivery = await told(person)
    await carried(wechat, [delivery])
    [arrived] = standin.messages(person.openid)
    assert {key: entry["value"] for key, entry in arrived["data"].items()} == MINI.data
    assert arrived["page"] == "pages/index/index"
    assert await state(delivery) is SENT
    assert (delivery.message_id, delivery.attempts, delivery.due_at) == (str(arrived["id"]), 1, None)
    assert delivery.handed_over_at
    assert await left(person) == (0, 0)


async def test_a_follower_is_told_by_the_service_account(wechat: WeChat, standin: StandIn) -> None:
    person = await follower(standin)
    delivery = await told(person, pushes=(FOLLOWED, MINI))
    await carried(wechat, [delivery])
    assert [one["side"] for one in standin.messages()] == ["service_account"]
    assert await state(delivery) is SENT


async def test_without_a_permission_it_waits_for_one_and_then_goes(wechat: WeChat, standin: StandIn) -> None:
    person = await reachable(standin, times=0)
    delivery = await told(person)
    await carried(wechat, [delivery], HELD)
    assert standin.calls(PUSH) == 0
    await delivery.refresh_from_db()
    assert (delivery.refusal, delivery.due_at) == ("no_permission", delivery.expires_at)
    await allow(standin, person)
    await claiming.release_held(person.id, DECIDED)
    await carried(wechat, [delivery], SENT)
    assert len(standin.messages(person.openid)) == 1


async def test_what_is_held_expires_unsent(wechat: WeChat, standin: StandIn) -> None:
    person = await reachable(standin, times=0)
    delivery = await told(person)
    await carried(wechat, [delivery], HELD)
    clock.move_to(clock.now() + timedelta(days=1, minutes=1))
    await carried(wechat, [delivery], DeliveryState.EXPIRED)


async def test_two_pushes_never_share_one_permission(wechat: WeChat, standin: StandIn) -> None:
    person = await reachable(standin, times=2)
    deliveries = [await told(person) for _ in range(5)]
    await carried(wechat, deliveries, SENT, HELD)
    assert [await state(one) for one in deliveries].count(SENT) == 2
    assert len(standin.messages(person.openid)) == standin.calls(PUSH) == 2
    assert await left(person) == (0, 0)


@pytest.mark.parametrize(
    ("fault", "refusal", "ended"),
    [
        ({"errcode": 43101}, "no_permission", DeliveryState.FAILED_PERMANENT),
        ({"errcode": 40003}, "unknown_person", DeliveryState.FAILED_PERMANENT),
        ({"errcode": 40037}, "unknown_template", DeliveryState.FAILED_TECHNICAL),
        ({"errcode": 41030}, "wrong_page", DeliveryState.FAILED_TECHNICAL),
        ({"errcode": 47003}, "bad_value", DeliveryState.FAILED_TECHNICAL),
    ],
)
async def test_a_final_refusal_is_not_tried_again(
    wechat: WeChat, standin: StandIn, fault: dict[str, Any], refusal: str, ended: DeliveryState
) -> None:
    person = await reachable(standin, times=3)
    standin.fault(PUSH, **fault)
    delivery = await told(person)
    await carried(wechat, [delivery], ended)
    assert (await state(delivery), delivery.refusal, delivery.attempts) == (ended, refusal, 1)
    assert standin.calls(PUSH) == 1
    assert await left(person) == ((0, 0) if refusal == "no_permission" else (3, 0))


@pytest.mark.parametrize("fault", [{"errcode": -1}, {"status": 502}, {"errcode": 45009}, {"errcode": 43117}])
async def test_what_passes_is_tried_again(wechat: WeChat, standin: StandIn, fault: dict[str, Any]) -> None:
    person = await reachable(standin)
    standin.fault(PUSH, **fault, times=1)
    delivery = await told(person)
    await carried(wechat, [delivery], RETRYING)
    assert await left(person) == (1, 1)
    clock.move_to(clock.now() + endings.LONGEST_PAUSE)
    await carried(wechat, [delivery], SENT)
    assert (await state(delivery), delivery.attempts) == (SENT, 2)
    assert len(standin.messages(person.openid)) == 1


async def test_after_four_hours_it_has_visibly_failed(wechat: WeChat, standin: StandIn) -> None:
    person = await reachable(standin)
    standin.fault(PUSH, errcode=-1)
    delivery = await told(person)
    await carried(wechat, [delivery], RETRYING)
    clock.move_to(clock.now() + endings.RETRIED_FOR)
    await carried(wechat, [delivery], DeliveryState.FAILED_TECHNICAL)
    assert (await state(delivery), delivery.refusal) == (DeliveryState.FAILED_TECHNICAL, "away")
    assert await left(person) == (1, 0)


@pytest.mark.parametrize("fault", [{"drop": True, "after": True}, {"html": True, "after": True}])
async def test_a_lost_answer_is_waited_for_and_then_sent_once_more(
    wechat: WeChat, standin: StandIn, fault: dict[str, Any]
) -> None:
    person = await reachable(standin, times=2)
    standin.fault(PUSH, **fault, times=1)
    delivery = await told(person)
    await carried(wechat, [delivery], UNKNOWN)
    assert await left(person) == (2, 1)
    await asyncio.sleep(0)
    assert standin.calls(PUSH) == 1
    clock.move_to(clock.now() + endings.WAIT)
    await carried(wechat, [delivery], SENT)
    assert (await state(delivery), delivery.again, delivery.attempts) == (SENT, True, 2)
    assert len(standin.messages(person.openid)) == 2, "the price of a lost answer, and no more"


async def test_a_second_lost_answer_is_the_last(wechat: WeChat, standin: StandIn) -> None:
    person = await reachable(standin, times=5)
    standin.fault(PUSH, drop=True)
    delivery = await told(person)
    await carried(wechat, [delivery], UNKNOWN)
    clock.move_to(clock.now() + endings.WAIT)
    await carried(wechat, [delivery], DeliveryState.FAILED_TECHNICAL)
    assert (await state(delivery), delivery.refusal, standin.calls(PUSH)) == (
        DeliveryState.FAILED_TECHNICAL,
        "unknown",
        2,
    )


async def test_a_stale_token_costs_nobody_a_push(wechat: WeChat, standin: StandIn) -> None:
    people = [await reachable(standin) for _ in range(3)]
    await carried(wechat, [await told(people[0])], SENT)
    standin.revoke()
    await carried(wechat, [await told(person) for person in people[1:]], SENT)
    assert len(standin.messages()) == 3


@pytest.mark.parametrize("gone", [PersonState.ERASED, PersonState.SUSPENDED, PersonState.DELETION_REQUESTED])
async def test_who_has_gone_meanwhile_is_not_pushed_to(wechat: WeChat, standin: StandIn, gone: PersonState) -> None:
    person = await reachable(standin)
    delivery = await told(person)
    await Person.filter(id=person.id).update(state=gone)
    await carried(wechat, [delivery], DeliveryState.CANCELLED)
    assert standin.calls(PUSH) == 0


async def test_a_push_whose_senders_die_is_sent_by_the_next(wechat: WeChat, standin: StandIn) -> None:
    person = await reachable(standin)
    delivery = await told(person)
    for _ in range(3):
        assert len((await claiming.claim([Priority.URGENT], "dead", 10)).pushes) == 1
        clock.move_to(clock.now() + endings.LEASE)
        await carried(wechat, [delivery], UNKNOWN)
        assert await left(person) == (1, 1)
        clock.move_to(clock.now() + endings.WAIT)
    await carried(wechat, [delivery], SENT)
    assert len(standin.messages(person.openid)) == 1
    assert await left(person) == (0, 0)


async def test_a_push_whose_senders_die_for_hours_has_visibly_failed(wechat: WeChat, standin: StandIn) -> None:
    person = await reachable(standin)
    delivery = await told(person)
    await claiming.claim([Priority.URGENT], "dead", 10)
    clock.move_to(clock.now() + endings.RETRIED_FOR)
    await carried(wechat, [delivery], DeliveryState.FAILED_TECHNICAL)
    assert (await state(delivery), delivery.refusal) == (DeliveryState.FAILED_TECHNICAL, "unknown")
    assert await left(person) == (0, 0), "it may have been used up"


@pytest.mark.parametrize("anew", [False, True])
async def test_an_answer_after_the_lease_counts_until_another_begins_anew(standin: StandIn, anew: bool) -> None:  # noqa: FBT001
    person = await reachable(standin)
    delivery = await told(person)
    [push] = (await claiming.claim([Priority.URGENT], "slow", 10)).pushes
    clock.move_to(clock.now() + endings.LEASE)
    await claiming.claim([Priority.URGENT], "other", 10)
    assert await state(delivery) is UNKNOWN
    if anew:
        clock.move_to(clock.now() + endings.WAIT)
        assert (await claiming.claim([Priority.URGENT], "slow", 10)).pushes
    late = sending.Answered(push, Ending(SENT, Effect.SPENT), "1", clock.now())
    assert await sending.note([late], "slow") == (0 if anew else 1)
    assert await state(delivery) is (DeliveryState.SENDING if anew else SENT)
    assert await left(person) == ((1, 1) if anew else (0, 0))


async def test_what_is_urgent_goes_first_and_has_slots_of_its_own(wechat: WeChat, standin: StandIn) -> None:
    """A crowd fills its lane, each taking a second; what somebody waits for is not behind them."""
    crowd = [await reachable(standin) for _ in range(8)]
    someone = await reachable(standin)
    bulk = [await told(person, priority=Priority.BULK) for person in crowd]
    standin.fault(PUSH, delay_ms=700)
    async with carrying(wechat, concurrency=2) as wakeup:

        async def begun() -> bool:
            return await Delivery.filter(id__in=[one.id for one in bulk], state=DeliveryState.SENDING).exists()

        await until(begun)
        delivery = await told(someone)
        await wakeup.notify()

        async def sent() -> bool:
            return await state(delivery) is SENT

        await until(sent)
        assert await Delivery.filter(id__in=[one.id for one in bulk], state=SENT).count() < len(bulk)
    assert [one["openid"] for one in standin.messages()].index(someone.openid) < len(crowd)


async def test_a_post_that_is_told_to_stop_loses_and_doubles_nothing(wechat: WeChat, standin: StandIn) -> None:
    people = [await reachable(standin) for _ in range(12)]
    deliveries = [await told(person) for person in people]
    standin.fault(PUSH, delay_ms=1000)
    async with carrying(wechat, concurrency=2):

        async def begun() -> bool:
            return bool(standin.messages())

        await until(begun)
    states = [await state(one) for one in deliveries]
    assert set(states) == {SENT, DeliveryState.CREATED}, "what was with WeChat is noted, the rest given back"
    assert states.count(SENT) == len(standin.messages())
    standin.fault(PUSH, delay_ms=1)
    await carried(wechat, deliveries, SENT)
    assert len(standin.messages()) == standin.calls(PUSH) == len(people)


async def test_while_wechat_is_away_few_try_and_all_go_afterwards(
    wechat: WeChat, standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(post, "PROBE_SECONDS", 0.5)
    monkeypatch.setattr(endings, "FIRST_PAUSE", timedelta(seconds=1))
    people = [await reachable(standin) for _ in range(60)]
    standin.fault(PUSH, errcode=-1)
    deliveries = [await told(person) for person in people]

    async def struck() -> bool:
        return standin.calls(PUSH) >= AWAY_AFTER + 2

    async with carrying(wechat, concurrency=2):
        await until(struck)
        waiting = await Delivery.filter(id__in=[one.id for one in deliveries], state=DeliveryState.CREATED).count()
        assert waiting > len(people) / 2
        standin.reset()
        for person in people:
            standin.do("codes", openid=person.openid)
            standin.allow(person.openid, DECIDED)

        async def all_sent() -> bool:
            return await Delivery.filter(id__in=[one.id for one in deliveries], state=SENT).count() == len(people)

        await until(all_sent, 30)
    assert len(standin.messages()) == len(people)


async def test_after_an_hour_away_the_queue_drains_in_order_of_urgency(
    wechat: WeChat, standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(post, "PROBE_SECONDS", 0.2)
    standin.fault(PUSH, errcode=-1)
    order = [Priority.BULK, Priority.DIGEST, Priority.USUAL] * 4
    people = [await reachable(standin) for _ in order]
    deliveries = [await told(person, priority=of) for person, of in zip(people, order, strict=True)]

    async def struck() -> bool:
        return standin.calls(PUSH) >= AWAY_AFTER

    async with carrying(wechat, concurrency=1):
        await until(struck)
    clock.move_to(clock.now() + timedelta(hours=1))
    standin.reset()
    for person in people:
        standin.allow(person.openid, DECIDED)
    async with gateway.opened(standin.base) as anew, carrying(anew, concurrency=1):

        async def all_sent() -> bool:
            return {await state(one) for one in deliveries} == {SENT}

        await until(all_sent, 30)
    by_openid = dict(zip([person.openid for person in people], order, strict=True))
    arrived = [by_openid[one["openid"]] for one in standin.messages()]
    assert arrived == sorted(arrived)


async def test_an_account_without_quota_is_left_alone_for_a_while(wechat: WeChat, standin: StandIn) -> None:
    people = [await reachable(standin) for _ in range(20)]
    standin.fault(PUSH, errcode=45009)
    deliveries = [await told(person, priority=Priority.BULK) for person in people]
    async with carrying(wechat, concurrency=2):

        async def put_off() -> bool:
            return {await state(one) for one in deliveries} == {RETRYING}

        await until(put_off)
    assert standin.calls(PUSH) <= 4
    assert {one.refusal for one in deliveries} == {"quota"}
    morning = {one.due_at and one.due_at.astimezone(clock.SHANGHAI).isoformat()[11:16] for one in deliveries}
    assert morning == {"07:30"}


async def test_a_night_is_left_alone_but_for_what_is_urgent(wechat: WeChat, standin: StandIn) -> None:
    night = clock.now().astimezone(clock.SHANGHAI).replace(hour=23, minute=30) + timedelta(days=1)
    person = await reachable(standin, times=2)
    usual = await told(person, priority=Priority.USUAL, expires_at=night + timedelta(days=2))
    urgent = await told(person, expires_at=night + timedelta(days=2))
    clock.move_to(night)
    await carried(wechat, [urgent], SENT)
    assert await state(usual) is DeliveryState.CREATED
    clock.move_to(night + timedelta(hours=9))
    await carried(wechat, [usual], SENT)


async def test_one_message_of_an_event_for_one_person_however_often_it_is_put(standin: StandIn) -> None:
    person = await reachable(standin)
    said = message(person)
    assert [await putting.put([said]) for _ in range(2)] == [1, 0]
    made = await asyncio.gather(*(putting.put([message(person, event_id=said.event_id), said]) for _ in range(5)))
    assert sum(made) == 0
    assert await Notice.filter(person_id=person.id).count() == await Delivery.filter(person_id=person.id).count() == 1
