"""Engagements, their steps, saved searches; when a posting was first full."""

from orjson import loads
from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.fields.data import JSON_DUMPS
from tortoise.indexes import Index
from tortoise.migrations import operations as ops

from server.engagements.models import ContestState, EngagementState, Party
from server.kernel.ids import new_id


class Migration(migrations.Migration):
    dependencies = [("yizhitong", "0006_postings")]

    initial = False

    operations = [
        ops.CreateModel(
            name="Engagement",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True)),
                (
                    "posting",
                    fields.ForeignKeyField(
                        "yizhitong.Posting",
                        source_field="posting_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="engagements",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "supply",
                    fields.ForeignKeyField(
                        "yizhitong.Posting",
                        source_field="supply_id",
                        null=True,
                        db_index=True,
                        db_constraint=True,
                        to_field="id",
                        related_name="taken",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "person",
                    fields.ForeignKeyField(
                        "yizhitong.Person",
                        source_field="person_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="engagements",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "student",
                    fields.ForeignKeyField(
                        "yizhitong.Student",
                        source_field="student_id",
                        null=True,
                        db_index=True,
                        db_constraint=True,
                        to_field="id",
                        related_name="engagements",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("size", fields.IntField(default=1)),
                (
                    "state",
                    fields.CharEnumField(
                        description="APPLIED: applied\nOFFERED: offered\nWAITING: waiting\nACCEPTED: accepted\nATTENDED: attended\nCOMPLETED: completed\nDECLINED: declined\nWITHDRAWN: withdrawn\nUNANSWERED: unanswered\nCANCELLED_BY_EMPLOYER: cancelled_by_employer\nLEFT_EARLY: left_early\nNO_SHOW: no_show\nWAGE_DISPUTE: wage_dispute",
                        enum_type=EngagementState,
                        max_length=32,
                    ),
                ),
                ("state_since", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("holds_place", fields.BooleanField(default=False)),
                ("approved_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("accepted_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("terms_id", fields.UUIDField(null=True)),
                ("completed_by", fields.JSONField(encoder=JSON_DUMPS, decoder=loads)),
                ("paid_by", fields.JSONField(encoder=JSON_DUMPS, decoder=loads)),
                ("completed_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("deemed", fields.BooleanField(default=False)),
                ("paid_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                (
                    "contest",
                    fields.CharEnumField(
                        default=ContestState.NONE,
                        description="NONE: none\nOPEN: open\nSTANDS: stands\nLIFTED: lifted",
                        enum_type=ContestState,
                        max_length=16,
                    ),
                ),
                ("contest_until", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("due_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("version", fields.IntField(default=1)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "engagement",
                "app": "yizhitong",
                "indexes": [
                    Index(fields=["person_id", "created_at"]),
                    Index(fields=["posting_id", "created_at"]),
                    Index(fields=["state", "state_since", "id"]),
                    Index(fields=["state_since", "id"]),
                ],
                "pk_attr": "id",
                "table_description": "One person's or team's place on a demand, or several places of a team.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="EngagementStep",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True)),
                (
                    "engagement",
                    fields.ForeignKeyField(
                        "yizhitong.Engagement",
                        source_field="engagement_id",
                        db_index=True,
                        db_constraint=True,
                        to_field="id",
                        related_name="steps",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("verb", fields.CharField(max_length=32)),
                ("before", fields.CharField(default="", max_length=32)),
                ("after", fields.CharField(max_length=32)),
                (
                    "party",
                    fields.CharEnumField(
                        null=True, description="WORKER: worker\nPOSTER: poster", enum_type=Party, max_length=16
                    ),
                ),
                ("actor_id", fields.UUIDField(null=True)),
                ("reason", fields.CharField(default="", max_length=500)),
                ("made_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "engagement_step",
                "app": "yizhitong",
                "pk_attr": "id",
                "table_description": "One thing that happened to an engagement. Append-only. `reason` is plain text that names nobody.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="SavedSearch",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True)),
                (
                    "person",
                    fields.ForeignKeyField(
                        "yizhitong.Person",
                        source_field="person_id",
                        db_index=True,
                        db_constraint=True,
                        to_field="id",
                        related_name="saved_searches",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("name", fields.CharField(default="", max_length=40)),
                ("side", fields.CharField(max_length=16)),
                ("region", fields.CharField(null=True, max_length=6)),
                ("occupation", fields.CharField(null=True, max_length=64)),
                ("starts_on", fields.DateField(null=True)),
                ("ends_on", fields.DateField(null=True)),
                ("wanted", fields.JSONField(encoder=JSON_DUMPS, decoder=loads)),
                ("told_until", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "saved_search",
                "app": "yizhitong",
                "indexes": [Index(fields=["side", "occupation", "region"])],
                "pk_attr": "id",
                "table_description": "A search of postings that somebody keeps, to hear of what is new. `wanted` are the filters as they were asked.",
            },
            bases=["Model"],
        ),
        ops.AddField(
            model_name="Posting",
            name="filled_at",
            field=fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
        ),
    ]
