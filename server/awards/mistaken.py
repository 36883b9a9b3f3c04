"""Turning round what was entered as come back and did not: as a ledger reversal, by another person than who entered it.

What came back last is turned round first. Where the money has gone to others meanwhile, it is refused.
"""

from collections.abc import Collection, Mapping
from uuid import UUID

from server.awards import owing
from server.awards.models import Clawback, ClawbackState
from server.funds import ledger
from server.funds.ledger import Move
from server.funds.models import EntryKind, LedgerEntry
from server.kernel.errors import DomainError
from server.kernel.transactions import transaction
from server.organisations.roles import Role
from server.people.service import Decider

CORRECTING = (Role.FINANCE, Role.APPROVER)
"""Who may turn an entry of money that came back round: finance may be one person alone, who entered it."""
CAME_BACK = (ClawbackState.PARTLY, ClawbackState.RECOVERED, ClawbackState.OFFSET, ClawbackState.WRITTEN_OFF)
"""In which something may have come back that the payee paid."""


@transaction
async def undo_recovery(award_id: UUID, by: Decider, version: int | None = None) -> Clawback:
    """Take back that money came back, as it was entered last: it is owed again.

    Raises DomainError 403 for other hands and for who entered it, 404, 409 where nothing came back, the claim was
    lifted, or the money has gone to others; 412.
    """
    held = await owing.hold(award_id, version)
    one, before = held.clawback, held.clawback.state
    await owing.require_decider(held.award, by.person_id, *CORRECTING)
    owing.require_claimed(one)
    owing.require(one, *CAME_BACK)
    entry = (await recoveries([one.award_id])).get(one.id)
    if entry is None:
        raise DomainError("nothing_recovered", 409)
    require_another(entry.actor_id, by.person_id)
    one.recovered_fen -= entry.amount_fen
    await turn_round(entry, EntryKind.UNDO_RECOVER, by)
    settled = one.recovered_fen + one.offset_fen + one.written_off_fen
    owing.enter(one, ClawbackState.PARTLY if settled else ClawbackState.DEMANDED)
    return await owing.write(one, "recovery_undone", before, by)


async def recoveries(award_ids: Collection[UUID]) -> Mapping[UUID, LedgerEntry]:
    """Return by clawback, of these awards, the last entry of money that the payee paid back and that stands."""
    kinds = [EntryKind.RECOVER, EntryKind.UNDO_RECOVER]
    rows = await LedgerEntry.filter(award_id__in=list(award_ids), kind__in=kinds, statement_id=None).order_by("id")
    turned = {row.reverses_id for row in rows}
    return {row.clawback_id: row for row in rows if row.clawback_id and _stands(row, turned)}


def _stands(row: LedgerEntry, turned: Collection[UUID | None]) -> bool:
    return row.kind is EntryKind.RECOVER and row.id not in turned


def require_another(entered_by: UUID | None, person_id: UUID) -> None:
    """Raise DomainError 403 for who made the entry that is to be turned round."""
    if person_id == entered_by:
        raise DomainError("entry_another_person", 403)


async def turn_round(entry: LedgerEntry, kind: EntryKind, by: Decider) -> None:
    """Turn an entry round in its budget; raises DomainError 409 where the money has gone to others."""
    budget = await ledger.hold(entry.budget_id)
    ids = {"award_id": entry.award_id, "statement_id": entry.statement_id, "clawback_id": entry.clawback_id}
    move = Move(kind, entry.amount_fen, **ids, reverses_id=entry.id)
    try:
        await ledger.post(budget, [move], by.person_id, by.reason)
    except DomainError as error:
        if error.slug != "budget_short":
            raise
        raise DomainError("returned_money_gone", 409, year=budget.year) from None
