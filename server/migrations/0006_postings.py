"""Postings, their versions, reports of them, and lists of occupations in demand."""

from orjson import loads
from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.fields.data import JSON_DUMPS
from tortoise.indexes import Index
from tortoise.migrations import operations as ops

from server.kernel.ids import new_id
from server.labour.models import (
    ContactShown,
    PayUnit,
    PostingKind,
    PostingState,
    ReportState,
    Settlement,
    Shift,
    Side,
    Supplier,
)


class Migration(migrations.Migration):
    dependencies = [("yizhitong", "0005_referrals")]

    initial = False

    operations = [
        ops.CreateModel(
            name="OccupationsInDemand",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True)),
                ("title", fields.CharField(max_length=100)),
                ("counted_from", fields.DateField()),
                ("counted_to", fields.DateField()),
                ("entries", fields.JSONField(encoder=JSON_DUMPS, decoder=loads)),
                ("published_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("published_by_id", fields.UUIDField(null=True)),
                ("version", fields.IntField(default=1)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={"table": "occupations_in_demand", "app": "yizhitong", "pk_attr": "id", "table_description": "A dated list of the occupations most in demand (技能人才需求目录). `entries` are as counted, then as edited."},
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Posting",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True)),
                ("side", fields.CharEnumField(description="DEMAND: demand\nSUPPLY: supply", enum_type=Side, max_length=16)),
                ("kind", fields.CharEnumField(description="SHORT_TERM: short_term\nINTERNSHIP: internship\nJOB: job", enum_type=PostingKind, max_length=16)),
                ("supplier", fields.CharEnumField(null=True, description="STUDENT: student\nTEAM: team\nSCHOOL_CLASS: school_class", enum_type=Supplier, max_length=16)),
                ("organisation", fields.ForeignKeyField("yizhitong.Organisation", source_field="organisation_id", null=True, db_constraint=True, to_field="id", related_name="postings", on_delete=OnDelete.RESTRICT)),
                ("person", fields.ForeignKeyField("yizhitong.Person", source_field="person_id", db_constraint=True, to_field="id", related_name="postings", on_delete=OnDelete.RESTRICT)),
                ("title", fields.CharField(default="", max_length=60)),
                ("occupation", fields.CharField(null=True, max_length=64)),
                ("major", fields.CharField(null=True, max_length=64)),
                ("region", fields.CharField(null=True, max_length=6)),
                ("address", fields.CharField(default="", max_length=200)),
                ("latitude", fields.FloatField(null=True)),
                ("longitude", fields.FloatField(null=True)),
                ("headcount", fields.IntField(null=True)),
                ("filled", fields.IntField(default=0)),
                ("starts_on", fields.DateField(null=True)),
                ("ends_on", fields.DateField(null=True)),
                ("hours", fields.JSONField(encoder=JSON_DUMPS, decoder=loads)),
                ("shift", fields.CharEnumField(default=Shift.DAY, description="DAY: day\nNIGHT: night\nROTATING: rotating", enum_type=Shift, max_length=16)),
                ("pay_fen", fields.IntField(null=True)),
                ("pay_unit", fields.CharEnumField(null=True, description="HOUR: hour\nDAY: day\nPIECE: piece\nMONTH: month", enum_type=PayUnit, max_length=16)),
                ("pieces_per_hour", fields.IntField(null=True)),
                ("hourly_fen", fields.IntField(null=True)),
                ("settlement", fields.CharEnumField(null=True, description="DAILY: daily\nWEEKLY: weekly\nMONTHLY: monthly\nAT_THE_END: at_the_end", enum_type=Settlement, max_length=16)),
                ("deductions", fields.CharField(default="", max_length=500)),
                ("meals", fields.BooleanField(default=False)),
                ("lodging", fields.BooleanField(default=False)),
                ("transport", fields.BooleanField(default=False)),
                ("insurance", fields.CharField(default="", max_length=200)),
                ("age_min", fields.IntField(null=True)),
                ("age_max", fields.IntField(null=True)),
                ("requirements", fields.TextField(default="", unique=False)),
                ("description", fields.TextField(default="", unique=False)),
                ("contact_name_sealed", fields.TextField(null=True, unique=False)),
                ("contact_phone_sealed", fields.TextField(null=True, unique=False)),
                ("contact_shown", fields.CharEnumField(default=ContactShown.AFTER_ACCEPTANCE, description="AFTER_ACCEPTANCE: after_acceptance\nSIGNED_IN: signed_in", enum_type=ContactShown, max_length=32)),
                ("source", fields.CharField(default="", max_length=200)),
                ("valid_until", fields.DateField(null=True)),
                ("state", fields.CharEnumField(default=PostingState.DRAFT, description="DRAFT: draft\nIN_REVIEW: in_review\nRETURNED: returned\nLIVE: live\nFILLED: filled\nPAUSED: paused\nCLOSED: closed\nEXPIRED: expired\nREMOVED: removed", enum_type=PostingState, max_length=16)),
                ("state_since", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("paused_for", fields.CharField(default="", max_length=16)),
                ("pending", fields.JSONField(null=True, encoder=JSON_DUMPS, decoder=loads)),
                ("findings", fields.JSONField(encoder=JSON_DUMPS, decoder=loads)),
                ("reasons", fields.JSONField(encoder=JSON_DUMPS, decoder=loads)),
                ("similar_to_id", fields.UUIDField(null=True)),
                ("fingerprint", fields.CharField(default="", db_index=True, max_length=64)),
                ("submitted_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("published_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("decided_by_id", fields.UUIDField(null=True)),
                ("reminded_on", fields.DateField(null=True)),
                ("version", fields.IntField(default=1)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={"table": "posting", "app": "yizhitong", "indexes": [Index(fields=["organisation_id", "created_at"]), Index(fields=["person_id", "created_at"]), Index(fields=["state", "submitted_at"])], "pk_attr": "id", "table_description": "A demand for hands or an offer of them. `version` counts writes, `region` is a GB/T 2260 code."},
            bases=["Model"],
        ),
        ops.CreateModel(
            name="PostingReport",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True)),
                ("posting", fields.ForeignKeyField("yizhitong.Posting", source_field="posting_id", db_index=True, db_constraint=True, to_field="id", related_name="reports", on_delete=OnDelete.RESTRICT)),
                ("person_id", fields.UUIDField()),
                ("what", fields.CharField(max_length=32)),
                ("note", fields.CharField(default="", max_length=1000)),
                ("state", fields.CharEnumField(default=ReportState.OPEN, description="OPEN: open\nUPHELD: upheld\nDISMISSED: dismissed", enum_type=ReportState, max_length=16)),
                ("decided_by_id", fields.UUIDField(null=True)),
                ("decided_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("answer", fields.CharField(default="", max_length=500)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={"table": "posting_report", "app": "yizhitong", "indexes": [Index(fields=["state", "created_at"])], "pk_attr": "id", "table_description": "What a person says is wrong with a posting."},
            bases=["Model"],
        ),
        ops.CreateModel(
            name="PostingVersion",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True)),
                ("posting", fields.ForeignKeyField("yizhitong.Posting", source_field="posting_id", db_index=True, db_constraint=True, to_field="id", related_name="versions", on_delete=OnDelete.RESTRICT)),
                ("content", fields.JSONField(encoder=JSON_DUMPS, decoder=loads)),
                ("decided_by_id", fields.UUIDField(null=True)),
                ("made_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={"table": "posting_version", "app": "yizhitong", "pk_attr": "id", "table_description": "What was published of a posting, as anyone could read it, without contacts. Append-only."},
            bases=["Model"],
        ),
    ]
