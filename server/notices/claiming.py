"""Taking pushes whose time has come: the attempt is written before WeChat is called."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from tortoise.connection import get_connection

from server.kernel import clock
from server.kernel.statements import change, identity, moment, returned
from server.kernel.transactions import transaction
from server.notices import endings, permissions, quiet
from server.notices.endings import AWAY, NO_PERMISSION, UNKNOWN, Tried
from server.notices.models import DeliveryState, Service
from server.people.models import PersonState

_READY = "SELECT 1 AS found FROM delivery WHERE priority = ANY($1) AND due_at <= $2 LIMIT 1"
_DUE = """
SELECT d.id, d.person_id, d.state, d.service, d.template, d.template_id, d.data, d.page, d.priority, d.expires_at,
  d.attempts, d.reserved, d.again, d.first_tried_at, coalesce(d.ready_at, d.created_at) AS ready_at,
  p.state AS person_state, p.openid,
  CASE WHEN d.service = 'service_account' THEN
    (SELECT f.openid FROM follower f WHERE f.unionid = p.unionid AND f.following LIMIT 1) END AS follower
FROM delivery d JOIN person p ON p.id = d.person_id
WHERE d.priority = $1 AND d.due_at <= $2 ORDER BY d.due_at, d.id LIMIT $3"""
_PASSED_OVER = " FOR UPDATE OF d SKIP LOCKED"
"""Where there is more than one writer at a time: those that another holds."""

_GO = """UPDATE delivery SET state = 'sending', state_since = $1, due_at = $2, worker = $3,
  attempts = attempts + 1, first_tried_at = coalesce(first_tried_at, $1), reserved = (service = 'mini_program'),
  again = again OR state = 'unknown'
