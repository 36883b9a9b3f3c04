"""Proof of the ledger: a budget's sums are those of its entries, and an award's money is where its state says."""

from dataclasses import dataclass
from uuid import UUID

from server.awards import explaining as awards
from server.funds import explaining, ledger
from server.funds.explaining import Check
from server.funds.models import Budget
from server.kernel.transactions import transaction


@dataclass(frozen=True, slots=True)
class Proof:
    """What was found of a budget: all that is to be true of it, and awards whose money is not where it should be."""

    checks: list[Check]
    unexplained: list[UUID]

    @property
    def whole(self) -> bool:
        """Whether every fen is explained."""
        return not self.unexplained and all(check.holds for check in self.checks)


async def prove(budget_id: UUID) -> Proof:
    """Return the proof of a budget; only where it seems wrong, nothing of it may move while it is looked at again."""
    seen = await _look(budget_id)
    return seen if seen.whole else await _look_closely(budget_id)


async def faults() -> list[str]:
    """Return what is wrong, budget by budget, in the words the operator reads; nothing where every fen is explained."""
    found: list[str] = []
    for budget in await Budget.all().order_by("id").only("id", "year"):
        found += [f"budget {budget.id} of {budget.year}: {fault}" for fault in _faults(await prove(budget.id))]
    return found


def _faults(proof: Proof) -> list[str]:
    sums = [
        f"{check.what} is {check.shown_fen} fen, its entries come to {check.entries_fen}"
        for check in proof.checks
        if not check.holds
    ]
    more = ", and there may be more" if len(proof.unexplained) == awards.MOST else ""
    return sums + [f"the money of award {one} is not where its state says{more}" for one in proof.unexplained]


async def _look(budget_id: UUID) -> Proof:
    return Proof(await explaining.explain(budget_id), await awards.unexplained(budget_id))


@transaction
async def _look_closely(budget_id: UUID) -> Proof:
    await ledger.hold(budget_id)
    return await _look(budget_id)
