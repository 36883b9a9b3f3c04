"""Engagements of which one side was closed with nothing to carry it on: what has not begun by then ends.

Of a posting that was still running its own end does so; what is left are places on one that had ended before, and the
classes of a school. What has begun goes on: whether it was done and paid is still for somebody to say.
"""

from uuid import UUID

from tortoise.expressions import Q

from server.engagements import holding, leaving, places
from server.engagements.holding import Move
from server.engagements.models import Engagement, EngagementState
from server.engagements.states import Verb
from server.kernel.sweeping import Sweep
from server.kernel.transactions import transaction
from server.organisations.models import OrganisationState

BATCH = 500
_CLOSED = OrganisationState.CLOSED
_POSTER = Q(posting__organisation__state=_CLOSED, posting__organisation__successor_id=None)
_SCHOOL = Q(supply__organisation__state=_CLOSED, supply__organisation__successor_id=None)


async def watch() -> int:
    """End what has not begun, each in a transaction of its own; return how many."""
    done, last, sweep = 0, UUID(int=0), Sweep()
    left = Engagement.filter(_POSTER | _SCHOOL, state__in=leaving.NOT_BEGUN).select_related("posting").order_by("id")
    while rows := await left.filter(id__gt=last).limit(BATCH):
        done += await sweep.each(_end, [row.id for row in rows if not leaving.begun(row)])
        last = rows[-1].id
    sweep.end()
    return done


@transaction
async def _end(engagement_id: UUID) -> bool:
    held = await holding.hold(engagement_id)
    if held.state not in leaving.NOT_BEGUN or leaving.begun(held):
        return False
    without_poster = await Engagement.exists(_POSTER, id=engagement_id)
    if not without_poster and not await Engagement.exists(_SCHOOL, id=engagement_id):
        return False
    before = held.state
    state, event = EngagementState.UNANSWERED, "unanswered"
    if before is EngagementState.ACCEPTED and without_poster:
        state, event = EngagementState.CANCELLED_BY_EMPLOYER, "cancelled"
    elif before is EngagementState.ACCEPTED:
        state, event = EngagementState.WITHDRAWN, "withdrawn"
    holding.enter(held, state)
    held.due_at = None
    await holding.change(held, before, Move(Verb.END, event))
    await places.free(held)
    return True
