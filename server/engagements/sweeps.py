"""What the clock does to engagements: a place is another's, one side's word counts, silence ends it, a reminder."""

from collections.abc import Awaitable, Callable, Mapping
from uuid import UUID

from tortoise.queryset import QuerySet

from server.engagements import holding, places, rules, states, working
from server.engagements.holding import Move
from server.engagements.models import ContestState, Engagement, EngagementState
from server.engagements.states import Verb
from server.kernel import clock, outbox
from server.kernel.transactions import transaction

BATCH = 500


async def watch() -> Mapping[str, int]:
    """Do all that is due, each engagement in a transaction of its own; return how many of each."""
    last_day = clock.today() - rules.in_force().silence.time
    silent = Engagement.filter(state__in=states.AT_WORK, due_at=None, posting__ends_on__lt=last_day)
    return {
        "due": await _each(Engagement.filter(due_at__lte=clock.now()), _due),
        "silent": await _each(silent, _silent),
        "moved_up": await places.refill_all(),
    }


async def _each(query: QuerySet[Engagement], work: Callable[[UUID], Awaitable[bool]]) -> int:
    done, last = 0, UUID(int=0)
    while ids := [row.id for row in await query.filter(id__gt=last).order_by("id").limit(BATCH).only("id")]:
        done += sum([await work(one) for one in ids])
        last = ids[-1]
    return done


@transaction
async def _due(engagement_id: UUID) -> bool:
    held = await holding.hold(engagement_id)
    if held.due_at is None or held.due_at > clock.now():
        return False
    held.due_at = None
    if held.state is EngagementState.NO_SHOW:
        await _free(held)
    elif held.state in states.AT_WORK:
        await _deem(held)
    else:
        await _remind(held)
    return True


@transaction
async def _silent(engagement_id: UUID) -> bool:
    """End what nobody said anything of since the work was over: done by who came, else nothing is known of it."""
    held = await holding.hold(engagement_id)
    ends_on = held.posting.ends_on
    silent = held.state in states.AT_WORK and held.due_at is None and ends_on
    if not silent or not rules.over(ends_on, clock.today() - rules.in_force().silence.time):
        return False
    if held.state is EngagementState.ATTENDED:
        await _deem(held)
        return True
    before = held.state
    holding.enter(held, EngagementState.UNANSWERED)
    await holding.change(held, before, Move(Verb.DEEM, "unanswered"))
    await places.free(held)
    return True


async def _free(held: Engagement) -> None:
    """Give the place of who did not come to somebody else: nobody contested it in time."""
    if held.contest is not ContestState.NONE:
        return
    await holding.change(held, held.state, Move(Verb.FREE, "place_freed"))
    await places.free(held)


async def _deem(held: Engagement) -> None:
    before = held.state
    working.done(held, deemed=True)
    await holding.change(held, before, Move(Verb.DEEM, "completed"))


async def _remind(held: Engagement) -> None:
    """Remind both sides to say that the wages are paid; nothing of the engagement has changed."""
    await held.save(update_fields=["due_at"])
    if held.state is EngagementState.COMPLETED and held.paid_at is None:
        people = {*await holding.worker_people(held), *await holding.poster_people(held)}
        await outbox.record("engagement.payment_open", holding.subject_of(held.id), sorted(people))
