"""Broadcasts on their way: notices made in parts, each part with how far it has come, so that a kill loses nothing."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from server.kernel import clock
from server.kernel.sweeping import Sweep
from server.kernel.transactions import transaction
from server.notices import broadcasts, catalogue, facts, permissions, putting, reach
from server.notices.facts import Message
from server.notices.models import Broadcast, BroadcastState, Delivery, DeliveryState
from server.notices.subjects import NOBODY
from server.reference.service import Reference

PART = 500
EVENT = "broadcast.sent"
_HOLDING = (DeliveryState.RETRYING, DeliveryState.HELD, DeliveryState.CREATED)


async def run(payload: Mapping[str, Any], reference: Reference) -> Mapping[str, Any]:
    """Make the notices of a job's broadcast, from where it has come to, until all are made or it is stopped."""
    made, broadcast_id = 0, UUID(payload["broadcast"])
    while (more := await _part(broadcast_id, reference)) is not None:
        made += more
    return {"notices": made}


async def resume(reference: Reference) -> Mapping[str, Any]:
    """Go on with every broadcast that runs, whatever became of its job; beside one at work nothing is made twice."""
    running = await Broadcast.filter(state=BroadcastState.RUNNING).order_by("approved_at").only("id")
    sweep = Sweep()

    async def one(row: Broadcast) -> int:
        return int((await run({"broadcast": str(row.id)}, reference))["notices"])

    notices = await sweep.each(one, running)
    sweep.end()
    return {"broadcasts": len(running), "notices": notices}


async def stop(payload: Mapping[str, Any]) -> Mapping[str, Any]:
    """Take back what of a stopped broadcast waits still, and the permissions that it holds."""
    taken = 0
    while some := await _take_back(UUID(payload["broadcast"])):
        taken += some
    return {"taken": taken}


@transaction
async def _part(broadcast_id: UUID, reference: Reference) -> int | None:
    """Make the next notices and return how many; None where there is nothing more to make."""
    row = await broadcasts.hold(broadcast_id)
    if row.state is not BroadcastState.RUNNING:
        return None
    people = await reach.some(broadcasts.audience_of(row), reference, row.reached, PART)
    if not people:
        await broadcasts.end(row)
        return None
    message = worded(row)
    made = await putting.put([replace(message, person_id=person) for person in people], row.id)
    row.made, row.reached = row.made + made, people[-1]
    await row.save(update_fields=["made", "reached"])
    return made


def worded(row: Broadcast) -> Message:
    """Return a broadcast as a message to nobody yet."""
    [kind] = catalogue.in_force().kinds[EVENT].values()
    said = {"title": row.title, "text": row.text}
    made = facts.message(kind, NOBODY, said, row.approved_at or clock.now(), subject=f"broadcast:{row.id}")
    return replace(made, title=row.title, text=row.text, page=row.page or made.page)


@transaction
async def _take_back(broadcast_id: UUID) -> int:
    waiting = Delivery.filter(notice__broadcast_id=broadcast_id, state__in=_HOLDING).limit(PART)
    ids = await waiting.values_list("id", flat=True)
    rows = await Delivery.filter(id__in=ids, state__in=_HOLDING).select_for_update(skip_locked=True).order_by("id")
    await permissions.change_many(release=[row for row in rows if row.reserved])
    now = clock.now()
    await Delivery.filter(id__in=[row.id for row in rows]).update(
        state=DeliveryState.CANCELLED, state_since=now, due_at=None, reserved=False
    )
    return len(rows)
