"""Pushes and their leases, answers that cannot be written, stopped broadcasts, and the night."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta

import pytest

from server.gateways.wakeup import LocalWakeup
from server.gateways.wechat.outcomes import PushOutcome, PushState
from server.kernel import clock, metrics
from server.kernel.ids import new_id
from server.notices import claiming, endings, putting, sending, statistics
from server.notices.models import Broadcast, BroadcastState, Delivery, DeliveryState, Priority, PushPermission
from server.notices.post import Post
from server.notices.sending import Sender
from server.people.models import Person
from tests.harness import gateway
from tests.harness.gateway import WeChat
from tests.harness.standin import StandIn
from tests.harness.waiting import until
from tests.notices.carrying import DECIDED, PUSH, carried, message, reachable, state, told

pytestmark = pytest.mark.usefixtures("database")
SENDING, SENT, RETRYING, UNKNOWN, FAILED, CANCELLED = (
    DeliveryState.SENDING,
    DeliveryState.SENT,
    DeliveryState.RETRYING,
    DeliveryState.UNKNOWN,
    DeliveryState.FAILED_TECHNICAL,
    DeliveryState.CANCELLED,
)
AWAY = PushOutcome(PushState.AWAY)


@pytest.fixture(autouse=True)
async def fresh(standin: StandIn) -> None:
    """New, and by day."""
    standin.reset()
    await Delivery.all().delete()
    await PushPermission.all().delete()
    clock.move_to(at(12))


@pytest.fixture
async def wechat(standin: StandIn) -> AsyncIterator[WeChat]:
    async with gateway.opened(standin.base) as opened:
        yield opened


def at(hour: int, minute: int = 0, day: int = 0) -> datetime:
    here = clock.now().astimezone(clock.SHANGHAI).replace(hour=hour, minute=minute, second=0, microsecond=0)
    return (here + timedelta(days=day)).astimezone(UTC)


class Odd:
    """A WeChat that says something of a test's own, and notes to whom it was asked to write."""

    def __init__(self, says: Callable[[str], PushOutcome]) -> None:
        self._says = says
        self.asked: list[str] = []

    async def push(self, openid: str, _template: str, _page: str, _data: Mapping[str, str]) -> PushOutcome:
        self.asked.append(openid)
        return self._says(openid)


@contextlib.asynccontextmanager
async def meeting(odd: Odd, wechat: WeChat) -> AsyncIterator[None]:
    running = asyncio.create_task(Post(Sender(odd, wechat.service, "wx"), LocalWakeup(), 1, "odd").run())
    try:
        yield
    finally:
        running.cancel()
        await asyncio.wait([running])


async def come_to(deliveries: Iterable[Delivery], *states: DeliveryState) -> None:
    """Wait until pushes are in these states, one each."""

    async def there() -> bool:
        return [await state(one) for one in deliveries] == list(states)

    await until(there)


async def test_an_answer_that_cannot_be_written_keeps_no_other(wechat: WeChat, standin: StandIn) -> None:
    people = [await reachable(standin) for _ in range(4)]
    deliveries = [await told(person) for person in people]
    odd = Odd(lambda openid: PushOutcome(PushState.SENT, "\ud800" if openid == people[1].openid else openid))
    async with meeting(odd, wechat):
        await come_to(deliveries, SENT, SENDING, SENT, SENT)
    clock.move_to(clock.now() + endings.LEASE)
    await carried(wechat, [deliveries[1]], UNKNOWN)


async def test_an_error_of_our_own_counts_as_a_lost_answer(wechat: WeChat, standin: StandIn) -> None:
    delivery = await told(await reachable(standin))

    def fall(_openid: str) -> PushOutcome:
        raise RuntimeError("odd")

    odd = Odd(fall)
    for comes_to in (UNKNOWN, FAILED):
        async with meeting(odd, wechat):
            await come_to([delivery], comes_to)
        clock.move_to(clock.now() + endings.WAIT)
    assert len(odd.asked) == 2


async def test_nothing_is_handed_over_whose_lease_is_nearly_over(wechat: WeChat, standin: StandIn) -> None:
    people = [await reachable(standin) for _ in range(2)]
    deliveries = [await told(person) for person in people]

    def slow(openid: str) -> PushOutcome:
        if openid == people[0].openid:
            clock.move_to(clock.now() + endings.LEASE - timedelta(seconds=5))
        return PushOutcome(PushState.SENT, openid)

    odd = Odd(slow)
    async with meeting(odd, wechat):
        await come_to(deliveries, SENT, SENT)
    assert odd.asked == [person.openid for person in people]
    assert [one.attempts for one in deliveries] == [1, 2], "given back, and taken anew"


async def test_what_kills_its_senders_is_not_sent_for_ever(wechat: WeChat, standin: StandIn) -> None:
    delivery = await told(await reachable(standin))
    for lapse in range(endings.MOST_LAPSES + 1):
        assert (await claiming.claim([Priority.URGENT], "dead", 10)).pushes
        clock.move_to(clock.now() + endings.LEASE)
        await carried(wechat, [delivery], UNKNOWN if lapse < endings.MOST_LAPSES else FAILED)
        clock.move_to(clock.now() + endings.WAIT)
    assert (await state(delivery), delivery.refusal) == (FAILED, "unknown")
    assert standin.calls(PUSH) == 0


