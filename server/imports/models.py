"""Imports and what became of their rows."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from tortoise import fields
from tortoise.models import Model

from server.kernel.ids import new_id
from server.organisations.models import Organisation


class ImportKind(StrEnum):
    """What a list holds."""

    REFERRAL = "referral"
    ENROLMENT = "enrolment"


class ImportState(StrEnum):
    """How far it is."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    """It could not be worked off to its end; what was done before stays."""


class Outcome(StrEnum):
    """What became of a row."""

    ACCEPTED = "accepted"
    WARNING = "warning"
    """Accepted, or registered before, and somebody should look at it."""
    REPEATED = "repeated"
    """The school had registered the same before: nothing was done."""
    REFUSED = "refused"


class Import(Model):
    """A spreadsheet that a school sent, and how far it is worked off.

    `terms` are what holds for all its rows, such as year and intake. The rows lie sealed in the file that `rows_id`
    names until all are worked off; `done` is how many are, in their order, and where a killed import goes on.
    `headings` are `[field, heading]` of the columns that are read, in their order, `ignored` the headings of others.
    `job_id` is the job that works on it, null while it waits for another one of its school. `failure` is
    `{slug, facts}` of the refusal that ended it.
    """

    id: UUID = fields.UUIDField(primary_key=True, default=new_id)
    kind = fields.CharEnumField(ImportKind, max_length=32)
    organisation: fields.ForeignKeyRelation[Organisation] = fields.ForeignKeyField(
        "yizhitong.Organisation", related_name="imports", on_delete=fields.RESTRICT, db_index=True
    )
    organisation_id: UUID
    person_id: UUID = fields.UUIDField()
    terms: dict[str, Any] = fields.JSONField()
    sheet = fields.CharField(max_length=100, default="")
    headings: list[list[str]] = fields.JSONField()
    ignored: list[str] = fields.JSONField()
    state = fields.CharEnumField(ImportState, max_length=32, default=ImportState.QUEUED)
    total = fields.IntField()
    done = fields.IntField(default=0)
    accepted = fields.IntField(default=0)
    warning = fields.IntField(default=0)
    repeated = fields.IntField(default=0)
    refused = fields.IntField(default=0)
    rows_id: UUID | None = fields.UUIDField(null=True)
    job_id: UUID | None = fields.UUIDField(null=True)
    failure: dict[str, Any] | None = fields.JSONField(null=True)
    created_at: datetime = fields.DatetimeField(db_index=True)
    ended_at: datetime | None = fields.DatetimeField(null=True)

    class Meta:
        table = "import"


class ImportRow(Model):
    """What became of one row: `number` as the spreadsheet counts its rows, from 1.

    `remarks` are `[column, code, facts]`, never a value. `cells_sealed` holds the row as it was sent, for those that
    are to be corrected and sent again.
    """

    id: UUID = fields.UUIDField(primary_key=True, default=new_id)
    source: fields.ForeignKeyRelation[Import] = fields.ForeignKeyField(
        "yizhitong.Import", related_name="rows", on_delete=fields.RESTRICT
    )
    source_id: UUID
    number = fields.IntField()
    outcome = fields.CharEnumField(Outcome, max_length=32)
    subject_id: UUID | None = fields.UUIDField(null=True)
    remarks: list[Any] = fields.JSONField()
    cells_sealed: str | None = fields.TextField(null=True)

    class Meta:
        table = "import_row"
        unique_together = (("source_id", "number"),)
        indexes = (("source_id", "outcome", "number"),)
