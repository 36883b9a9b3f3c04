"""What becomes of engagements when who took the place goes for good, and when their time to be kept is over."""

from datetime import datetime
from uuid import UUID

from tortoise.expressions import Q

from server.engagements import holding, places, rules, states
from server.engagements.holding import Move
from server.engagements.models import ContestState, Engagement, EngagementState, Party, SavedSearch
from server.engagements.states import Actor, Verb
from server.kernel import clock
from server.kernel.transactions import transaction
from server.people.models import Person, PersonState

CHUNK = 500
NOT_BEGUN = (*states.OPEN, EngagementState.ACCEPTED)


def ended_at(one: Engagement) -> datetime | None:
    """Return when all of an engagement was over, None while it lasts or somebody has to decide about it."""
    if one.state in {*states.OPEN, *states.AT_WORK} or one.contest is ContestState.OPEN:
        return None
    return max(one.state_since, one.paid_at or one.state_since)


async def end_all(person_id: UUID, by: datetime | None = None) -> None:
    """Take back what a person who goes has applied for, was offered, or has a place by and has not begun.

    With `by` only that whose first shift, for them, begins until then: they would not come, and nobody would know.
    Each in a transaction of its own, since others move up, and no two postings that give places are held at once. What
    has begun goes on, as does the class that somebody offered for a school.
    """
    theirs = Engagement.filter(person_id=person_id, state__in=NOT_BEGUN, student_id__isnull=False)
    for one in await theirs.order_by("id").only("id"):
        await _end(one.id, by)


@transaction
async def forget_person(person_id: UUID) -> None:
    """Delete the searches of a person who goes, and which student it was where they never had a place."""
    await SavedSearch.filter(person_id=person_id).delete()
    never = Engagement.filter(person_id=person_id, accepted_at=None).exclude(state__in=list(states.OPEN))
    await never.update(student_id=None)


@transaction
async def forget(before: datetime) -> int:
    """Clear of engagements that were over before a moment which student it was and what was said of work and pay.

    Return of how many, at most `CHUNK`; that there was one, and what became of it, stays.
    """
    over = Engagement.filter(state_since__lt=before, student_id__isnull=False)
    over = over.exclude(state__in=[*states.OPEN, *states.AT_WORK]).exclude(contest=ContestState.OPEN)
    over = over.filter(Q(paid_at=None) | Q(paid_at__lt=before))
    ids = await over.order_by("id").limit(CHUNK).values_list("id", flat=True)
    return await Engagement.filter(id__in=ids).update(student_id=None, completed_by={}, paid_by={}) if ids else 0


@transaction
async def _end(engagement_id: UUID, by: datetime | None) -> None:
    held = await holding.hold(engagement_id)
    going = await Person.exists(id=held.person_id, state=PersonState.DELETION_REQUESTED)
    if not going or held.state not in NOT_BEGUN or begun(held) or (by and not _begins(held, by)):
        return
    before, offered = held.state, held.state is EngagementState.OFFERED
    holding.enter(held, EngagementState.DECLINED if offered else EngagementState.WITHDRAWN)
    held.due_at = None
    verb, event = (Verb.DECLINE, "declined") if offered else (Verb.WITHDRAW, "withdrawn")
    await holding.change(held, before, Move(verb, event, Actor(held.person_id, Party.WORKER)))
    await places.free(held)


def begun(held: Engagement) -> bool:
    """Whether the first shift of who has a place has begun: whether they came is for the two sides to say."""
    posting = held.posting
    if held.state is not EngagementState.ACCEPTED or posting.starts_on is None:
        return False
    return rules.first_shift(posting.starts_on, posting.ends_on, posting.hours, held.accepted_at) <= clock.now()


def _begins(held: Engagement, by: datetime) -> bool:
    """Whether the first shift to which somebody could come, or could once they had the place, begins until a moment."""
    posting = held.posting
    if posting.starts_on is None:
        return False
    since = held.accepted_at or clock.now()
    return rules.first_shift(posting.starts_on, posting.ends_on, posting.hours, since) <= by
