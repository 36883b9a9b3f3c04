"""People, sessions, organisations, memberships, the audit, events from WeChat."""

from orjson import loads
from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.fields.data import JSON_DUMPS
from tortoise.indexes import Index
from tortoise.migrations import operations as ops

from server.callbacks.models import Account
from server.kernel.ids import new_id
from server.organisations.models import OrganisationState
from server.organisations.roles import Kind, Role
from server.people.models import PersonState, SessionEnd


class Migration(migrations.Migration):
    dependencies = [("yizhitong", "0001_house")]

    initial = False

    operations = [
        ops.CreateModel(
            name="AuditEntry",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True)),
                ("subject", fields.CharField(max_length=64)),
                ("action", fields.CharField(max_length=64)),
                ("before", fields.CharField(max_length=32)),
                ("after", fields.CharField(max_length=32)),
                ("actor_id", fields.UUIDField(null=True)),
                ("fields", fields.JSONField(encoder=JSON_DUMPS, decoder=loads)),
                ("reason", fields.CharField(max_length=500)),
                ("made_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("key_id", fields.CharField(max_length=16)),
                ("mac", fields.CharField(max_length=64)),
            ],
            options={"table": "audit_entry", "app": "yizhitong", "indexes": [Index(fields=["subject", "id"])], "pk_attr": "id", "table_description": "One act on `subject` (`kind:id`), by `actor_id` or, where that is null, by the system itself."},
            bases=["Model"],
        ),
        ops.CreateModel(
            name="AuditSeal",
            fields=[
                ("number", fields.BigIntField(primary_key=True, generated=False, unique=True, db_index=True)),
                ("entry", fields.OneToOneField("yizhitong.AuditEntry", source_field="entry_id", db_constraint=True, to_field="id", related_name="seal", on_delete=OnDelete.RESTRICT)),
                ("key_id", fields.CharField(max_length=16)),
                ("mac", fields.CharField(max_length=64)),
            ],
            options={"table": "audit_seal", "app": "yizhitong", "pk_attr": "number", "table_description": "The place of an entry in the chain. `mac` signs the number, the mac before it and that of the entry."},
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Follower",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True)),
                ("openid", fields.CharField(unique=True, max_length=64)),
                ("unionid", fields.CharField(null=True, db_index=True, max_length=64)),
                ("following", fields.BooleanField()),
                ("changed_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={"table": "follower", "app": "yizhitong", "pk_attr": "id", "table_description": "Someone who follows the service account, where the union id says which person that is."},
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Organisation",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True)),
                ("kind", fields.CharEnumField(description="SECRETARIAT: secretariat\nVOCATIONAL_SCHOOL: vocational_school\nFEEDER_SCHOOL: feeder_school\nENTERPRISE: enterprise\nAGENCY: agency\nAUTHORITY: authority", enum_type=Kind, max_length=32)),
                ("name", fields.CharField(max_length=100)),
                ("region", fields.CharField(null=True, max_length=6)),
                ("state", fields.CharEnumField(default=OrganisationState.APPLIED, description="APPLIED: applied\nVERIFIED: verified\nREJECTED: rejected\nLAPSED: lapsed\nSUSPENDED: suspended\nCLOSED: closed", enum_type=OrganisationState, max_length=32)),
                ("version", fields.IntField(default=1)),
                ("created_at", fields.DatetimeField(db_index=True, auto_now=False, auto_now_add=False)),
            ],
            options={"table": "organisation", "app": "yizhitong", "pk_attr": "id", "table_description": "A body that acts through its members. `region` is a GB/T 2260 code, `version` counts writes."},
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Person",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True)),
                ("openid", fields.CharField(unique=True, max_length=64)),
                ("unionid", fields.CharField(null=True, db_index=True, max_length=64)),
                ("name_sealed", fields.TextField(null=True, unique=False)),
                ("phone_sealed", fields.TextField(null=True, unique=False)),
                ("phone_index", fields.CharField(null=True, db_index=True, max_length=96)),
                ("state", fields.CharEnumField(default=PersonState.ACTIVE, description="ACTIVE: active\nSUSPENDED: suspended", enum_type=PersonState, max_length=32)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={"table": "person", "app": "yizhitong", "pk_attr": "id", "table_description": "Someone signed in by WeChat. `openid` is the mini-program's, name and phone lie sealed."},
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Membership",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True)),
                ("organisation", fields.ForeignKeyField("yizhitong.Organisation", source_field="organisation_id", db_constraint=True, to_field="id", related_name="memberships", on_delete=OnDelete.RESTRICT)),
                ("person", fields.ForeignKeyField("yizhitong.Person", source_field="person_id", db_index=True, db_constraint=True, to_field="id", related_name="memberships", on_delete=OnDelete.RESTRICT)),
                ("role", fields.CharEnumField(description="CLERK: clerk\nMANAGER: manager\nEDITOR: editor\nREVIEWER: reviewer\nAPPROVER: approver\nFINANCE: finance\nADMIN: admin", enum_type=Role, max_length=32)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("ended_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={"table": "membership", "app": "yizhitong", "pk_attr": "id", "table_description": "A person's role in an organisation, until it ends, at most one at a time."},
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Revocation",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True)),
                ("person_id", fields.UUIDField()),
                ("made_at", fields.DatetimeField(db_index=True, auto_now=False, auto_now_add=False)),
            ],
            options={"table": "revocation", "app": "yizhitong", "pk_attr": "id", "table_description": "A mark that what is known of a person's sessions and rights is out of date, read by every process."},
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Session",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True)),
                ("person", fields.ForeignKeyField("yizhitong.Person", source_field="person_id", db_index=True, db_constraint=True, to_field="id", related_name="sessions", on_delete=OnDelete.RESTRICT)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("expires_at", fields.DatetimeField(db_index=True, auto_now=False, auto_now_add=False)),
                ("ended_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("end", fields.CharEnumField(null=True, description="SIGNED_OUT: signed_out\nSIGNED_OUT_EVERYWHERE: signed_out_everywhere\nREUSED: reused\nSUSPENDED: suspended", enum_type=SessionEnd, max_length=32)),
            ],
            options={"table": "session", "app": "yizhitong", "pk_attr": "id", "table_description": "One sign-in on one device, with all the refresh tokens that followed from it: their family."},
            bases=["Model"],
        ),
        ops.CreateModel(
            name="RefreshToken",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True)),
                ("session", fields.ForeignKeyField("yizhitong.Session", source_field="session_id", db_index=True, db_constraint=True, to_field="id", related_name="refresh_tokens", on_delete=OnDelete.RESTRICT)),
                ("token_hash", fields.CharField(unique=True, max_length=64)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("used_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={"table": "refresh_token", "app": "yizhitong", "pk_attr": "id", "table_description": "One refresh token, known by its hash and used once."},
            bases=["Model"],
        ),
        ops.CreateModel(
            name="WeChatEvent",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True)),
                ("account", fields.CharEnumField(description="MINI_PROGRAM: mini_program\nSERVICE_ACCOUNT: service_account", enum_type=Account, max_length=32)),
                ("fingerprint", fields.CharField(unique=True, max_length=64)),
                ("name", fields.CharField(max_length=64)),
                ("openid", fields.CharField(max_length=64)),
                ("payload", fields.JSONField(encoder=JSON_DUMPS, decoder=loads)),
                ("received_at", fields.DatetimeField(db_index=True, auto_now=False, auto_now_add=False)),
                ("handled_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={"table": "wechat_event", "app": "yizhitong", "pk_attr": "id", "table_description": "One event. `fingerprint` is the same for a repetition, `handled_at` is set when its work is done."},
            bases=["Model"],
        ),
    ]
