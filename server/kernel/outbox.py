"""What has happened and whom it concerns, written in the same transaction as its cause.

Append-only in the database itself, and without personal data: people are ids.
"""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from tortoise import fields
from tortoise.models import Model

from server.kernel import bulk, clock
from server.kernel.ids import new_id
from server.kernel.transactions import transaction


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
    return await Event.create(
        name=name, subject=subject, people=[str(person) for person in people], created_at=clock.now()
    )


class Occurrence(NamedTuple):
    """One thing that happened, as `record` takes it."""

    name: str
    subject: str
    people: Collection[UUID] = ()


@transaction
async def record_many(occurrences: Iterable[Occurrence]) -> None:
    """Record several things that happened, in their order, by one statement; joins the transaction."""
    now = clock.now()
    await bulk.insert(
        [
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
    )
