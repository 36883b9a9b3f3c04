"""What a budget shows, made again from its entries: every sum must be theirs, and every entry one that may be."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from server.funds.models import Account, Budget, EntryKind
from server.funds.sides import CLOSED_SIDES, COLUMNS, OF_NOBODY, SIDES, Sides, balances
from server.kernel import clock
from server.kernel.statements import returned

_MOVED = (
    "SELECT kind, source, target, coalesce(award_id, clawback_id) IS NULL AS nobodys, sum(amount_fen) AS fen "
    "FROM ledger_entry WHERE budget_id = $1 GROUP BY 1, 2, 3, 4"
)
_CROOKED = (
    "SELECT e.id FROM ledger_entry e JOIN ledger_entry r ON r.id = e.reverses_id "
    "WHERE e.budget_id = $1 AND (r.budget_id <> e.budget_id OR r.amount_fen <> e.amount_fen)"
)
_CARRIED = "SELECT sum(carried_fen) AS fen FROM budget WHERE fund_id = $1"
_MONTHS = 12
_BY_MONTH = (
    "SELECT month, source, target, sum(amount_fen) AS fen FROM (SELECT source, target, amount_fen, CASE "  # noqa: S608
    + " ".join(f"WHEN made_at < ${number + 1} THEN {number}" for number in range(1, _MONTHS + 1))
    + f" ELSE {_MONTHS + 1} END AS month FROM ledger_entry WHERE budget_id = $1) AS moved GROUP BY 1, 2, 3"
)
TO_COME = "later"
"""What the months call everything that moved once the year was over."""


@dataclass(frozen=True, slots=True)
class Check:
    """Something that is to be true of a budget; `shown_fen` is what the budget says, `entries_fen` what its entries do.

    `what` is an account, `zero` for all accounts together, `sides` for what moved between accounts that no kind of
    entry connects, or without naming the award or clawback that it is of, `reversals` for how many turn round what they
    may not, `carried_over` for what left one year and entered no other.
    """

    what: str
    shown_fen: int
    entries_fen: int

    @property
    def holds(self) -> bool:
        """Whether it is true."""
        return self.shown_fen == self.entries_fen


@dataclass(frozen=True, slots=True)
class Month:
    """A budget's balances at the end of a month (`2026-03`), or once the year was over (`later`)."""

    month: str
    available_fen: int
    reserved_fen: int
    committed_fen: int
    spent_fen: int


async def explain(budget_id: UUID) -> list[Check]:
    """Return all that is to be true of a budget, compared with its entries."""
    budget = await Budget.get(id=budget_id)
    moved = await returned(_MOVED, budget_id)
    sums = _balances(moved)
    checks = [Check(one, getattr(budget, column), sums.get(column, 0)) for one, column in COLUMNS.items()]
    shown = sum(getattr(budget, column) for column in COLUMNS.values()) - 2 * budget.appropriated_fen
    crooked = len(await returned(_CROOKED, budget_id))
    foreign = sum(int(row["fen"]) for row in moved if not _may_be(row))
    [carried] = await returned(_CARRIED, budget.fund_id)
    return [
        *checks,
        Check("zero", shown, 0),
        Check("sides", 0, foreign),
        Check("reversals", 0, crooked),
        Check("carried_over", int(carried["fen"]), 0),
    ]


async def burn_down(budget: Budget) -> list[Month]:
    """Return a budget's balances at the end of each month of its year that has begun, and after it where they moved."""
    ends = [_begins(budget.year, number + 1) for number in range(1, _MONTHS + 1)]
    rows = await returned(_BY_MONTH, budget.id, *ends)
    begun = sum(end <= clock.now() for end in ends) + 1
    last = max([min(begun, _MONTHS), *(row["month"] for row in rows)])
    return [_month(budget.year, number, rows) for number in range(1, last + 1)]


def _month(year: int, number: int, rows: Sequence[dict[str, Any]]) -> Month:
    until = [row for row in rows if row["month"] <= number]
    sums = _balances(until)
    shown = ("available_fen", "reserved_fen", "committed_fen", "spent_fen")
    name = f"{year}-{number:02d}" if number <= _MONTHS else TO_COME
    return Month(name, *(sums.get(column, 0) for column in shown))


def _balances(moved: Iterable[dict[str, Any]]) -> dict[str, int]:
    return balances((_sides(row), int(row["fen"])) for row in moved)


def _sides(row: dict[str, Any]) -> Sides:
    return Account(row["source"]), Account(row["target"])


def _begins(year: int, month: int) -> datetime:
    """Return the moment in which a month begins; the thirteenth is the next year's first."""
    first = date(year, month, 1) if month <= _MONTHS else date(year + 1, 1, 1)
    return clock.midnight(first)


def _may_be(row: dict[str, Any]) -> bool:
    kind = EntryKind(row["kind"])
    return _sides(row) in {SIDES[kind], CLOSED_SIDES.get(kind)} and bool(row["nobodys"]) is (kind in OF_NOBODY)
