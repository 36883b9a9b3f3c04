"""Referrals, enrolments, the lists they come in, and series of numbers."""

from orjson import loads
from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.fields.data import JSON_DUMPS
from tortoise.indexes import Index
from tortoise.migrations import operations as ops

from server.enrolments.models import EnrolmentState, Intake, Level, MatchVerdict
from server.imports.models import ImportKind, ImportState, Outcome
from server.kernel.ids import new_id
from server.referrals.models import ReferralState, Verdict


class Migration(migrations.Migration):
    dependencies = [("yizhitong", "0004_payee_documents")]

    initial = False

    operations = [
        ops.CreateModel(
            name="Enrolment",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True)),
                ("student", fields.ForeignKeyField("yizhitong.Student", source_field="student_id", db_constraint=True, to_field="id", related_name="enrolments", on_delete=OnDelete.RESTRICT)),
                ("school", fields.ForeignKeyField("yizhitong.Organisation", source_field="school_id", db_constraint=True, to_field="id", related_name="enrolments", on_delete=OnDelete.RESTRICT)),
                ("year", fields.IntField()),
                ("intake", fields.CharEnumField(description="AUTUMN: autumn\nSPRING: spring", enum_type=Intake, max_length=32)),
                ("level", fields.CharEnumField(description="SECONDARY: secondary\nSKILLED_WORKER: skilled_worker\nHIGHER: higher", enum_type=Level, max_length=32)),
                ("name_sealed", fields.TextField(unique=False)),
                ("major", fields.CharField(default="", max_length=100)),
                ("entered_on", fields.DateField()),
                ("repeating", fields.BooleanField(default=False)),
                ("record_number_sealed", fields.TextField(null=True, unique=False)),
                ("record_document", fields.CharField(default="", max_length=100)),
                ("state", fields.CharEnumField(default=EnrolmentState.LISTED, description="LISTED: listed\nREGISTERED: registered\nSUSPENDED: suspended\nTRANSFERRED: transferred\nWITHDRAWN: withdrawn\nGRADUATED: graduated\nVOID: void", enum_type=EnrolmentState, max_length=32)),
                ("successor", fields.ForeignKeyField("yizhitong.Enrolment", source_field="successor_id", null=True, db_constraint=True, to_field="id", related_name="predecessors", on_delete=OnDelete.RESTRICT)),
                ("match_referral_id", fields.UUIDField(null=True)),
                ("match_verdict", fields.CharEnumField(null=True, description="SAME: same\nDIFFERENT: different", enum_type=MatchVerdict, max_length=32)),
                ("version", fields.IntField(default=1)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={"table": "enrolment", "app": "yizhitong", "indexes": [Index(fields=["student_id", "year"]), Index(fields=["school_id", "year", "id"]), Index(fields=["year", "id"])], "pk_attr": "id", "table_description": "One student's time at one school, from `entered_on`."},
            bases=["Model"],
        ),
        ops.CreateModel(
            name="EnrolmentStatus",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True)),
                ("enrolment", fields.ForeignKeyField("yizhitong.Enrolment", source_field="enrolment_id", db_index=True, db_constraint=True, to_field="id", related_name="statuses", on_delete=OnDelete.RESTRICT)),
                ("state", fields.CharEnumField(description="LISTED: listed\nREGISTERED: registered\nSUSPENDED: suspended\nTRANSFERRED: transferred\nWITHDRAWN: withdrawn\nGRADUATED: graduated\nVOID: void", enum_type=EnrolmentState, max_length=32)),
                ("effective_on", fields.DateField()),
                ("made_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={"table": "enrolment_status", "app": "yizhitong", "pk_attr": "id", "table_description": "That an enrolment was in `state` from `effective_on`, as was made known at `made_at`. Append-only."},
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Import",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True)),
                ("kind", fields.CharEnumField(description="REFERRAL: referral\nENROLMENT: enrolment", enum_type=ImportKind, max_length=32)),
                ("organisation", fields.ForeignKeyField("yizhitong.Organisation", source_field="organisation_id", db_index=True, db_constraint=True, to_field="id", related_name="imports", on_delete=OnDelete.RESTRICT)),
                ("person_id", fields.UUIDField()),
                ("terms", fields.JSONField(encoder=JSON_DUMPS, decoder=loads)),
                ("sheet", fields.CharField(default="", max_length=100)),
                ("headings", fields.JSONField(encoder=JSON_DUMPS, decoder=loads)),
                ("ignored", fields.JSONField(encoder=JSON_DUMPS, decoder=loads)),
                ("state", fields.CharEnumField(default=ImportState.QUEUED, description="QUEUED: queued\nRUNNING: running\nDONE: done\nFAILED: failed", enum_type=ImportState, max_length=32)),
                ("total", fields.IntField()),
                ("done", fields.IntField(default=0)),
                ("accepted", fields.IntField(default=0)),
                ("warning", fields.IntField(default=0)),
                ("repeated", fields.IntField(default=0)),
                ("refused", fields.IntField(default=0)),
                ("rows_id", fields.UUIDField(null=True)),
                ("job_id", fields.UUIDField(null=True)),
                ("failure", fields.JSONField(null=True, encoder=JSON_DUMPS, decoder=loads)),
                ("created_at", fields.DatetimeField(db_index=True, auto_now=False, auto_now_add=False)),
                ("ended_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={"table": "import", "app": "yizhitong", "pk_attr": "id", "table_description": "A spreadsheet that a school sent, and how far it is worked off."},
            bases=["Model"],
        ),
        ops.CreateModel(
            name="ImportRow",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True)),
                ("source", fields.ForeignKeyField("yizhitong.Import", source_field="source_id", db_constraint=True, to_field="id", related_name="rows", on_delete=OnDelete.RESTRICT)),
                ("number", fields.IntField()),
                ("outcome", fields.CharEnumField(description="ACCEPTED: accepted\nWARNING: warning\nREPEATED: repeated\nREFUSED: refused", enum_type=Outcome, max_length=32)),
                ("subject_id", fields.UUIDField(null=True)),
                ("remarks", fields.JSONField(encoder=JSON_DUMPS, decoder=loads)),
                ("cells_sealed", fields.TextField(null=True, unique=False)),
            ],
            options={"table": "import_row", "app": "yizhitong", "unique_together": (("source_id", "number"),), "indexes": [Index(fields=["source_id", "outcome", "number"])], "pk_attr": "id", "table_description": "What became of one row: `number` as the spreadsheet counts its rows, from 1."},
            bases=["Model"],
        ),
        ops.CreateModel(
            name="NumberSeries",
            fields=[
                ("name", fields.CharField(primary_key=True, unique=True, db_index=True, max_length=16)),
                ("taken", fields.IntField()),
            ],
            options={"table": "number_series", "app": "yizhitong", "pk_attr": "name", "table_description": "A series (`R2026`) and how many numbers were taken from it."},
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Referral",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True)),
                ("number", fields.CharField(unique=True, max_length=16)),
                ("student", fields.ForeignKeyField("yizhitong.Student", source_field="student_id", db_constraint=True, to_field="id", related_name="referrals", on_delete=OnDelete.RESTRICT)),
                ("school", fields.ForeignKeyField("yizhitong.Organisation", source_field="school_id", db_constraint=True, to_field="id", related_name="referrals", on_delete=OnDelete.RESTRICT)),
                ("year", fields.IntField()),
                ("intake", fields.CharEnumField(description="AUTUMN: autumn\nSPRING: spring", enum_type=Intake, max_length=32)),
                ("named_school", fields.ForeignKeyField("yizhitong.Organisation", source_field="named_school_id", null=True, db_constraint=True, to_field="id", related_name="named_in", on_delete=OnDelete.RESTRICT)),
                ("level", fields.CharEnumField(null=True, description="SECONDARY: secondary\nSKILLED_WORKER: skilled_worker\nHIGHER: higher", enum_type=Level, max_length=32)),
                ("name_sealed", fields.TextField(unique=False)),
                ("phone_sealed", fields.TextField(null=True, unique=False)),
                ("phone_index", fields.CharField(null=True, max_length=96)),
                ("guardian_name_sealed", fields.TextField(null=True, unique=False)),
                ("guardian_phone_sealed", fields.TextField(null=True, unique=False)),
                ("guardian_consent_on", fields.DateField(null=True)),
                ("class_name", fields.CharField(default="", max_length=50)),
                ("state", fields.CharEnumField(default=ReferralState.REGISTERED, description="REGISTERED: registered\nMATCHED: matched\nCONFIRMED: confirmed\nDISPUTED: disputed\nREJECTED: rejected\nWITHDRAWN: withdrawn\nLAPSED: lapsed", enum_type=ReferralState, max_length=32)),
                ("flags", fields.JSONField(encoder=JSON_DUMPS, decoder=loads)),
                ("needs_check", fields.BooleanField(default=False)),
                ("evidence_until", fields.DateField(null=True)),
                ("enrolment", fields.ForeignKeyField("yizhitong.Enrolment", source_field="enrolment_id", null=True, db_constraint=True, to_field="id", related_name="referrals", on_delete=OnDelete.RESTRICT)),
                ("winner", fields.ForeignKeyField("yizhitong.Referral", source_field="winner_id", null=True, db_constraint=True, to_field="id", related_name="losers", on_delete=OnDelete.RESTRICT)),
                ("made_by_id", fields.UUIDField()),
                ("version", fields.IntField(default=1)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("state_since", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={"table": "referral", "app": "yizhitong", "indexes": [Index(fields=["student_id", "year"]), Index(fields=["school_id", "year", "id"]), Index(fields=["year", "id"]), Index(fields=["year", "state", "state_since"]), Index(fields=["enrolment_id"])], "pk_attr": "id", "table_description": "A feeder school's record that it sent one student to a member school for one entry year."},
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Evidence",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True)),
                ("referral", fields.ForeignKeyField("yizhitong.Referral", source_field="referral_id", db_index=True, db_constraint=True, to_field="id", related_name="evidence", on_delete=OnDelete.RESTRICT)),
                ("note", fields.CharField(default="", max_length=1000)),
                ("scan_id", fields.UUIDField(null=True)),
                ("person_id", fields.UUIDField()),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={"table": "referral_evidence", "app": "yizhitong", "pk_attr": "id", "table_description": "What a school puts forward for its claim: a note, and a scan where `scan_id` names one."},
            bases=["Model"],
        ),
        ops.CreateModel(
            name="ReferralDecision",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True)),
                ("referral", fields.ForeignKeyField("yizhitong.Referral", source_field="referral_id", db_index=True, db_constraint=True, to_field="id", related_name="decisions", on_delete=OnDelete.RESTRICT)),
                ("verdict", fields.CharEnumField(description="UPHOLD: uphold\nREJECT: reject", enum_type=Verdict, max_length=32)),
                ("undoes", fields.OneToOneField("yizhitong.ReferralDecision", source_field="undoes_id", null=True, db_constraint=True, to_field="id", related_name="undone_by", on_delete=OnDelete.RESTRICT)),
                ("changes", fields.JSONField(encoder=JSON_DUMPS, decoder=loads)),
                ("reason", fields.CharField(max_length=500)),
                ("actor_id", fields.UUIDField()),
                ("made_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={"table": "referral_decision", "app": "yizhitong", "pk_attr": "id", "table_description": "A reviewer's word on a claim, or the undoing of one. Append-only."},
            bases=["Model"],
        ),
        ops.CreateModel(
            name="ReferralYear",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True)),
                ("year", fields.IntField(unique=True)),
                ("dates", fields.JSONField(encoder=JSON_DUMPS, decoder=loads)),
                ("version", fields.IntField(default=1)),
                ("changed_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={"table": "referral_year", "app": "yizhitong", "pk_attr": "id", "table_description": "The dates of an entry year as the secretariat set them. `dates` is a `server.referrals.years.Calendar`."},
            bases=["Model"],
        ),
    ]
