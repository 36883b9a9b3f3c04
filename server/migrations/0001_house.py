"""The house: outbox, jobs, idempotency keys."""

from orjson import loads
from tortoise import fields, migrations
from tortoise.fields.data import JSON_DUMPS
from tortoise.migrations import operations as ops

from server.kernel.ids import new_id
from server.kernel.jobs.models import JobState


class Migration(migrations.Migration):
    initial = True

    operations = [
        ops.CreateModel(
            name="Event",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True)),
                ("name", fields.CharField(max_length=64)),
                ("subject", fields.CharField(max_length=64)),
                ("people", fields.JSONField(encoder=JSON_DUMPS, decoder=loads)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={"table": "event", "app": "yizhitong", "pk_attr": "id", "table_description": "One thing that happened: `name` (`posting.published`), `subject` (`posting:<id>`), `people` (ids)."},
            bases=["Model"],
        ),
        ops.CreateModel(
            name="IdempotencyKey",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True)),
                ("scope", fields.CharField(max_length=160)),
                ("key", fields.CharField(max_length=255)),
                ("body_hash", fields.CharField(max_length=64)),
                ("begun_at", fields.DatetimeField(db_index=True, auto_now=False, auto_now_add=False)),
                ("subject_id", fields.CharField(null=True, max_length=64)),
            ],
            options={"table": "idempotency_key", "app": "yizhitong", "unique_together": (("scope", "key"),), "pk_attr": "id", "table_description": "One key of one caller on one route."},
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Job",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True)),
                ("kind", fields.CharField(max_length=64)),
                ("payload", fields.JSONField(encoder=JSON_DUMPS, decoder=loads)),
                ("state", fields.CharEnumField(default=JobState.PENDING, description="PENDING: pending\nRUNNING: running\nDONE: done\nFAILED: failed", enum_type=JobState, max_length=16)),
                ("due_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("claimable_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("worker", fields.CharField(null=True, max_length=64)),
                ("attempts", fields.SmallIntField(default=0)),
                ("result", fields.JSONField(null=True, encoder=JSON_DUMPS, decoder=loads)),
                ("error", fields.CharField(null=True, max_length=255)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("ended_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={"table": "job", "app": "yizhitong", "pk_attr": "id", "table_description": "A piece of work and what became of it."},
            bases=["Model"],
        ),
    ]
