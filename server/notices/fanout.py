"""From an event to everyone's inbox: the work of the jobs that the outbox puts beside what is announced."""

from collections.abc import Mapping
from typing import Any

from server.kernel.jobs.queue import Wakeup
from server.kernel.outbox import Event
from server.notices import facts, putting
from server.notices.catalogue import Catalogue
from server.notices.models import Priority

URGENT, USUAL = "notices.tell_at_once", "notices.tell"
"""Kinds of job: what somebody waits for never stands behind a crowd of the rest."""


def announced(catalogue: Catalogue) -> Mapping[str, str]:
    """Return the kind of job by the name of each event that somebody is told of."""
    return {
        event: URGENT if any(kind.priority == Priority.URGENT for kind in kinds.values()) else USUAL
        for event, kinds in catalogue.kinds.items()
    }


async def tell(payload: Mapping[str, Any], catalogue: Catalogue, wakeup: Wakeup) -> Mapping[str, Any]:
    """Put the events of a job into inboxes, and wake the post; may be done again."""
    events = await Event.filter(id__in=payload["events"]).order_by("created_at", "id")
    made = await putting.put(await facts.messages(events, catalogue))
    if made:
        await wakeup.notify()
    return {"notices": made}
