"""Messages put into inboxes, each with the push that its person can get."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from server.kernel import bulk, clock
from server.kernel.ids import new_id
from server.kernel.statements import identity, returned
from server.kernel.transactions import transaction
from server.notices import quiet
from server.notices.facts import Message, Push
from server.notices.models import Delivery, DeliveryState, Notice, Service
from server.people.models import PersonState

AT_ONCE = 500
NO_TEMPLATE = "no_template"
_ERASED = frozenset({PersonState.ERASED, PersonState.RESTRICTED})
_PEOPLE = """
SELECT p.id, p.state, EXISTS (SELECT 1 FROM follower f WHERE f.unionid = p.unionid AND f.following) AS follows
FROM person p WHERE p.id = ANY($1)"""
_MADE = "SELECT id FROM notice WHERE id = ANY($1)"

_environment = "development"


def use(environment: str) -> None:
    """Say where this process runs, by which each template has its id: `development` or `production`."""
    global _environment  # noqa: PLW0603 -- a process runs in one place
    _environment = environment


def environment() -> str:
    """Return where this process runs."""
    return _environment


async def put(messages: Sequence[Message], broadcast_id: UUID | None = None) -> int:
    """Put messages into the inboxes of those who are there, with a push where there is one; return how many were new.

    One for each event or broadcast and person, however often it is called. Of many, so many at once are in a
    transaction of their own; inside another transaction all join that.
    """
    made = 0
    for start in range(0, len(messages), AT_ONCE):
        made += await _put(messages[start : start + AT_ONCE], broadcast_id)
    return made


@transaction
async def _put(messages: Sequence[Message], broadcast_id: UUID | None) -> int:
    now = clock.now()
    people = await _people({message.person_id for message in messages})
    by_notice = {
        new_id(): message
        for message in messages
        if message.person_id in people and people[message.person_id]["state"] not in _ERASED
    }
    notices = [_notice(id_, message, broadcast_id, now) for id_, message in by_notice.items()]
    await bulk.insert(notices, unless_there=True)
    fresh = await returned(_MADE, list(by_notice)) if by_notice else []
    pushes = [(id_, by_notice[id_]) for id_ in (identity(row["id"]) for row in fresh)]
    deliveries = [_delivery(id_, message, people[message.person_id], now) for id_, message in pushes]
    await bulk.insert([delivery for delivery in deliveries if delivery])
    return len(pushes)


async def _people(ids: set[UUID]) -> Mapping[UUID, Mapping[str, Any]]:
    rows = await returned(_PEOPLE, list(ids))
    return {identity(row["id"]): row for row in rows}


def _notice(id_: UUID, message: Message, broadcast_id: UUID | None, now: datetime) -> Notice:
    return bulk.fresh(
        Notice,
        id=id_,
        person_id=message.person_id,
        event_id=message.event_id,
        broadcast_id=broadcast_id,
        kind=message.kind,
        version=message.version,
        subject=message.subject,
        title=message.title,
        text=message.text,
        page=message.page,
        priority=message.priority,
        expires_at=message.expires_at,
        created_at=now,
    )


def _delivery(notice_id: UUID, message: Message, person: Mapping[str, Any], now: datetime) -> Delivery | None:
    """Return the push of a notice; None where there is none for its kind, or its person may not be written to."""
    push = _chosen(message, follows=bool(person["follows"]))
    if push is None or person["state"] != PersonState.ACTIVE:
        return None
    template_id = push.template.id_in(_environment)
    due_at = quiet.due(message.priority, now)
    return bulk.fresh(
        Delivery,
        id=new_id(),
        notice_id=notice_id,
        person_id=message.person_id,
        service=push.template.service,
        template=push.template.name,
        template_id=template_id or "",
        data=dict(push.data),
        page=message.page,
        state=DeliveryState.CREATED if template_id else DeliveryState.HELD,
        state_since=now,
        priority=message.priority,
        due_at=due_at if template_id else message.expires_at,
        ready_at=due_at if template_id else None,
        expires_at=message.expires_at,
        refusal="" if template_id else NO_TEMPLATE,
        created_at=now,
    )


def _chosen(message: Message, *, follows: bool) -> Push | None:
    """Return the service account's push for a follower, else the mini-program's; one that has an id, if there is."""
    pushes = [push for push in message.pushes if follows or push.template.service is Service.MINI_PROGRAM]
    return next((push for push in pushes if push.template.id_in(_environment)), next(iter(pushes), None))
