"""Awards, who had which part in deciding them, their publication, objections to them, and what is claimed back."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from tortoise import fields
from tortoise.models import Model

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


class RunKind(StrEnum):
    """What is done to many awards, one by one."""

    PROPOSE = "propose"
    REVIEW = "review"
    APPROVE = "approve"
    REFUSE = "refuse"
    HOLD = "hold"
    RELEASE = "release"
    CANCEL = "cancel"


class RunState(StrEnum):
    """How far a run has come."""

    RUNNING = "running"
    DONE = "done"


class RunOutcome(StrEnum):
    """What became of one thing in a run; the code beside it says why."""

    DONE = "done"
    REFUSED = "refused"


class AwardRun(Model):
    """One order to propose or decide many awards: each is decided alone and answers alone.

    `chosen` is the filter as it was sent. `reached` is the last thing that was looked at, from which a killed run goes
    on. `counts` are outcomes by code.
    """

    id: UUID = fields.UUIDField(primary_key=True, default=new_id)
    kind = fields.CharEnumField(RunKind, max_length=16)
    chosen: dict[str, Any] = fields.JSONField()
    reason = fields.CharField(max_length=500, default="")
    actor_id: UUID = fields.UUIDField()
    state = fields.CharEnumField(RunState, max_length=16, default=RunState.RUNNING)
    total = fields.IntField(default=0)
    done = fields.IntField(default=0)
    counts: dict[str, int] = fields.JSONField()
    reached: UUID | None = fields.UUIDField(null=True)
    created_at: datetime = fields.DatetimeField(db_index=True)
    ended_at: datetime | None = fields.DatetimeField(null=True)

    class Meta:
        table = "award_run"


class AwardRunRow(Model):
    """What became of one award, or of one referral that was looked at. Append-only.

    `subject_id` is the referral of a run that proposes, else the award. `verdict` is what the rules said where they
    said no: `{"version", "verdict", "checks", "warnings"}`; beside it, or alone, `facts` of the text of its code, and
    of a stated case of which nothing came `case`: `{"payee", "matter"}`.
    """

    id: UUID = fields.UUIDField(primary_key=True, default=new_id)
    run: fields.ForeignKeyRelation[AwardRun] = fields.ForeignKeyField(
        "yizhitong.AwardRun", related_name="rows", on_delete=fields.RESTRICT
    )
    run_id: UUID
    subject_id: UUID = fields.UUIDField(db_index=True)
    award_id: UUID | None = fields.UUIDField(null=True)
    outcome = fields.CharEnumField(RunOutcome, max_length=16)
    code = fields.CharField(max_length=64, default="")
    verdict: dict[str, Any] | None = fields.JSONField(null=True)

    class Meta:
        table = "award_run_row"
        unique_together = (("run", "subject_id"),)
        indexes = (("run_id", "outcome", "id"),)


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


class Publication(Model):
    """Awards made public as figures of each school, from `starts_on` to `ends_on`, both included."""

    id: UUID = fields.UUIDField(primary_key=True, default=new_id)
    programme = fields.CharField(max_length=64)
    year = fields.IntField()
    starts_on: date = fields.DateField()
    ends_on: date = fields.DateField()
    made_by_id: UUID = fields.UUIDField()
    made_at: datetime = fields.DatetimeField()

    class Meta:
        table = "publication"
        indexes = (("year", "id"),)


class PublicationFigure(Model):
    """What a publication says of one school. Append-only."""

    id: UUID = fields.UUIDField(primary_key=True, default=new_id)
    publication: fields.ForeignKeyRelation[Publication] = fields.ForeignKeyField(
        "yizhitong.Publication", related_name="figures", on_delete=fields.RESTRICT
    )
    publication_id: UUID
    payee: fields.ForeignKeyRelation[Organisation] = fields.ForeignKeyField(
        "yizhitong.Organisation", related_name="publicised", on_delete=fields.RESTRICT
    )
    payee_id: UUID
    awards = fields.IntField()
    amount_fen = fields.BigIntField()

    class Meta:
        table = "publication_figure"
        unique_together = (("publication", "payee"),)


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


class ObjectionState(StrEnum):
    """What became of an objection."""

    OPEN = "open"
    UPHELD = "upheld"
    """It is right: the award is refused."""
    REJECTED = "rejected"


class Objection(Model):
    """A word against a publicised award, or against what is publicised of a school. It holds what it names."""

    id: UUID = fields.UUIDField(primary_key=True, default=new_id)
    publication: fields.ForeignKeyRelation[Publication] = fields.ForeignKeyField(
        "yizhitong.Publication", related_name="objections", on_delete=fields.RESTRICT, db_index=True
    )
    publication_id: UUID
    payee: fields.ForeignKeyRelation[Organisation] = fields.ForeignKeyField(
        "yizhitong.Organisation", related_name="objected_to", on_delete=fields.RESTRICT
    )
    payee_id: UUID
    award: fields.ForeignKeyNullableRelation[Award] = fields.ForeignKeyField(
        "yizhitong.Award", related_name="objections", on_delete=fields.RESTRICT, null=True, db_index=True
    )
    award_id: UUID | None
    person_id: UUID = fields.UUIDField()
    reason = fields.CharField(max_length=1000)
    state = fields.CharEnumField(ObjectionState, max_length=16, default=ObjectionState.OPEN)
    decided_by_id: UUID | None = fields.UUIDField(null=True)
    decided_at: datetime | None = fields.DatetimeField(null=True)
    decision = fields.CharField(max_length=500, default="")
    created_at: datetime = fields.DatetimeField()

    class Meta:
        table = "objection"
        indexes = (("state", "created_at"),)


class ClawbackState(StrEnum):
    """How far the claiming back of a paid award has come."""

    REQUESTED = "requested"
    """Also a question that came up by itself: nobody has decided anything."""
    APPROVED = "approved"
    DEMANDED = "demanded"
    PARTLY = "partly"
    """Some of it has come back."""
    RECOVERED = "recovered"
    OFFSET = "offset"
    """The last of it was kept back from a later statement."""
    WRITTEN_OFF = "written_off"
    DROPPED = "dropped"


class ContestState(StrEnum):
    """What became of the payee's word against a clawback; it never holds the clawback up."""

    NONE = "none"
    OPEN = "open"
    STANDS = "stands"
    LIFTED = "lifted"


