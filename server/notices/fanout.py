"""From an event to everyone's inbox: the work of the jobs that the outbox puts beside what is announced."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import structlog

from server.kernel import clock
from server.kernel.jobs import queue
from server.kernel.jobs.queue import Wakeup
from server.kernel.outbox import Event
from server.kernel.transactions import transaction
from server.notices import facts, putting
from server.notices.catalogue import Catalogue
from server.notices.models import Priority

URGENT, USUAL = "notices.tell_at_once", "notices.tell"
"""Kinds of job: what somebody waits for never stands behind a crowd of the rest."""

TRIED_AGAIN_FOR = timedelta(days=3)
"""So long what could not be told is tried again; then it stays among the failed jobs for an operator to see."""
_MOST_AGAIN = 200
_log = structlog.get_logger(__name__)


def announced(catalogue: Catalogue) -> Mapping[str, str]:
    """Return the kind of job by the name of each event that somebody is told of."""
    return {
        event: URGENT if any(kind.priority == Priority.URGENT for kind in kinds.values()) else USUAL
        for event, kinds in catalogue.kinds.items()
    }


async def tell(payload: Mapping[str, Any], catalogue: Catalogue, wakeup: Wakeup, kind: str) -> Mapping[str, Any]:
    """Put the events of a job of some kind into inboxes, and wake the post; may be done again.

    Where that fails each event gets a job of its own, so that one which cannot be told keeps no other back.
    """
    ids: Sequence[str] = payload["events"]
    try:
        made = await _tell(ids, catalogue)
    except Exception as error:
        if len(ids) == 1:
            raise
        _log.warning("events are told one by one", error=type(error).__name__, events=len(ids))
        await _apart(ids, kind)
        return {"apart": len(ids)}
    if made:
        await wakeup.notify()
    return {"notices": made}


async def again(*others: str) -> Mapping[str, int]:
    """Let jobs that were given up tell their events after all, and `others` of which nothing else makes a new one."""
    number = await queue.put_back((URGENT, USUAL, *others), clock.now() - TRIED_AGAIN_FOR, _MOST_AGAIN)
    if number:
        _log.error("jobs were given up, and are tried again", jobs=number)
    return {"jobs": number}


async def _tell(ids: Sequence[str], catalogue: Catalogue) -> int:
    events = await Event.filter(id__in=ids).order_by("created_at", "id")
    return await putting.put(await facts.messages(events, catalogue))


@transaction
async def _apart(ids: Sequence[str], kind: str) -> None:
    for one in ids:
        await queue.enqueue(kind, {"events": [one]})
