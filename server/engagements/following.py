"""What becomes of engagements when something happens to their posting, in the same transaction, with its row held."""

from server.engagements import holding, places, states
from server.engagements.holding import Move
from server.engagements.models import Engagement, EngagementState
from server.engagements.states import Verb
from server.kernel import outbox
from server.kernel.outbox import Occurrence
from server.labour.keeping import Change
from server.labour.models import Posting, Side
from server.labour.service import AT_ONCE

ENDED = frozenset({"closed", "expired", "removed"})
REMOVED = "removed"
CHANGED, REVISED = "changed", "revision_published"
PLACES = frozenset({REVISED, "resumed", "renewed", "restored"})
"""After which there may be places that were not there before, or could not be given."""
_BOUND = frozenset({*states.OPEN, *states.AT_WORK})


async def follow(posting: Posting, change: Change) -> None:
    """End what cannot come to anything any more, tell who agreed to other terms, and give places that are there now."""
    if posting.side is Side.SUPPLY:
        if change.event in ENDED:
            await _end_taken(posting, removed=change.event == REMOVED)
        return
    if change.event in ENDED:
        await _end(posting, removed=change.event == REMOVED)
    if change.event == REVISED and not AT_ONCE.issuperset(change.fields):
        await _tell(posting)
    if change.event in PLACES or (change.event == CHANGED and "headcount" in change.fields):
        await places.refill(posting)


async def _end(posting: Posting, *, removed: bool) -> None:
    """Answer who waits that nothing came of it; what was removed also takes the places of those who had one."""
    waiting = await holding.on(posting, *states.OPEN)
    befores = [(one, one.state.value) for one in waiting]
    for one in waiting:
        holding.enter(one, EngagementState.UNANSWERED)
        one.due_at = None
    await holding.change_all(befores, Move(Verb.END, "unanswered"))
    if removed and (working := await holding.on(posting, *states.AT_WORK)):
        await _cancel(posting, working)


async def _cancel(posting: Posting, working: list[Engagement]) -> None:
    befores = [(one, one.state.value) for one in working]
    for one in working:
        holding.enter(one, EngagementState.CANCELLED_BY_EMPLOYER)
        one.due_at = None
        places.let_go(one)
    await holding.change_all(befores, Move(Verb.END, "cancelled"))
    await places.settle(posting)


async def _end_taken(supply: Posting, *, removed: bool) -> None:
    """End what was offered to who offers their hands no more, and what a removed offer had applied for."""
    wanted = states.OPEN if removed else {EngagementState.OFFERED}
    taken = Engagement.filter(supply_id=supply.id, state__in=wanted).order_by("id")
    for one in await taken.prefetch_related("posting", "supply").select_for_update(no_key=True):
        before = one.state
        holding.enter(one, EngagementState.UNANSWERED)
        one.due_at = None
        await holding.change(one, before, Move(Verb.END, "unanswered"))


async def _tell(posting: Posting) -> None:
    """Tell everyone who applied or was accepted that the terms are others, on which they may leave."""
    bound = await holding.on(posting, *_BOUND)
    await outbox.record_many(
        [
            Occurrence("engagement.terms_changed", holding.subject_of(one.id), await holding.worker_people(one))
            for one in bound
        ]
    )