class Clawback(Model):
    """The claiming back of an award that was paid, or of a part of it.

    What is still owed is `amount_fen` less what was recovered, offset and written off. `statement_id` is the live
    statement that is to keep `offsetting_fen` of it back. `requested_by_id` is null where the question came up by
    itself.
    """

    id: UUID = fields.UUIDField(primary_key=True, default=new_id)
    award: fields.ForeignKeyRelation[Award] = fields.ForeignKeyField(
        "yizhitong.Award", related_name="clawbacks", on_delete=fields.RESTRICT, db_index=True
    )
    award_id: UUID
    payee: fields.ForeignKeyRelation[Organisation] = fields.ForeignKeyField(
        "yizhitong.Organisation", related_name="clawbacks", on_delete=fields.RESTRICT
    )
    payee_id: UUID
    amount_fen = fields.BigIntField()
    recovered_fen = fields.BigIntField(default=0)
    offset_fen = fields.BigIntField(default=0)
    written_off_fen = fields.BigIntField(default=0)
    state = fields.CharEnumField(ClawbackState, max_length=16, default=ClawbackState.REQUESTED)
    reason = fields.CharField(max_length=500)
    requested_by_id: UUID | None = fields.UUIDField(null=True)
    approved_by_id: UUID | None = fields.UUIDField(null=True)
    demanded_at: datetime | None = fields.DatetimeField(null=True)
    contest = fields.CharEnumField(ContestState, max_length=16, default=ContestState.NONE)
    contest_reason = fields.CharField(max_length=1000, default="")
    contested_by_id: UUID | None = fields.UUIDField(null=True)
    statement_id: UUID | None = fields.UUIDField(null=True, db_index=True)
    offsetting_fen = fields.BigIntField(default=0)
    version = fields.IntField(default=1)
    created_at: datetime = fields.DatetimeField()
    state_since: datetime = fields.DatetimeField()

    class Meta:
        table = "clawback"
        indexes = (("payee_id", "state"), ("state", "state_since"))
