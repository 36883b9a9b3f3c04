"""Awards, the draws of those that are looked at again, and who had which part in deciding each."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from tortoise import fields
from tortoise.models import Model

from server.awards.models.publications import Publication
from server.awards.models.runs import AwardRun
from server.funds.models import Budget, Fund
from server.kernel.ids import new_id
from server.organisations.models import Organisation
from server.referrals.models import Referral
from server.students.models import Student


class AwardState(StrEnum):
    """Where a money decision stands."""

    PROPOSED = "proposed"
    """The rules say so; nobody has decided anything."""
    REVIEWED = "reviewed"
    PUBLICISED = "publicised"
    APPROVED = "approved"
    """Money is reserved for it."""
    AWAITING_FUNDS = "awaiting_funds"
    """Approved, and in the queue for money."""
    ON_STATEMENT = "on_statement"
    PAID = "paid"
    HELD = "held"
    """Goes back to `held_from` once it is released."""
    REFUSED = "refused"
    CANCELLED = "cancelled"


ENDED = (AwardState.REFUSED, AwardState.CANCELLED)
"""Beside these a student may have another award of the programme."""


class Part(StrEnum):
    """What somebody decides of an award; no one person has two parts in one."""

    REVIEW = "review"
    SECOND_CHECK = "second_check"
    APPROVAL = "approval"
    SENDING = "sending"
    CLAWBACK = "clawback"


class SecondCheck(StrEnum):
    """Whether an award was drawn to be looked at again, and what came of it."""

    NONE = "none"
    WAITING = "waiting"
    PASSED = "passed"
    FAILED = "failed"


class AwardSample(Model):
    """A random draw of reviewed awards for a second look. Append-only.

    Anyone can draw it again: the `size` awards of the `population` whose SHA-256 of `seed` and id come first.
    """

    id: UUID = fields.UUIDField(primary_key=True, default=new_id)
    programme = fields.CharField(max_length=64)
    year = fields.IntField()
    seed = fields.CharField(max_length=64)
    population = fields.IntField()
    size = fields.IntField()
    drawn_by_id: UUID = fields.UUIDField()
    drawn_at: datetime = fields.DatetimeField()

    class Meta:
        table = "award_sample"
        indexes = (("programme", "year", "id"),)


class Award(Model):
    """A money decision that follows from a programme, for one student or, of other programmes, one `matter`.

    `entered_on` is the day as of which the rules were run; `rule_version`, `facts` and `verdict` are what they said
    then, `run` is who ran them. `held_from` is the state to which a held one returns. `budget` is where its money is
    reserved. `doubt` is a code for what came up after it could not be held any more (empty: nothing); it keeps a
    statement from being sent. `failure` is why the last payment failed. `queued_at` is its place in the queue for
    money. `exception_reason` is why it stands beside another one for the same student. `statement_id` is the live
    statement that it is on.
    """

    id: UUID = fields.UUIDField(primary_key=True, default=new_id)
    programme = fields.CharField(max_length=64)
    year = fields.IntField()
    referral: fields.ForeignKeyNullableRelation[Referral] = fields.ForeignKeyField(
        "yizhitong.Referral", related_name="awards", on_delete=fields.RESTRICT, null=True, db_index=True
    )
    referral_id: UUID | None
    student: fields.ForeignKeyNullableRelation[Student] = fields.ForeignKeyField(
        "yizhitong.Student", related_name="awards", on_delete=fields.RESTRICT, null=True, db_index=True
    )
    student_id: UUID | None
    payee: fields.ForeignKeyRelation[Organisation] = fields.ForeignKeyField(
        "yizhitong.Organisation", related_name="awards", on_delete=fields.RESTRICT
    )
    payee_id: UUID
    matter = fields.CharField(max_length=100, default="")
    amount_fen = fields.BigIntField()
    state = fields.CharEnumField(AwardState, max_length=16, default=AwardState.PROPOSED)
    held_from = fields.CharEnumField(AwardState, max_length=16, null=True)
    entered_on: date = fields.DateField()
    rule_version = fields.CharField(max_length=32)
    facts: dict[str, Any] = fields.JSONField()
    verdict: dict[str, Any] = fields.JSONField()
    run: fields.ForeignKeyRelation[AwardRun] = fields.ForeignKeyField(
        "yizhitong.AwardRun", related_name="awards", on_delete=fields.RESTRICT
    )
    run_id: UUID
    fund: fields.ForeignKeyNullableRelation[Fund] = fields.ForeignKeyField(
        "yizhitong.Fund", related_name="awards", on_delete=fields.RESTRICT, null=True
    )
    fund_id: UUID | None
    budget: fields.ForeignKeyNullableRelation[Budget] = fields.ForeignKeyField(
        "yizhitong.Budget", related_name="awards", on_delete=fields.RESTRICT, null=True, db_index=True
    )
    budget_id: UUID | None
    publication: fields.ForeignKeyNullableRelation[Publication] = fields.ForeignKeyField(
        "yizhitong.Publication", related_name="listed", on_delete=fields.RESTRICT, null=True, db_index=True
    )
    publication_id: UUID | None
    sample: fields.ForeignKeyNullableRelation[AwardSample] = fields.ForeignKeyField(
        "yizhitong.AwardSample", related_name="drawn", on_delete=fields.RESTRICT, null=True
    )
    sample_id: UUID | None
    second_check = fields.CharEnumField(SecondCheck, max_length=16, default=SecondCheck.NONE)
    statement_id: UUID | None = fields.UUIDField(null=True, db_index=True)
    exception_reason = fields.CharField(max_length=500, default="")
    doubt = fields.CharField(max_length=32, default="")
    failure = fields.CharField(max_length=200, default="")
    queued_at: datetime | None = fields.DatetimeField(null=True)
    version = fields.IntField(default=1)
    created_at: datetime = fields.DatetimeField()
    state_since: datetime = fields.DatetimeField()

    class Meta:
        table = "award"
        indexes = (
            ("payee_id", "year", "id"),
            ("year", "state", "id"),
            ("programme", "year", "id"),
            ("state", "state_since"),
        )


class AwardDecider(Model):
    """That a person had a part in an award, and which. Append-only: what is undone was decided all the same.

    The database holds one part of one person in one award.
    """

    id: UUID = fields.UUIDField(primary_key=True, default=new_id)
    award: fields.ForeignKeyRelation[Award] = fields.ForeignKeyField(
        "yizhitong.Award", related_name="deciders", on_delete=fields.RESTRICT
    )
    award_id: UUID
    person_id: UUID = fields.UUIDField()
    part = fields.CharEnumField(Part, max_length=16)
    made_at: datetime = fields.DatetimeField()

    class Meta:
        table = "award_decider"
        unique_together = (("award", "person_id"),)
