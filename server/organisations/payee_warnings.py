"""What finance should look at in an account before money goes to it: another holder's name, a number that many use."""

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from server.kernel import sensitive
from server.kernel.codes import plain
from server.kernel.sensitive import Kind
from server.organisations import payee_accounts
from server.organisations.models import AccountBasis, PayeeAccount


def holder_differs(row: PayeeAccount) -> bool:
    """Whether an organisation's own account goes by another name than the organisation, which finance should see."""
    return row.basis is AccountBasis.OWN_ACCOUNT and plain(row.holder) != plain(row.organisation.name)


async def also_used_by(rows: Collection[PayeeAccount]) -> Mapping[UUID, int]:
    """Return of each account how many other organisations use its number, in one statement.

    A county accounting centre's serves many schools. A number that cannot be read counts as nobody else's.
    """
    numbers = {row.id: sensitive.if_readable(payee_accounts.number_of, row) for row in rows}
    vault = sensitive.vault()
    indexes = {row_id: vault.indexes(Kind.ACCOUNT, one.reveal()) for row_id, one in numbers.items() if one}
    every = sorted({index for of_one in indexes.values() for index in of_one})
    same = PayeeAccount.filter(number_index__in=every, state__in=list(payee_accounts.IN_USE))
    columns: Any = ("number_index", "organisation_id")
    users = await same.values_list(*columns) if every else []
    return {
        row.id: len({who for index, who in users if index in indexes.get(row.id, ()) and who != row.organisation_id})
        for row in rows
    }
