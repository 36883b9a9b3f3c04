"""Notices, their deliveries, the ledger of push permissions, and broadcasts."""

from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Any
from uuid import UUID

from tortoise import fields
from tortoise.models import Model

from server.kernel.ids import new_id
from server.people.models import Person


class Service(StrEnum):
    """Which of the two accounts carries a push."""

    MINI_PROGRAM = "mini_program"
    SERVICE_ACCOUNT = "service_account"


class Priority(IntEnum):
    """Who goes first: what somebody waits for, what is usual, a digest, a broadcast."""

    URGENT = 0
    USUAL = 1
    DIGEST = 2
    BULK = 3


class DeliveryState(StrEnum):
    """Where a push is in its life."""

    CREATED = "created"
    HELD = "held"
    """No permission for it; it goes out if one comes before it expires."""
    SENDING = "sending"
    """Written before WeChat is called: whoever finds it so later does not know what became of it."""
    RETRYING = "retrying"
    UNKNOWN = "unknown"
    """The answer was lost: waits for WeChat's event, then is sent exactly once more."""
    SENT = "sent"
    DELIVERED = "delivered"
    FAILED_PERMANENT = "failed_permanent"
    FAILED_TECHNICAL = "failed_technical"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class PermissionChange(StrEnum):
    """What an entry of the ledger says of a person's permissions for one template."""

    CREDITED = "credited"
    """WeChat said so."""
    HINTED = "hinted"
    """The client said so, and WeChat's event has not come yet."""
    RESERVED = "reserved"
    RELEASED = "released"
    SPENT = "spent"
    ZEROED = "zeroed"
    """WeChat refused a push for want of permission."""
    LONG_TERM = "long_term"
    """Not used up from now on."""
    WITHDRAWN = "withdrawn"
    """The person turned the template off."""


class BroadcastState(StrEnum):
    """Where a broadcast is in its life."""

    WAITING = "waiting"
    """For a second person's approval."""
    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"
    """Before it began, or stopped half-way."""


class Notice(Model):
    """One message to one person for one event, as it stands in their inbox.

    Exactly one of `event_id` and `broadcast_id` is its cause, or neither for a digest. `kind` and `version` name the
    text it was made with. `page` is where it leads, `expires_at` until when it is worth a push.
    """

    id: UUID = fields.UUIDField(primary_key=True, default=new_id)
    person: fields.ForeignKeyRelation[Person] = fields.ForeignKeyField(
        "yizhitong.Person", related_name="notices", on_delete=fields.RESTRICT
    )
    person_id: UUID
    event_id: UUID | None = fields.UUIDField(null=True)
    broadcast_id: UUID | None = fields.UUIDField(null=True)
    kind = fields.CharField(max_length=64)
    version = fields.CharField(max_length=16)
    subject = fields.CharField(max_length=64, default="")
    title = fields.CharField(max_length=60)
    text = fields.TextField()
    page = fields.CharField(max_length=200, default="")
    priority = fields.SmallIntField(default=Priority.USUAL)
    expires_at: datetime = fields.DatetimeField()
    read_at: datetime | None = fields.DatetimeField(null=True)
    created_at: datetime = fields.DatetimeField()

    class Meta:
        table = "notice"
        indexes = (("person_id", "created_at"),)


