"""The rows of the ledger of push permissions: held, changed together with their entries, never more spent than given.

Every change is an entry, and beside the entries stands their sum, held while it changes. Rows are held in order of id,
everywhere, so that nobody waits in a circle.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from server.kernel import bulk, clock
from server.kernel.ids import new_id
from server.kernel.statements import identity, returned, select
from server.notices.models import PermissionChange, PermissionEntry, PushPermission

Key = tuple[UUID, str]
"""A person, and WeChat's id of a template."""
Rows = Mapping[Key, PushPermission]
_THEIRS = "person_id = ANY($1) AND template_id = ANY($2)"
_THERE = f"SELECT person_id, template_id FROM push_permission WHERE {_THEIRS}"  # noqa: S608 -- our own text


class Permitted(Protocol):
    """What is about one person's permissions for one template."""

    @property
    def person_id(self) -> UUID:
        """The person."""

    @property
    def template_id(self) -> str:
        """The template as WeChat names it."""


class Push(Permitted, Protocol):
    """What needs a permission."""

    @property
    def id(self) -> UUID:
        """The delivery."""


def key(thing: Permitted) -> Key:
    """Return whose permissions for which template something is about."""
    return thing.person_id, thing.template_id


async def held(keys: Iterable[Key] = (), make: Iterable[Key] = ()) -> Rows:
    """Return the rows of `keys`, which nobody else changes until the transaction ends; those of `make` are made first.

    They are made before any is held: who holds one must wait for nobody who has just made another. In one transaction
    this is done once, since whoever holds some and comes for others might wait in a circle.
    """
    needed = set(make)
    wanted = needed.union(keys)
    if not wanted:
        return {}
    named = _named(wanted)
    if needed:
        there = {(identity(row["person_id"]), row["template_id"]) for row in await returned(_THERE, *named)}
        await bulk.insert([_fresh(one) for one in sorted(needed - there)], unless_there=True)
    rows = await select(PushPermission, f"{_THEIRS} ORDER BY id", *named, hold=True)
    return {key(row): row for row in rows if key(row) in wanted}


async def entries_of(
    keys: Collection[Key], changes: Iterable[PermissionChange], since: datetime
) -> list[PermissionEntry]:
    """Return what of some kinds was noted of `keys` since a moment, and perhaps of others too."""
    wanted = [change.value for change in changes]
    where = f"{_THEIRS} AND change = ANY($3) AND made_at >= $4"
    return await select(PermissionEntry, where, *_named(keys), wanted, since)


def entry(of: Permitted, change: PermissionChange, amount: int, **said: Any) -> PermissionEntry:
    """Return an entry, not written yet; `said` are its other columns, the moment if it is not now."""
    values = {"id": new_id(), "made_at": clock.now(), "person_id": of.person_id, "template_id": of.template_id, **said}
    return bulk.fresh(PermissionEntry, change=change, amount=amount, **values)


def cut(row: PushPermission, change: PermissionChange, kept: int, **said: Any) -> PermissionEntry:
    """Leave of a row what is on its way and what is `kept`, and return the entry.

    A long-term one, of which nothing was used up, is left just that much, to be used up.
    """
    before = row.credited
    row.credited = row.reserved + kept if row.long_term else min(row.credited, row.reserved + kept)
    row.long_term = False
    return entry(row, change, before - row.credited, **said)


def credited(found: Iterable[PermissionEntry], of: Key, since: datetime) -> int:
    """Return how many permissions these entries give since a moment."""
    return sum(
        one.amount
        for one in found
        if one.change is PermissionChange.CREDITED and key(one) == of and one.made_at >= since
    )


async def write(rows: Iterable[PushPermission], found: Sequence[PermissionEntry]) -> None:
    """Write held rows as they are now, and the entries that say why."""
    changed, now = list(rows), clock.now()
    for row in changed:
        row.changed_at = now
    await bulk.write(changed, ["credited", "reserved", "long_term", "changed_at"])
    await bulk.insert(found)


def _named(keys: Collection[Key]) -> tuple[list[UUID], list[str]]:
    """Return whom and which templates `keys` name, as `_THEIRS` asks."""
    return sorted({person_id for person_id, _ in keys}), sorted({template_id for _, template_id in keys})


def _fresh(of: Key) -> PushPermission:
    return bulk.fresh(PushPermission, id=new_id(), person_id=of[0], template_id=of[1], changed_at=clock.now())
