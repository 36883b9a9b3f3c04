"""Funds, their papers, their budgets, and the ledger in which every fen moves."""

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from tortoise import fields
from tortoise.models import Model

from server.kernel.ids import new_id
from server.organisations.models import Organisation


class PaperKind(StrEnum):
    """What must be on file before a fund pays."""

    LEGAL_BASIS = "legal_basis"
    PAYER = "payer"
    """The fiscal body that really pays; the group is a union of bodies and pays nothing."""
    RECOGNITION = "recognition"
    """The outside decision that makes the awards of an entry year payable."""


class BudgetState(StrEnum):
    """Whether a fiscal year still takes awards."""

    OPEN = "open"
    CLOSED = "closed"


class Account(StrEnum):
    """Where a fen of a budget can be. What has gone in and not come out again is an account's balance."""

    APPROPRIATED = "appropriated"
    """The source: its balance is what was appropriated, below zero."""
    AVAILABLE = "available"
    RESERVED = "reserved"
    """For approved awards."""
    COMMITTED = "committed"
    """On locked statements."""
    SPENT = "spent"
    SURRENDERED = "surrendered"
    """Lapsed at the end of the year, or come back after it."""
    CARRIED = "carried"
    """Between two years: one budget's balance is the next one's, below zero."""
    WRITTEN_OFF = "written_off"
    """Paid, claimed back, and given up."""


class EntryKind(StrEnum):
    """What an entry does, named as people name it."""

    APPROPRIATE = "appropriate"
    REDUCE = "reduce"
    RESERVE = "reserve"
    RELEASE = "release"
    COMMIT = "commit"
    UNCOMMIT = "uncommit"
    SPEND = "spend"
    BANK_RETURN = "bank_return"
    UNDO_RETURN = "undo_return"
    """The bank sent nothing back after all."""
    RECOVER = "recover"
    """What came back by a clawback that does not stand is the payee's again."""
    UNDO_RECOVER = "undo_recover"
    """It did not come back after all."""
    WRITE_OFF = "write_off"
    REVIVE = "revive"
    """Of what was given up some comes after all: it is entered as recovered with the same."""
    LAPSE = "lapse"
    CARRY_OUT = "carry_out"
    CARRY_IN = "carry_in"


class Fund(Model):
    """A named source of money, by `clause`, for the programmes that it may pay: each has one fund at most."""

    id: UUID = fields.UUIDField(primary_key=True, default=new_id)
    name = fields.CharField(max_length=100, unique=True)
    clause = fields.CharField(max_length=32)
    programmes: list[str] = fields.JSONField()
    made_by_id: UUID = fields.UUIDField()
    version = fields.IntField(default=1)
    created_at: datetime = fields.DatetimeField()

    class Meta:
        table = "fund"


class FundPaper(Model):
    """One paper on file. A newer one of its kind, and of its entry year where it has one, replaces it.

    `replaced_at` is also when one was taken off without a newer one.
    `payer` is a verified authority, named by a paper of that kind only. `year` is named by a recognition only.
    """

    id: UUID = fields.UUIDField(primary_key=True, default=new_id)
    fund: fields.ForeignKeyRelation[Fund] = fields.ForeignKeyField(
        "yizhitong.Fund", related_name="papers", on_delete=fields.RESTRICT, db_index=True
    )
    fund_id: UUID
    kind = fields.CharEnumField(PaperKind, max_length=16)
    year: int | None = fields.IntField(null=True)
    title = fields.CharField(max_length=200)
    number = fields.CharField(max_length=100, default="")
    issuer = fields.CharField(max_length=100)
    issued_on: date = fields.DateField()
    valid_to: date | None = fields.DateField(null=True)
    payer: fields.ForeignKeyNullableRelation[Organisation] = fields.ForeignKeyField(
        "yizhitong.Organisation", related_name="pays_for", on_delete=fields.RESTRICT, null=True
    )
    payer_id: UUID | None
    scan_id: UUID = fields.UUIDField()
    put_by_id: UUID = fields.UUIDField()
    put_at: datetime = fields.DatetimeField()
    replaced_at: datetime | None = fields.DatetimeField(null=True)

    class Meta:
        table = "fund_paper"


class Budget(Model):
    """A fund's money for one fiscal year. The sums are those of the ledger, kept here to be held and checked."""

    id: UUID = fields.UUIDField(primary_key=True, default=new_id)
    fund: fields.ForeignKeyRelation[Fund] = fields.ForeignKeyField(
        "yizhitong.Fund", related_name="budgets", on_delete=fields.RESTRICT
    )
    fund_id: UUID
    year = fields.IntField()
    state = fields.CharEnumField(BudgetState, max_length=16, default=BudgetState.OPEN)
    appropriated_fen = fields.BigIntField(default=0)
    available_fen = fields.BigIntField(default=0)
    reserved_fen = fields.BigIntField(default=0)
    committed_fen = fields.BigIntField(default=0)
    spent_fen = fields.BigIntField(default=0)
    surrendered_fen = fields.BigIntField(default=0)
    carried_fen = fields.BigIntField(default=0)
    written_off_fen = fields.BigIntField(default=0)
    version = fields.IntField(default=1)
    created_at: datetime = fields.DatetimeField()
    closed_at: datetime | None = fields.DatetimeField(null=True)

    class Meta:
        table = "budget"
        unique_together = (("fund", "year"),)


class LedgerEntry(Model):
    """One movement of money within a budget: `amount_fen` leaves `source` and enters `target`. Append-only.

    So every entry has its two sides, and all accounts of a budget together are zero at any moment. A correction is
    another entry that `reverses` one, which can be done once. The ids name what moved it.
    """

    id: UUID = fields.UUIDField(primary_key=True, default=new_id)
    budget: fields.ForeignKeyRelation[Budget] = fields.ForeignKeyField(
        "yizhitong.Budget", related_name="entries", on_delete=fields.RESTRICT
    )
    budget_id: UUID
    kind = fields.CharEnumField(EntryKind, max_length=16)
    source = fields.CharEnumField(Account, max_length=16)
    target = fields.CharEnumField(Account, max_length=16)
    amount_fen = fields.BigIntField()
    award_id: UUID | None = fields.UUIDField(null=True, db_index=True)
    statement_id: UUID | None = fields.UUIDField(null=True, db_index=True)
    clawback_id: UUID | None = fields.UUIDField(null=True)
    reverses: fields.OneToOneNullableRelation["LedgerEntry"] = fields.OneToOneField(
        "yizhitong.LedgerEntry", related_name="reversed_by", on_delete=fields.RESTRICT, null=True
    )
    reverses_id: UUID | None
    actor_id: UUID | None = fields.UUIDField(null=True)
    reason = fields.CharField(max_length=500, default="")
    made_at: datetime = fields.DatetimeField()

    class Meta:
        table = "ledger_entry"
        indexes = (("budget_id", "id"),)
