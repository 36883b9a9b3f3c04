"""What the clock does to engagements: a place is another's, one side's word counts, silence ends it, a reminder."""

from collections.abc import Awaitable, Callable, Mapping
from uuid import UUID

from tortoise.expressions import Q
from tortoise.queryset import QuerySet

from server.engagements import guardians, holding, orphans, places, rules, states, supplies, working
from server.engagements.holding import Move
from server.engagements.models import ContestState, Engagement, EngagementState
from server.engagements.states import Verb
from server.kernel import clock, outbox
from server.kernel.sweeping import Sweep
from server.kernel.transactions import transaction

BATCH = 500


async def watch() -> Mapping[str, int]:
    """Do all that is due, each engagement in a transaction of its own; return how many of each."""
    last_day = clock.today() - rules.in_force().silence.time
    over = Q(posting__ends_on__lt=last_day)
    open_ended = Q(state=EngagementState.ACCEPTED, posting__ends_on=None, posting__starts_on__lte=last_day)
    silent = Engagement.filter(over | open_ended, state__in=states.AT_WORK, due_at=None)
    sweep = Sweep()
    done = {
        "due": await _each(sweep, Engagement.filter(due_at__lte=clock.now()), _due),
        "silent": await _each(sweep, silent, _silent),
        "unguarded": await sweep.do(guardians.watch),
        "left": await sweep.do(supplies.end_left),
        "orphaned": await sweep.do(orphans.watch),
        "moved_up": await sweep.do(places.refill_all),
    }
    sweep.end()
    return done


async def _each(sweep: Sweep, query: QuerySet[Engagement], work: Callable[[UUID], Awaitable[bool]]) -> int:
    done, last = 0, UUID(int=0)
    while ids := [row.id for row in await query.filter(id__gt=last).order_by("id").limit(BATCH).only("id")]:
        done += await sweep.each(work, ids)
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
    if held.state not in states.AT_WORK or held.due_at is not None or not _long_over(held):
        return False
    if held.state is EngagementState.ATTENDED:
        await _deem(held)
        return True
    before = held.state
    holding.enter(held, EngagementState.UNANSWERED)
    await holding.change(held, before, Move(Verb.DEEM, "unanswered"))
    await places.free(held)
    return True


def _long_over(held: Engagement) -> bool:
    """Whether the work has been over for long; work without an end is, for who never came, after their first shift."""
    silence, posting = rules.in_force().silence.time, held.posting
    if posting.ends_on is not None or posting.starts_on is None:
        return rules.over(posting.ends_on, clock.today() - silence)
    begins = rules.first_shift(posting.starts_on, None, posting.hours, held.accepted_at)
    return held.state is EngagementState.ACCEPTED and clock.now() >= begins + silence


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
