"""What becomes of engagements when something happens to the offer that they came from.

Each is held with the demand that gives its places, in a transaction of its own once the offer's is over: who holds an
offer never waits for a demand, whose holders write of offers.
"""

from collections.abc import Sequence
from functools import partial
from uuid import UUID

from structlog import get_logger
from tortoise.expressions import Q

from server.engagements import fitness, holding, overlap, places, states
from server.engagements.holding import Move
from server.engagements.models import Engagement, EngagementState, Party
from server.engagements.overlap import Times
from server.engagements.states import Verb
from server.kernel import clock
from server.kernel.errors import DomainError, FieldFault, invalid
from server.kernel.sweeping import PassedOverError, Sweep
from server.kernel.transactions import CONTENDED, DATABASE_AWAY, after_commit, transaction
from server.labour.keeping import Change
from server.labour.models import Posting, PostingState

ENDED = (PostingState.CLOSED, PostingState.EXPIRED, PostingState.REMOVED)
AGES = frozenset({"age_min", "age_max"})
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
    if AGES.intersection(change.fields) and supply.published_at:
        after_commit(partial(_look_again, supply.id, oldest="age_max" in change.fields))


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


async def _look_again(supply_id: UUID, *, oldest: bool) -> None:
    """Cancel the places of a team or class whose ages, as it states them now, law or posting forbid."""
    sweep = Sweep()
    try:
        rows = await Engagement.filter(supply_id=supply_id, state__in=states.AT_WORK).order_by("id").only("id")
        await sweep.each(partial(_cancel_barred, oldest=oldest), [row.id for row in rows])
        sweep.end()
    except (*CONTENDED, *DATABASE_AWAY, PassedOverError) as error:  # the ages are changed
        _log.warning("places of a team not looked at again", error=type(error).__name__)


@transaction
async def _cancel_barred(engagement_id: UUID, *, oldest: bool) -> bool:
    held = await holding.hold(engagement_id)
    if held.state not in states.AT_WORK or Party.WORKER in held.completed_by:
        return False
    known = await fitness.look(held.posting, [held], {})  # of ages alone, for which nobody is to be held
    if not known.barred(held, oldest=oldest):
        return False
    before = held.state
    holding.enter(held, EngagementState.CANCELLED_BY_EMPLOYER)
    held.due_at = None
    await holding.change(held, before, Move(Verb.UNFIT, "cancelled"))
    await places.free(held)
    return True


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
    at_work = Engagement.filter(state__in=states.AT_WORK).select_related("posting", "supply")
    rows = await at_work.filter(supply_id=supply.id)
    alone = []
    if supply.organisation_id is None:  # who speaks for a team is one of it
        alone = [row for row in await at_work.filter(person_id=supply.person_id) if not holding.group(row)]
    taken = _most_at_once(rows, alone)
    if taken <= (supply.headcount or 0):
        return
    if change.event == "changed":
        raise invalid(FieldFault("/headcount", "headcount_below_filled", {"filled": taken}))
    raise DomainError("headcount_below_filled", 409, filled=taken)


def _most_at_once(rows: Sequence[Engagement], alone: Sequence[Engagement]) -> int:
    """Return how many are needed with the one that meets most others, as who takes a place is judged.

    `alone` is where who speaks for them is at work by themselves: one hand less meanwhile, however often.
    """
    sizes = [(row.size, Times.of(row.posting).since(clock.today())) for row in rows]
    apart = [Times.of(row.posting).since(clock.today()) for row in alone]
    needed = [
        size
        + sum(other for j, (other, theirs) in enumerate(sizes) if i != j and overlap.clash(times, theirs))
        + any(overlap.clash(times, theirs) for theirs in apart)
        for i, (size, times) in enumerate(sizes)
        if overlap.clash(times, times)
    ]
    return max(needed, default=0)
