"""What is done with a place once it is had: come to work, leave, be done, be paid, each as the two sides say it.

Every function raises DomainError 403 for what is the other side's to do, 404, and 409 for another state.
"""

from datetime import datetime
from uuid import UUID

from server.engagements import holding, places, rules, states, wages
from server.engagements.holding import Move
from server.engagements.models import ContestState, Engagement, EngagementState, EngagementStep, Party
from server.engagements.states import Actor, Verb
from server.kernel import clock
from server.kernel.errors import DomainError, FieldFault, invalid
from server.kernel.transactions import transaction


@transaction
async def attend(engagement_id: UUID, actor: Actor) -> Engagement:
    """Say that somebody came, by which a poster also takes back that they did not; whether contested or not.

    Raises DomainError 409 also before the first day, and for a no-show that was decided or whose place is given up.
    """
    held, before = await _held(engagement_id, Verb.ATTEND, actor)
    starts_on = held.posting.starts_on
    if starts_on and clock.today() < starts_on:
        raise DomainError("work_not_begun", 409, starts_on=starts_on.isoformat())
    if before is EngagementState.NO_SHOW:
        return await _take_back(held, actor)
    holding.enter(held, EngagementState.ATTENDED)
    return await holding.change(held, before, Move(Verb.ATTEND, "attended", actor))


@transaction
async def no_show(engagement_id: UUID, actor: Actor, reason: str = "") -> Engagement:
    """Say that somebody did not come, who may contest it for some days; their place is kept until then.

    Raises DomainError 409 also before the first shift that they could have come to has begun.
    """
    held, before = await _held(engagement_id, Verb.NO_SHOW, actor)
    posting, now = held.posting, clock.now()
    if posting.starts_on:
        begins = rules.first_shift(posting.starts_on, posting.ends_on, posting.hours, held.accepted_at)
        if now < begins:
            raise DomainError("shift_not_begun", 409, begins=_told(begins))
    holding.enter(held, EngagementState.NO_SHOW)
    held.contest, held.contest_until = ContestState.NONE, now + rules.in_force().contest.time
    held.due_at = held.contest_until
    return await holding.change(held, before, Move(Verb.NO_SHOW, "no_show", actor, reason))


@transaction
async def leave_early(engagement_id: UUID, actor: Actor, reason: str = "") -> Engagement:
    """Say that somebody left before the end, which frees the place; the worker may contest the poster's word."""
    held, before = await _held(engagement_id, Verb.LEAVE_EARLY, actor)
    holding.enter(held, EngagementState.LEFT_EARLY)
    held.due_at, held.contest = None, ContestState.NONE
    theirs = actor.party is Party.POSTER
    held.contest_until = clock.now() + rules.in_force().contest.time if theirs else None
    return await _gone(held, before, Move(Verb.LEAVE_EARLY, "left_early", actor, reason))


@transaction
async def cancel(engagement_id: UUID, actor: Actor, reason: str) -> Engagement:
    """Take an offer or a place away from who has it, for a reason; raises DomainError 422 without one.

    Raises DomainError 409 also for a place once the worker says that the work is done, or it is over: whoever disagrees
    says what can be contested.
    """
    held, before = await _held(engagement_id, Verb.CANCEL, actor)
    if past_cancelling(held):
        raise DomainError("work_done", 409)
    if not reason:
        raise invalid(FieldFault("/reason", "missing"))
    holding.enter(held, EngagementState.CANCELLED_BY_EMPLOYER)
    held.due_at = None
    return await _gone(held, before, Move(Verb.CANCEL, "cancelled", actor, reason))


@transaction
async def complete(engagement_id: UUID, actor: Actor, minutes: int | None = None) -> Engagement:
    """Say that the work is done, and in how many minutes; it counts once both say so, or the other is silent.

    Raises DomainError 409 also for the same side's second word, and for who never came before the work is over.
    """
    held, before = await _held(engagement_id, Verb.COMPLETE, actor)
    if actor.party in held.completed_by:
        raise DomainError("already_said", 409)
    if held.state is EngagementState.ACCEPTED and not rules.over(held.posting.ends_on, clock.today()):
        raise DomainError("work_not_over", 409)
    now = clock.now()
    held.completed_by = {**held.completed_by, actor.party.value: {"at": now.isoformat(), "minutes": minutes}}
    if len(held.completed_by) < len(Party):
        held.due_at = now + rules.in_force().completion.time
        return await holding.change(held, before, Move(Verb.COMPLETE, "to_be_confirmed", actor))
    done(held, deemed=False)
    return await holding.change(held, before, Move(Verb.COMPLETE, "completed", actor))


