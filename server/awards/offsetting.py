"""Keeping money back from a payee's next statement instead of waiting for it to come back.

A statement first sets amounts aside; once it is settled they count, and where it comes to nothing they are owed again.
Whoever calls holds the statement, and its awards where any change.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from uuid import UUID

from server.awards import owing
from server.awards.models import Award, Clawback, ClawbackState
from server.awards.owing import COLLECTED
from server.funds import ledger
from server.funds.ledger import Move
from server.funds.models import EntryKind
from server.kernel import bulk
from server.kernel.transactions import transaction

COLUMNS = ("offset_fen", "offsetting_fen", "statement_id", "state", "state_since", "version")
"""What a statement changes of a clawback."""


@transaction
async def choose(payees: Collection[UUID], fund_id: UUID, most_fen: int) -> list[tuple[Clawback, int]]:
    """Hold what a payee owes a fund and no statement keeps back yet, and return how much of each to keep back.

    Those first that were demanded first, `most_fen` altogether at most. `payees` as `paying.payable` has them.
    """
    owing_it = Clawback.filter(payee_id__in=list(payees), award__fund_id=fund_id, state__in=COLLECTED)
    ids = [one.id for one in await owing_it.filter(statement_id=None).only("id")]
    chosen, room = list[tuple[Clawback, int]](), most_fen
    for one in sorted(await _held(ids), key=lambda held: (held.demanded_at or held.created_at, held.id)):
        fen = min(owing.owed(one), room)
        if fen > 0 and one.state in COLLECTED and one.statement_id is None:
            chosen.append((one, fen))
            room -= fen
    return chosen


@transaction
async def reserve(statement_id: UUID, pairs: Sequence[tuple[Clawback, int]]) -> None:
    """Set amounts of held clawbacks aside for a statement."""
    for one, fen in pairs:
        one.statement_id, one.offsetting_fen = statement_id, fen
        one.version += 1
    await bulk.write([one for one, _ in pairs], COLUMNS)


@transaction
async def applied(clawback_ids: Collection[UUID], statement_id: UUID, by: UUID) -> list[Clawback]:
    """Count what a statement kept back as come back, each in the budget from which its award was paid."""
    rows = [one for one in await _held(clawback_ids) if one.statement_id == statement_id]
    moves, before = defaultdict[UUID, list[Move]](list), {one.id: one.state for one in rows}
    budgets = dict(await Award.filter(id__in=[one.award_id for one in rows]).values_list("id", "budget_id"))
    for one in rows:
        fen, one.offsetting_fen, one.statement_id = one.offsetting_fen, 0, None
        one.offset_fen += fen
        one.version += 1
        left = ClawbackState.PARTLY if owing.owed(one) else owing.all_settled(one, ClawbackState.OFFSET)
        owing.enter(one, left)
        ids = {"award_id": one.award_id, "statement_id": statement_id, "clawback_id": one.id}
        moves[budgets[one.award_id]].append(Move(EntryKind.RECOVER, fen, **ids))
    await bulk.write(rows, COLUMNS)
    await owing.note([(one, before[one.id]) for one in rows], "offset", by, "")
    for budget_id in sorted(moves):
        await ledger.post(await ledger.hold(budget_id), moves[budget_id], by)
    return rows


@transaction
async def free(statement_id: UUID) -> list[Clawback]:
    """Let what a statement was to keep back be owed again."""
    ids = [one.id for one in await Clawback.filter(statement_id=statement_id).only("id")]
    rows = [one for one in await _held(ids) if one.statement_id == statement_id]
    for one in rows:
        one.statement_id, one.offsetting_fen = None, 0
        one.version += 1
    await bulk.write(rows, COLUMNS)
    return rows


async def _held(ids: Collection[UUID]) -> list[Clawback]:
    return await Clawback.filter(id__in=list(ids)).order_by("id").select_for_update()
