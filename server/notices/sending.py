"""One push handed to WeChat, and what is written of the answers, many at once."""

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

import structlog

from server.kernel import clock, metrics
from server.kernel.statements import identity, spread
from server.kernel.transactions import transaction
from server.notices import endings, instead, permissions, quiet
from server.notices.endings import NOT_FOLLOWING, Effect, Ending
from server.notices.models import DeliveryState, Priority, Service
from server.notices.ports import MiniProgram, Outcome, ServiceAccount
from server.notices.sorting import Push

_NOTE = """UPDATE delivery SET state = fresh.state, state_since = $1, due_at = fresh.due_at, refusal = fresh.refusal,
  reserved = fresh.reserved, message_id = fresh.message_id, handed_over_at = fresh.handed_over_at,
  ready_at = coalesce(fresh.ready_at, delivery.ready_at)
FROM {fresh} WHERE delivery.id = fresh.id AND delivery.attempts = fresh.attempts AND delivery.worker = $2
  AND delivery.state || '' IN ('sending', 'unknown') RETURNING delivery.id"""
"""An answer that comes after the lease is still the answer, until somebody has begun anew.

The rows are found by their ids: by the index of states everything would be read that is on its way or was lately.
"""
_COLUMNS = {
    "id": "uuid",
    "attempts": "smallint",
    "state": "text",
    "due_at": "timestamptz",
    "refusal": "text",
    "reserved": "boolean",
    "message_id": "text",
    "handed_over_at": "timestamptz",
    "ready_at": "timestamptz",
}
_CHANGES = {Effect.SPENT: "spend", Effect.RELEASED: "release", Effect.ZEROED: "zero"}
_PROMPTNESS = {int(priority): metrics.HAND_OVER_SECONDS.labels(priority.name.lower()) for priority in Priority}
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Answered:
    """A push and what it came to; `at` is when the answer was there, `ready_at` the morning that it has to wait for."""

    push: Push
    ending: Ending
    message_id: str | None
    at: datetime
    ready_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Sender:
    """Hands pushes to WeChat, through either account; `appid` is the mini-program's."""

    mini_program: MiniProgram
    service_account: ServiceAccount
    appid: str

    async def send(self, push: Push) -> Outcome:
        """Return WeChat's answer."""
        if push.service is Service.MINI_PROGRAM:
            return await self.mini_program.push(push.openid, push.template_id, push.page, push.data)
        opens = (self.appid, push.page)
        return await self.service_account.push(
            push.openid, push.template_id, push.data, mini_program=opens, client_msg_id=push.id.hex
        )


def answered(push: Push, outcome: Outcome) -> Answered:
    """Return what a push comes to by WeChat's answer."""
    now = clock.now()
    ending = endings.of(outcome.state, outcome.refusal, push.tried, now, random.random())  # noqa: S311 -- no secret
    if ending.state is DeliveryState.FAILED_TECHNICAL:
        _log.error("push failed", template=push.template, reason=ending.refusal, delivery=str(push.id))
    morning = quiet.due(push.tried.priority, ending.due_at) if ending.due_at else None
    if morning == ending.due_at:
        return Answered(push, ending, outcome.message_id, now)
    return Answered(push, replace(ending, due_at=morning), outcome.message_id, now, morning)


@transaction
async def note(found: Sequence[Answered], worker: str) -> int:
    """Write what pushes came to, and return of how many; what another has taken up meanwhile is theirs."""
    mine = await _write(found, worker)
    _observe([one for one in found if one.push.id in mine and one.ending.state is DeliveryState.SENT])
    changes: defaultdict[str, list[Push]] = defaultdict(list)
    for one in found:
        if one.push.service is Service.MINI_PROGRAM and one.push.id in mine and one.ending.effect in _CHANGES:
            changes[_CHANGES[one.ending.effect]].append(one.push)
    if changes:
        await permissions.change_many(**changes)
    gone = [one.push.id for one in found if one.push.id in mine and one.ending.refusal == NOT_FOLLOWING]
    await instead.make(gone)
    return len(mine)


def _observe(sent: Sequence[Answered]) -> None:
    for one in sent:
        _PROMPTNESS[one.push.tried.priority].observe(max((one.at - one.push.ready_at).total_seconds(), 0.0))


async def _write(found: Sequence[Answered], worker: str) -> set[UUID]:
    written = await spread(_NOTE, _COLUMNS, [_row(one) for one in found], clock.now(), worker)
    return {identity(row["id"]) for row in written}


def _row(one: Answered) -> tuple[object, ...]:
    sent = one.ending.state is DeliveryState.SENT
    reserved = one.push.service is Service.MINI_PROGRAM and one.ending.effect is Effect.KEPT
    return (
        one.push.id,
        one.push.tried.attempts,
        one.ending.state,
        one.ending.due_at,
        one.ending.refusal,
        reserved,
        one.message_id,
        one.at if sent else None,
        one.ready_at,
    )
