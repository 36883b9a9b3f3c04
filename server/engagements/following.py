"""What becomes of engagements when something happens to their posting, in the same transaction, with its row held."""

from collections.abc import Collection
from uuid import UUID

from server.engagements import fitness, holding, leaving, places, states, supplies
from server.engagements.holding import Move
from server.engagements.models import Engagement, EngagementState, Party
from server.engagements.states import Verb
from server.kernel import outbox
from server.kernel.outbox import Occurrence
from server.labour.inheriting import DISSOLVED, PASSED_ON
from server.labour.keeping import Change
from server.labour.models import Posting, Side
from server.labour.service import AT_ONCE

ENDED = frozenset({"closed", "expired", "removed", DISSOLVED})
REMOVED = "removed"
CHANGED, REVISED = "changed", "revision_published"
PLACES = frozenset({REVISED, "resumed", "renewed", "restored"})
"""After which there may be places that were not there before, or could not be given."""
TOUCHING = frozenset({"kind", "occupation", "hours", "shift", "starts_on", "ends_on", "age_min", "age_max"})
"""By which those may not fit any more who have a place."""
OTHER_TERMS, CLASH = "engagement.terms_changed", "engagement.terms_clash"
OTHER_EMPLOYER = "engagement.employer_changed"
_BOUND = frozenset({*states.OPEN, *states.AT_WORK})


async def follow(posting: Posting, change: Change) -> None:
    """End what cannot come to anything any more, tell who agreed to other terms, and give places that are there now."""
    if posting.side is Side.SUPPLY:
        await supplies.follow(posting, change)
        return
    if change.event in ENDED:
        await _end(posting, change.event)
    if change.event == PASSED_ON:
        await _tell_of_employer(posting)
    if change.event == REVISED and not AT_ONCE.issuperset(change.fields):
        await _tell(posting, await _look_again(posting, change) if TOUCHING.intersection(change.fields) else set())
    if change.event in PLACES or (change.event == CHANGED and "headcount" in change.fields):
        await places.refill(posting)


async def _end(posting: Posting, event: str) -> None:
    """Answer who waits that nothing came of it.

    What was removed also takes the places of those who had one, and what nobody is left to give, of who has not begun.
    """
    waiting = await holding.on(posting, *states.OPEN)
    befores = [(one, one.state.value) for one in waiting]
    for one in waiting:
        holding.enter(one, EngagementState.UNANSWERED)
        one.due_at = None
    await holding.change_all(befores, Move(Verb.END, "unanswered"))
    gone = await holding.on(posting, *states.AT_WORK) if event == REMOVED else []
    if event == DISSOLVED:
        gone = [one for one in await holding.on(posting, EngagementState.ACCEPTED) if not leaving.begun(one)]
    if gone:
        await _cancel(gone, Verb.END)
        await places.settle(posting)


async def _look_again(posting: Posting, change: Change) -> set[UUID]:
    """Cancel who has a place that is not for people of their age any more; return who is needed elsewhere by now.

    These stay: which of the two they leave is for them to say. The places are given by who follows the change, so that
    everyone whom that may concern is held here with them.
    """
    working = await holding.on(posting, *states.AT_WORK)
    if not working:
        return set()
    waiting = await Engagement.filter(posting_id=posting.id, state=EngagementState.WAITING).only("id", "person_id")
    people = await holding.people({one.person_id for one in (*working, *waiting)})
    known = await fitness.look(posting, working, people)
    undone = [one for one in working if Party.WORKER not in one.completed_by]
    unfit = [one for one in undone if known.barred(one, oldest="age_max" in change.fields)]
    await _cancel(unfit, Verb.UNFIT)
    return {one.id for one in working if one.state in states.AT_WORK and known.taken_on(one)}


async def _cancel(working: list[Engagement], verb: Verb) -> None:
    befores = [(one, one.state.value) for one in working]
    for one in working:
        holding.enter(one, EngagementState.CANCELLED_BY_EMPLOYER)
        one.due_at = None
        places.let_go(one)
    await holding.change_all(befores, Move(verb, "cancelled"))


async def _tell(posting: Posting, clashing: Collection[UUID]) -> None:
    """Tell everyone who applied or was accepted that the terms are others, on which they may leave.

    And who is at work elsewhere at the new times that it is so.
    """
    bound = await holding.on(posting, *_BOUND)
    await outbox.record_many(
        [
            Occurrence(
                CLASH if one.id in clashing else OTHER_TERMS,
                holding.subject_of(one.id),
                await holding.worker_people(one),
            )
            for one in bound
        ]
    )


async def _tell_of_employer(posting: Posting) -> None:
    """Tell everyone with whom something is not settled yet that another gives them the work."""
    open_ones = [*_BOUND, EngagementState.NO_SHOW, *states.WORKED - {EngagementState.CANCELLED_BY_EMPLOYER}]
    told = [one for one in await holding.on(posting, *open_ones) if one.paid_at is None]
    await outbox.record_many(
        [Occurrence(OTHER_EMPLOYER, holding.subject_of(one.id), await holding.worker_people(one)) for one in told]
    )
