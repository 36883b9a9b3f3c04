"""Taking pushes whose time has come: the attempt is written before WeChat is called."""

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from tortoise.connection import get_connection

from server.kernel import clock
from server.kernel.statements import change, identity, returned
from server.kernel.transactions import transaction
from server.notices import endings, leaving, permissions, quiet, receipts
from server.notices.endings import AWAY, NO_PERMISSION
from server.notices.ledger import Key, key
from server.notices.models import DeliveryState, Service
from server.notices.outdated import OUTDATED
from server.notices.sorting import Push, Sorting

_READY = "SELECT 1 AS found FROM delivery WHERE priority = ANY($1) AND due_at <= $2 LIMIT 1"
_LAPSED = "SELECT 1 AS found FROM delivery WHERE state = 'sending' AND +priority = ANY($1) AND due_at <= $2 LIMIT 1"
"""By night there may be many that wait: this goes by the state."""
_DUE = f"""
SELECT d.id, d.person_id, d.state, d.service, d.template, d.template_id, d.data, d.page, d.priority, d.expires_at,
  d.attempts, d.reserved, d.again, d.first_tried_at, coalesce(d.ready_at, d.created_at) AS ready_at,
  p.state AS person_state, p.openid,
  CASE WHEN d.service = 'service_account' THEN
    (SELECT f.openid FROM follower f WHERE f.unionid = p.unionid AND f.following LIMIT 1) END AS follower,
  CASE WHEN d.priority = 3 THEN (SELECT b.state FROM notice n JOIN broadcast b ON b.id = n.broadcast_id
    WHERE n.id = d.notice_id) END AS broadcast_state,
  d.priority <> 3 AND {OUTDATED} AS outdated,
  CASE WHEN d.priority <> 3 THEN {leaving.LEFT_LATELY} END AS left_lately,
  (SELECT 1 FROM push_permission q WHERE q.person_id = d.person_id AND q.template_id = d.template_id LIMIT 1) AS known
FROM delivery d JOIN person p ON p.id = d.person_id
WHERE d.priority = $1 AND d.due_at <= $2 AND NOT (d.state = 'unknown' AND EXISTS (
  SELECT 1 FROM job WHERE kind = 'wechat_receipt' AND state = 'pending' AND claimable_at <= $4))
ORDER BY d.due_at, d.id LIMIT $3"""  # noqa: S608 -- our own texts
_DUE_ASLEEP = _DUE.replace("WHERE d.priority = $1", "WHERE d.state = 'sending' AND +d.priority = $1")
_PASSED_OVER = " FOR UPDATE OF d SKIP LOCKED"
"""Where there is more than one writer at a time: those that another holds."""

_GO = """UPDATE delivery SET state = 'sending', state_since = $1, due_at = $2, worker = $3,
  attempts = attempts + 1, first_tried_at = coalesce(first_tried_at, $1), reserved = (service = 'mini_program'),
  again = again OR state = 'unknown'
WHERE id = ANY($4)"""
_HOLD = """UPDATE delivery SET state = 'held', state_since = $1, due_at = expires_at, refusal = $2 WHERE id = ANY($3)"""
"""It comes up once more, to expire."""
_GIVE_BACK = """UPDATE delivery SET state = $1, due_at = $2 WHERE id = ANY($3) AND worker = $4 AND state = 'sending'"""
_HELD = f"""SELECT d.id, d.priority, {OUTDATED} AS outdated FROM delivery d
WHERE d.person_id = $1 AND d.template_id = $2 AND d.state = 'held'
ORDER BY d.priority, d.id DESC"""  # noqa: S608 -- our own texts
_RELEASE_HELD = "UPDATE delivery SET due_at = $1, ready_at = $1 WHERE id = ANY($2) AND state = 'held'"
_HASTEN = f"""UPDATE delivery SET due_at = $1 WHERE due_at > $1 AND state = 'retrying' AND refusal = '{AWAY}'"""  # noqa: S608


@dataclass(slots=True)
class Claim:
    """What was taken, and how many rows were looked at: fewer than asked for where nothing else is due.

    `freed` names the permissions that pushes held, or came up for, which do not go after all.
    """

    pushes: list[Push]
    seen: int
    freed: set[Key] = field(default_factory=set)


