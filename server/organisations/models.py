"""Organisations, their members, their invitations, and the accounts they are paid into."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from tortoise import fields
from tortoise.models import Model

from server.kernel.ids import new_id
from server.organisations.roles import Kind, Role
from server.people.models import Person


class OrganisationState(StrEnum):
    """Where an organisation stands with the secretariat."""

    APPLIED = "applied"
    VERIFIED = "verified"
    REJECTED = "rejected"
    LAPSED = "lapsed"
    SUSPENDED = "suspended"
    CLOSED = "closed"


class MembershipState(StrEnum):
    """Whether a membership gives rights."""

    REQUESTED = "requested"
    """Asked for by somebody who named the organisation's credit code; a manager decides."""
    ACTIVE = "active"


class AccountBasis(StrEnum):
    """Whose account it is."""

    OWN_ACCOUNT = "own_account"
    AGENT_HOLDER = "agent_holder"
    """A documented holder in the school's place, such as a county accounting centre."""


class AccountState(StrEnum):
    """Whether money may go there."""

    PENDING = "pending"
    CONFIRMED = "confirmed"
    REFUSED = "refused"
    REPLACED = "replaced"


class Organisation(Model):
    """A body that acts through its members. `region` is a GB/T 2260 code, `version` counts writes.

    `pending_revision` holds a changed name or code until a reviewer has checked it,
    `decided_by_id` is who decided last. A vocational school is a member of the group from `member_since` to
    `member_until`, both days included.
    """

    id: UUID = fields.UUIDField(primary_key=True, default=new_id)
    kind = fields.CharEnumField(Kind, max_length=32)
    name = fields.CharField(max_length=100)
    credit_code = fields.CharField(max_length=18, null=True)
    school_code = fields.CharField(max_length=10, null=True)
    region = fields.CharField(max_length=6, null=True)
    address = fields.CharField(max_length=200, null=True)
    contact_name_sealed: str | None = fields.TextField(null=True)
    licence_number = fields.CharField(max_length=64, null=True)
    licence_valid_to: date | None = fields.DateField(null=True)
    licence_scan_id: UUID | None = fields.UUIDField(null=True)
    state = fields.CharEnumField(OrganisationState, max_length=32, default=OrganisationState.APPLIED)
    pending_revision: dict[str, Any] | None = fields.JSONField(null=True)
    decided_by_id: UUID | None = fields.UUIDField(null=True)
    verified_at: datetime | None = fields.DatetimeField(null=True)
    due_on: date | None = fields.DateField(null=True, db_index=True)
    reminded_on: date | None = fields.DateField(null=True)
    successor: fields.ForeignKeyNullableRelation["Organisation"] = fields.ForeignKeyField(
        "yizhitong.Organisation", related_name="predecessors", on_delete=fields.RESTRICT, null=True
    )
    successor_id: UUID | None
    member_since: date | None = fields.DateField(null=True)
    member_until: date | None = fields.DateField(null=True)
    version = fields.IntField(default=1)
    created_at: datetime = fields.DatetimeField(db_index=True)

    class Meta:
        table = "organisation"


class Membership(Model):
    """A person's role in an organisation, until it ends, at most one at a time."""

    id: UUID = fields.UUIDField(primary_key=True, default=new_id)
    organisation: fields.ForeignKeyRelation[Organisation] = fields.ForeignKeyField(
        "yizhitong.Organisation", related_name="memberships", on_delete=fields.RESTRICT
    )
    organisation_id: UUID
    person: fields.ForeignKeyRelation[Person] = fields.ForeignKeyField(
        "yizhitong.Person", related_name="memberships", on_delete=fields.RESTRICT, db_index=True
    )
    person_id: UUID
    role = fields.CharEnumField(Role, max_length=32)
    state = fields.CharEnumField(MembershipState, max_length=32, default=MembershipState.ACTIVE)
    created_at: datetime = fields.DatetimeField()
    ended_at: datetime | None = fields.DatetimeField(null=True)

    class Meta:
        table = "membership"


class Invitation(Model):
    """A code that lets one person join with a role, known by its hash and used once."""

    id: UUID = fields.UUIDField(primary_key=True, default=new_id)
    organisation: fields.ForeignKeyRelation[Organisation] = fields.ForeignKeyField(
        "yizhitong.Organisation", related_name="invitations", on_delete=fields.RESTRICT, db_index=True
    )
    organisation_id: UUID
    role = fields.CharEnumField(Role, max_length=32)
    code_hash = fields.CharField(max_length=64, unique=True)
    made_by_id: UUID = fields.UUIDField()
    created_at: datetime = fields.DatetimeField()
    expires_at: datetime = fields.DatetimeField()
    used_by_id: UUID | None = fields.UUIDField(null=True)
    used_at: datetime | None = fields.DatetimeField(null=True)
    revoked_at: datetime | None = fields.DatetimeField(null=True)

    class Meta:
        table = "invitation"


class PayeeAccount(Model):
    """An account that an organisation named to be paid into, kept as it was named.

    `document_scan_id` names the scan that shows why another body holds it. Number and scan go once nothing needs them.
    """

    id: UUID = fields.UUIDField(primary_key=True, default=new_id)
    organisation: fields.ForeignKeyRelation[Organisation] = fields.ForeignKeyField(
        "yizhitong.Organisation", related_name="payee_accounts", on_delete=fields.RESTRICT, db_index=True
    )
    organisation_id: UUID
    basis = fields.CharEnumField(AccountBasis, max_length=32)
    holder = fields.CharField(max_length=100)
    bank = fields.CharField(max_length=100)
    number_sealed: str | None = fields.TextField(null=True)
    number_index = fields.CharField(max_length=96, null=True, db_index=True)
    agent_reason = fields.CharField(max_length=500, default="")
    document_scan_id: UUID | None = fields.UUIDField(null=True)
    state = fields.CharEnumField(AccountState, max_length=32, default=AccountState.PENDING)
    named_by_id: UUID = fields.UUIDField()
    named_at: datetime = fields.DatetimeField()
    decided_by_id: UUID | None = fields.UUIDField(null=True)
    decided_at: datetime | None = fields.DatetimeField(null=True)
    reason = fields.CharField(max_length=500, default="")

    class Meta:
        table = "payee_account"
