"""What became of an award's money: the statements that it was on, and every movement."""

from datetime import datetime
from typing import Self

from miniprogram_api.reading import Body
from server.funds.models import Account, EntryKind, LedgerEntry
from server.kernel.sensitive import Sensitive, if_readable
from server.organisations import payee_accounts
from server.statements.models import Receipt, RowOutcome, StatementState
from server.statements.story import Line


class ResultView(Body):
    """What the payer or the bank said of the payment."""

    outcome: RowOutcome
    reason: str
    at: datetime


class PaymentView(Body):
    """A statement that the award was on, as it was locked; the number of the account is masked."""

    statement: str
    row: int
    amount_fen: int
    state: StatementState
    fiscal_year: int
    payer: str | None
    holder: str | None
    bank: str | None
    account: Sensitive | None
    locked_at: datetime | None
    sent_at: datetime | None
    results: list[ResultView]
    receipt: Receipt
    receipt_at: datetime | None
    receipt_note: str

    @classmethod
    def of(cls, line: Line) -> Self:
        """Return the view of a row with its statement."""
        one, account = line.row.statement, line.row.statement.account
        same = ("state", "locked_at", "sent_at", "receipt", "receipt_at", "receipt_note")
        return cls(
            statement=one.number,
            row=line.row.number,
            amount_fen=line.row.amount_fen,
            fiscal_year=one.budget.year,
            payer=one.payer.name if one.payer else None,
            holder=account.holder if account else None,
            bank=account.bank if account else None,
            account=if_readable(payee_accounts.number_of, account) if account else None,
            results=[ResultView(outcome=it.outcome, reason=it.reason, at=it.made_at) for it in line.results],
            **{name: getattr(one, name) for name in same},
        )


class MoneyView(Body):
    """One movement of the award's money within the budget of a fiscal year."""

    kind: EntryKind
    amount_fen: int
    source: Account
    target: Account
    fiscal_year: int
    reason: str
    at: datetime

    @classmethod
    def of(cls, row: LedgerEntry) -> Self:
        """Return the view of an entry that was fetched with its budget."""
        same = ("kind", "amount_fen", "source", "target", "reason")
        return cls(fiscal_year=row.budget.year, at=row.made_at, **{name: getattr(row, name) for name in same})
