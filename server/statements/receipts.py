"""What the payee says of the money: come, or not. It never holds anything up, and may be said anew."""

from uuid import UUID

from server.kernel import clock
from server.kernel.transactions import transaction
from server.statements import holding
from server.statements.models import Receipt, Statement, StatementResult
from server.statements.states import Verb

_EVENTS = {Receipt.CONFIRMED: "receipt_confirmed", Receipt.DISPUTED: "receipt_disputed"}


@transaction
async def say(statement_id: UUID, receipt: Receipt, note: str, by: UUID) -> Statement:
    """Keep what the payee says of a statement; the same again changes nothing, unless more came meanwhile.

    Raises DomainError 404, 409 where it has not gone out, or came to nothing.
    """
    held = await holding.hold(statement_id, Verb.RECEIPT)
    if (held.receipt, held.receipt_note) == (receipt, note) and not await _more_came(held):
        return held
    held.receipt, held.receipt_note = receipt, note
    held.receipt_by_id, held.receipt_at = by, clock.now()
    await holding.change(held, _EVENTS[receipt], by)
    return held


async def _more_came(held: Statement) -> bool:
    """Whether the payer or the bank said something since the payee did: then it is said of that as well."""
    return await StatementResult.exists(row__statement_id=held.id, made_at__gt=held.receipt_at)
