"""The paper that shows why another body holds a school's account: put by a manager, looked at by finance."""

from functools import partial
from uuid import UUID

from server.kernel import audit
from server.kernel.errors import DomainError, not_found
from server.kernel.transactions import transaction
from server.organisations import payee_accounts, scans
from server.organisations.models import AccountBasis, AccountState, PayeeAccount
from server.organisations.ports import Files, Scans


async def put(organisation_id: UUID, data: bytes, cleaner: Scans, files: Files, *, by: UUID) -> PayeeAccount:
    """Keep `data`, a JPEG or PNG, as the document of the account that waits, in the place of an earlier one.

    Raises DomainError 404, 409 where no account waits or it is the organisation's own, `scan_…` for no fit picture.
    """
    _require_agent((await payee_accounts.accounts(organisation_id)).pending)
    return await scans.put(data, cleaner, files, partial(_name, organisation_id, by))


async def picture(organisation_id: UUID, account_id: UUID | None, files: Files, *, by: UUID | None) -> bytes | None:
    """Return the document of an account as a JPEG, None where there is none.

    Without `account_id` of the one that waits, else of the one in force. `by` is who looks, where that is no one of
    its own: it is noted. Raises DomainError 404 for an account that is not the organisation's.
    """
    row = await _chosen(organisation_id, account_id)
    found = await scans.read(partial(_named, row.id), files) if row else None
    if by and row and found:
        subject = payee_accounts.subject_of(row.id)
        await audit.note(subject, "payee_account.document_viewed", actor_id=by, fields=["document_scan"])
    return found


async def _chosen(organisation_id: UUID, account_id: UUID | None) -> PayeeAccount | None:
    if account_id is None:
        found = await payee_accounts.accounts(organisation_id)
        return found.pending or found.current
    row = await payee_accounts.account(account_id)
    if row.organisation_id != organisation_id:
        raise not_found("payee_account")
    return row


async def _named(account_id: UUID) -> UUID | None:
    return (await payee_accounts.account(account_id)).document_scan_id


@transaction
async def _name(organisation_id: UUID, by: UUID, scan_id: UUID) -> tuple[PayeeAccount, UUID | None]:
    await payee_accounts.held(organisation_id)
    row = _require_agent(await payee_accounts.in_state(organisation_id, AccountState.PENDING))
    replaced, row.document_scan_id = row.document_scan_id, scan_id
    await row.save(update_fields=["document_scan_id"])
    await payee_accounts.tell(row, "documented", row.state, payee_accounts.Verdict(by))
    return row, replaced


def _require_agent(row: PayeeAccount | None) -> PayeeAccount:
    if row is None:
        raise DomainError("no_account_waits", 409)
    if row.basis is not AccountBasis.AGENT_HOLDER:
        raise DomainError("document_for_agents", 409)
    return row
