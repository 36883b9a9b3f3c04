"""Which of the pushes that were taken go, and what becomes of the others."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from server.kernel.statements import change, identity, moment
from server.notices import endings, instead
from server.notices.endings import NOT_FOLLOWING, UNKNOWN, Tried
from server.notices.leaving import LEFT
from server.notices.models import BroadcastState, DeliveryState, Service
from server.notices.outdated import SUPERSEDED
from server.people.models import PersonState

_SET_ASIDE = """UPDATE delivery SET state = $1, state_since = $2, due_at = $3, refusal = $4, reserved = reserved AND $5
WHERE id = ANY($6)"""


@dataclass(frozen=True, slots=True)
class Push:
    """One push on its way, as it stood when it was taken; `was` is its state before, `until` its lease ends."""

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
    until: datetime


class Sorting:
    """Says of each row whether it goes, and gathers what becomes of the others."""

    def __init__(self, now: datetime, unconcerned: Collection[UUID] = ()) -> None:
        self._now = now
        self._unconcerned = unconcerned
        self._aside: dict[tuple[DeliveryState, datetime | None, str], list[UUID]] = {}
        self.spent: list[Push] = []
        self.released: list[Push] = []
        self.passed: list[Push] = []
        """Those that end before they got a permission, which is another's then."""
        self.reserved: set[UUID] = set()
        self.known: set[UUID] = set()
        """Those whose person has a row in the ledger of permissions for the template."""

    def sort(self, row: dict[str, Any]) -> Push | None:
        """Return the push that a row is, None where it does not go."""
        push, openid = _push(row, self._now)
        if row["reserved"]:
            self.reserved.add(push.id)
        if row["known"]:
            self.known.add(push.id)
        if push.was is DeliveryState.SENDING:
            self._lost(push)
        elif row["broadcast_state"] == BroadcastState.CANCELLED:
            self._stopped(push)
        elif over := self._over(row):
            self._too_late(push, *over)
        elif row["person_state"] != PersonState.ACTIVE:
            self._ended(push, DeliveryState.CANCELLED, "no_person")
        elif openid is None:
            self._ended(push, DeliveryState.FAILED_PERMANENT, NOT_FOLLOWING)
        else:
            return push
        return None

    async def write(self) -> None:
        """Write it, and push otherwise to those who follow no more."""
        for (state, due_at, refusal), ids in self._aside.items():
            await change(_SET_ASIDE, state, self._now, due_at, refusal, state is DeliveryState.UNKNOWN, ids)
            if refusal == NOT_FOLLOWING:
                await instead.make(ids)

    def _set_aside(self, id_: UUID, state: DeliveryState, due_at: datetime | None, refusal: str) -> None:
        self._aside.setdefault((state, due_at, refusal), []).append(id_)

    def _lost(self, push: Push) -> None:
        """Set aside one whose lease has run out: its sender died, and nobody knows whether it sent it.

        That is no second lost answer: it is sent once more, and a few times at most: its senders may die of it.
        """
        long_ago = self._now - push.tried.first_tried_at >= endings.RETRIED_FOR
        if long_ago or (push.tried.again and push.tried.attempts - 1 > endings.MOST_LAPSES):
            self._gone(push)
        else:
            self._set_aside(push.id, DeliveryState.UNKNOWN, self._now + endings.WAIT, UNKNOWN)

    def _over(self, row: dict[str, Any]) -> tuple[DeliveryState, str] | None:
        """Return how one ends, and why, that is not worth sending any more."""
        if moment(row["expires_at"]) <= self._now:
            return DeliveryState.EXPIRED, ""
        if row["outdated"]:
            return DeliveryState.CANCELLED, SUPERSEDED
        return (DeliveryState.CANCELLED, LEFT) if identity(row["id"]) in self._unconcerned else None

    def _too_late(self, push: Push, state: DeliveryState, refusal: str) -> None:
        if push.was is DeliveryState.UNKNOWN:
            self._gone(push)
        else:
            self._ended(push, state, refusal)

    def _stopped(self, push: Push) -> None:
        if push.was is DeliveryState.UNKNOWN:
            self._gone(push, DeliveryState.CANCELLED, "")
        else:
            self._ended(push, DeliveryState.CANCELLED, "")

    def _gone(self, push: Push, state: DeliveryState = DeliveryState.FAILED_TECHNICAL, refusal: str = UNKNOWN) -> None:
        """End one that WeChat may have taken: its permission counts as spent."""
        self._set_aside(push.id, state, None, refusal)
        if push.id in self.reserved:
            self.spent.append(push)

    def _ended(self, push: Push, state: DeliveryState, refusal: str) -> None:
        self._set_aside(push.id, state, None, refusal)
        if push.id in self.reserved:
            self.released.append(push)
        elif refusal == LEFT:
            self.passed.append(push)


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
        until=now + endings.LEASE,
    )
    return push, openid
