"""People, their sessions, and the followers of the service account."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from tortoise import fields
from tortoise.models import Model

from server.kernel.ids import new_id


class PersonState(StrEnum):
    """Whether a person may act."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    DELETION_REQUESTED = "deletion_requested"
    RESTRICTED = "restricted"
    """Kept because something must be, and used for nothing else."""
    ERASED = "erased"
    """Nothing tells any more who it was."""


class SessionEnd(StrEnum):
    """Why a session ended before its time."""

    SIGNED_OUT = "signed_out"
    SIGNED_OUT_EVERYWHERE = "signed_out_everywhere"
    REUSED = "reused"
    """A refresh token that had been used already came again: one of its two holders stole it."""
    SUSPENDED = "suspended"
    DELETION = "deletion"


class Person(Model):
    """Someone signed in by WeChat. `openid` is the mini-program's, name and phone lie sealed."""

    id: UUID = fields.UUIDField(primary_key=True, default=new_id)
    openid = fields.CharField(max_length=64, unique=True)
    unionid = fields.CharField(max_length=64, null=True, db_index=True)
    name_sealed: str | None = fields.TextField(null=True)
    phone_sealed: str | None = fields.TextField(null=True)
    phone_index = fields.CharField(max_length=96, null=True, db_index=True)
    state = fields.CharEnumField(PersonState, max_length=32, default=PersonState.ACTIVE)
    deletion_requested_at: datetime | None = fields.DatetimeField(null=True)
    created_at: datetime = fields.DatetimeField()

    class Meta:
        table = "person"


class Session(Model):
    """One sign-in on one device, with all the refresh tokens that followed from it: their family."""

    id: UUID = fields.UUIDField(primary_key=True, default=new_id)
    person: fields.ForeignKeyRelation[Person] = fields.ForeignKeyField(
        "yizhitong.Person", related_name="sessions", on_delete=fields.RESTRICT, db_index=True
    )
    person_id: UUID
    created_at: datetime = fields.DatetimeField()
    expires_at: datetime = fields.DatetimeField(db_index=True)
    ended_at: datetime | None = fields.DatetimeField(null=True)
    end = fields.CharEnumField(SessionEnd, max_length=32, null=True)

    class Meta:
        table = "session"

    def lives(self, now: datetime) -> bool:
        """Whether it is in force at `now`."""
        return self.ended_at is None and now < self.expires_at


class RefreshToken(Model):
    """One refresh token, known by its hash and used once."""

    id: UUID = fields.UUIDField(primary_key=True, default=new_id)
    session: fields.ForeignKeyRelation[Session] = fields.ForeignKeyField(
        "yizhitong.Session", related_name="refresh_tokens", on_delete=fields.RESTRICT, db_index=True
    )
    session_id: UUID
    token_hash = fields.CharField(max_length=64, unique=True)
    created_at: datetime = fields.DatetimeField()
    used_at: datetime | None = fields.DatetimeField(null=True)

    class Meta:
        table = "refresh_token"


class Revocation(Model):
    """A mark that what is known of a person's sessions and rights is out of date, read by every process."""

    id: UUID = fields.UUIDField(primary_key=True, default=new_id)
    person_id: UUID = fields.UUIDField()
    made_at: datetime = fields.DatetimeField(db_index=True)

    class Meta:
        table = "revocation"


class Follower(Model):
    """Someone who follows the service account, where the union id says which person that is."""

    id: UUID = fields.UUIDField(primary_key=True, default=new_id)
    openid = fields.CharField(max_length=64, unique=True)
    unionid = fields.CharField(max_length=64, null=True, db_index=True)
    following = fields.BooleanField()
    changed_at: datetime = fields.DatetimeField()

    class Meta:
        table = "follower"
