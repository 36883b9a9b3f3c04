"""Opening a statement: the approved awards of one payee, of a fund's budget of this year."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from server.awards import paying
from server.awards.models import Award
from server.awards.paying import Hand
from server.funds import service as funds
from server.funds.models import Budget, BudgetState
from server.kernel import clock, numbers
from server.kernel.errors import DomainError, FieldFault, invalid
from server.kernel.transactions import transaction
from server.organisations import heirs
from server.organisations.roles import Role
from server.organisations.service import organisation
from server.statements import holding
from server.statements.models import RowOutcome, Statement, StatementResult, StatementRow, StatementState
from server.statements.states import TABLE, Verb

_DIGITS = 4


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a statement is to pay: to whom, from which fund, which awards, or what failed on `follows_id`.

    None is whatever there is; a fund is to be named where there are awards of several. `offsets` says whether what the
    payee owes is kept back.
    """

    payee_id: UUID
    fund_id: UUID | None = None
    awards: Sequence[UUID] | None = None
    follows_id: UUID | None = None
    offsets: bool = True


@transaction
async def open_statement(wanted: Wanted, by: UUID) -> Statement:
    """Open a statement and put awards on it; joins the transaction.

    Raises DomainError 403 for who has to do with the payee, 404, 409 where the payee was closed or is not verified,
    there is nothing to pay or no open budget of this year, 422 naming each award that cannot be taken.
    """
    payees = await _payees(wanted.payee_id)
    followed = await _followed(wanted, payees)
    fund_id = wanted.fund_id or (followed.fund_id if followed else await _only_fund(payees))
    budget = await _budget(fund_id, payees)
    awards = await _chosen(wanted, payees, followed, budget.id)
    await paying.admit(Hand(by, Role.FINANCE), awards)
    made = await _create(wanted, budget, awards, by)
    await paying.take(awards, made.id, by)
    await holding.note(made, "opened", by, "")
    return made


async def _create(wanted: Wanted, budget: Budget, awards: Sequence[Award], by: UUID) -> Statement:
    now, year = clock.now(), clock.today().year
    return await Statement.create(
        number=f"S{year}-{await numbers.take(f'S{year}'):0{_DIGITS}d}",
        payee_id=wanted.payee_id,
        budget_id=budget.id,
        fund_id=budget.fund_id,
        follows_id=wanted.follows_id,
        offsets=wanted.offsets,
        count=len(awards),
        total_fen=sum(award.amount_fen for award in awards),
        opened_by_id=by,
        created_at=now,
        state_since=now,
    )


async def _payees(payee_id: UUID) -> list[UUID]:
    """Return who is to be paid, and what it carries on; raises DomainError 404, 409 where it cannot be paid."""
    await holding.require_payable(await organisation(payee_id))
    return await heirs.whole(payee_id)


async def _chosen(wanted: Wanted, payees: Collection[UUID], followed: Statement | None, budget_id: UUID) -> list[Award]:
    """Return the awards to take, held; raises DomainError 409, 422."""
    failed = await _failed(followed) if followed else None
    ids = wanted.awards if wanted.awards is not None else failed
    awards = await paying.hold_payable(payees, budget_id, ids)
    if wanted.awards is not None:
        fit = {award.id for award in awards} & (set(failed) if failed is not None else set(wanted.awards))
        faults = [
            FieldFault(f"/awards/{n}", "award_not_payable") for n, one in enumerate(wanted.awards) if one not in fit
        ]
        if faults:
            raise invalid(*faults)
    if not awards:
        await _require_closed(payees)
        raise DomainError("nothing_to_pay", 409)
    return awards


async def _require_closed(payees: Collection[UUID]) -> None:
    """Raise DomainError 409 where awards of these payees wait for a past year to be closed."""
    late = paying.payable(payees).filter(budget__year__lt=clock.today().year).select_related("budget")
    if (first := await late.order_by("budget__year").first()) and first.budget:
        raise DomainError("year_unclosed", 409, year=first.budget.year)


async def _followed(wanted: Wanted, payees: Collection[UUID]) -> Statement | None:
    if wanted.follows_id is None:
        return None
    followed = await Statement.get_or_none(id=wanted.follows_id)
    if followed is None or followed.payee_id not in payees or followed.state not in TABLE[Verb.FOLLOW]:
        raise invalid(FieldFault("/follows", "statement_to_follow"))
    if wanted.fund_id not in {None, followed.fund_id}:
        raise invalid(FieldFault("/fund", "fund_of_follows"))
    return followed


async def _failed(followed: Statement) -> list[UUID]:
    """Return the awards of a statement that were not paid by it after all."""
    rows = StatementRow.filter(statement_id=followed.id, award_id__isnull=False)
    if followed.state is not StatementState.RETURNED:
        came_back = StatementResult.filter(
            row__statement_id=followed.id, outcome__in=[RowOutcome.FAILED, RowOutcome.BANK_RETURNED]
        )
        rows = rows.filter(id__in=[one.row_id for one in await came_back])
    return [row.award_id for row in await rows if row.award_id]


async def _only_fund(payees: Collection[UUID]) -> UUID:
    """Return the fund of all that could be paid; raises DomainError 409 where that is nothing, 422 for several."""
    known = await paying.payable(payees).distinct().values_list("fund_id", flat=True)
    if not known:
        raise DomainError("nothing_to_pay", 409)
    if known[1:]:
        raise invalid(FieldFault("/fund", "fund_unsaid"))
    return UUID(str(known[0]))


async def _budget(fund_id: UUID, payees: Collection[UUID]) -> Budget:
    """Return the open budget of this year, not held: whoever closes it takes its awards away, which are held here."""
    fund = await funds.fund(fund_id)
    budget = await Budget.get_or_none(fund_id=fund.id, year=clock.today().year, state=BudgetState.OPEN)
    if budget is None:
        await _require_closed(payees)
        raise DomainError("no_open_budget", 409)
    return budget
