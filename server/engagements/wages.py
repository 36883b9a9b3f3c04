"""What is owed for work: from when it may be asked for, and where an engagement goes on after a dispute over it."""

from datetime import datetime

from server.engagements import fitness, holding, places, rules, states
from server.engagements.models import Engagement, EngagementState, EngagementStep, Party
from server.engagements.states import Verb
from server.kernel import clock
from server.kernel.errors import DomainError
from server.labour.models import Settlement


def wages_due(one: Engagement) -> datetime:
    """Return from when wages that have not come may be reported: once the work is done, or as often as it pays out."""
    periods, posting = rules.in_force(), one.posting
    if one.state is EngagementState.ATTENDED:
        return one.state_since + periods.instalments[posting.settlement or Settlement.AT_THE_END].time
    return (one.completed_at or one.state_since) + periods.unpaid.time


def not_owed(decision: EngagementStep) -> bool:
    """Whether it was decided that no wages are owed for all of the work, not only so far."""
    still = {EngagementState.WAGE_DISPUTE, EngagementState.ATTENDED}
    return decision.before == EngagementState.WAGE_DISPUTE and decision.after not in still


def taken_late(one: Engagement) -> bool:
    """Whether a place was taken away when its first shift had begun, so that somebody may have come unrecorded."""
    posting = one.posting
    if one.accepted_at is None or posting.starts_on is None:
        return False
    return one.state_since >= rules.first_shift(posting.starts_on, posting.ends_on, posting.hours, one.accepted_at)


async def require_worked(held: Engagement) -> None:
    """Raise DomainError 409 for a place that was taken away before anybody came: nothing is owed for it."""
    if held.state is not EngagementState.CANCELLED_BY_EMPLOYER or taken_late(held):
        return
    if not await EngagementStep.exists(engagement_id=held.id, verb=Verb.ATTEND):
        raise states.wrong_state(held.state)


async def require_alone(held: Engagement) -> None:
    """Raise DomainError 409 where the same people have another place there by now: the database holds one at a time."""
    same = Engagement.filter(posting_id=held.posting_id, person_id=held.person_id, supply_id=held.supply_id)
    if await same.exclude(id=held.id).exclude(state__in=states.GONE).exists():
        raise DomainError("engaged_again", 409)


def take_back(held: Engagement) -> None:
    """Take back what the worker of a held engagement said of the wages."""
    held.paid_by = {party: said for party, said in held.paid_by.items() if party != Party.WORKER}


async def end_dispute(held: Engagement) -> None:
    """Put a held engagement back where it was before the dispute; `settle` its posting once it is written."""
    before = await _before_dispute(held)
    if before is EngagementState.ATTENDED:
        await work_on(held)
    else:
        holding.enter(held, before)


async def work_on(held: Engagement) -> None:
    """Put a held engagement at work again; `settle` its posting once it is written.

    Whose place is somebody else's by now goes on without one; who has work elsewhere by now came and has left since,
    and the place that this frees is given by the sweep: people are held once in a transaction. What was said of the
    wages when the work seemed over is not of all of it.
    """
    held.contest_until = None
    if await _elsewhere(held):
        places.let_go(held)
        holding.enter(held, EngagementState.LEFT_EARLY)
        return
    holding.enter(held, EngagementState.ATTENDED)
    held.paid_by, held.paid_at = {}, None
    places.give_back(held)
    held.due_at = clock.now() + rules.in_force().completion.time if held.completed_by else None


async def _elsewhere(held: Engagement) -> bool:
    people = await holding.people([held.person_id])
    known = await fitness.look(held.posting, [held], people)
    return known.taken_on(held) is not None


async def _before_dispute(held: Engagement) -> EngagementState:
    disputed = EngagementStep.filter(engagement_id=held.id, after=EngagementState.WAGE_DISPUTE)
    began = disputed.exclude(before=EngagementState.WAGE_DISPUTE).order_by("-made_at", "-id").limit(1)
    return EngagementState((await began.only("id", "before"))[0].before)
