"""Filling places: apply, offer, accept, decline, withdraw. Everything returned has its posting and supply with it."""

from datetime import datetime
from uuid import UUID

from server.engagements import asking, fitness, holding, places, rules
from server.engagements.asking import Asked
from server.engagements.holding import Move
from server.engagements.models import Engagement, EngagementState, Party
from server.engagements.states import Actor, Verb
from server.kernel import clock
from server.kernel.errors import DomainError, FieldFault, invalid
from server.kernel.ids import new_id
from server.kernel.transactions import transaction
from server.labour import keeping
from server.labour.models import Posting, PostingState, PostingVersion


@transaction
async def apply(posting_id: UUID, *, by: UUID, size: int = 1, supply_id: UUID | None = None) -> Engagement:
    """Apply for places on a demand, of which more than one only a team or a class takes, by its own live offer.

    On a full one it goes on the wait-list. Raises DomainError 404, 409 for a demand that takes nobody, one's own, a
    second time, after having been declined, for overlapping times and for nobody confirmed as a student; 422 with
    every field that is at fault, `/person` for who is too young or has no guardian's consent.
    """
    posting = await asking.open_demand(posting_id)
    asked = await asking.for_oneself(posting, by, size, supply_id)
    await asking.require_new(posting, asked, Party.WORKER)
    made, known = await _made(posting, asked)
    if refusal := known.refusal(made):
        raise refusal
    full = posting.state is PostingState.FILLED
    made.state = EngagementState.WAITING if full else EngagementState.APPLIED
    made.terms_id = await newest_terms(posting.id)
    return await holding.change(made, "", Move(Verb.APPLY, "applied", Actor(by, Party.WORKER)))


@transaction
async def offer(posting_id: UUID, supply_id: UUID, *, by: UUID) -> Engagement:
    """Offer places on a demand to who offers their hands: as many as they are, at most as many as there are.

    Raises DomainError 404, 409 for a demand that takes nobody or has no free place, one's own offer, a second time,
    after having been declined, and for who may not take it, which is not said more closely; 422 at `/supply`.
    """
    posting = await asking.open_demand(posting_id)
    keeping.require(posting, PostingState.LIVE)
    asked = await asking.of_another(posting, supply_id)
    await asking.require_new(posting, asked, Party.POSTER)
    made, known = await _made(posting, asked)
    _require_fit(known, made, Party.POSTER, busy_too=False)
    made.state, made.approved_at = EngagementState.OFFERED, clock.now()
    return await holding.change(made, "", Move(Verb.OFFER, "offered", Actor(by, Party.POSTER)))


@transaction
async def accept(engagement_id: UUID, actor: Actor) -> Engagement:
    """Say yes to an application, or to an offer; where not so many places are free it waits, before those not accepted.

    Raises DomainError 403 for what is the other party's, 404, 409 for another state, a demand that takes nobody, or has
    fewer places in all by now, and for overlapping times, else for who does not fit: 409 to the poster, 422 and 409 to
    the worker as `apply` does.
    """
    held = await holding.hold(engagement_id)
    holding.act(held, Verb.ACCEPT, actor)
    await asking.require_open(held.posting)
    _require_room(held)
    before = held.state
    if before is EngagementState.WAITING and held.approved_at:
        raise DomainError("state_already", 409)
    if actor.party is Party.WORKER:
        held.terms_id = await newest_terms(held.posting_id)
    held.approved_at = held.approved_at or clock.now()
    if held.size > places.left(held.posting):
        holding.enter(held, EngagementState.WAITING)
        told = "approved" if before is EngagementState.WAITING else "waiting"  # that it waits is known already
        return await holding.change(held, before, Move(Verb.ACCEPT, told, actor))
    people = await holding.people([held.person_id])
    _require_fit(await fitness.look(held.posting, [held], people), held, actor.party)
    places.take(held)
    await holding.change(held, before, Move(Verb.ACCEPT, "accepted", actor))
    await places.settle(held.posting)
    return held