def done(held: Engagement, *, deemed: bool) -> None:
    """Put a held engagement among those whose work is done; `deemed` where not both said so."""
    holding.enter(held, EngagementState.COMPLETED)
    held.completed_at, held.deemed = clock.now(), deemed
    held.due_at = held.completed_at + rules.in_force().payment.time


@transaction
async def confirm_paid(engagement_id: UUID, actor: Actor, fen: int | None = None) -> Engagement:
    """Say that the wages are paid, and how much; a dispute over them ends with the worker's word.

    Raises DomainError 409 also for the same side's second word.
    """
    held, before = await _held(engagement_id, Verb.CONFIRM_PAID, actor)
    await wages.require_worked(held)
    if actor.party in held.paid_by:
        raise DomainError("already_said", 409)
    now = clock.now()
    held.paid_by = {**held.paid_by, actor.party.value: {"at": now.isoformat(), "fen": fen}}
    if disputed := held.state is EngagementState.WAGE_DISPUTE and actor.party is Party.WORKER:
        await wages.end_dispute(held)
        held.contest = ContestState.NONE
    if len(held.paid_by) == len(Party):
        held.paid_at, held.due_at = now, None
    event = "paid" if held.paid_at else "payment_said" if held.paid_by else "dispute_over"
    await holding.change(held, before, Move(Verb.CONFIRM_PAID, event, actor))
    if disputed:
        await places.settle(held.posting)
    return held


@transaction
async def report_unpaid(engagement_id: UUID, actor: Actor, reason: str = "") -> Engagement:
    """Tell the secretariat that the wages were not paid, which takes back that they came, said by mistake.

    Raises DomainError 409 also before they were due, once both say that they came, while something else of it waits to
    be decided, and once it was decided that nothing is owed.
    """
    held, before = await _held(engagement_id, Verb.REPORT_UNPAID, actor)
    await wages.require_worked(held)
    if held.paid_at:
        raise DomainError("wages_confirmed", 409)
    if held.contest is ContestState.OPEN:
        raise DomainError("contest_waits", 409)
    if clock.now() < (earliest := wages.wages_due(held)):
        raise DomainError("wages_not_due", 409, due_on=_told(earliest))
    decisions = EngagementStep.filter(engagement_id=held.id, verb=Verb.DECIDE).order_by("-made_at", "-id").limit(1)
    if any(wages.not_owed(one) for one in await decisions):
        raise DomainError("wages_decided", 409)
    await wages.require_alone(held)
    wages.take_back(held)
    holding.enter(held, EngagementState.WAGE_DISPUTE)
    held.contest, held.contest_until, held.due_at = ContestState.OPEN, None, None
    return await holding.change(held, before, Move(Verb.REPORT_UNPAID, "wage_dispute", actor, reason))


def past_cancelling(one: Engagement) -> bool:
    """Whether a place is no longer the poster's to take away: the worker says that it is done, or it is over."""
    over = rules.over(one.posting.ends_on, clock.today())
    return one.state in states.AT_WORK and (over or Party.WORKER in one.completed_by)


def mistaken(one: Engagement) -> bool:
    """Whether a no-show can still be taken back by who said so: its place is kept, and nobody has decided about it."""
    open_ = one.contest is ContestState.OPEN
    waits = one.contest is ContestState.NONE and one.contest_until is not None and clock.now() < one.contest_until
    return one.state is EngagementState.NO_SHOW and one.holds_place and (open_ or waits)


async def _take_back(held: Engagement, actor: Actor) -> Engagement:
    """Put who is said not to have come at work again; what was contested of it ends with it."""
    if not mistaken(held):
        raise DomainError("no_show_final", 409)
    before, held.due_at = held.state, None
    await wages.work_on(held)
    held.contest = ContestState.NONE
    await holding.change(held, before, Move(Verb.ATTEND, "attended", actor))
    await places.settle(held.posting)
    return held


async def _gone(held: Engagement, before: EngagementState, move: Move) -> Engagement:
    """Write a held engagement whose places go to others."""
    await holding.change(held, before, move)
    await places.free(held)
    return held


async def _held(engagement_id: UUID, verb: Verb, actor: Actor) -> tuple[Engagement, EngagementState]:
    """Return an engagement held, to which `actor` may do this as it stands, and the state that it is in."""
    held = await holding.hold(engagement_id)
    holding.act(held, verb, actor)
    return held, held.state


def _told(moment: datetime) -> str:
    return f"{moment.astimezone(clock.SHANGHAI):%Y-%m-%d %H:%M}"
