"""Which account each kind of entry takes from, and which it fills, while its year is open and once it is closed."""

from collections import Counter
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from server.funds.models import Account, EntryKind

Sides = tuple[Account, Account]

SIDES: Mapping[EntryKind, Sides] = MappingProxyType(
    {
        EntryKind.APPROPRIATE: (Account.APPROPRIATED, Account.AVAILABLE),
        EntryKind.REDUCE: (Account.AVAILABLE, Account.APPROPRIATED),
        EntryKind.RESERVE: (Account.AVAILABLE, Account.RESERVED),
        EntryKind.RELEASE: (Account.RESERVED, Account.AVAILABLE),
        EntryKind.COMMIT: (Account.RESERVED, Account.COMMITTED),
        EntryKind.UNCOMMIT: (Account.COMMITTED, Account.RESERVED),
        EntryKind.SPEND: (Account.COMMITTED, Account.SPENT),
        EntryKind.BANK_RETURN: (Account.SPENT, Account.RESERVED),
        EntryKind.UNDO_RETURN: (Account.RESERVED, Account.SPENT),
        EntryKind.RECOVER: (Account.SPENT, Account.AVAILABLE),
        EntryKind.UNDO_RECOVER: (Account.AVAILABLE, Account.SPENT),
        EntryKind.WRITE_OFF: (Account.SPENT, Account.WRITTEN_OFF),
        EntryKind.REVIVE: (Account.WRITTEN_OFF, Account.SPENT),
        EntryKind.LAPSE: (Account.AVAILABLE, Account.SURRENDERED),
        EntryKind.CARRY_OUT: (Account.AVAILABLE, Account.CARRIED),
        EntryKind.CARRY_IN: (Account.CARRIED, Account.AVAILABLE),
    }
)
CLOSED_SIDES: Mapping[EntryKind, Sides] = MappingProxyType(
    {
        EntryKind.BANK_RETURN: (Account.SPENT, Account.SURRENDERED),
        EntryKind.UNDO_RETURN: (Account.SURRENDERED, Account.SPENT),
        EntryKind.RECOVER: (Account.SPENT, Account.SURRENDERED),
        EntryKind.UNDO_RECOVER: (Account.SURRENDERED, Account.SPENT),
        EntryKind.WRITE_OFF: SIDES[EntryKind.WRITE_OFF],
        EntryKind.REVIVE: SIDES[EntryKind.REVIVE],
    }
)
"""What a closed year still takes: money that was paid comes back, and is surrendered, or is given up; or did not."""

OF_NOBODY = frozenset(
    {EntryKind.APPROPRIATE, EntryKind.REDUCE, EntryKind.LAPSE, EntryKind.CARRY_OUT, EntryKind.CARRY_IN}
)
"""What moves a budget's money as a whole; all else moves that of an award or a clawback, and names it."""

COLUMNS: Mapping[Account, str] = MappingProxyType({account: f"{account.value}_fen" for account in Account})
"""The column of a budget that holds an account's balance; of `appropriated`, which is below zero, its opposite."""


def balances(amounts: Iterable[tuple[Sides, int]]) -> dict[str, int]:
    """Return what movements between accounts make of a budget's columns, those of zero among them left out.

    `amounts` are sides and fen.
    """
    sums: Counter[Account] = Counter()
    for (source, target), amount_fen in amounts:
        sums[source] -= amount_fen
        sums[target] += amount_fen
    return {COLUMNS[account]: _as_shown(account, fen) for account, fen in sums.items() if fen}


def _as_shown(account: Account, fen: int) -> int:
    return -fen if account is Account.APPROPRIATED else fen
