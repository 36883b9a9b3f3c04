"""Statements as they are sent and shown: the account masked, and people only to the secretariat."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import Field

from miniprogram_api.fund_views import FundName
from miniprogram_api.listing import Columns, Table
from miniprogram_api.people import OrganisationName
from miniprogram_api.reading import Body
from miniprogram_api.words import Words
from server.kernel.money import yuan_text
from server.kernel.paging import Page
from server.kernel.sensitive import Sensitive, if_readable
from server.organisations import payee_accounts
from server.organisations.models import PayeeAccount
from server.statements import listing, sending
from server.statements.models import Receipt, RowOutcome, StatementResult, StatementState
from server.statements.states import Verb

ROWS_SHOWN = 100


class LockedAccount(Body):
    """The account that a statement was locked with, its number masked, null if kept no longer or unreadable."""

    id: UUID
    holder: str
    bank: str
    number: Sensitive | None

    @classmethod
    def of(cls, row: PayeeAccount) -> Self:
        """Return the view of a row."""
        return cls(id=row.id, holder=row.holder, bank=row.bank, number=if_readable(payee_accounts.number_of, row))


class ApprovalView(Body):
    """That somebody let it go out; `person_id` is null to the payee."""

    person_id: UUID | None
    made_at: datetime


class OutcomesView(Body):
    """Of how many awards what came; one that the bank sent back, and did not by mistake only, was paid before."""

    paid: int = 0
    failed: int = 0
    bank_returned: int = 0


class ReceiptView(Body):
    """What the payee says of the money."""

    verdict: Receipt
    note: str
    made_at: datetime | None


class StatementView(Body):
    """A statement.

    `total_fen` is what is to be paid: its awards, `count` of them, less `offset_fen`, which is kept back. From locking
    on neither these nor the account and the payer change. `account_pending` says that the payee has named another
    account meanwhile, which finance has not decided on: ask before it is paid into the old one. `approvals_needed` is
    null until the lock. `may` is what the caller may do with it now. Who did what is null to the payee.
    """

    id: UUID
    number: Annotated[str, Field(examples=["S2026-0007"])]
    state: StatementState
    payee: OrganisationName
    fund: FundName
    year: int
    follows: UUID | None
    offsets: bool
    count: int
    total_fen: int
    offset_fen: int
    account: LockedAccount | None
    account_pending: bool
    payer: OrganisationName | None
    approvals_needed: int | None
    approvals: list[ApprovalView]
    outcomes: OutcomesView
    receipt: ReceiptView
    opened_by: UUID | None
    locked_by: UUID | None
    locked_at: datetime | None
    sent_by: UUID | None
    sent_at: datetime | None
    may: list[Verb]
    version: int
    created_at: datetime
    state_since: datetime

    @classmethod
    def of(cls, seen: listing.Seen, may: Sequence[Verb], *, staff: bool) -> Self:
        """Return the view of a statement as the secretariat's staff or its payee may see it, and what they may do."""
        return cls(**parts(seen, may, staff=staff))


class ResultView(Body):
    """What came back for a row, and why where it failed."""

    outcome: RowOutcome
    reason: str
    made_at: datetime

    @classmethod
    def of(cls, row: StatementResult) -> Self:
        """Return the view of a row."""
        return cls(outcome=row.outcome, reason=row.reason, made_at=row.made_at)


class StatementRowView(Body):
    """A row: an award to pay, or what is kept back for a clawback, below zero; `number` is null before it is locked.

    `award` is the one to pay or that was claimed back; `subject` the number of its referral, or its matter.
    """

    number: int | None
    award: UUID | None
    clawback: UUID | None
    subject: str
    amount_fen: int
    results: list[ResultView]

    @classmethod
    def of(cls, line: listing.Line) -> Self:
        """Return the view of a row."""
        award = line.award or (line.clawback.award if line.clawback else None)
        subject = (award.referral.number if award.referral else award.matter) if award else ""
        return cls(
            number=line.number,
            award=award.id if award else None,
            clawback=line.clawback.id if line.clawback else None,
            subject=subject,
            amount_fen=line.amount_fen,
            results=[ResultView.of(one) for one in line.results],
        )


def rows_table(words: Words, number: str) -> Table[StatementRowView]:
    """Return the rows of the statement `number` as a file: of each what came back last."""

    def last(one: StatementRowView) -> ResultView | None:
        return one.results[-1] if one.results else None

    columns: Columns[StatementRowView] = (
        ("行号", lambda one: one.number),
        ("登记编号或事项", lambda one: one.subject),
        ("金额（元）", lambda one: yuan_text(one.amount_fen)),
        ("结果", lambda one: (came := last(one)) and words.row_outcomes[came.outcome]),
        ("原因", lambda one: (came := last(one)) and came.reason),
        ("时间", lambda one: (came := last(one)) and came.made_at),
    )
    return Table("statement_rows", f"结算单{number}", columns)


class StatementWhole(StatementView):
    """A statement with its first rows; `rows_cursor` leads to the others, at `/statements/{id}/rows`."""

    rows: list[StatementRowView]
    rows_cursor: str | None

    @classmethod
    def whole(cls, seen: listing.Seen, lines: Page[listing.Line], may: Sequence[Verb], *, staff: bool) -> Self:
        """Return the same with its first rows."""
        rows = [StatementRowView.of(one) for one in lines.items]
        return cls(**parts(seen, may, staff=staff), rows=rows, rows_cursor=lines.next_cursor)


_SAME = (
    "id", "number", "state", "offsets", "count", "total_fen", "offset_fen", "locked_at", "sent_at", "version",
    "created_at", "state_since",
)  # fmt: skip


def parts(seen: listing.Seen, may: Sequence[Verb], *, staff: bool) -> dict[str, Any]:
    """Return what every view of a statement says."""
    row = seen.row
    return {
        **{name: getattr(row, name) for name in _SAME},
        "payee": OrganisationName.of(row.payee),
        "may": list(may),
        "fund": FundName.of(row.fund),
        "year": row.budget.year,
        "follows": row.follows_id,
        "account": LockedAccount.of(row.account) if row.account else None,
        "account_pending": seen.account_pending,
        "payer": OrganisationName.of(row.payer) if row.payer else None,
        "approvals_needed": sending.needed(row) if row.locked_at else None,
        "approvals": [
            ApprovalView(person_id=one.person_id if staff else None, made_at=one.made_at) for one in seen.approvals
        ],
        "outcomes": OutcomesView(**seen.outcomes),
        "receipt": ReceiptView(verdict=row.receipt, note=row.receipt_note, made_at=row.receipt_at),
        "opened_by": row.opened_by_id if staff else None,
        "locked_by": row.locked_by_id if staff else None,
        "sent_by": row.sent_by_id if staff else None,
    }
