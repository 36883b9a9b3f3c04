"""What has happened and whom it concerns, written in the same transaction as its cause.

Append-only in the database itself, and without personal data: people are ids.
"""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from tortoise import fields
from tortoise.models import Model

from server.kernel import clock
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