async def test_nothing_of_a_stopped_broadcast_is_tried_again(wechat: WeChat, standin: StandIn) -> None:
    people = [await reachable(standin) for _ in range(2)]
    deliveries = await broadcast(people)
    assert len((await claiming.claim([Priority.BULK], "dead", 10)).pushes) == 2
    for delivery, was in zip(deliveries, (UNKNOWN, RETRYING), strict=True):
        await Delivery.filter(id=delivery.id).update(state=was, due_at=clock.now())
    await Broadcast.all().update(state=BroadcastState.CANCELLED)
    await carried(wechat, deliveries, CANCELLED)
    assert standin.calls(PUSH) == 0
    left = [await PushPermission.get(person_id=person.id, template_id=DECIDED) for person in people]
    assert [(row.credited, row.reserved) for row in left] == [(0, 0), (1, 0)], "the first may have been used up"


async def broadcast(people: Iterable[Person]) -> list[Delivery]:
    row = await Broadcast.create(
        title="试", text="试", audience={}, author_id=new_id(), state=BroadcastState.DONE, created_at=clock.now()
    )
    said = [message(person, event_id=None, priority=Priority.BULK) for person in people]
    await putting.put(said, row.id)
    return [await Delivery.get(person_id=one.person_id, notice__broadcast_id=row.id) for one in said]


async def test_a_single_refusal_for_want_of_quota_stops_one_push(wechat: WeChat, standin: StandIn) -> None:
    people = [await reachable(standin) for _ in range(6)]
    deliveries = [await told(person, priority=Priority.BULK) for person in people]
    standin.fault(PUSH, errcode=45009, times=1)
    await carried(wechat, deliveries, SENT, RETRYING)
    assert [await state(one) for one in deliveries].count(SENT) == 5


async def test_a_lost_lease_is_set_aside_by_night(wechat: WeChat, standin: StandIn) -> None:
    people = [await reachable(standin) for _ in range(2)]
    worth = at(12, day=2)
    lost = await told(people[0], priority=Priority.USUAL, expires_at=worth)
    clock.move_to(at(21, 59))
    await claiming.claim([Priority.USUAL], "dead", 1)
    waits = await told(people[1], priority=Priority.USUAL, expires_at=worth)
    clock.move_to(at(22, 30))
    await carried(wechat, [lost], UNKNOWN)
    assert await state(waits) is DeliveryState.CREATED
    assert standin.calls(PUSH) == 0
    clock.move_to(at(7, 31, day=1))
    await carried(wechat, [lost, waits], SENT)


async def test_a_permission_given_by_night_serves_in_the_morning(standin: StandIn) -> None:
    person = await reachable(standin, times=2)
    held = {one: await told(person, priority=one) for one in (Priority.URGENT, Priority.USUAL)}
    await Delivery.all().update(state=DeliveryState.HELD)
    clock.move_to(at(23))
    await claiming.release_held(person.id, DECIDED)
    for priority, due in ((Priority.URGENT, clock.now()), (Priority.USUAL, at(7, 30, day=1))):
        await held[priority].refresh_from_db()
        ready_at = held[priority].ready_at
        assert ready_at
        assert held[priority].due_at == ready_at
        assert abs(ready_at - due) < timedelta(seconds=5)


async def test_a_retry_that_falls_into_the_night_is_of_the_morning(standin: StandIn) -> None:
    people = [await reachable(standin) for _ in range(2)]
    clock.move_to(at(21, 59) + timedelta(seconds=59))
    deliveries = [
        await told(person, priority=priority, expires_at=at(12, day=2))
        for person, priority in zip(people, (Priority.URGENT, Priority.USUAL), strict=True)
    ]
    taken = (await claiming.claim(list(Priority), "post", 10)).pushes
    assert await sending.note([sending.answered(push, AWAY) for push in taken], "post") == 2
    urgent, usual = [await Delivery.get(id=one.id) for one in deliveries]
    assert urgent.due_at
    assert urgent.due_at < at(22, 1)
    assert urgent.ready_at
    assert urgent.ready_at < at(22)
    assert usual.due_at == usual.ready_at == at(7, 30, day=1)


@pytest.mark.parametrize(("hour", "minute", "day", "late"), [(23, 30, 0, 0), (7, 20, 1, 0), (7, 40, 1, 600)])
async def test_by_night_only_what_is_urgent_is_late(
    standin: StandIn, hour: int, minute: int, day: int, late: int
) -> None:
    delivery = await told(await reachable(standin), priority=Priority.USUAL)
    await Delivery.filter(id=delivery.id).update(due_at=at(22, 30))
    clock.move_to(at(hour, minute, day))
    await statistics.refresh()
    told_ = metrics.exposition().decode().splitlines()
    [line] = [one for one in told_ if one.startswith('yizhitong_deliveries_late_seconds{priority="usual"}')]
    assert late <= float(line.rsplit(" ", 1)[1]) < late + 5
