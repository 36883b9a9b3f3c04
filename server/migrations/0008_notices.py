"""Notices, their deliveries, the ledger of push permissions, broadcasts."""

from orjson import loads
from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.fields.data import JSON_DUMPS
from tortoise.indexes import Index
from tortoise.migrations import operations as ops

from server.kernel.ids import new_id
from server.notices.models import BroadcastState, DeliveryState, PermissionChange, Priority, Service


class Migration(migrations.Migration):
    dependencies = [("yizhitong", "0007_engagements")]

    initial = False

    operations = [
        ops.CreateModel(
            name="Broadcast",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True)),
                ("title", fields.CharField(max_length=20)),
                ("text", fields.CharField(max_length=500)),
                ("page", fields.CharField(default="", max_length=200)),
                ("audience", fields.JSONField(encoder=JSON_DUMPS, decoder=loads)),
                (
                    "state",
                    fields.CharEnumField(
                        default=BroadcastState.WAITING,
                        description="WAITING: waiting\nRUNNING: running\nDONE: done\nCANCELLED: cancelled",
                        enum_type=BroadcastState,
                        max_length=16,
                    ),
                ),
                ("author_id", fields.UUIDField()),
                ("approved_by_id", fields.UUIDField(null=True)),
                ("approved_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("ended_by_id", fields.UUIDField(null=True)),
                ("ended_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("reason", fields.CharField(default="", max_length=500)),
                ("counted", fields.IntField(default=0)),
                ("made", fields.IntField(default=0)),
                ("reached", fields.UUIDField(null=True)),
                ("version", fields.IntField(default=1)),
                ("created_at", fields.DatetimeField(db_index=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "broadcast",
                "app": "yizhitong",
                "pk_attr": "id",
                "table_description": "One text to many.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Notice",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True)),
                (
                    "person",
                    fields.ForeignKeyField(
                        "yizhitong.Person",
                        source_field="person_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="notices",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("event_id", fields.UUIDField(null=True)),
                ("broadcast_id", fields.UUIDField(null=True)),
                ("kind", fields.CharField(max_length=64)),
                ("version", fields.CharField(max_length=16)),
                ("subject", fields.CharField(default="", max_length=64)),
                ("title", fields.CharField(max_length=60)),
                ("text", fields.TextField(unique=False)),
                ("page", fields.CharField(default="", max_length=200)),
                ("priority", fields.SmallIntField(default=Priority.USUAL)),
                ("expires_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("read_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "notice",
                "app": "yizhitong",
                "indexes": [Index(fields=["person_id", "created_at"])],
                "pk_attr": "id",
                "table_description": "One message to one person for one event, as it stands in their inbox.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Delivery",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True)),
                (
                    "notice",
                    fields.ForeignKeyField(
                        "yizhitong.Notice",
                        source_field="notice_id",
                        db_index=True,
                        db_constraint=True,
                        to_field="id",
                        related_name="deliveries",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("person_id", fields.UUIDField()),
                (
                    "service",
                    fields.CharEnumField(
                        description="MINI_PROGRAM: mini_program\nSERVICE_ACCOUNT: service_account",
                        enum_type=Service,
                        max_length=16,
                    ),
                ),
                ("template", fields.CharField(max_length=64)),
                ("template_id", fields.CharField(max_length=64)),
                ("data", fields.JSONField(encoder=JSON_DUMPS, decoder=loads)),
                ("page", fields.CharField(default="", max_length=200)),
                (
                    "state",
                    fields.CharEnumField(
                        default=DeliveryState.CREATED,
                        description="CREATED: created\nHELD: held\nSENDING: sending\nRETRYING: retrying\nUNKNOWN: unknown\nSENT: sent\nDELIVERED: delivered\nFAILED_PERMANENT: failed_permanent\nFAILED_TECHNICAL: failed_technical\nCANCELLED: cancelled\nEXPIRED: expired",
                        enum_type=DeliveryState,
                        max_length=32,
                    ),
                ),
                ("state_since", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("priority", fields.SmallIntField(default=Priority.USUAL)),
                ("due_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("expires_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("attempts", fields.SmallIntField(default=0)),
                ("worker", fields.CharField(null=True, max_length=64)),
                ("reserved", fields.BooleanField(default=False)),
                ("again", fields.BooleanField(default=False)),
                ("message_id", fields.CharField(null=True, max_length=64)),
                ("refusal", fields.CharField(default="", max_length=32)),
                ("first_tried_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("ready_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("handed_over_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("delivered_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "delivery",
                "app": "yizhitong",
                "indexes": [Index(fields=["state", "created_at"])],
                "pk_attr": "id",
                "table_description": "One push of a notice, and what became of it. `data` are the template's values, cut to its limits.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="PermissionEntry",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True)),
                ("person_id", fields.UUIDField()),
                ("template_id", fields.CharField(max_length=64)),
                (
                    "change",
                    fields.CharEnumField(
                        description="CREDITED: credited\nHINTED: hinted\nRESERVED: reserved\nRELEASED: released\nSPENT: spent\nZEROED: zeroed\nLONG_TERM: long_term\nWITHDRAWN: withdrawn",
                        enum_type=PermissionChange,
                        max_length=16,
                    ),
                ),
                ("amount", fields.IntField(default=1)),
                ("delivery_id", fields.UUIDField(null=True)),
                ("source", fields.CharField(null=True, unique=True, max_length=96)),
                ("made_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "permission_entry",
                "app": "yizhitong",
                "indexes": [Index(fields=["person_id", "template_id"])],
                "pk_attr": "id",
                "table_description": "One entry of the ledger of permissions. Append-only. `source` is whose word it is, once.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="PushPermission",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True)),
                ("person_id", fields.UUIDField()),
                ("template_id", fields.CharField(max_length=64)),
                ("credited", fields.IntField(default=0)),
                ("reserved", fields.IntField(default=0)),
                ("long_term", fields.BooleanField(default=False)),
                ("changed_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "push_permission",
                "app": "yizhitong",
                "unique_together": (("person_id", "template_id"),),
                "pk_attr": "id",
                "table_description": "What one person has left of one of WeChat's templates: the sum of the ledger's entries, held while it changes.",
            },
            bases=["Model"],
        ),
    ]
