"""A guardian no longer consents to the work of somebody under age: who has not begun is let go, of who has both hear.

Nothing of it hangs on the moment of the withdrawal: the clock looks at everyone who has a place.
"""

from collections.abc import Sequence
from uuid import UUID

from server.engagements import fitness, holding, places
from server.engagements.holding import Move
from server.engagements.models import Engagement, EngagementState, EngagementStep
from server.engagements.states import AT_WORK, Verb
from server.kernel.sweeping import Sweep
from server.kernel.transactions import transaction

BATCH = 500


async def watch() -> int:
    """Let go or tell whoever is concerned, each in a transaction of its own; return of how many."""
    done, last, sweep = 0, UUID(int=0), Sweep()
    at_work = Engagement.filter(state__in=list(AT_WORK), student_id__isnull=False).order_by("id")
    while rows := await at_work.filter(id__gt=last).limit(BATCH).only("id", "state", "student_id"):
        concerned = await fitness.unguarded(rows)
        concerned -= await told(rows)
        done += await sweep.each(_ended, sorted(concerned))
        last = rows[-1].id
    sweep.end()
    return done


async def told(rows: Sequence[Engagement]) -> set[UUID]:
    """Return of which of some that are at work both sides have heard that the consent has ended; one query."""
    begun = [row.id for row in rows if row.state is EngagementState.ATTENDED]
    if not begun:
        return set()
    steps = EngagementStep.filter(engagement_id__in=begun, verb=Verb.CONSENT_ENDED)
    return {step.engagement_id for step in await steps.only("id", "engagement_id")}


@transaction
async def _ended(engagement_id: UUID) -> bool:
    held = await holding.hold(engagement_id)
    if held.state not in AT_WORK or not await fitness.unguarded([held]) or await told([held]):
        return False
    before = held.state
    if before is EngagementState.ACCEPTED and held.completed_by:  # they came unrecorded, and it is done
        return False
    if before is EngagementState.ATTENDED:
        await holding.change(held, before, Move(Verb.CONSENT_ENDED, "consent_missing"))
        return True
    holding.enter(held, EngagementState.WITHDRAWN)
    held.due_at = None
    await holding.change(held, before, Move(Verb.CONSENT_ENDED, "withdrawn"))
    await places.free(held)
    return True
