"""Refused payee accounts, as appeals see them: whether the refusal stands, and how it is undone."""

from uuid import UUID

from server.kernel.audit import AuditEntry
from server.kernel.transactions import transaction
from server.organisations import keeping, payee_accounts
from server.organisations.models import AccountState, PayeeAccount
from server.organisations.payee_accounts import Verdict


@transaction
async def standing_refusal(account_id: UUID) -> AuditEntry | None:
    """Hold an account's organisation until the transaction ends and return the account's refusal.

    None where none stands, or another account was named since, or the number is kept no longer. Raises DomainError 404.
    """
    await keeping.hold((await payee_accounts.account(account_id)).organisation_id)
    row = await payee_accounts.account(account_id)
    later = PayeeAccount.filter(organisation_id=row.organisation_id, id__gt=account_id)
    if row.state is not AccountState.REFUSED or row.number_sealed is None or await later.exists():
        return None
    refusals = AuditEntry.filter(subject=payee_accounts.subject_of(account_id), action="payee_account.refused")
    return await refusals.order_by("-id").first()


@transaction
async def overturn(account_id: UUID, verdict: Verdict) -> PayeeAccount:
    """Let money go to an account whose refusal stands.

    Raises DomainError 404, 409 where its organisation is not verified any more, or an agent's has no document.
    """
    row = await payee_accounts.account(account_id)
    await payee_accounts.held(row.organisation_id)
    return await payee_accounts.put_in_force(row, verdict)
