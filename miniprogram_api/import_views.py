"""What is said of a list that was sent, and of its rows: what is wrong with them, and never their values in full."""

from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import Field, StringConstraints
from sanic import Request

from miniprogram_api.listing import Columns, Table
from miniprogram_api.people import OrganisationName
from miniprogram_api.problem import Problems
from miniprogram_api.reading import IMPERSONAL, Body, Form, Paged, Query
from miniprogram_api.tables import Exportable
from miniprogram_api.words import Words
from server.enrolments.models import Intake, Level
from server.imports import cells, service
from server.imports.headings import Kind
from server.imports.models import Import, ImportKind, ImportRow, ImportState, Outcome
from server.imports.sheets import Failed
from server.kernel import codes
from server.kernel import sensitive as personal
from server.kernel.errors import FieldFault
from server.kernel.sensitive import Sensitive
from server.referrals.columns import Lists
from server.referrals.importing import Wanted

Year = Annotated[int, Field(ge=2000, le=2100)]
_WHOLE = 100
_MASKED = {
    Kind.NAME: personal.Kind.NAME,
    Kind.ID_NUMBER: personal.Kind.ID_NUMBER,
    Kind.PHONE: personal.Kind.PHONE,
}


class NewEnrolments(Form):
    """What holds for all rows: `level` for those that name none."""

    organisation: UUID | None = None
    year: Year
    intake: Intake
    level: Level | None = None

    def wanted(self) -> Wanted:
        """Return it as the service takes it."""
        return Wanted(self.year, self.intake, None, self.level)


class NewReferrals(NewEnrolments):
    """What holds for all rows: `named_school` and `level` for those that name none."""

    named_school: UUID | None = None

    def wanted(self) -> Wanted:
        """Return it as the service takes it."""
        return Wanted(self.year, self.intake, self.named_school, self.level)


class ImportsQuery(Exportable):
    """Of which school; where it is left out, of all for which one may send lists."""

    organisation: UUID | None = None


class RowsQuery(Paged):
    """Which rows."""

    outcome: Outcome | None = None


class FailedQuery(Query):
    """Why the rows are taken, for the record."""

    reason: Annotated[str, StringConstraints(strip_whitespace=True, max_length=500), IMPERSONAL] = ""


class HeadingView(Body):
    """A column that is read: what it says, and its heading in the file."""

    field: str
    heading: str


class CountsView(Body):
    """Of how many rows what became."""

    accepted: int
    warning: int
    repeated: int
    refused: int


class ImportView(Body):
    """A list and how far it is worked off.

    Only one sheet is read, and `unread` names others that would have fitted; `ignored` are headings of columns that say
    nothing we take. `failure` says why it could not be worked off to its end.
    """

    id: UUID
    organisation: OrganisationName
    state: ImportState
    year: int
    intake: Intake
    named_school: UUID | None
    level: Level | None
    sheet: str
    unread: list[str]
    headings: list[HeadingView]
    ignored: list[str]
    total: int
    done: int
    percent: int
    counts: CountsView
    failure: str | None
    created_at: datetime
    ended_at: datetime | None

    @classmethod
    def of(cls, row: Import, problems: Problems) -> Self:
        """Return the view of a row that was fetched with its organisation."""
        wanted, failure = Wanted.of(row.terms), row.failure
        made: dict[str, Any] = {
            "organisation": OrganisationName.of(row.organisation),
            **{name: getattr(wanted, name) for name in ("year", "intake", "named_school", "level")},
            "unread": row.terms["unread"],
            "headings": [HeadingView(field=field, heading=heading) for field, heading in row.headings],
            "percent": row.done * _WHOLE // row.total,
            "counts": CountsView(**{outcome: getattr(row, outcome) for outcome in Outcome}),
            "failure": problems.detail(failure["slug"], failure["facts"]) if failure else None,
        }
        return cls(**made, **{name: getattr(row, name) for name in cls.model_fields if name not in made})


def imports_table(kind: ImportKind, words: Words, title: str) -> Table[ImportView]:
    """Return the lists of one `kind` that were sent as a file; `title` is what such a list is called."""
    columns: Columns[ImportView] = (
        ("学校", lambda one: one.organisation.name),
        ("工作表", lambda one: one.sheet),
        ("年度", lambda one: one.year),
        ("招生季", lambda one: words.intakes[one.intake]),
        ("层次", lambda one: one.level and words.levels[one.level]),
        ("状态", lambda one: words.import_states[one.state]),
        ("总行数", lambda one: one.total),
        ("已处理行数", lambda one: one.done),
        ("收下", lambda one: one.counts.accepted),
        ("收下，有提醒", lambda one: one.counts.warning),
        ("重复", lambda one: one.counts.repeated),
        ("未收下", lambda one: one.counts.refused),
        ("没有处理完的原因", lambda one: one.failure),
        ("送交时间", lambda one: one.created_at),
        ("处理完时间", lambda one: one.ended_at),
    )
    return Table(f"{kind}_imports", f"{title}导入记录", columns)


class RemarkView(Body):
    """What is to be said of one value: its column as the file calls it, and the value masked.

    `value` is null where there is none, or it cannot be read.
    """

    field: str
    heading: str
    value: str | None
    detail: str


class RowView(Body):
    """What became of a row, `number` as the spreadsheet counts; `subject` is the referral or enrolment, `kind:id`."""

    number: int
    outcome: Outcome
    subject: str | None
    remarks: list[RemarkView]

    @classmethod
    def of(cls, row: ImportRow, source: Import, request: Request) -> Self:
        """Return the view of a row of `source`."""
        problems, lists = request.app.ctx.problems, request.app.ctx.lists
        headings, values = _headings(source, lists), personal.if_readable(service.values_of, row) or {}
        remarks = [
            RemarkView(
                field=field,
                heading=headings[field],
                value=_masked(lists.kinds(source.kind)[field], values.get(field)),
                detail=problems.sentence(FieldFault(f"/{field}", code, facts, headings[field])),
            )
            for field, code, facts in row.remarks
        ]
        subject = f"{source.kind}:{row.subject_id}" if row.subject_id else None
        return cls(number=row.number, outcome=row.outcome, subject=subject, remarks=remarks)


def failed_row(row: ImportRow, source: Import, problems: Problems, lists: Lists) -> Failed:
    """Return a refused row as it is given back, its columns called as the template calls them; empty if unreadable."""
    headings, values = lists.headings(source.kind), personal.if_readable(service.values_of, row) or {}
    faults = (FieldFault(f"/{field}", code, facts, headings[field]) for field, code, facts in row.remarks)
    reasons = "；".join(problems.sentence(fault) for fault in faults)
    return Failed(row.number, [values.get(field) for field, _ in source.headings], reasons)


def _headings(source: Import, lists: Lists) -> dict[str, str]:
    """Return what each field is called: by the file where it has the column, else by us."""
    return lists.headings(source.kind) | {field: heading for field, heading in source.headings}  # noqa: C416 -- JSON has lists for pairs


def _masked(kind: Kind, value: Any) -> str | None:
    """Return a value as it may be listed: what should be no personal data may hold somebody's number all the same."""
    text = cells.as_sent(value)
    if not text:
        return None
    if kind in _MASKED:
        return Sensitive(_MASKED[kind], text).masked
    return "*" * len(text) if codes.personal(text) else text
