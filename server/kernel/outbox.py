"""What has happened and whom it concerns, written in the same transaction as its cause.

Append-only in the database itself, and without personal data: people are ids. Of the events that are announced, a job
in the same transaction has people told.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from tortoise import fields
from tortoise.models import Model

from server.kernel import bulk, clock
from server.kernel.ids import new_id
from server.kernel.jobs import queue
from server.kernel.transactions import transaction

ANNOUNCED_AT_ONCE = 200
"""So many events make one job at most."""

_kinds: Mapping[str, str] = {}
_wakeup: queue.Wakeup | None = None


class Event(Model):
    """One thing that happened: `name` (`posting.published`), `subject` (`posting:<id>`), `people` (ids)."""

    id: UUID = fields.UUIDField(primary_key=True, default=new_id)
    name = fields.CharField(max_length=64)
    subject = fields.CharField(max_length=64)
    people: list[str] = fields.JSONField()
    created_at: datetime = fields.DatetimeField()

    class Meta:
        table = "event"


@transaction
async def record(name: str, subject: str, people: Iterable[UUID] = ()) -> Event:
    """Record that `name` happened to `subject` (`kind:id`) and concerns `people`; joins the transaction."""
    event = await Event.create(
        name=name, subject=subject, people=[str(person) for person in people], created_at=clock.now()
    )
    await _have_told([event])
    return event


class Occurrence(NamedTuple):
    """One thing that happened, as `record` takes it."""

    name: str
    subject: str
    people: Collection[UUID] = ()


@transaction
async def record_many(occurrences: Iterable[Occurrence]) -> None:
    """Record several things that happened, in their order, by one statement; joins the transaction."""
    now = clock.now()
    events = [
        bulk.fresh(
            Event,
            id=new_id(),
            name=one.name,
            subject=one.subject,
            people=[str(person) for person in one.people],
            created_at=now,
        )
        for one in occurrences
    ]
    await bulk.insert(events)
    await _have_told(events)


def announce(kinds: Mapping[str, str], wakeup: queue.Wakeup | None = None) -> None:
    """From now on have this process put a job into the table for what it records, by the event's name: its kind.

    The payload of such a job is `{"events": [id, …]}`; `wakeup` wakes those who wait for one.
    """
    global _kinds, _wakeup
    _kinds, _wakeup = dict(kinds), wakeup


async def _have_told(events: Sequence[Event]) -> None:
    by_kind: defaultdict[str, list[str]] = defaultdict(list)
    for event in events:
        if kind := _kinds.get(event.name):
            by_kind[kind].append(str(event.id))
    for kind, ids in by_kind.items():
        for start in range(0, len(ids), ANNOUNCED_AT_ONCE):
            await queue.enqueue(kind, {"events": ids[start : start + ANNOUNCED_AT_ONCE]}, wakeup=_wakeup)
