"""Who is paid for an award: its payee, or what carries that on once it is closed."""

from collections.abc import Collection
from uuid import UUID

from server.organisations import heirs, payee_accounts
from server.organisations.models import AccountState, Organisation, PayeeAccount


async def unpayable(payee_ids: Collection[UUID]) -> set[UUID]:
    """Return those of some payees to whom no money may go as they, or what carries them on, stand now.

    Two statements.
    """
    standing = await heirs.heirs(payee_ids)
    rows = Organisation.filter(id__in=list(set(standing.values()))).only("id", "kind", "state")
    payable = {row.id for row in (await rows if standing else ()) if payee_accounts.payable(row)}
    return {one for one, heir in standing.items() if heir not in payable}


async def without_account(payees: Collection[UUID]) -> set[UUID]:
    """Return those of some payees that have no account to be paid into, nor one that finance has to look at.

    Of a closed one the account of what carries it on counts.
    """
    standing = await heirs.heirs(payees)
    named = PayeeAccount.filter(
        organisation_id__in=list(set(standing.values())), state__in=[AccountState.CONFIRMED, AccountState.PENDING]
    )
    there = {one.organisation_id for one in await named.only("id", "organisation_id")} if standing else set[UUID]()
    return {one for one, heir in standing.items() if heir not in there}
