"""How many places of a posting are held, and who moves up when one comes free. All under the posting's lock.

Nothing else changes `Posting.filled`, nor takes it from live to filled and back.
"""

from typing import Any
from uuid import UUID

from server.engagements import asking, fitness, holding, rules
from server.engagements.holding import Move
from server.engagements.models import Engagement, EngagementState
from server.engagements.states import AT_WORK, Verb
from server.kernel import clock
from server.kernel.sweeping import Sweep
from server.kernel.transactions import transaction
from server.labour import keeping, posters
from server.labour.keeping import PUBLIC, Change
from server.labour.models import Posting, PostingState
from server.labour.service import landing


def left(posting: Posting) -> int:
    """Return how many places are free; none of a posting that does not say how many it has."""
    return max((posting.headcount or 0) - posting.filled, 0)


def take(held: Engagement) -> None:
    """Give a held engagement places that are free; `settle` its posting once it is written.

    Raises RuntimeError where they are not free: whoever calls has looked.
    """
    if held.size > left(held.posting):
        raise RuntimeError("more places than there are")
    held.holds_place, held.accepted_at = True, clock.now()
    held.posting.filled += held.size
    holding.enter(held, EngagementState.ACCEPTED)


def give_back(held: Engagement) -> None:
    """Give a held engagement that lost its places them again, if they are free; `settle` its posting once written."""
    if not held.holds_place and held.size <= left(held.posting):
        held.holds_place = True
        held.posting.filled += held.size


def let_go(held: Engagement) -> None:
    """Take the places of a held engagement back, if it holds any, before it is written; then `settle` its posting."""
    if held.holds_place:
        held.holds_place = False
        held.posting.filled -= held.size


async def free(held: Engagement) -> None:
    """Take the places of a held engagement back, if it holds any, once what happened to it is written.

    Who waits and fits moves up. Holds people, which a transaction does once.
    """
    if held.holds_place:
        let_go(held)
        await held.save(update_fields=["holds_place"])
        await refill(held.posting)


async def settle(posting: Posting) -> None:
    """Write how full a held posting is; where it became full, who has only applied goes on the wait-list."""
    before = posting.state
    if before in PUBLIC:
        keeping.enter(posting, landing(posting))
    if posting.state is PostingState.FILLED and posting.filled_at is None:
        posting.filled_at = clock.now()
    if posting.state is before:
        await posting.save(update_fields=["filled", "filled_at"])
    else:
        event = "filled" if posting.state is PostingState.FILLED else "reopened"
        await keeping.keep(posting, Change(event, before, None))
    if posting.state is PostingState.FILLED:
        await _wait(posting)


async def refill(posting: Posting) -> int:
    """Give the free places of a held posting to those who wait and fit, and settle it; return to how many.

    Who is at work there without a place has the first. Of those who wait those come first whom the poster has accepted
    already, then who was there first; who does not fit stays. Holds people, which a transaction does once.
    """
    await _give_back(posting)
    moved = await _move_up(posting) if await _gives(posting) else 0
    await settle(posting)
    return moved


async def refill_all() -> int:
    """Look again at every posting with free places and people who wait: what kept them may be gone; return how many.

    Each in a transaction of its own.
    """
    waiting = Engagement.filter(state=EngagementState.WAITING, posting__state=PostingState.LIVE)
    ids: Any = await waiting.order_by("posting_id").distinct().values_list("posting_id", flat=True)
    sweep = Sweep()
    done = await sweep.each(_look_again, ids)
    sweep.end()
    return done


@transaction
async def _look_again(posting_id: UUID) -> int:
    return await refill(await keeping.hold(posting_id))


async def _gives(posting: Posting) -> bool:
    return left(posting) > 0 and asking.takes(posting) and _to_come(posting) and await posters.stands(posting)


def _to_come(posting: Posting) -> bool:
    """Whether a shift is still to begin: nobody gets a place by itself in work that they can only be late for."""
    now = clock.now()
    if posting.starts_on is None:
        return True
    return rules.first_shift(posting.starts_on, posting.ends_on, posting.hours, now) > now


async def _give_back(posting: Posting) -> None:
    """Give those places again whose mark was lifted when their place was somebody else's already."""
    if not left(posting):
        return
    without = Engagement.filter(posting_id=posting.id, state__in=list(AT_WORK), holds_place=False)
    for one in await without.order_by("accepted_at", "id").select_for_update(no_key=True):
        one.posting = posting
        give_back(one)
        await one.save(update_fields=["holds_place"])


async def _move_up(posting: Posting) -> int:
    waiting = await holding.on(posting, EngagementState.WAITING)
    waiting = sorted((one for one in waiting if one.size <= left(posting)), key=_turn)
    if not waiting:
        return 0
    people = await holding.people({one.person_id for one in waiting})
    known = await fitness.look(posting, waiting, people)
    moved = []
    for one in waiting:
        if one.size <= left(posting) and known.refusal(one) is None:
            take(one)
            known.add(one)
            moved.append((one, EngagementState.WAITING.value))
    await holding.change_all(moved, Move(Verb.MOVE_UP, "moved_up"))
    return len(moved)


def _turn(one: Engagement) -> tuple[bool, object, UUID]:
    return one.approved_at is None, one.created_at, one.id


async def _wait(posting: Posting) -> None:
    applied = await holding.on(posting, EngagementState.APPLIED)
    for one in applied:
        holding.enter(one, EngagementState.WAITING)
    await holding.change_all([(one, EngagementState.APPLIED.value) for one in applied], Move(Verb.WAIT, "waiting"))
