"""Proof of the ledger: every budget's sums are those of its entries, and every award's money is where its state says.

Whatever moves meanwhile moves in a transaction of its own: for a proof that counts, each budget is looked at in one.
"""

from uuid import UUID

from server.awards import explaining as awards
from server.funds import explaining, ledger
from server.funds.models import Budget
from server.kernel.transactions import transaction


async def faults() -> list[str]:
    """Return what is wrong, budget by budget, in the words the operator reads; nothing where every fen is explained."""
    found: list[str] = []
    for budget in await Budget.all().order_by("id").only("id"):
        found += await _faults_of(budget.id)
    return found


@transaction
async def _faults_of(budget_id: UUID) -> list[str]:
    """Return what is wrong with one budget, held meanwhile so that nothing of it moves."""
    budget = await ledger.hold(budget_id)
    place = f"budget {budget_id} of {budget.year}"
    sums = [
        f"{place}: {check.what} is {check.shown_fen} fen, its entries come to {check.entries_fen}"
        for check in await explaining.explain(budget_id)
        if not check.holds
    ]
    lost = await awards.unexplained(budget_id)
    more = ", and there may be more" if len(lost) == awards.MOST else ""
    return sums + [f"{place}: the money of award {one} is not where its state says{more}" for one in lost]