@transaction
async def decline(engagement_id: UUID, actor: Actor, reason: str = "") -> Engagement:
    """Say no to an application, or to an offer; raises DomainError 403 as `accept` does, 404, 409 for another state."""
    held = await holding.hold(engagement_id)
    holding.act(held, Verb.DECLINE, actor)
    before = held.state
    holding.enter(held, EngagementState.DECLINED)
    held.due_at = None
    return await holding.change(held, before, Move(Verb.DECLINE, "declined", actor, reason))


@transaction
async def withdraw(engagement_id: UUID, actor: Actor, reason: str = "") -> Engagement:
    """Take an application back, or a place, for a reason and in time before the first shift; others move up.

    Whose terms have changed since is free to go at any time. Raises DomainError 403 as `accept` does, 404, 409 for
    another state and too late, 422 without a reason for a place.
    """
    held = await holding.hold(engagement_id)
    holding.act(held, Verb.WITHDRAW, actor)
    before = held.state
    if before is EngagementState.ACCEPTED:
        if not reason:
            raise invalid(FieldFault("/reason", "missing"))
        await _require_in_time(held)
    holding.enter(held, EngagementState.WITHDRAWN)
    held.due_at = None
    await holding.change(held, before, Move(Verb.WITHDRAW, "withdrawn", actor, reason))
    await places.free(held)
    return held


async def newest_terms(posting_id: UUID) -> UUID | None:
    """Return the version of a posting that was published last, None where none was kept."""
    versions = PostingVersion.filter(posting_id=posting_id).order_by("-made_at", "-id").limit(1)
    return next(iter([version.id for version in await versions.only("id")]), None)


async def bound(held: Engagement) -> bool:
    """Whether it is too late for who was accepted to leave: the first shift is near, on terms that have not changed."""
    return late(held) and held.terms_id == await newest_terms(held.posting_id)


def late(held: Engagement) -> bool:
    """Whether it is too late for who was accepted to leave a place whose terms have not changed."""
    until = withdraw_until(held)
    return until is not None and clock.now() >= until


def withdraw_until(held: Engagement) -> datetime | None:
    """Return before when who was accepted may leave: before the first shift is near, or if it was by then, before it.

    None where nobody says when the work begins.
    """
    posting, accepted_at = held.posting, held.accepted_at
    if posting.starts_on is None or accepted_at is None:
        return None
    begins = rules.first_shift(posting.starts_on, posting.ends_on, posting.hours, accepted_at)
    near = begins - rules.in_force().withdrawal.time
    return near if accepted_at < near else begins


def _require_room(held: Engagement) -> None:
    """Raise DomainError 409 for more places than the posting has in all: who waits for them would wait for ever."""
    if held.size > (most := held.posting.headcount or 0):
        raise DomainError("engagement_oversize", 409, size=held.size, most=most)


async def _require_in_time(held: Engagement) -> None:
    if await bound(held):
        raise DomainError("withdrawal_late", 409, hours=rules.in_force().withdrawal.hours)


async def _made(posting: Posting, asked: Asked) -> tuple[Engagement, fitness.Known]:
    """Return an engagement that is not written yet, with what is known of who takes it, who is held."""
    now = clock.now()
    made = Engagement(
        id=new_id(),
        posting=posting,
        supply=asked.supply,
        person_id=asked.person_id,
        size=asked.size,
        state=EngagementState.APPLIED,
        state_since=now,
        created_at=now,
        completed_by={},
        paid_by={},
    )
    known = await fitness.look(posting, [made], await holding.people([asked.person_id]))
    if not asked.school and (student := known.students.get(asked.person_id)):
        made.student_id = student.id
    return made, known


def _require_fit(known: fitness.Known, held: Engagement, party: Party, *, busy_too: bool = True) -> None:
    """Raise DomainError where who asks does not fit.

    A poster is told that somebody is busy, not on which day they work for another, and nothing of age and consent.
    """
    refusal = known.refusal(held)
    busy = refusal is not None and refusal.slug == "engagement_overlap"
    if refusal is None or (busy and not busy_too):
        return
    if party is Party.WORKER:
        raise refusal
    if busy:
        raise DomainError("worker_busy", 409)
    raise DomainError("engagement_unfit", 409)
