"""Messages put into inboxes, and a post that carries them to the stand-in in this process."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable
from datetime import timedelta
from typing import Any

from server import secrets
from server.gateways.wakeup import LocalWakeup
from server.kernel import clock
from server.kernel.ids import new_id
from server.notices import permissions, putting
from server.notices.facts import Message, Push
from server.notices.models import Delivery, DeliveryState, Priority, Service
from server.notices.post import Post
from server.notices.sending import Sender
from server.notices.texts import Template
from server.people.models import Follower, Person
from tests.factories import make_person
from tests.harness.gateway import WeChat
from tests.harness.standin import StandIn
from tests.harness.waiting import until

PUSH = "/cgi-bin/message/subscribe/send"
SERVICE_PUSH = "/cgi-bin/message/template/send"
DECIDED, REVIEW = "standin-referral-decided", "standin-service-review"
UNDER_WAY = {DeliveryState.CREATED, DeliveryState.SENDING, DeliveryState.RETRYING, DeliveryState.UNKNOWN}


def template(service: Service = Service.MINI_PROGRAM, id_: str | None = DECIDED) -> Template:
    ids: Any = {"development": id_, "production": None}
    return Template(name=f"test-{service}", service=service, note="试", ids=ids, keys={"thing1": "what"})


MINI = Push(template(), {"thing1": "推荐", "phrase2": "通过", "date3": "2026年9月1日"})
FOLLOWED = Push(
    template(Service.SERVICE_ACCOUNT, REVIEW),
    {"thing1": "待审", "character_string2": "A-1", "time3": "2026-09-01 10:00"},
)


def message(person: Person, **values: Any) -> Message:
    """What one person is told; of the mini-program, urgent and worth a day if nothing else is said."""
    said: dict[str, Any] = {
        "kind": "test.person",
        "version": "2026-11-0",
        "subject": f"thing:{new_id()}",
        "title": "试",
        "text": "试一试",
        "page": "pages/index/index",
        "priority": Priority.URGENT,
        "expires_at": clock.now() + timedelta(days=1),
        "pushes": (MINI,),
        "event_id": new_id(),
    }
    return Message(person_id=person.id, **{**said, **values})


async def allow(standin: StandIn, person: Person, times: int = 1) -> None:
    """Let somebody accept so many pushes, as WeChat knows and as our ledger does."""
    standin.do("codes", openid=person.openid)
    if times:
        standin.allow(person.openid, DECIDED, times)
    for _ in range(times):
        await permissions.credit(person.id, DECIDED, str(new_id()), clock.now() - timedelta(minutes=1))


async def reachable(standin: StandIn, times: int = 1) -> Person:
    person = await make_person()
    await allow(standin, person, times)
    return person


async def follower(standin: StandIn) -> Person:
    """Somebody who follows the service account."""
    person = await make_person(unionid=f"union-{new_id()}")
    openid = f"follower-{person.openid}"[:64]
    standin.follower(openid, unionid=person.unionid)
    await Follower.create(openid=openid, unionid=person.unionid, following=True, changed_at=clock.now())
    return person


async def told(person: Person, **values: Any) -> Delivery:
    """Put one message into somebody's inbox and return its push."""
    said = message(person, **values)
    await putting.put([said])
    return await Delivery.get(notice__event_id=said.event_id, person_id=person.id)


@contextlib.asynccontextmanager
async def carrying(wechat: WeChat, concurrency: int = 10, name: str = "post") -> AsyncIterator[LocalWakeup]:
    """A post at work; notify what it yields to have it look at once."""
    wakeup = LocalWakeup()
    sender = Sender(wechat.mini, wechat.service, secrets.DEVELOPMENT_MINI_PROGRAM.appid)
    running = asyncio.create_task(Post(sender, wakeup, concurrency, name).run())
    try:
        yield wakeup
    finally:
        running.cancel()
        await asyncio.wait([running])


async def state(delivery: Delivery) -> DeliveryState:
    await delivery.refresh_from_db()
    return DeliveryState(delivery.state)


async def carried(wechat: WeChat, deliveries: Iterable[Delivery], *states: DeliveryState) -> None:
    """Let a post work until each of these is in one of `states`, or has ended where none is named."""
    ids = [delivery.id for delivery in deliveries]

    async def there() -> bool:
        found = {DeliveryState(one.state) for one in await Delivery.filter(id__in=ids).only("state")}
        return found <= set(states) if states else not found & UNDER_WAY

    async with carrying(wechat):
        await until(there)
