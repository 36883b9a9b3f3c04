"""Blind indexes that are unique, also while two keys are in use.

One value has one index per key, and the database's own unique constraint cannot know that two of them are one value.
So whoever looks a value up takes all its indexes, and whoever stores one holds the value first. That there is one row
per value follows, on both databases:

- Two who store the same value, whichever of their keys is in front, wait for each other. On PostgreSQL each takes an
  advisory lock on every index of the value, until its transaction ends; rings with one key in common meet there. On
  SQLite there is one writing transaction at a time, because they all begin immediately.
- Whoever comes second looks only then, and each statement sees all that is committed when it begins: it finds what the
  first stored, under whichever key.
- Rotation (`server.rotation`) changes a row's index from one of the value's indexes to another in one statement: every
  look finds the row as it was or as it is. It never makes a row.

What it rests on: wherever rows may lie under a key, every process that writes has that key. A new key is therefore
added behind the old one in all of them before it is put in front in any, and the old one is taken out only after
rotation has said that nothing lies under it.
"""

import hashlib
from collections.abc import Sequence

from tortoise.connection import get_connection

from server.kernel import sensitive, transactions
from server.kernel.sensitive import Sensitive


async def hold(value: Sensitive) -> tuple[str, ...]:
    """Keep everyone else from storing `value`, a normalised one, until the transaction ends; return its indexes.

    The first is the one to store; the value is there already where a row has any of them. Raises RuntimeError outside
    a transaction. Whoever needs several holds them by `hold_many`, or may have to be undone by PostgreSQL.
    """
    return (await hold_many([value]))[0]


async def hold_many(values: Sequence[Sensitive]) -> list[tuple[str, ...]]:
    """Keep everyone else from storing any of `values` until the transaction ends; return the indexes of each.

    One statement, which takes the locks of all in one settled order: of those who hold several at once by this, nobody
    waits in a circle. Raises RuntimeError outside a transaction.
    """
    if not transactions.running():
        raise RuntimeError("a value is held by a transaction")
    found = [find(value) for value in values]
    connection = get_connection("default")
    if found and connection.capabilities.dialect == "postgres":
        numbers = sorted({_number(index) for indexes in found for index in indexes})
        await connection.execute_query("SELECT pg_advisory_xact_lock(n) FROM unnest($1::bigint[]) AS n", [numbers])
    return found


def find(value: Sensitive) -> tuple[str, ...]:
    """Return every index that a row holding `value` may have: look it up with `IN`."""
    return tuple(sensitive.vault().indexes(value.kind, value.reveal()))


def _number(index: str) -> int:
    """Return the number of the lock on an index, 63 bits; two that share one wait without need."""
    return int.from_bytes(hashlib.blake2b(index.encode(), digest_size=8).digest(), "big") >> 1