class Delivery(Model):
    """One push of a notice, and what became of it. `data` are the template's values, cut to its limits.

    `due_at` is when a worker may take it (while it is being sent: the end of the lease; while it is held: when it
    expires), null once it has ended. `reserved` tells whether it holds one permission. `again` is whether it is the one
    sending more that follows a lost answer. `ready_at` is since when it could go out, anew where a permission came for
    a held one, and `handed_over_at` when WeChat took it.
    """

    id: UUID = fields.UUIDField(primary_key=True, default=new_id)
    notice: fields.ForeignKeyRelation[Notice] = fields.ForeignKeyField(
        "yizhitong.Notice", related_name="deliveries", on_delete=fields.RESTRICT, db_index=True
    )
    notice_id: UUID
    person_id: UUID = fields.UUIDField()
    service = fields.CharEnumField(Service, max_length=16)
    template = fields.CharField(max_length=64)
    template_id = fields.CharField(max_length=64)
    data: dict[str, Any] = fields.JSONField()
    page = fields.CharField(max_length=200, default="")
    state = fields.CharEnumField(DeliveryState, max_length=32, default=DeliveryState.CREATED)
    state_since: datetime = fields.DatetimeField()
    priority = fields.SmallIntField(default=Priority.USUAL)
    due_at: datetime | None = fields.DatetimeField(null=True)
    expires_at: datetime = fields.DatetimeField()
    attempts = fields.SmallIntField(default=0)
    worker = fields.CharField(max_length=64, null=True)
    reserved = fields.BooleanField(default=False)
    again = fields.BooleanField(default=False)
    message_id = fields.CharField(max_length=64, null=True)
    refusal = fields.CharField(max_length=32, default="")
    first_tried_at: datetime | None = fields.DatetimeField(null=True)
    ready_at: datetime | None = fields.DatetimeField(null=True)
    handed_over_at: datetime | None = fields.DatetimeField(null=True)
    delivered_at: datetime | None = fields.DatetimeField(null=True)
    created_at: datetime = fields.DatetimeField()

    class Meta:
        table = "delivery"
        indexes = (("state", "created_at"),)


class PushPermission(Model):
    """What one person has left of one of WeChat's templates: the sum of the ledger's entries, held while it changes.

    `credited` is what WeChat still owes us, `reserved` how much of it is on its way; of a long-term one
    nothing is used up.
    """

    id: UUID = fields.UUIDField(primary_key=True, default=new_id)
    person_id: UUID = fields.UUIDField()
    template_id = fields.CharField(max_length=64)
    credited = fields.IntField(default=0)
    reserved = fields.IntField(default=0)
    long_term = fields.BooleanField(default=False)
    changed_at: datetime = fields.DatetimeField()

    class Meta:
        table = "push_permission"
        unique_together = (("person_id", "template_id"),)


class PermissionEntry(Model):
    """One entry of the ledger of permissions. Append-only. `source` is whose word it is, once."""

    id: UUID = fields.UUIDField(primary_key=True, default=new_id)
    person_id: UUID = fields.UUIDField()
    template_id = fields.CharField(max_length=64)
    change = fields.CharEnumField(PermissionChange, max_length=16)
    amount = fields.IntField(default=1)
    delivery_id: UUID | None = fields.UUIDField(null=True)
    source = fields.CharField(max_length=96, null=True, unique=True)
    made_at: datetime = fields.DatetimeField()

    class Meta:
        table = "permission_entry"
        indexes = (("person_id", "template_id"),)


class Broadcast(Model):
    """One text to many.

    `audience` is `{role, county, school, year}`, each or none, `reached` up to whom it has come, `counted` how many
    it was shown to reach when it was written, `made` how many notices there are of it.
    """

    id: UUID = fields.UUIDField(primary_key=True, default=new_id)
    title = fields.CharField(max_length=20)
    text = fields.CharField(max_length=500)
    page = fields.CharField(max_length=200, default="")
    audience: dict[str, Any] = fields.JSONField()
    state = fields.CharEnumField(BroadcastState, max_length=16, default=BroadcastState.WAITING)
    author_id: UUID = fields.UUIDField()
    approved_by_id: UUID | None = fields.UUIDField(null=True)
    approved_at: datetime | None = fields.DatetimeField(null=True)
    ended_by_id: UUID | None = fields.UUIDField(null=True)
    ended_at: datetime | None = fields.DatetimeField(null=True)
    reason = fields.CharField(max_length=500, default="")
    counted = fields.IntField(default=0)
    made = fields.IntField(default=0)
    reached: UUID | None = fields.UUIDField(null=True)
    version = fields.IntField(default=1)
    created_at: datetime = fields.DatetimeField(db_index=True)

    class Meta:
        table = "broadcast"
