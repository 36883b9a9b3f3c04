"""The rows of the ledger of push permissions: held, changed together with their entries, never more spent than given.

Every change is an entry, and beside the entries stands their sum, held while it changes. Rows are held in order of id,
everywhere, so that nobody waits in a circle.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from server.kernel import bulk, clock
from server.kernel.ids import new_id
from server.kernel.statements import identity, returned, select, spread
from server.notices.models import PermissionChange, PermissionEntry, PushPermission

Key = tuple[UUID, str]
"""A person, and WeChat's id of a template."""
_THEIRS = "person_id = ANY($1) AND template_id = ANY($2)"
_THERE = f"SELECT person_id, template_id FROM push_permission WHERE {_THEIRS}"  # noqa: S608 -- our own text
_HELD = f"""SELECT id, person_id, template_id, credited, reserved, long_term FROM push_permission
WHERE {_THEIRS} ORDER BY id"""  # noqa: S608 -- our own text
_CHANGE = """UPDATE push_permission SET credited = fresh.credited, reserved = fresh.reserved,
  long_term = fresh.long_term, changed_at = $1 FROM {fresh} WHERE push_permission.id = fresh.id"""
_CHANGED = {"id": "uuid", "credited": "integer", "reserved": "integer", "long_term": "boolean"}
_ENTER = """INSERT INTO permission_entry (id, person_id, template_id, change, amount, delivery_id, source, made_at)
SELECT id, person_id, template_id, change, amount, delivery_id, source, coalesce(made_at, $1) FROM {fresh}"""
_ENTERED = {
    "id": "uuid",
    "person_id": "uuid",
    "template_id": "text",
    "change": "text",
    "amount": "integer",
    "delivery_id": "uuid",
    "source": "text",
    "made_at": "timestamptz",
}


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


@dataclass(slots=True)
class Row:
    """What is held of a `PushPermission`: for thousands of pushes a model takes ten times as long."""

    id: UUID
    person_id: UUID
    template_id: str
    credited: int
    reserved: int
    long_term: bool


Rows = Mapping[Key, Row]


class Entry(NamedTuple):
    """A `PermissionEntry` that is to be written; `made_at` is None where that is when it was made."""

    id: UUID
    person_id: UUID
    template_id: str
    change: PermissionChange
    amount: int
    delivery_id: UUID | None = None
    source: str | None = None
    made_at: datetime | None = None


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
    rows = map(_row, await returned(_HELD, *named, hold=True))
    return {one: row for row in rows if (one := key(row)) in wanted}


async def entries_of(
    keys: Collection[Key], changes: Iterable[PermissionChange], since: datetime
) -> list[PermissionEntry]:
    """Return what of some kinds was noted of `keys` since a moment, and perhaps of others too."""
    wanted = [change.value for change in changes]
    where = f"{_THEIRS} AND change = ANY($3) AND made_at >= $4"
    return await select(PermissionEntry, where, *_named(keys), wanted, since)


def entry(of: Permitted, change: PermissionChange, amount: int, **said: Any) -> Entry:
    """Return an entry, not written yet; `said` are its other columns."""
    return Entry(new_id(), of.person_id, of.template_id, change, amount, **said)


def cut(row: Row, change: PermissionChange, kept: int, **said: Any) -> Entry:
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


async def write(rows: Iterable[Row], found: Sequence[Entry]) -> None:
    """Write held rows as they are now, and the entries that say why."""
    now = clock.now()
    changed = [(row.id, row.credited, row.reserved, row.long_term) for row in rows]
    if changed:
        await spread(_CHANGE, _CHANGED, changed, now)
    if found:
        await spread(_ENTER, _ENTERED, found, now)


def _row(row: Mapping[str, Any]) -> Row:
    ids = identity(row["id"]), identity(row["person_id"])
    return Row(*ids, row["template_id"], row["credited"], row["reserved"], bool(row["long_term"]))


def _named(keys: Collection[Key]) -> tuple[list[UUID], list[str]]:
    """Return whom and which templates `keys` name, as `_THEIRS` asks."""
    return list({person_id for person_id, _ in keys}), list({template_id for _, template_id in keys})


def _fresh(of: Key) -> PushPermission:
    return bulk.fresh(PushPermission, id=new_id(), person_id=of[0], template_id=of[1], changed_at=clock.now())
