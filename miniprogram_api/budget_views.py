"""Budgets, their entries and where their money is, as staff see and say them."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import Field

from miniprogram_api.listing import Columns, Table
from miniprogram_api.people import Reason
from miniprogram_api.reading import Body
from miniprogram_api.words import Words
from server.awards.explaining import Place
from server.awards.ledger_check import Proof
from server.awards.models import AwardState
from server.funds.budgets import ByHand
from server.funds.explaining import Month
from server.funds.models import Account, Budget, BudgetState, EntryKind
from server.funds.sides import COLUMNS
from server.kernel.money import yuan_text
from server.statements.naming import Named

MOST_FEN = 10**14
"""More than any budget of a city holds."""
Fen = Annotated[int, Field(ge=1, le=MOST_FEN, examples=[500_000_000])]


class NewEntry(Reason):
    """Money that is put into a year's budget, or taken out of what is left of it, and why."""

    kind: Literal[EntryKind.APPROPRIATE, EntryKind.REDUCE]
    amount_fen: Fen

    def by_hand(self, by: UUID) -> ByHand:
        """Return it as the service takes it."""
        return ByHand(EntryKind(self.kind), self.amount_fen, by, self.reason)


class Closing(Reason):
    """How much of what is left goes over to the next year, and why; the rest lapses."""

    carry_over_fen: Annotated[int, Field(ge=0, le=MOST_FEN)]


class EntryView(Body):
    """One movement of money from an account to another; the ids name what moved it, `reverses` what it turns round.

    `about` is the number of the award's claim, or its matter, `statement_number` that of the statement; else empty.
    """

    id: UUID
    kind: EntryKind
    source: Account
    target: Account
    amount_fen: int
    award: UUID | None
    about: str
    statement: UUID | None
    statement_number: str
    clawback: UUID | None
    reverses: UUID | None
    by: UUID | None
    reason: str
    made_at: datetime

    @classmethod
    def of(cls, named: Named) -> Self:
        """Return the view of a named entry."""
        entry, ids = named.entry, {"award", "statement", "clawback", "reverses"}
        more: dict[str, Any] = {name: getattr(entry, f"{name}_id") for name in ids}
        more |= {"by": entry.actor_id, "about": named.about, "statement_number": named.statement}
        return cls(**more, **{name: getattr(entry, name) for name in cls.model_fields if name not in more})


class BalancesView(Body):
    """Where a year's money is.

    What was appropriated and carried in is available, reserved for approved awards, committed on locked statements,
    spent, written off, or surrendered. `carried_fen` is what went to the next year, less what came from the last.
    """

    appropriated_fen: int
    available_fen: int
    reserved_fen: int
    committed_fen: int
    spent_fen: int
    surrendered_fen: int
    carried_fen: int
    written_off_fen: int


class BudgetView(BalancesView):
    """A fund's money for one fiscal year; one that is `closed` is never opened again."""

    id: UUID
    fund: UUID
    year: int
    state: BudgetState
    version: int
    created_at: datetime
    closed_at: datetime | None

    @classmethod
    def of(cls, budget: Budget) -> Self:
        """Return the view of a row."""
        same = {name: getattr(budget, name) for name in cls.model_fields.keys() - {"fund"}}
        return cls(**same, fund=budget.fund_id)


class CheckView(Body):
    """One thing that is to be true: what the budget shows, and what its entries come to."""

    what: str
    shown_fen: int
    entries_fen: int
    ok: bool


class PlaceView(Body):
    """So many awards in a state have so much of the money in an account."""

    account: Account
    state: AwardState
    awards: int
    fen: int


class MonthView(Body):
    """The balances at the end of a month, or after the year (`later`)."""

    month: Annotated[str, Field(examples=["2026-11"])]
    available_fen: int
    reserved_fen: int
    committed_fen: int
    spent_fen: int


class WholeBudgetView(BudgetView):
    """A fund's money for one fiscal year, proved.

    `explained` says that every sum is that of the entries and that each award's money is where its state says;
    `unexplained` names awards of which that is not so, a hundred at most.
    """

    explained: bool
    checks: list[CheckView]
    places: list[PlaceView]
    unexplained: list[UUID]
    months: list[MonthView]


def whole(budget: Budget, proof: Proof, places: list[Place], months: list[Month]) -> WholeBudgetView:
    """Return the view of a budget with all that is known of its money."""
    return WholeBudgetView(
        **BudgetView.of(budget).model_dump(),
        explained=proof.whole,
        checks=[
            CheckView(what=one.what, shown_fen=one.shown_fen, entries_fen=one.entries_fen, ok=one.holds)
            for one in proof.checks
        ],
        places=[
            PlaceView(account=Account(one.account), state=AwardState(one.state), awards=one.awards, fen=one.fen)
            for one in places
        ],
        unexplained=proof.unexplained,
        months=[MonthView(**{name: getattr(one, name) for name in Month.__slots__}) for one in months],
    )


def entries_table(words: Words) -> Table[EntryView]:
    """Return how the entries of a budget stand in a file; sums in yuan."""
    columns: Columns[EntryView] = (
        ("时间", lambda one: one.made_at),
        ("事项", lambda one: words.entry_kinds[one.kind]),
        ("转出", lambda one: words.accounts[one.source]),
        ("转入", lambda one: words.accounts[one.target]),
        ("金额（元）", lambda one: yuan_text(one.amount_fen)),
        ("理由", lambda one: one.reason),
        ("奖补（登记编号或事项）", lambda one: one.about),
        ("结算单编号", lambda one: one.statement_number),
        ("追回", lambda one: "是" if one.clawback else ""),
        ("冲销的分录", lambda one: str(one.reverses or "")),
        ("分录编号", lambda one: str(one.id)),
    )
    return Table("ledger_entries", "预算明细账", columns)


if BalancesView.model_fields.keys() != set(COLUMNS.values()):
    raise TypeError("a budget shows every account")
