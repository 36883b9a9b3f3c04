"""Organisations with their codes, invitations and accounts; students and who speaks for them; consents; appeals."""

from orjson import loads
from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.fields.data import JSON_DUMPS
from tortoise.migrations import operations as ops

from server.appeals.models import AppealState
from server.consents.models import Capacity
from server.kernel.ids import new_id
from server.organisations.models import AccountBasis, AccountState, MembershipState
from server.organisations.roles import Role
from server.people.models import PersonState, SessionEnd
from server.students.models import LinkState, Relation


class Migration(migrations.Migration):
    dependencies = [("yizhitong", "0002_people")]

    initial = False

    operations = [
        ops.CreateModel(
            name="Appeal",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True)),
                ("subject", fields.CharField(db_index=True, max_length=64)),
                ("refusal_id", fields.UUIDField(unique=True)),
                ("refused_by_id", fields.UUIDField(null=True)),
                ("person_id", fields.UUIDField()),
                ("reason", fields.CharField(max_length=1000)),
                ("state", fields.CharEnumField(default=AppealState.OPEN, description="OPEN: open\nUPHELD: upheld\nOVERTURNED: overturned", enum_type=AppealState, max_length=32)),
                ("created_at", fields.DatetimeField(db_index=True, auto_now=False, auto_now_add=False)),
                ("decided_by_id", fields.UUIDField(null=True)),
                ("decided_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("decision", fields.CharField(default="", max_length=1000)),
            ],
            options={"table": "appeal", "app": "yizhitong", "pk_attr": "id", "table_description": "One person's appeal against one refusal, which is an entry of the audit, decided by another than who refused."},
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Invitation",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True)),
                ("organisation", fields.ForeignKeyField("yizhitong.Organisation", source_field="organisation_id", db_index=True, db_constraint=True, to_field="id", related_name="invitations", on_delete=OnDelete.RESTRICT)),
                ("role", fields.CharEnumField(description="CLERK: clerk\nMANAGER: manager\nEDITOR: editor\nREVIEWER: reviewer\nAPPROVER: approver\nFINANCE: finance\nADMIN: admin", enum_type=Role, max_length=32)),
                ("code_hash", fields.CharField(unique=True, max_length=64)),
                ("made_by_id", fields.UUIDField()),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("expires_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("used_by_id", fields.UUIDField(null=True)),
                ("used_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("revoked_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={"table": "invitation", "app": "yizhitong", "pk_attr": "id", "table_description": "A code that lets one person join with a role, known by its hash and used once."},
            bases=["Model"],
        ),
        ops.CreateModel(
            name="PayeeAccount",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True)),
                ("organisation", fields.ForeignKeyField("yizhitong.Organisation", source_field="organisation_id", db_index=True, db_constraint=True, to_field="id", related_name="payee_accounts", on_delete=OnDelete.RESTRICT)),
                ("basis", fields.CharEnumField(description="OWN_ACCOUNT: own_account\nAGENT_HOLDER: agent_holder", enum_type=AccountBasis, max_length=32)),
                ("holder", fields.CharField(max_length=100)),
                ("bank", fields.CharField(max_length=100)),
                ("number_sealed", fields.TextField(unique=False)),
                ("number_index", fields.CharField(db_index=True, max_length=96)),
                ("agent_reason", fields.CharField(default="", max_length=500)),
                ("state", fields.CharEnumField(default=AccountState.PENDING, description="PENDING: pending\nCONFIRMED: confirmed\nREFUSED: refused\nREPLACED: replaced", enum_type=AccountState, max_length=32)),
                ("named_by_id", fields.UUIDField()),
                ("named_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("decided_by_id", fields.UUIDField(null=True)),
                ("decided_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("reason", fields.CharField(default="", max_length=500)),
            ],
            options={"table": "payee_account", "app": "yizhitong", "pk_attr": "id", "table_description": "An account that an organisation named to be paid into, kept as it was named."},
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Student",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True)),
                ("name_sealed", fields.TextField(unique=False)),
                ("id_number_sealed", fields.TextField(unique=False)),
                ("id_number_index", fields.CharField(unique=True, max_length=96)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={"table": "student", "app": "yizhitong", "pk_attr": "id", "table_description": "The subject of a referral or an enrolment. One row per ID number, found by its blind index."},
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Consent",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True)),
                ("person", fields.ForeignKeyField("yizhitong.Person", source_field="person_id", db_index=True, db_constraint=True, to_field="id", related_name="consents", on_delete=OnDelete.RESTRICT)),
                ("student", fields.ForeignKeyField("yizhitong.Student", source_field="student_id", null=True, db_index=True, db_constraint=True, to_field="id", related_name="consents", on_delete=OnDelete.RESTRICT)),
                ("document", fields.CharField(max_length=64)),
                ("document_version", fields.CharField(max_length=32)),
                ("scope", fields.CharField(max_length=64)),
                ("capacity", fields.CharEnumField(description="SELF: self\nGUARDIAN: guardian", enum_type=Capacity, max_length=32)),
                ("given_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("withdrawn_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={"table": "consent", "app": "yizhitong", "pk_attr": "id", "table_description": "A person's consent to one scope of one version of a document, until it is withdrawn."},
            bases=["Model"],
        ),
        ops.CreateModel(
            name="StudentLink",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True)),
                ("person", fields.ForeignKeyField("yizhitong.Person", source_field="person_id", db_index=True, db_constraint=True, to_field="id", related_name="student_links", on_delete=OnDelete.RESTRICT)),
                ("student", fields.ForeignKeyField("yizhitong.Student", source_field="student_id", db_index=True, db_constraint=True, to_field="id", related_name="links", on_delete=OnDelete.RESTRICT)),
                ("relation", fields.CharEnumField(description="SELF: self\nGUARDIAN: guardian", enum_type=Relation, max_length=32)),
                ("name_sealed", fields.TextField(unique=False)),
                ("state", fields.CharEnumField(default=LinkState.REQUESTED, description="REQUESTED: requested\nCONFIRMED: confirmed\nREJECTED: rejected", enum_type=LinkState, max_length=32)),
                ("created_at", fields.DatetimeField(db_index=True, auto_now=False, auto_now_add=False)),
                ("decided_by_id", fields.UUIDField(null=True)),
                ("decided_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("reason", fields.CharField(default="", max_length=500)),
                ("ended_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={"table": "student_link", "app": "yizhitong", "pk_attr": "id", "table_description": "A person's word that they are a student, or its guardian, checked by the secretariat."},
            bases=["Model"],
        ),
        ops.AddField(
            model_name="Membership",
            name="state",
            field=fields.CharEnumField(default=MembershipState.ACTIVE, description="REQUESTED: requested\nACTIVE: active", enum_type=MembershipState, max_length=32),
        ),
        ops.AddField(
            model_name="Organisation",
            name="address",
            field=fields.CharField(null=True, max_length=200),
        ),
        ops.AddField(
            model_name="Organisation",
            name="contact_name_sealed",
            field=fields.TextField(null=True, unique=False),
        ),
        ops.AddField(
            model_name="Organisation",
            name="credit_code",
            field=fields.CharField(null=True, max_length=18),
        ),
        ops.AddField(
            model_name="Organisation",
            name="decided_by_id",
            field=fields.UUIDField(null=True),
        ),
        ops.AddField(
            model_name="Organisation",
            name="due_on",
            field=fields.DateField(null=True, db_index=True),
        ),
        ops.AddField(
            model_name="Organisation",
            name="licence_number",
            field=fields.CharField(null=True, max_length=64),
        ),
        ops.AddField(
            model_name="Organisation",
            name="licence_scan_id",
            field=fields.UUIDField(null=True),
        ),
        ops.AddField(
            model_name="Organisation",
            name="licence_valid_to",
            field=fields.DateField(null=True),
        ),
        ops.AddField(
            model_name="Organisation",
            name="pending_revision",
            field=fields.JSONField(null=True, encoder=JSON_DUMPS, decoder=loads),
        ),
        ops.AddField(
            model_name="Organisation",
            name="reminded_on",
            field=fields.DateField(null=True),
        ),
        ops.AddField(
            model_name="Organisation",
            name="school_code",
            field=fields.CharField(null=True, max_length=10),
        ),
        ops.AddField(
            model_name="Organisation",
            name="successor",
            field=fields.ForeignKeyField("yizhitong.Organisation", source_field="successor_id", null=True, db_constraint=True, to_field="id", related_name="predecessors", on_delete=OnDelete.RESTRICT),
        ),
        ops.AddField(
            model_name="Organisation",
            name="verified_at",
            field=fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
        ),
        ops.AlterField(
            model_name="Person",
            name="state",
            field=fields.CharEnumField(default=PersonState.ACTIVE, description="ACTIVE: active\nSUSPENDED: suspended\nDELETION_REQUESTED: deletion_requested\nRESTRICTED: restricted\nERASED: erased", enum_type=PersonState, max_length=32),
        ),
        ops.AddField(
            model_name="Person",
            name="deletion_requested_at",
            field=fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
        ),
        ops.AlterField(
            model_name="Session",
            name="end",
            field=fields.CharEnumField(null=True, description="SIGNED_OUT: signed_out\nSIGNED_OUT_EVERYWHERE: signed_out_everywhere\nREUSED: reused\nSUSPENDED: suspended\nDELETION: deletion", enum_type=SessionEnd, max_length=32),
        ),
    ]
