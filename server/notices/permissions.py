"""Push permissions: each is one that somebody gave us for one template, and none is used twice."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from server.kernel import clock
from server.kernel.transactions import transaction
from server.notices import ledger
from server.notices.ledger import Entry, Push, Row, Rows, key
from server.notices.models import PermissionChange, PermissionEntry, PushPermission

HINTED_FOR = timedelta(minutes=10)
"""How long WeChat's event is expected after the client has said that somebody accepted."""
MOST_HINTS = 5
"""Of one template in that time; a client that says so more often is not believed."""
_LONGEST_RESERVED = timedelta(days=2)
_TOLD_TO = timedelta(seconds=1)
"""WeChat tells time to the second."""


class Left(NamedTuple):
    """What a person has left of a template; `expected` is what the client has told of and WeChat not yet."""

    left: int = 0
    expected: int = 0
    long_term: bool = False


@transaction
async def change_many(  # noqa: PLR0913 -- so many things may become of a permission
    *,
    reserve: Sequence[Push] = (),
    spend: Sequence[Push] = (),
    release: Sequence[Push] = (),
    zero: Sequence[Push] = (),
    empty: Sequence[Push] = (),
    known: Sequence[Push] = (),
) -> set[UUID]:
    """Note what becomes of many pushes' permissions, and return which of those to `reserve` one got one.

    Whoever got one is, once, to be spent (WeChat took it, or may have), released (it was not sent) or zeroed (WeChat
    refused it for want of permission). Who writes of a push that it got none does so in the same transaction: a
    permission that comes at that moment comes after it. One call holds all that a transaction changes. Of those to
    `empty` WeChat says afterwards, when each has been accounted for, that none was left. Those `known` are to reserve
    one too, and have a row, which for the others is looked for and made.
    """
    rows = await ledger.held(map(key, (*known, *spend, *release, *zero, *empty)), make=map(key, reserve))
    noted = [_spent(push, rows[key(push)]) for push in spend if key(push) in rows]  # who has gone has none
    noted += [_released(push, rows[key(push)]) for push in (*release, *zero) if key(push) in rows]
    refused = (*zero, *empty)
    noted += await _zeroed(refused, {one: rows[one] for one in set(map(key, refused)) if one in rows})
    granted = [_reserved(push, row) for push in (*known, *reserve) if (row := rows.get(key(push))) and _may(row)]
    noted += granted
    await ledger.write([rows[one] for one in set(map(key, noted))], noted)
    return {one.delivery_id for one in granted if one.delivery_id}


@transaction
async def credit(person_id: UUID, template_id: str, source: str, at: datetime, *, long_term: bool = False) -> bool:
    """Note that somebody accepted at a moment, as `source` says; False where that is noted already.

    What they took back later than that is not given again, in whatever order one hears of it.
    """
    row = await _row(person_id, template_id)
    if await PermissionEntry.exists(source=source):
        return False
    mine = PermissionEntry.filter(person_id=person_id, template_id=template_id)
    stands = not await mine.filter(change=PermissionChange.WITHDRAWN, made_at__gte=at).exists()
    if long_term:
        row.long_term = row.long_term or stands
    else:
        row.credited += stands
    change = PermissionChange.LONG_TERM if long_term else PermissionChange.CREDITED
    await ledger.write([row], [ledger.entry(row, change, int(stands), source=source, made_at=at)])
    return True


@transaction
async def withdraw(person_id: UUID, template_id: str, source: str, at: datetime) -> bool:
    """Note that somebody turned a template off at a moment, as `source` says; False where that is noted already."""
    row = await _row(person_id, template_id)
    if await PermissionEntry.exists(source=source):
        return False
    wanted, after = (PermissionChange.CREDITED, PermissionChange.LONG_TERM), at + _TOLD_TO
    since = await ledger.entries_of([key(row)], wanted, after)
    if any(one.change is PermissionChange.LONG_TERM and one.amount for one in since):
        noted = ledger.entry(row, PermissionChange.WITHDRAWN, 0, source=source, made_at=at)  # turned on again since
    else:
        kept = ledger.credited(since, key(row), after)
        noted = ledger.cut(row, PermissionChange.WITHDRAWN, kept, source=source, made_at=at)
    await ledger.write([row], [noted])
    return True


