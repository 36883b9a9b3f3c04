"""The worker's word against a mark on an engagement, reports of unpaid wages, and what the secretariat decides.

What stands or is lifted is the mark: a no-show, an early leaving, or unpaid wages.
"""

from collections.abc import Collection
from enum import StrEnum
from uuid import UUID

from server.engagements import holding, places, wages
from server.engagements.holding import Move
from server.engagements.models import ContestState, Engagement, EngagementState, Party
from server.engagements.states import Actor, Verb
from server.kernel import clock
from server.kernel.audit import AuditEntry
from server.kernel.errors import DomainError, FieldFault, invalid
from server.kernel.transactions import transaction
from server.organisations import keeping
from server.people.service import Decider
from server.students.models import StudentLink


class Verdict(StrEnum):
    """What a reviewer decides about a mark."""

    STANDS = "stands"
    LIFTED = "lifted"


MARKS = frozenset({EngagementState.NO_SHOW, EngagementState.LEFT_EARLY})
"""With which no place is kept, once they stand."""
DECIDED = frozenset({ContestState.STANDS, ContestState.LIFTED})
ACTION = f"engagement.{Verb.DECIDE}"
"""What the audit calls a decision; its `before` is the mark that it was about."""
OVERTURNED = "appeal.overturned"
"""What it calls an appeal that turned one round, which is the end of it."""


@transaction
async def contest(engagement_id: UUID, actor: Actor, reason: str) -> Engagement:
    """Say that a no-show or an early leaving is not true; the secretariat decides, and a place is kept until then.

    Raises DomainError 403, 404, 409 for another state, one's own word, a second time and too late, 422 without reason.
    """
    held = await holding.hold(engagement_id)
    holding.act(held, Verb.CONTEST, actor)
    if not reason:
        raise invalid(FieldFault("/reason", "missing"))
    if held.contest is not ContestState.NONE:
        raise DomainError("contested_already", 409)
    if held.contest_until is None:
        raise DomainError("own_word", 409)
    if clock.now() >= held.contest_until:
        raise DomainError("contest_over", 409)
    held.contest, held.due_at = ContestState.OPEN, None
    return await holding.change(held, held.state, Move(Verb.CONTEST, "contested", actor, reason))


@transaction
async def decide(engagement_id: UUID, verdict: Verdict, by: Decider, version: int | None = None) -> Engagement:
    """Decide what was contested or reported, for good but for an appeal of who lost.

    Raises DomainError 403 for who has to do with either side, 404, 409 where nothing waits, 412.
    """
    held = await holding.hold(engagement_id, version)
    await require_outsider(held, by.person_id)
    if held.contest is not ContestState.OPEN:
        raise DomainError("nothing_contested", 409)
    mark = held.state
    if verdict is Verdict.LIFTED:
        await _lift(held)
    held.contest = ContestState(verdict)
    return await _write(held, mark, by)


async def standing_decision(held: Engagement) -> AuditEntry | None:
    """Return the entry of the decision about an engagement that stands.

    None where none does, an appeal made it, or it was about wages that both say were paid since.
    """
    if held.contest not in DECIDED:
        return None
    made = AuditEntry.filter(subject=holding.subject_of(held.id), action__in=[ACTION, OVERTURNED])
    last = await made.order_by("-id").first()
    if last is None or last.action != ACTION or last.after != held.state:
        return None
    return None if last.before == EngagementState.WAGE_DISPUTE and held.paid_at else last


async def loser(held: Engagement) -> Party | None:
    """Return which side a standing decision went against: a mark is the worker's, unpaid wages are the poster's."""
    decision = await standing_decision(held)
    if decision is None:
        return None
    stands = held.contest is ContestState.STANDS
    return Party.POSTER if stands is (decision.before == EngagementState.WAGE_DISPUTE) else Party.WORKER


async def overturn(held: Engagement, by: Decider) -> None:
    """Decide a held engagement the other way; raises DomainError 409 where too much has happened since."""
    decision = await standing_decision(held)
    if decision is None:
        raise DomainError("nothing_refused", 409)
    before, mark = held.state, EngagementState(decision.before)
    if held.contest is ContestState.STANDS:
        await _lift(held)
        held.contest = ContestState.LIFTED
    else:
        await wages.require_alone(held)
        if mark is EngagementState.WAGE_DISPUTE:
            wages.take_back(held)
        holding.enter(held, mark)
        held.contest = ContestState.STANDS
    await _write(held, before, by)


async def require_outsider(held: Engagement, person_id: UUID) -> None:
    """Raise DomainError 403 for who has to do with one of the two sides, or ever said so."""
    if person_id in {held.person_id, held.posting.person_id}:
        raise DomainError("decides_for_own", 403)
    school = held.supply.organisation_id if held.supply else None
    for organisation_id in filter(None, (held.posting.organisation_id, school)):
        await keeping.require_outsider(organisation_id, person_id)
    if held.student_id and await StudentLink.exists(student_id=held.student_id, person_id=person_id):
        raise DomainError("decides_for_own", 403)


async def waits(person_id: UUID) -> bool:
    """Whether something that a person contested or reported has not been decided yet."""
    return await Engagement.exists(person_id=person_id, student_id__isnull=False, contest=ContestState.OPEN)


async def concerned(held: Engagement) -> Collection[UUID]:
    """Return the people of both sides."""
    return {*await holding.worker_people(held), *await holding.poster_people(held)}


async def _lift(held: Engagement) -> None:
    """Take the mark from a held engagement."""
    if held.state is EngagementState.WAGE_DISPUTE:
        await wages.end_dispute(held)
    else:
        await wages.work_on(held)


async def _write(held: Engagement, before: EngagementState, by: Decider) -> Engagement:
    if held.state is not EngagementState.ATTENDED:
        held.due_at = None
    if stands := held.contest is ContestState.STANDS and held.state in MARKS:
        places.let_go(held)
    await holding.change(held, before, Move(Verb.DECIDE, "decided", None, by.reason, by.person_id))
    await (places.refill if stands else places.settle)(held.posting)
    return held
