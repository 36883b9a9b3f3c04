"""Postings, the versions that were published of them, what is reported about them, and lists of what is in demand."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from tortoise import fields
from tortoise.models import Model

from server.kernel.ids import new_id
from server.organisations.models import Organisation
from server.people.models import Person


class Side(StrEnum):
    """Whether hands are sought or offered."""

    DEMAND = "demand"
    SUPPLY = "supply"


class PostingKind(StrEnum):
    """What kind of work it is; the rules differ."""

    SHORT_TERM = "short_term"
    INTERNSHIP = "internship"
    JOB = "job"


class Supplier(StrEnum):
    """Who offers."""

    STUDENT = "student"
    TEAM = "team"
    SCHOOL_CLASS = "school_class"
    """Posted by its school, for internships only."""


class Shift(StrEnum):
    """When in the day."""

    DAY = "day"
    NIGHT = "night"
    ROTATING = "rotating"


class PayUnit(StrEnum):
    """What one pay is for."""

    HOUR = "hour"
    DAY = "day"
    PIECE = "piece"
    MONTH = "month"


class Settlement(StrEnum):
    """How often pay is paid out."""

    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"
    AT_THE_END = "at_the_end"


class ContactShown(StrEnum):
    """Who sees how to reach the poster."""

    AFTER_ACCEPTANCE = "after_acceptance"
    SIGNED_IN = "signed_in"


class PostingState(StrEnum):
    """Where it is in its life."""

    DRAFT = "draft"
    IN_REVIEW = "in_review"
    RETURNED = "returned"
    """With reasons; it may be mended and submitted again."""
    LIVE = "live"
    FILLED = "filled"
    PAUSED = "paused"
    """By the poster, or because its check has lapsed."""
    CLOSED = "closed"
    EXPIRED = "expired"
    REMOVED = "removed"
    """Taken down for fraud; can be appealed."""


class ReportState(StrEnum):
    """What came of a report."""

    OPEN = "open"
    UPHELD = "upheld"
    DISMISSED = "dismissed"


class Posting(Model):
    """A demand for hands or an offer of them. `version` counts writes, `region` is a GB/T 2260 code.

    `organisation` is null where a student or a team offers. `pay_fen` is for one `pay_unit`, and `hourly_fen` what
    that comes to in an hour, null where it cannot be said. `hours` are `{weekday 1–7: [["08:00", "17:30"], …]}`.
    `pending` is a change of pay, hours, place or dates that waits for a reviewer while the published one stands;
    `findings` is what the rules found, `reasons` why it was returned or removed. `paused_for` says who paused it,
    `filled_at` when it was first full.
    """

    id: UUID = fields.UUIDField(primary_key=True, default=new_id)
    side = fields.CharEnumField(Side, max_length=16)
    kind = fields.CharEnumField(PostingKind, max_length=16)
    supplier = fields.CharEnumField(Supplier, max_length=16, null=True)
    organisation: fields.ForeignKeyNullableRelation[Organisation] = fields.ForeignKeyField(
        "yizhitong.Organisation", related_name="postings", on_delete=fields.RESTRICT, null=True
    )
    organisation_id: UUID | None
    person: fields.ForeignKeyRelation[Person] = fields.ForeignKeyField(
        "yizhitong.Person", related_name="postings", on_delete=fields.RESTRICT
    )
    person_id: UUID
    title = fields.CharField(max_length=60, default="")
    occupation = fields.CharField(max_length=64, null=True)
    major = fields.CharField(max_length=64, null=True)
    region = fields.CharField(max_length=6, null=True)
    address = fields.CharField(max_length=200, default="")
    latitude: float | None = fields.FloatField(null=True)
    longitude: float | None = fields.FloatField(null=True)
    headcount = fields.IntField(null=True)
    filled = fields.IntField(default=0)
    starts_on: date | None = fields.DateField(null=True)
    ends_on: date | None = fields.DateField(null=True)
    hours: dict[str, Any] = fields.JSONField()
    shift = fields.CharEnumField(Shift, max_length=16, default=Shift.DAY)
    pay_fen = fields.IntField(null=True)
    pay_unit = fields.CharEnumField(PayUnit, max_length=16, null=True)
    pieces_per_hour = fields.IntField(null=True)
    hourly_fen = fields.IntField(null=True)
    settlement = fields.CharEnumField(Settlement, max_length=16, null=True)
    deductions = fields.CharField(max_length=500, default="")
    meals = fields.BooleanField(default=False)
    lodging = fields.BooleanField(default=False)
    transport = fields.BooleanField(default=False)
    insurance = fields.CharField(max_length=200, default="")
    age_min = fields.IntField(null=True)
    age_max = fields.IntField(null=True)
    requirements = fields.TextField(default="")
    description = fields.TextField(default="")
    contact_name_sealed: str | None = fields.TextField(null=True)
    contact_phone_sealed: str | None = fields.TextField(null=True)
    contact_shown = fields.CharEnumField(ContactShown, max_length=32, default=ContactShown.AFTER_ACCEPTANCE)
    source = fields.CharField(max_length=200, default="")
    valid_until: date | None = fields.DateField(null=True)
    state = fields.CharEnumField(PostingState, max_length=16, default=PostingState.DRAFT)
    state_since: datetime = fields.DatetimeField()
    paused_for = fields.CharField(max_length=16, default="")
    pending: dict[str, Any] | None = fields.JSONField(null=True)
    findings: list[Any] = fields.JSONField()
    reasons: list[Any] = fields.JSONField()
    similar_to_id: UUID | None = fields.UUIDField(null=True)
    fingerprint = fields.CharField(max_length=64, default="", db_index=True)
    submitted_at: datetime | None = fields.DatetimeField(null=True)
    published_at: datetime | None = fields.DatetimeField(null=True)
    filled_at: datetime | None = fields.DatetimeField(null=True)
    decided_by_id: UUID | None = fields.UUIDField(null=True)
    reminded_on: date | None = fields.DateField(null=True)
    version = fields.IntField(default=1)
    created_at: datetime = fields.DatetimeField()

    class Meta:
        table = "posting"
        indexes = (("organisation_id", "created_at"), ("person_id", "created_at"), ("state", "submitted_at"))


class PostingVersion(Model):
    """What was published of a posting, as anyone could read it, without contacts. Append-only."""

    id: UUID = fields.UUIDField(primary_key=True, default=new_id)
    posting: fields.ForeignKeyRelation[Posting] = fields.ForeignKeyField(
        "yizhitong.Posting", related_name="versions", on_delete=fields.RESTRICT, db_index=True
    )
    posting_id: UUID
    content: dict[str, Any] = fields.JSONField()
    decided_by_id: UUID | None = fields.UUIDField(null=True)
    made_at: datetime = fields.DatetimeField()

    class Meta:
        table = "posting_version"


class PostingReport(Model):
    """What a person says is wrong with a posting."""

    id: UUID = fields.UUIDField(primary_key=True, default=new_id)
    posting: fields.ForeignKeyRelation[Posting] = fields.ForeignKeyField(
        "yizhitong.Posting", related_name="reports", on_delete=fields.RESTRICT, db_index=True
    )
    posting_id: UUID
    person_id: UUID = fields.UUIDField()
    what = fields.CharField(max_length=32)
    note = fields.CharField(max_length=1000, default="")
    state = fields.CharEnumField(ReportState, max_length=16, default=ReportState.OPEN)
    decided_by_id: UUID | None = fields.UUIDField(null=True)
    decided_at: datetime | None = fields.DatetimeField(null=True)
    answer = fields.CharField(max_length=500, default="")
    created_at: datetime = fields.DatetimeField()

    class Meta:
        table = "posting_report"
        indexes = (("state", "created_at"),)


class OccupationsInDemand(Model):
    """A dated list of the occupations most in demand (技能人才需求目录). `entries` are as counted, then as edited."""

    id: UUID = fields.UUIDField(primary_key=True, default=new_id)
    title = fields.CharField(max_length=100)
    counted_from: date = fields.DateField()
    counted_to: date = fields.DateField()
    entries: list[Any] = fields.JSONField()
    published_at: datetime | None = fields.DatetimeField(null=True)
    published_by_id: UUID | None = fields.UUIDField(null=True)
    version = fields.IntField(default=1)
    created_at: datetime = fields.DatetimeField()

    class Meta:
        table = "occupations_in_demand"
