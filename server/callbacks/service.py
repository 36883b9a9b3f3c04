"""Keeping what WeChat tells, each once, and working on it afterwards."""

import hashlib
import json
from collections.abc import Awaitable, Callable, Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from tortoise.exceptions import IntegrityError

from server.callbacks import events, pushes
from server.callbacks.models import Account, WeChatEvent
from server.callbacks.ports import Event, ServiceAccount
from server.kernel import clock
from server.kernel.jobs import queue
from server.kernel.transactions import transaction
from server.notices import receipts
from server.people import followers

KIND = "wechat_event"
"""The kind of job that works on one event, unless it is a receipt."""
KEPT = timedelta(days=30)
"""How long events stay, worked on or not; a repetition comes within seconds, and calls stay fresh for minutes."""

SOON = timedelta(seconds=1)
"""How long a receipt lies first, which may overtake our own note of what it is about, and what cannot be done yet."""
PATIENCE = timedelta(minutes=10)
"""How long what cannot be done yet is looked at again, ever more seldom; a push is on its way for half a minute."""

Work = Callable[[WeChatEvent, ServiceAccount], Awaitable[bool]]
"""Does what an event asks for; may be done again. False where it cannot be done yet."""


async def take(account: Account, event: Event, wakeup: queue.Wakeup) -> bool:
    """Keep `event` and have it worked on; False where it is known already.

    Not for use inside a transaction: PostgreSQL would abort that with the refused row.
    """
    try:
        await _keep(account, event, wakeup)
    except IntegrityError:
        return False
    return True


async def work(payload: Mapping[str, Any], service_account: ServiceAccount) -> Mapping[str, Any] | None:
    """Do what the event of a job asks for; may be done again. Raises DomainError 503 where WeChat is away."""
    event = await WeChatEvent.get_or_none(id=payload["event"], handled_at=None)
    if event is None:
        return None
    done, age = await WORKS[event.account, event.name](event, service_account), clock.now() - event.received_at
    if not done and age < PATIENCE:
        await queue.enqueue(_kind(event.name), payload, at=clock.now() + max(age, SOON))
        return {"later": event.name}
    await _handled(event)
    return {"handled": event.name}


@transaction
async def prune() -> int:
    """Delete events that came long ago and return how many; whose work never got done by then is past helping."""
    return await WeChatEvent.filter(received_at__lt=clock.now() - KEPT).delete()


@transaction
async def forget(openids: Collection[str]) -> None:
    """Delete every event of those openids; work that still waits for one finds nothing to do."""
    await WeChatEvent.filter(openid__in=openids).delete()


@transaction
async def _keep(account: Account, event: Event, wakeup: queue.Wakeup) -> None:
    """Put the event into the table, and its job where there is work for it."""
    now, has_work = clock.now(), (account, event.name) in WORKS
    kept = await WeChatEvent.create(
        account=account,
        fingerprint=fingerprint(account, event.payload),
        name=event.name,
        openid=event.openid,
        payload=_payload(account, event, now),
        received_at=now,
        handled_at=None if has_work else now,
    )
    if has_work:
        begins = now + SOON if event.name in RECEIPTS else now
        await queue.enqueue(_kind(event.name), {"event": str(kept.id)}, at=begins, wakeup=wakeup)


def _kind(name: str) -> str:
    """Return the kind of job for an event: receipts, of which a broadcast brings thousands, have one of their own."""
    return receipts.KIND if name in RECEIPTS else KIND


@transaction
async def _handled(event: WeChatEvent) -> None:
    await WeChatEvent.filter(id=event.id).update(handled_at=clock.now())


def fingerprint(account: Account, payload: Mapping[str, Any]) -> str:
    """Return what a repetition has in common with the first: a message's id, of an event all that it says.

    All of an event, because WeChat gives it no id, and two may happen to one person within a second.
    """
    said = {"MsgId": payload["MsgId"]} if payload.get("MsgId") else payload
    return hashlib.sha256(json.dumps([account, said], sort_keys=True).encode()).hexdigest()


def _payload(account: Account, event: Event, now: datetime) -> dict[str, Any]:
    """Return what is kept: when it happened, which is not later than now, and what it says of pushes."""
    happened_at = min(event.created_at, now)
    return {"happened_at": happened_at.isoformat(), "results": events.results(account, event.name, event.payload)}


async def _follow(event: WeChatEvent, service_account: ServiceAccount) -> bool:
    """Note that someone follows, also where WeChat cannot be asked at once who it is."""
    at = datetime.fromisoformat(event.payload["happened_at"])
    if await followers.note(event.openid, following=True, at=at):
        found = await service_account.follower(event.openid)
        if found.unionid:
            await followers.identify(event.openid, found.unionid)
    return True


async def _unfollow(event: WeChatEvent, _service_account: ServiceAccount) -> bool:
    at = datetime.fromisoformat(event.payload["happened_at"])
    await followers.note(event.openid, following=False, at=at)
    return True


RECEIPTS = frozenset({"subscribe_msg_sent_event", "TEMPLATESENDJOBFINISH"})
WORKS: Mapping[tuple[Account, str], Work] = {
    (Account.SERVICE_ACCOUNT, "subscribe"): _follow,
    (Account.SERVICE_ACCOUNT, "unsubscribe"): _unfollow,
    (Account.SERVICE_ACCOUNT, "TEMPLATESENDJOBFINISH"): pushes.finished,
    (Account.MINI_PROGRAM, "subscribe_msg_popup_event"): pushes.asked,
    (Account.MINI_PROGRAM, "subscribe_msg_change_event"): pushes.changed,
    (Account.MINI_PROGRAM, "subscribe_msg_sent_event"): pushes.sent,
}
"""What is done about an event; of any other the row alone is kept."""
