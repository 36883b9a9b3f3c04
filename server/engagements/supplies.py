"""What becomes of engagements when something happens to the offer that they came from.

Each is held with the demand that gives its places, in a transaction of its own once the offer's is over: who holds an
offer never waits for a demand, whose holders write of offers.
"""

from collections.abc import Sequence
from functools import partial
from uuid import UUID

from structlog import get_logger
from tortoise.expressions import Q

from server.engagements import holding, overlap, states
from server.engagements.holding import Move
from server.engagements.models import Engagement, EngagementState
from server.engagements.overlap import Times
from server.engagements.states import Verb
from server.kernel import clock
from server.kernel.errors import DomainError, FieldFault, invalid
from server.kernel.sweeping import PassedOverError, Sweep
from server.kernel.transactions import CONTENDED, DATABASE_AWAY, after_commit, transaction
from server.labour.keeping import Change
from server.labour.models import Posting, PostingState

ENDED = (PostingState.CLOSED, PostingState.EXPIRED, PostingState.REMOVED)
_OF_ENDED = Q(state=EngagementState.OFFERED, supply__state__in=ENDED)
_OF_REMOVED = Q(state__in=states.OPEN, supply__state=PostingState.REMOVED)
_log = get_logger(__name__)


async def follow(supply: Posting, change: Change) -> None:
    """End what an offer that ended was to get, and refuse one fewer heads than have places by it.

    Raises DomainError 422, or 409 to the reviewer who publishes it.
    """
    if supply.state in ENDED:
        after_commit(partial(_end_of, supply.id))
    elif "headcount" in change.fields and supply.published_at:
        await _require_hands(supply, change)


async def end_left() -> int:
    """End what was offered to who offers their hands no more, and what a removed offer had applied for.

    Each in a transaction of its own; return how many.
    """
    return await _end_all(await Engagement.filter(_OF_ENDED | _OF_REMOVED).order_by("id").only("id"))


async def _end_of(supply_id: UUID) -> None:
    try:
        taken = Engagement.filter(_OF_ENDED | _OF_REMOVED, supply_id=supply_id)
        await _end_all(await taken.order_by("id").only("id"))
    except (*CONTENDED, *DATABASE_AWAY, PassedOverError) as error:  # it has ended, and the clock ends the rest
        _log.warning("engagements of an offer not ended yet", error=type(error).__name__)


async def _end_all(rows: Sequence[Engagement]) -> int:
    sweep = Sweep()
    done = await sweep.each(_end, [row.id for row in rows])
    sweep.end()
    return done


@transaction
async def _end(engagement_id: UUID) -> bool:
    held = await holding.hold(engagement_id)
    if not await Engagement.exists(_OF_ENDED | _OF_REMOVED, id=engagement_id):
        return False
    before = held.state
    holding.enter(held, EngagementState.UNANSWERED)
    held.due_at = None
    await holding.change(held, before, Move(Verb.END, "unanswered"))
    return True


async def _require_hands(supply: Posting, change: Change) -> None:
    """Raise DomainError where more of a team or class are at work at one time than it would have."""
    await holding.people([supply.person_id])  # so that it is given no place meanwhile
    rows = await Engagement.filter(supply_id=supply.id, state__in=states.AT_WORK).select_related("posting")
    taken = _most_at_once(rows)
    if taken <= (supply.headcount or 0):
        return
    if change.event == "changed":
        raise invalid(FieldFault("/headcount", "headcount_below_filled", {"filled": taken}))
    raise DomainError("headcount_below_filled", 409, filled=taken)


def _most_at_once(rows: Sequence[Engagement]) -> int:
    """Return how many are needed with the one that meets most others, as who takes a place is judged."""
    sizes = [(row.size, Times.of(row.posting).since(clock.today())) for row in rows]
    needed = [
        size + sum(other for j, (other, theirs) in enumerate(sizes) if i != j and overlap.clash(times, theirs))
        for i, (size, times) in enumerate(sizes)
        if overlap.clash(times, times)
    ]
    return max(needed, default=0)
