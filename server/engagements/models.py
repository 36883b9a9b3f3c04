"""Engagements, what happened to each, and searches that somebody keeps."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from tortoise import fields
from tortoise.models import Model

from server.kernel.ids import new_id
from server.labour.models import Posting
from server.people.models import Person
from server.students.models import Student


class EngagementState(StrEnum):
    """Where it is in its life."""

    APPLIED = "applied"
    OFFERED = "offered"
    WAITING = "waiting"
    """On the wait-list: moves up by itself when a place frees."""
    ACCEPTED = "accepted"
    ATTENDED = "attended"
    COMPLETED = "completed"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    UNANSWERED = "unanswered"
    """Its posting ended before anyone answered."""
    CANCELLED_BY_EMPLOYER = "cancelled_by_employer"
    LEFT_EARLY = "left_early"
    NO_SHOW = "no_show"
    WAGE_DISPUTE = "wage_dispute"
    """Worked, and said to be unpaid."""


class Party(StrEnum):
    """Who of the two sides; a worker is whoever takes the place, a poster whoever has it to give."""

    WORKER = "worker"
    POSTER = "poster"


class ContestState(StrEnum):
    """What became of the worker's word against a no-show or an early leaving, or of a report of unpaid wages."""

    NONE = "none"
    OPEN = "open"
    STANDS = "stands"
    LIFTED = "lifted"


class Engagement(Model):
    """One person's or team's place on a demand, or several places of a team.

    `person` answers for it: the student themselves, a team's speaker, or the clerk who offers a class. `student` is who
    that person is, null for a class. `supply` is the offer it came from, where it came from one. `holds_place` is
    whether it counts against the head-count: the sum of such sizes is the posting's `filled`. `approved_at` is when
    the poster said yes; on the wait-list those come first. `terms_id` is the published version both agreed to.
    `completed_by` and `paid_by` are what each side has said, `{"worker": {"at": <moment>, "minutes" | "fen": 480}, …}`.
    `contest_until` is the last moment at which the worker may contest; `due_at` when the clock has something to do.
    """

    id: UUID = fields.UUIDField(primary_key=True, default=new_id)
    posting: fields.ForeignKeyRelation[Posting] = fields.ForeignKeyField(
        "yizhitong.Posting", related_name="engagements", on_delete=fields.RESTRICT
    )
    posting_id: UUID
    supply: fields.ForeignKeyNullableRelation[Posting] = fields.ForeignKeyField(
        "yizhitong.Posting", related_name="taken", on_delete=fields.RESTRICT, null=True, db_index=True
    )
    supply_id: UUID | None
    person: fields.ForeignKeyRelation[Person] = fields.ForeignKeyField(
        "yizhitong.Person", related_name="engagements", on_delete=fields.RESTRICT
    )
    person_id: UUID
    student: fields.ForeignKeyNullableRelation[Student] = fields.ForeignKeyField(
        "yizhitong.Student", related_name="engagements", on_delete=fields.RESTRICT, null=True, db_index=True
    )
    student_id: UUID | None
    size = fields.IntField(default=1)
    state = fields.CharEnumField(EngagementState, max_length=32)
    state_since: datetime = fields.DatetimeField()
    holds_place = fields.BooleanField(default=False)
    approved_at: datetime | None = fields.DatetimeField(null=True)
    accepted_at: datetime | None = fields.DatetimeField(null=True)
    terms_id: UUID | None = fields.UUIDField(null=True)
    completed_by: dict[str, Any] = fields.JSONField()
    paid_by: dict[str, Any] = fields.JSONField()
    completed_at: datetime | None = fields.DatetimeField(null=True)
    deemed = fields.BooleanField(default=False)
    paid_at: datetime | None = fields.DatetimeField(null=True)
    contest = fields.CharEnumField(ContestState, max_length=16, default=ContestState.NONE)
    contest_until: datetime | None = fields.DatetimeField(null=True)
    due_at: datetime | None = fields.DatetimeField(null=True)
    version = fields.IntField(default=1)
    created_at: datetime = fields.DatetimeField()

    class Meta:
        table = "engagement"
        indexes = (
            ("person_id", "created_at"),
            ("posting_id", "created_at"),
            ("state", "state_since", "id"),
            ("state_since", "id"),
        )


class EngagementStep(Model):
    """One thing that happened to an engagement. Append-only. `reason` is plain text that names nobody."""

    id: UUID = fields.UUIDField(primary_key=True, default=new_id)
    engagement: fields.ForeignKeyRelation[Engagement] = fields.ForeignKeyField(
        "yizhitong.Engagement", related_name="steps", on_delete=fields.RESTRICT, db_index=True
    )
    engagement_id: UUID
    verb = fields.CharField(max_length=32)
    before = fields.CharField(max_length=32, default="")
    after = fields.CharField(max_length=32)
    party = fields.CharEnumField(Party, max_length=16, null=True)
    actor_id: UUID | None = fields.UUIDField(null=True)
    reason = fields.CharField(max_length=500, default="")
    made_at: datetime = fields.DatetimeField()

    class Meta:
        table = "engagement_step"


class SavedSearch(Model):
    """A search of postings that somebody keeps, to hear of what is new. `wanted` are the filters as they were asked.

    `side`, `region`, `occupation` stand apart, so that the searches which a new posting answers are found by an index.
    `told_until` is up to when its finds have been told.
    """

    id: UUID = fields.UUIDField(primary_key=True, default=new_id)
    person: fields.ForeignKeyRelation[Person] = fields.ForeignKeyField(
        "yizhitong.Person", related_name="saved_searches", on_delete=fields.RESTRICT, db_index=True
    )
    person_id: UUID
    name = fields.CharField(max_length=40, default="")
    side = fields.CharField(max_length=16)
    region = fields.CharField(max_length=6, null=True)
    occupation = fields.CharField(max_length=64, null=True)
    starts_on: date | None = fields.DateField(null=True)
    ends_on: date | None = fields.DateField(null=True)
    wanted: dict[str, Any] = fields.JSONField()
    told_until: datetime = fields.DatetimeField()
    created_at: datetime = fields.DatetimeField()

    class Meta:
        table = "saved_search"
        indexes = (("side", "occupation", "region"),)
