"""How things came to their present state: who changed it, when and why.

Append-only in the database itself. A reason is written by staff and shown to those concerned; it names nobody.
"""

from datetime import datetime
from uuid import UUID

from tortoise import fields
from tortoise.models import Model

from server.kernel import clock
from server.kernel.ids import new_id
from server.kernel.transactions import transaction


class Transition(Model):
    """One change of state of `subject` (`kind:id`), `actor_id` is None where the system did it."""

    id: UUID = fields.UUIDField(primary_key=True, default=new_id)
    subject = fields.CharField(max_length=64, db_index=True)
    before = fields.CharField(max_length=32)
    after = fields.CharField(max_length=32)
    actor_id: UUID | None = fields.UUIDField(null=True)
    reason = fields.CharField(max_length=500)
    made_at: datetime = fields.DatetimeField()

    class Meta:
        table = "transition"


@transaction
async def note(subject: str, before: str, after: str, *, actor_id: UUID | None, reason: str) -> Transition:
    """Note that `subject` went from one state to another; joins the transaction of the change."""
    return await Transition.create(
        subject=subject, before=before, after=after, actor_id=actor_id, reason=reason, made_at=clock.now()
    )
