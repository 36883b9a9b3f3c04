"""Saying something else of a fund: a programme leaves it only while no award of that programme is paid from it."""

from uuid import UUID

from server.awards.models import Award
from server.funds import budgets, service
from server.funds.models import Fund
from server.funds.service import Change, NewFund
from server.kernel.errors import DomainError
from server.kernel.transactions import transaction
from server.policy.book import PolicyBook


@transaction
async def change(fund_id: UUID, said: Change, book: PolicyBook, by: UUID, version: int) -> Fund:
    """Change a fund's name, clause or programmes and return it; joins the transaction.

    Raises DomainError 404, 409 `fund_in_use` where an award of a programme that would leave names the fund, or as
    `service.make` does; 412 where it has another version by now.
    """
    await service.hold_making()
    await budgets.hold_current(fund_id)  # so that nothing is approved from it meanwhile
    held = await service.hold(fund_id)
    if held.version != version:
        raise DomainError("stale_version", 412)
    new = NewFund(
        name=said.name or held.name,
        clause=said.clause or held.clause,
        programmes=held.programmes if said.programmes is None else said.programmes,
    )
    leaving = sorted(set(held.programmes) - set(new.programmes))
    if leaving and await Award.exists(fund_id=fund_id, programme__in=leaving):
        raise DomainError("fund_in_use", 409)
    return await service.change(held, new, book, by)
