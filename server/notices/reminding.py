"""What nobody did, and somebody has to hear of: a budget that ends, a year not closed, a payee without an account.

Each is told once in a year, whatever restarts or runs twice, by the marks of what is announced.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from server.awards import rules
from server.awards.models import Award, AwardState
from server.funds import budgets
from server.funds.models import Budget, BudgetState
from server.kernel import clock, metrics
from server.kernel.outbox import Occurrence
from server.kernel.statements import identity, returned
from server.notices import announcing
from server.notices.facts_money import UNCLOSED
from server.organisations import current, heirs
from server.organisations.models import AccountState, PayeeAccount
from server.organisations.roles import Role

NEARLY_USED, RUN_OUT, NO_ACCOUNT = "fund.nearly_used", "fund.run_out", "organisation.account_missing"
_MARKS = "SELECT subject FROM event WHERE name = 'calendar.announced' AND subject = ANY($1)"  # as the index has it
_APPROVED = "SELECT DISTINCT payee_id FROM award WHERE state = 'approved'"


@dataclass(frozen=True, slots=True)
class Reminder:
    """What is told to whom, and the mark by which it is told once."""

    mark: str
    occurrence: Occurrence


async def remind() -> Mapping[str, int]:
    """Tell of all that has come and nobody was told of; return of how many things."""
    reminders = (*await _of_funds(), *await _of_years(), *await _of_accounts())
    due = [one for one in reminders if one.occurrence.people]
    marked = {row["subject"] for row in await returned(_MARKS, [one.mark for one in due])} if due else set()
    fresh = [one for one in due if one.mark not in marked]
    return {"reminded": sum([await announcing.once(one.mark, [one.occurrence]) for one in fresh])}


async def refresh() -> None:
    """Bring the gauge of past years that keep awards waiting up to date."""
    metrics.BUDGETS_UNCLOSED.set(len(await _unclosed()))


async def _of_funds() -> list[Reminder]:
    year, finance = clock.today().year, list(await current.staff(Role.FINANCE))
    by_fund = {one.fund_id: one for one in await Budget.filter(year=year, state=BudgetState.OPEN)}
    ended = [(RUN_OUT, fund_id) for fund_id in await _run_out(by_fund)]
    ending = [(NEARLY_USED, one.fund_id) for one in by_fund.values() if _nearly_used(one)]
    return [
        Reminder(f"{event}:{fund_id}:{year}", Occurrence(event, f"fund:{fund_id}", finance))
        for event, fund_id in (*ended, *(one for one in ending if (RUN_OUT, one[1]) not in ended))
    ]


def _nearly_used(budget: Budget) -> bool:
    """Whether so much of what there was to be had is reserved or gone that somebody should know."""
    gone = budget.reserved_fen + budget.committed_fen + budget.spent_fen + budget.written_off_fen
    whole: int = gone + budget.available_fen
    return gone > 0 and bool(gone >= whole * rules.in_force().budget_warning.used)


async def _run_out(by_fund: Mapping[UUID, Budget]) -> list[UUID]:
    """Return the funds whose queue's head has not the money; a queue that waits for papers alone has."""
    waiting = Award.filter(state=AwardState.AWAITING_FUNDS, fund_id__isnull=False)
    heads = [await waiting.filter(fund_id=one).order_by("queued_at", "id").first() for one in await _queues()]
    return [one.fund_id for one in heads if one and one.fund_id and _lacks(one, by_fund.get(one.fund_id))]


async def _queues() -> Collection[UUID]:
    rows = await returned("SELECT DISTINCT fund_id FROM award WHERE state = 'awaiting_funds' AND fund_id IS NOT NULL")
    return sorted(identity(row["fund_id"]) for row in rows)


def _lacks(head: Award, budget: Budget | None) -> bool:
    left, wanted = (budget.available_fen if budget else 0), int(head.amount_fen)
    return left < wanted


async def _of_years() -> list[Reminder]:
    """Of each year that is to be closed finance is told in a notice of its own, which none of its fund's outdates."""
    year, finance = clock.today().year, list(await current.staff(Role.FINANCE))
    return [
        Reminder(f"{UNCLOSED}:{one.id}:{year}", Occurrence(UNCLOSED, f"budget:{one.id}", finance))
        for one in await _unclosed()
    ]


async def _unclosed() -> list[Budget]:
    """Return the budgets of past years that keep a queue waiting until they are closed, as `budgets.unclosed` says."""
    found = [await budgets.unclosed(fund_id) for fund_id in await _queues()]
    return [one for one in found if one]


async def _of_accounts() -> Iterable[Reminder]:
    """Return who is to be paid and has no account for it; for what was closed that is what carries it on."""
    named = [identity(row["payee_id"]) for row in await returned(_APPROVED)]
    payable = set((await heirs.heirs(named)).values())
    with_one = PayeeAccount.filter(organisation_id__in=list(payable), state=AccountState.CONFIRMED)
    payees = sorted(payable - {one.organisation_id for one in await with_one.only("id", "organisation_id")})
    people, year = await current.acting(payees), clock.today().year
    return [
        Reminder(f"no_account:{one}:{year}", Occurrence(NO_ACCOUNT, f"organisation:{one}", people[one]))
        for one in payees
    ]
