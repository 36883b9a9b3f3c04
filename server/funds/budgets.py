"""A fund's budgets: one for each fiscal year, which is the calendar year in Shanghai."""

from dataclasses import dataclass
from datetime import MAXYEAR, date, datetime, timedelta
from uuid import UUID

from server.funds import ledger
from server.funds.ledger import Move
from server.funds.models import Budget, BudgetState, EntryKind, Fund, LedgerEntry
from server.kernel import audit, clock, outbox
from server.kernel.errors import DomainError, found, not_found
from server.kernel.paging import Page, page
from server.kernel.transactions import transaction
from server.organisations import memberships, secretariat

_FIRST, _LAST = date(2000, 1, 1), date(MAXYEAR, 1, 1)
BY_HAND = {EntryKind.APPROPRIATE: "appropriated", EntryKind.REDUCE: "reduced"}
"""What people enter themselves, and what is said of it; everything else follows from what is decided."""


@dataclass(frozen=True, slots=True)
class ByHand:
    """An entry made by hand: what, how much, by whom and why."""

    kind: EntryKind
    amount_fen: int
    by: UUID
    reason: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries, of the days from `since` to `until`, both included; None for all."""

    kind: EntryKind | None = None
    award: UUID | None = None
    statement: UUID | None = None
    since: date | None = None
    until: date | None = None

    def columns(self) -> dict[str, object]:
        """Return the conditions on columns; None is none."""
        return {
            "kind": self.kind,
            "award_id": self.award,
            "statement_id": self.statement,
            "made_at__gte": self.since and _midnight(self.since),
            "made_at__lt": self.until and _midnight(min(self.until, _LAST) + timedelta(days=1)),
        }


async def hold_current(fund_id: UUID) -> Budget | None:
    """Return a fund's open budget of today's fiscal year, held; None where there is none, with the fund held instead.

    Holding one or the other is what keeps the fund's queue in its order.
    """
    here = Budget.filter(fund_id=fund_id, year=clock.today().year).select_for_update()
    budget = await here.get_or_none()
    if budget is None:
        await Fund.filter(id=fund_id).select_for_update().get_or_none()
        budget = await here.get_or_none()  # whoever makes one holds the fund, too
    return budget if budget and budget.state is BudgetState.OPEN else None


async def unclosed(fund_id: UUID) -> Budget | None:
    """Return a fund's open budget of a past year that still reserves money, None where there is none.

    Those awards wait for its closing, and keep their places before whoever was approved after them.
    """
    rows = Budget.filter(fund_id=fund_id, state=BudgetState.OPEN, reserved_fen__gt=0, year__lt=clock.today().year)
    return await rows.order_by("year").first()


async def of_year(fund_id: UUID, year: int) -> Budget:
    """Return a fund's budget of a fiscal year; raises DomainError 404."""
    known = 0 < year < MAXYEAR  # what is longer than a year no column holds
    return found(await Budget.get_or_none(fund_id=fund_id, year=year) if known else None, "budget")


async def of_fund(fund_id: UUID) -> list[Budget]:
    """Return a fund's budgets, the latest year first."""
    return await Budget.filter(fund_id=fund_id).order_by("-year")


async def entries(budget_id: UUID, wanted: Wanted, limit: int, cursor: str | None) -> Page[LedgerEntry]:
    """Return a page of a budget's entries, the newest first; raises DomainError 422 for a foreign cursor."""
    chosen = {column: value for column, value in wanted.columns().items() if value is not None}
    return await page(LedgerEntry.filter(budget_id=budget_id, **chosen), audit.BY_ID, limit, cursor)


@transaction
async def enter(fund_id: UUID, year: int, entry: ByHand) -> LedgerEntry:
    """Make an entry by hand in the budget of a year, which the first one makes; joins the transaction.

    Raises DomainError 404 for the fund, 409 `budget_year` for one that is too far off, `budget_short`, `budget_closed`.
    """
    budget = await hold_or_make(fund_id, year)
    [made] = await ledger.post(budget, [Move(entry.kind, entry.amount_fen)], entry.by, entry.reason)
    await note(budget, BY_HAND[entry.kind], entry.by, entry.reason)
    return made


async def hold_or_make(fund_id: UUID, year: int) -> Budget:
    """Return a fund's budget of a year, held, and made where there is none.

    Raises DomainError 404 for the fund, 409 `budget_year` for a year further off than the next or the last.
    """
    if not 0 < year < MAXYEAR:
        raise not_found("budget")
    there, this_year = Budget.filter(fund_id=fund_id, year=year).select_for_update(), clock.today().year
    if budget := await there.get_or_none():
        return budget
    found(await Fund.filter(id=fund_id).select_for_update().get_or_none(), "fund")
    if abs(year - this_year) > 1:
        raise DomainError("budget_year", 409, first=this_year - 1, last=this_year + 1)
    return await there.get_or_none() or await Budget.create(fund_id=fund_id, year=year, created_at=clock.now())


async def note(budget: Budget, event: str, by: UUID, reason: str, before: str = "") -> None:
    """Leave what happened to a budget in the audit, and in the outbox for those who lead the secretariat."""
    subject, name = f"budget:{budget.id}", f"budget.{event}"
    await audit.note(subject, name, actor_id=by, before=before or budget.state, after=budget.state, reason=reason)
    await outbox.record(name, subject, await memberships.leading(secretariat.SECRETARIAT_ID))


def _midnight(day: date) -> datetime:
    return clock.midnight(min(max(day, _FIRST), _LAST))  # no moment is before the first year or after the last
