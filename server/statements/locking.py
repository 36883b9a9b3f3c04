"""Locking a statement: from then on its rows, its sums and the account never change; its money is committed."""

from collections.abc import Sequence
from uuid import UUID

from server.awards import offsetting, paying
from server.awards.models import Award, Clawback, Part
from server.awards.paying import Hand
from server.funds import ledger, papers
from server.funds.ledger import Move
from server.funds.models import EntryKind
from server.kernel import bulk, clock
from server.kernel.errors import DomainError
from server.kernel.ids import new_id
from server.kernel.transactions import transaction
from server.organisations import heirs, payee_accounts
from server.organisations.models import AccountState, Organisation, PayeeAccount
from server.organisations.roles import Role
from server.statements import holding
from server.statements.models import Statement, StatementRow, StatementState
from server.statements.states import Verb


@transaction
async def lock(statement_id: UUID, by: UUID) -> Statement:
    """Lock a statement: write its rows, awards first, then what is kept back, and commit its money.

    Raises DomainError 403 for other hands, 404, 409 where it is not open, a paper is missing, the payee is not
    verified or has no confirmed account, or something came up about an award.
    """
    held, payee = await holding.hold_with_payee(statement_id, Verb.LOCK)
    awards = await paying.hold(statement_id)
    await paying.require_sound(awards)
    account = await require_ready(held, payee, awards)
    await paying.admit(Hand(by, Role.FINANCE, Part.SENDING), awards)
    kept_back = await _keep_back(held, awards)
    await _write_rows(held, awards, kept_back)
    await _seal(held, awards, kept_back, account, by)
    await holding.change(held, "locked", by, state=StatementState.LOCKED)
    moves = [Move(EntryKind.COMMIT, award.amount_fen, award.id, held.id) for award in awards]
    await ledger.post(await ledger.hold(held.budget_id), moves, by)
    return held


async def require_ready(held: Statement, payee: Organisation, awards: Sequence[Award]) -> PayeeAccount:
    """Return the account to pay into; raises DomainError 409 where what makes the awards payable is not there."""
    for year in sorted({award.year for award in awards}):
        await papers.require(held.fund_id, year)
    await holding.require_payable(payee)
    account = await payee_accounts.in_state(payee.id, AccountState.CONFIRMED)
    if account is None or payee_accounts.number_of(account) is None:
        raise DomainError("payee_account_missing", 409)
    return account


async def _keep_back(held: Statement, awards: Sequence[Award]) -> list[tuple[Clawback, int]]:
    if not held.offsets:
        return []
    payees = await heirs.whole(held.payee_id)
    pairs = await offsetting.choose(payees, held.fund_id, sum(award.amount_fen for award in awards))
    await offsetting.reserve(held.id, pairs)
    return pairs


async def _write_rows(held: Statement, awards: Sequence[Award], kept_back: Sequence[tuple[Clawback, int]]) -> None:
    lines: list[tuple[UUID | None, UUID | None, int]] = [(award.id, None, award.amount_fen) for award in awards]
    lines += [(None, one.id, -fen) for one, fen in kept_back]
    rows = [
        bulk.fresh(
            StatementRow,
            id=new_id(),
            statement_id=held.id,
            number=number,
            award_id=award_id,
            clawback_id=clawback_id,
            amount_fen=fen,
        )
        for number, (award_id, clawback_id, fen) in enumerate(lines, 1)
    ]
    await bulk.insert(rows)


async def _seal(
    held: Statement,
    awards: Sequence[Award],
    kept_back: Sequence[tuple[Clawback, int]],
    account: PayeeAccount,
    by: UUID,
) -> None:
    held.count, held.offset_fen = len(awards), sum(fen for _, fen in kept_back)
    held.total_fen = sum(award.amount_fen for award in awards) - held.offset_fen
    held.account_id, held.payer_id = account.id, (await papers.payer(held.fund_id)).id
    held.locked_by_id, held.locked_at = by, clock.now()
