"""Everything that comes round by the clock, and every kind of job: the one place to look them up."""

from collections.abc import Mapping
from typing import Any

from server.kernel import audit_chain, idempotency
from server.kernel.jobs import queue
from server.kernel.jobs.schedules import Schedule
from server.kernel.jobs.worker import Handler


async def _prune_jobs(_payload: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"deleted": await queue.prune()}


async def _prune_idempotency_keys(_payload: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"deleted": await idempotency.prune()}


SCHEDULES = (
    Schedule("prune_jobs", "10 3 * * *", _prune_jobs),
    Schedule("prune_idempotency_keys", "25 * * * *", _prune_idempotency_keys),
    Schedule("seal_audit", "* * * * *", audit_chain.seal_new),
    Schedule("seal_late_audit", "40 3 * * *", audit_chain.seal_late),
)

HANDLERS: Mapping[str, Handler] = {}
"""Kinds of job that are enqueued one by one: none yet, imports and notices will be the first."""