@transaction
async def hint(person_id: UUID, template_ids: Collection[str]) -> None:
    """Note that the client says somebody accepted; nothing is sent on its word."""
    recent = await _recent(person_id)
    told = [one for one in template_ids if _count(recent, one, PermissionChange.HINTED) < MOST_HINTS]
    rows = [PushPermission(person_id=person_id, template_id=one) for one in told]
    await ledger.write([], [ledger.entry(row, PermissionChange.HINTED, 1) for row in rows])


async def left(person_id: UUID) -> Mapping[str, Left]:
    """Return what a person has left, by template; of one that is not in it they have nothing."""
    recent = await _recent(person_id)
    rows = {row.template_id: row for row in await PushPermission.filter(person_id=person_id)}
    found = {}
    for one in {*rows, *(entry.template_id for entry in recent)}:
        row = rows.get(one, PushPermission(person_id=person_id, template_id=one))
        told = _count(recent, one, PermissionChange.CREDITED, PermissionChange.LONG_TERM)
        expected = _count(recent, one, PermissionChange.HINTED) - told
        found[one] = Left(max(row.credited - row.reserved, 0), max(expected, 0), row.long_term)
    return found


async def free(person_id: UUID, template_id: str) -> int | None:
    """Return how many more pushes of a template may go to a person; None where any number may."""
    row = await PushPermission.get_or_none(person_id=person_id, template_id=template_id)
    if row is None:
        return 0
    return None if row.long_term else max(row.credited - row.reserved, 0)


@transaction
async def forget(person_id: UUID) -> None:
    """Forget what somebody who goes has left; the entries hold ids alone, and stay."""
    await PushPermission.filter(person_id=person_id).delete()


def _may(row: Row) -> bool:
    return row.long_term or row.credited > row.reserved


def _reserved(push: Push, row: Row) -> Entry:
    row.reserved += 1
    return ledger.entry(push, PermissionChange.RESERVED, 1, delivery_id=push.id)


def _spent(push: Push, row: Row) -> Entry:
    used = int(not row.long_term)
    row.reserved, row.credited = row.reserved - 1, row.credited - used
    return ledger.entry(push, PermissionChange.SPENT, used, delivery_id=push.id)


def _released(push: Push, row: Row) -> Entry:
    row.reserved -= 1
    return ledger.entry(push, PermissionChange.RELEASED, 1, delivery_id=push.id)


async def _zeroed(pushes: Sequence[Push], rows: Rows) -> list[Entry]:
    """Leave of rows what is on its way, which may have arrived before, and what came after the refused had asked."""
    if not rows:
        return []
    wanted = PermissionChange.CREDITED, PermissionChange.RESERVED
    found = await ledger.entries_of(rows, wanted, clock.now() - _LONGEST_RESERVED)
    asked = {one.delivery_id: one.made_at for one in found if one.change is PermissionChange.RESERVED}
    zeroed = []
    for one, row in rows.items():
        since = max((asked[push.id] for push in pushes if key(push) == one and push.id in asked), default=clock.now())
        kept = ledger.credited(found, one, since.replace(microsecond=0))
        zeroed.append(ledger.cut(row, PermissionChange.ZEROED, kept))
    return zeroed


async def _row(person_id: UUID, template_id: str) -> Row:
    return (await ledger.held(make=[(person_id, template_id)]))[person_id, template_id]


async def _recent(person_id: UUID) -> list[PermissionEntry]:
    return await PermissionEntry.filter(person_id=person_id, made_at__gt=clock.now() - HINTED_FOR)


def _count(found: Iterable[PermissionEntry], template_id: str, *changes: PermissionChange) -> int:
    return sum(one.template_id == template_id and one.change in changes for one in found)
