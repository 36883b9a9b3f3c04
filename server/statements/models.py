"""Statements, their rows, what came back for each row, and who let them go out."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from tortoise import fields
from tortoise.models import Model

from server.awards.models import Award, Clawback
from server.funds.models import Budget, Fund
from server.kernel.ids import new_id
from server.organisations.models import Organisation, PayeeAccount


class StatementState(StrEnum):
    """How far a statement has come."""

    OPEN = "open"
    LOCKED = "locked"
    SENT = "sent"
    PART_SETTLED = "part_settled"
    SETTLED = "settled"
    VOIDED = "voided"
    RETURNED = "returned"
    """The payer sent all of it back."""


class Receipt(StrEnum):
    """What the payee says; it never holds settling up."""

    NONE = "none"
    CONFIRMED = "confirmed"
    DISPUTED = "disputed"


class Statement(Model):
    """A batch of approved awards for one payee, of one budget.

    From `locked_at` on its rows, its sums and the account never change: the account is a row that is itself never
    changed. `total_fen` is what is to be paid: its awards less `offset_fen`, what is kept back. `follows` is the one
    whose failures it takes up.
    """

    id: UUID = fields.UUIDField(primary_key=True, default=new_id)
    number = fields.CharField(max_length=16, unique=True)
    payee: fields.ForeignKeyRelation[Organisation] = fields.ForeignKeyField(
        "yizhitong.Organisation", related_name="statements", on_delete=fields.RESTRICT
    )
    payee_id: UUID
    budget: fields.ForeignKeyRelation[Budget] = fields.ForeignKeyField(
        "yizhitong.Budget", related_name="statements", on_delete=fields.RESTRICT, db_index=True
    )
    budget_id: UUID
    fund: fields.ForeignKeyRelation[Fund] = fields.ForeignKeyField(
        "yizhitong.Fund", related_name="statements", on_delete=fields.RESTRICT
    )
    fund_id: UUID
    follows: fields.ForeignKeyNullableRelation["Statement"] = fields.ForeignKeyField(
        "yizhitong.Statement", related_name="followed_by", on_delete=fields.RESTRICT, null=True
    )
    follows_id: UUID | None
    state = fields.CharEnumField(StatementState, max_length=16, default=StatementState.OPEN)
    offsets = fields.BooleanField(default=True)
    count = fields.IntField(default=0)
    total_fen = fields.BigIntField(default=0)
    offset_fen = fields.BigIntField(default=0)
    account: fields.ForeignKeyNullableRelation[PayeeAccount] = fields.ForeignKeyField(
        "yizhitong.PayeeAccount", related_name="statements", on_delete=fields.RESTRICT, null=True
    )
    account_id: UUID | None
    payer: fields.ForeignKeyNullableRelation[Organisation] = fields.ForeignKeyField(
        "yizhitong.Organisation", related_name="statements_paid", on_delete=fields.RESTRICT, null=True
    )
    payer_id: UUID | None
    opened_by_id: UUID = fields.UUIDField()
    locked_by_id: UUID | None = fields.UUIDField(null=True)
    locked_at: datetime | None = fields.DatetimeField(null=True)
    sent_by_id: UUID | None = fields.UUIDField(null=True)
    sent_at: datetime | None = fields.DatetimeField(null=True)
    receipt = fields.CharEnumField(Receipt, max_length=16, default=Receipt.NONE)
    receipt_note = fields.CharField(max_length=500, default="")
    receipt_by_id: UUID | None = fields.UUIDField(null=True)
    receipt_at: datetime | None = fields.DatetimeField(null=True)
    version = fields.IntField(default=1)
    created_at: datetime = fields.DatetimeField()
    state_since: datetime = fields.DatetimeField()

    class Meta:
        table = "statement"
        indexes = (("payee_id", "id"), ("state", "state_since"))


class StatementRow(Model):
    """One line of a locked statement. Append-only: an award to pay, or a clawback to keep back, below zero."""

    id: UUID = fields.UUIDField(primary_key=True, default=new_id)
    statement: fields.ForeignKeyRelation[Statement] = fields.ForeignKeyField(
        "yizhitong.Statement", related_name="rows", on_delete=fields.RESTRICT
    )
    statement_id: UUID
    number = fields.IntField()
    award: fields.ForeignKeyNullableRelation[Award] = fields.ForeignKeyField(
        "yizhitong.Award", related_name="statement_rows", on_delete=fields.RESTRICT, null=True, db_index=True
    )
    award_id: UUID | None
    clawback: fields.ForeignKeyNullableRelation[Clawback] = fields.ForeignKeyField(
        "yizhitong.Clawback", related_name="statement_rows", on_delete=fields.RESTRICT, null=True, db_index=True
    )
    clawback_id: UUID | None
    amount_fen = fields.BigIntField()

    class Meta:
        table = "statement_row"
        unique_together = (("statement", "number"),)


class RowOutcome(StrEnum):
    """What the payer or the bank says of a row."""

    PAID = "paid"
    FAILED = "failed"
    BANK_RETURNED = "bank_returned"
    """Paid, and sent back by the bank (退汇)."""
    RETURN_UNDONE = "return_undone"
    """That was entered by mistake: it is paid as before."""


class StatementResult(Model):
    """What came back for one row. Append-only. A row is paid or failed once."""

    id: UUID = fields.UUIDField(primary_key=True, default=new_id)
    row: fields.ForeignKeyRelation[StatementRow] = fields.ForeignKeyField(
        "yizhitong.StatementRow", related_name="results", on_delete=fields.RESTRICT, db_index=True
    )
    row_id: UUID
    outcome = fields.CharEnumField(RowOutcome, max_length=16)
    reason = fields.CharField(max_length=200, default="")
    file_digest = fields.CharField(max_length=64, default="")
    actor_id: UUID = fields.UUIDField()
    made_at: datetime = fields.DatetimeField()

    class Meta:
        table = "statement_result"


class StatementApproval(Model):
    """That an approver let a locked statement go out. Append-only."""

    id: UUID = fields.UUIDField(primary_key=True, default=new_id)
    statement: fields.ForeignKeyRelation[Statement] = fields.ForeignKeyField(
        "yizhitong.Statement", related_name="approvals", on_delete=fields.RESTRICT
    )
    statement_id: UUID
    person_id: UUID = fields.UUIDField()
    reason = fields.CharField(max_length=500, default="")
    made_at: datetime = fields.DatetimeField()

    class Meta:
        table = "statement_approval"
        unique_together = (("statement", "person_id"),)