async def ready(priorities: Sequence[int]) -> bool:
    """Return whether anything of these priorities is due; a look in passing."""
    now, awake = clock.now(), _awake(priorities)
    asleep = [priority for priority in priorities if priority not in awake]
    lapsed = bool(asleep and await returned(_LAPSED, asleep, now))
    return lapsed or bool(awake and await returned(_READY, awake, now))


async def claim(priorities: Sequence[int], worker: str, limit: int) -> Claim:
    """Take up to `limit` pushes, those of the first priority first; each is `sending` until its lease ends.

    Of what may not go out at this hour those are looked at whose lease is over.
    """
    found, awake = Claim([], 0), _awake(priorities)
    for priority in priorities:
        if found.seen < limit:
            due = _DUE if priority in awake else _DUE_ASLEEP
            one = await _claim(due, priority, worker, limit - found.seen)
            found.pushes += one.pushes
            found.seen += one.seen
            found.freed |= one.freed
    with contextlib.suppress(Exception):  # what was taken goes; the others wait for the next permission
        for person_id, template_id in found.freed:
            await release_held(person_id, template_id)
    return found


@transaction
async def give_back(pushes: Iterable[Push], worker: str) -> None:
    """Put back what was taken and never sent; whoever takes it next need not wait. After its lease it is another's."""
    by_state: dict[DeliveryState, list[UUID]] = {}
    now = clock.now()
    for push in pushes:
        if push.until > now:
            by_state.setdefault(push.was, []).append(push.id)
    for state, ids in by_state.items():
        await change(_GIVE_BACK, state, now, ids, worker)


async def release_held(person_id: UUID, template_id: str) -> None:
    """Let as many that wait for a permission try again as there are: what is urgent, and then what is newest.

    What is outdated comes up as well, to be ended. Not for use inside the transaction that credits a permission:
    whoever claims holds deliveries first and permissions afterwards.
    """
    now, free = clock.now(), await permissions.free(person_id, template_id)
    rows = await returned(_HELD, person_id, template_id)
    current = [row for row in rows if not row["outdated"]]
    going = [row for row in rows if row["outdated"]] + current[: len(rows) if free is None else free]
    await _release(going, now)


@transaction
async def hasten() -> int:
    """WeChat is back: let what waits for that go now, and return how many."""
    return await change(_HASTEN, clock.now())


@transaction
async def _claim(due: str, priority: int, worker: str, limit: int) -> Claim:
    now = clock.now()
    rows = await returned(due + _locked(), priority, now, limit, now - receipts.BEHIND, now - leaving.LATELY)
    sorting = Sorting(now, await leaving.unconcerned(rows))
    pushes = [push for row in rows if (push := sorting.sort(row))]
    asking = [push for push in pushes if push.service is Service.MINI_PROGRAM and push.id not in sorting.reserved]
    held = await _without_permission(asking, sorting)
    going = [push for push in pushes if push.id not in held]
    if going:
        await change(_GO, now, now + endings.LEASE, worker, [push.id for push in going])
    if held:
        await change(_HOLD, now, NO_PERMISSION, list(held))
    await sorting.write()
    return Claim(going, len(rows), set(map(key, (*sorting.released, *sorting.passed))))


@transaction
async def _release(rows: Sequence[Mapping[str, Any]], now: datetime) -> None:
    for due in {quiet.due(row["priority"], now) for row in rows}:
        then = [identity(row["id"]) for row in rows if quiet.due(row["priority"], now) == due]
        await change(_RELEASE_HELD, due, then)


async def _without_permission(asking: Sequence[Push], sorting: Sorting) -> set[UUID]:
    """Reserve a permission for each that needs one, and return those that there is none for."""
    if not asking and not sorting.spent and not sorting.released:
        return set()
    known = [push for push in asking if push.id in sorting.known]
    others = [push for push in asking if push.id not in sorting.known]
    ended = {"spend": sorting.spent, "release": sorting.released}
    granted = await permissions.change_many(reserve=others, known=known, **ended)
    return {push.id for push in asking} - granted


def _awake(priorities: Sequence[int]) -> list[int]:
    """Return which of them may go out at this hour."""
    now = clock.now()
    return [priority for priority in priorities if quiet.due(priority, now) == now]


def _locked() -> str:
    return _PASSED_OVER if get_connection("default").capabilities.dialect == "postgres" else ""