WHERE id = ANY($4)"""
_SET_ASIDE = """UPDATE delivery SET state = $1, state_since = $2, due_at = $3, refusal = $4, reserved = reserved AND $5
WHERE id = ANY($6)"""
_HOLD = """UPDATE delivery SET state = 'held', state_since = $1, due_at = expires_at, refusal = $2 WHERE id = ANY($3)"""
"""It comes up once more, to expire."""
_GIVE_BACK = """UPDATE delivery SET state = $1, due_at = $2 WHERE id = ANY($3) AND worker = $4 AND state = 'sending'"""
_RELEASE_HELD = """UPDATE delivery SET due_at = $1, ready_at = $1
WHERE person_id = $2 AND template_id = $3 AND state = 'held'"""
_HASTEN = f"""UPDATE delivery SET due_at = $1 WHERE due_at > $1 AND state = 'retrying' AND refusal = '{AWAY}'"""  # noqa: S608


@dataclass(frozen=True, slots=True)
class Push:
    """One push on its way, as it stood when it was taken; `was` is its state before, `attempts` counts this one."""

    id: UUID
    person_id: UUID
    template: str
    service: Service
    openid: str
    template_id: str
    data: dict[str, str]
    page: str
    tried: Tried
    was: DeliveryState
    ready_at: datetime


@dataclass(slots=True)
class Claim:
    """What was taken, and how many rows were looked at: fewer than asked for where nothing else is due."""

    pushes: list[Push]
    seen: int


async def ready(priorities: Sequence[int]) -> bool:
    """Return whether anything of these priorities is due; a look in passing."""
    return bool(await returned(_READY, _awake(priorities), clock.now()))


async def claim(priorities: Sequence[int], worker: str, limit: int) -> Claim:
    """Take up to `limit` pushes, those of the first priority first; each is `sending` until its lease ends."""
    found = Claim([], 0)
    for priority in _awake(priorities):
        if found.seen < limit:
            one = await _claim(priority, worker, limit - found.seen)
            found.pushes += one.pushes
            found.seen += one.seen
    return found


@transaction
async def give_back(pushes: Iterable[Push], worker: str) -> None:
    """Put back what was taken and never sent; whoever takes it next need not wait."""
    by_state: dict[DeliveryState, list[UUID]] = {}
    for push in pushes:
        by_state.setdefault(push.was, []).append(push.id)
    for state, ids in by_state.items():
        await change(_GIVE_BACK, state, clock.now(), ids, worker)


@transaction
async def release_held(person_id: UUID, template_id: str) -> None:
    """Let what waits for a permission try again. Not for use inside the transaction that credits one.

    Whoever claims holds deliveries first and permissions afterwards.
    """
    await change(_RELEASE_HELD, clock.now(), person_id, template_id)


@transaction
async def hasten() -> int:
    """WeChat is back: let what waits for that go now, and return how many."""
    return await change(_HASTEN, clock.now())


@transaction
async def _claim(priority: int, worker: str, limit: int) -> Claim:
    now = clock.now()
    rows = await returned(_DUE + _locked(), priority, now, limit)
    sorting = _Sorting(now)
    pushes = [push for row in rows if (push := sorting.sort(row))]
    asking = [push for push in pushes if push.service is Service.MINI_PROGRAM and push.id not in sorting.reserved]
    held = await _without_permission(asking, sorting)
    going = [push for push in pushes if push.id not in held]
    if going:
        await change(_GO, now, now + endings.LEASE, worker, [push.id for push in going])
    if held:
        await change(_HOLD, now, NO_PERMISSION, list(held))
    await sorting.write()
    return Claim(going, len(rows))


async def _without_permission(asking: Sequence[Push], sorting: "_Sorting") -> set[UUID]:
    """Reserve a permission for each that needs one, and return those that there is none for."""
    if not asking and not sorting.spent and not sorting.released:
        return set()
    granted = await permissions.change_many(reserve=asking, spend=sorting.spent, release=sorting.released)
    return {push.id for push in asking} - granted


class _Sorting:
    """Says of each row whether it goes, and gathers what becomes of the others."""

    def __init__(self, now: datetime) -> None:
        self._now = now
        self._aside: dict[tuple[DeliveryState, datetime | None, str], list[UUID]] = {}
        self.spent: list[Push] = []
        self.released: list[Push] = []
        self.reserved: set[UUID] = set()

    def sort(self, row: dict[str, Any]) -> Push | None:
        """Return the push that a row is, None where it does not go."""
        push, openid = _push(row, self._now)
        if row["reserved"]:
            self.reserved.add(push.id)
        if push.was is DeliveryState.SENDING:
            self._lost(push)
        elif moment(row["expires_at"]) <= self._now:
            self._expired(push)
        elif row["person_state"] != PersonState.ACTIVE:
            self._ended(push, DeliveryState.CANCELLED, "no_person")
        elif openid is None:
            self._ended(push, DeliveryState.FAILED_PERMANENT, "not_following")
        else:
            return push
        return None

    async def write(self) -> None:
        """Write it."""
        for (state, due_at, refusal), ids in self._aside.items():
            await change(_SET_ASIDE, state, self._now, due_at, refusal, state is DeliveryState.UNKNOWN, ids)

    def _set_aside(self, id_: UUID, state: DeliveryState, due_at: datetime | None, refusal: str) -> None:
        self._aside.setdefault((state, due_at, refusal), []).append(id_)

    def _lost(self, push: Push) -> None:
        """Set aside one whose lease has run out: its sender died, and nobody knows whether it sent it.

        That is no second lost answer: it is sent once more, as long as anything is.
        """
        if self._now - push.tried.first_tried_at >= endings.RETRIED_FOR:
            self._gone(push)
        else:
            self._set_aside(push.id, DeliveryState.UNKNOWN, self._now + endings.WAIT, UNKNOWN)

    def _expired(self, push: Push) -> None:
        if push.was is DeliveryState.UNKNOWN:
            self._gone(push)
        else:
            self._ended(push, DeliveryState.EXPIRED, "")

    def _gone(self, push: Push) -> None:
        self._set_aside(push.id, DeliveryState.FAILED_TECHNICAL, None, UNKNOWN)
        if push.id in self.reserved:
            self.spent.append(push)

    def _ended(self, push: Push, state: DeliveryState, refusal: str) -> None:
        self._set_aside(push.id, state, None, refusal)
        if push.id in self.reserved:
            self.released.append(push)


def _push(row: dict[str, Any], now: datetime) -> tuple[Push, str | None]:
    """Return a row as a push, and the openid that it goes to, None where there is none."""
    was, service = DeliveryState(row["state"]), Service(row["service"])
    openid = row["openid"] if service is Service.MINI_PROGRAM else row["follower"]
    again = bool(row["again"]) or was is DeliveryState.UNKNOWN
    first = moment(row["first_tried_at"]) if row["first_tried_at"] else now
    push = Push(
        id=identity(row["id"]),
        person_id=identity(row["person_id"]),
        template=row["template"],
        service=service,
        openid=openid or "",
        template_id=row["template_id"],
        data=orjson.loads(row["data"]) if isinstance(row["data"], str) else row["data"],
        page=row["page"],
        tried=Tried(row["attempts"] + 1, again, first, row["priority"]),
        was=was,
        ready_at=moment(row["ready_at"]),
    )
    return push, openid


def _awake(priorities: Sequence[int]) -> list[int]:
    """Return which of them may go out at this hour."""
    now = clock.now()
    return [priority for priority in priorities if quiet.due(priority, now) == now]


def _locked() -> str:
    return _PASSED_OVER if get_connection("default").capabilities.dialect == "postgres" else ""
