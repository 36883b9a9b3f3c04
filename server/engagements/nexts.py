"""What somebody can do next with an engagement: as the verbs themselves check it, said beforehand.

Pure but for the clock: what has to be read for it comes along as `Facts`, for a whole page at once.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from server.engagements import asking, contests, fitness, guardians, listing, rules, service, states, wages, working
from server.engagements.models import ContestState, Engagement, EngagementState, EngagementStep, Party
from server.engagements.states import Verb
from server.kernel import clock


class Cue(StrEnum):
    """In which position a side is; `content/words.yaml` says what it is to do there."""

    APPLIED = "applied"
    OFFERED = "offered"
    WAITING = "waiting"
    ACCEPTED = "accepted"
    BOUND = "bound"
    """Accepted, and it is too late to leave."""
    TERMS_CHANGED = "terms_changed"
    """Accepted, and something of the work is other than was agreed."""
    CLASHES = "clashes"
    """So that the worker is needed elsewhere at that time."""
    CONSENT_ENDED = "consent_ended"
    """At work under age, and the guardian no longer consents."""
    BEGUN = "begun"
    """Accepted, and the first day has come."""
    ATTENDED = "attended"
    ASKED = "asked"
    """The other side says that the work is done."""
    SAID_DONE = "said_done"
    UNPAID = "unpaid"
    """Done, and neither side has said that the wages are paid."""
    PAY_SAID = "pay_said"
    """The other side says so."""
    SAID_PAID = "said_paid"
    SETTLED = "settled"
    NO_SHOW = "no_show"
    LEFT_EARLY = "left_early"
    """By the other side's word, and it can still be contested."""
    CONTESTED = "contested"
    DISPUTED = "disputed"
    OWED = "owed"
    """It was decided that wages are unpaid."""
    NOT_OWED = "not_owed"
    APPEALED = "appealed"
    """Either side has appealed against what was decided."""
    OVER = "over"


@dataclass(frozen=True, slots=True)
class Facts:
    """Of a page of engagements: which were agreed on other terms, who came, of whose wages no more are owed.

    And whose changed terms meet other work of theirs, who goes on with it without their guardian's consent, and against
    the decision about which an appeal is open, which whoever knows of appeals adds.
    """

    changed: frozenset[UUID] = frozenset()
    came: frozenset[UUID] = frozenset()
    decided: frozenset[UUID] = frozenset()
    clashing: frozenset[UUID] = frozenset()
    unguarded: frozenset[UUID] = frozenset()
    appealed: frozenset[UUID] = frozenset()


async def facts(rows: Sequence[Engagement]) -> Facts:
    """Return what is to be known of some engagements; seven queries at most."""
    asked = [row.id for row in rows if row.state in states.WORKED]
    verbs = [Verb.ATTEND.value, Verb.DECIDE.value]
    steps = (
        await EngagementStep.filter(engagement_id__in=asked, verb__in=verbs).order_by("made_at", "id") if asked else []
    )
    decisions = {step.engagement_id: step for step in steps if step.verb == Verb.DECIDE}
    changed = frozenset(await listing.changed_terms(rows))
    at_work = [row for row in rows if row.state in states.AT_WORK]
    told = await guardians.told(at_work)
    return Facts(
        changed,
        frozenset(step.engagement_id for step in steps if step.verb == Verb.ATTEND),
        frozenset(one for one, last in decisions.items() if wages.not_owed(last)),
        clashing=frozenset(await fitness.clashing([row for row in at_work if row.id in changed])),
        unguarded=frozenset(await fitness.unguarded([row for row in at_work if row.id in told])),
    )


def verbs(row: Engagement, party: Party, known: Facts) -> list[Verb]:
    """Return what a side may do now with an engagement that comes with its posting and supply."""
    may = states.open_to(row.state, party)
    return [verb for verb in may if verb not in _CHECKS or _CHECKS[verb](row, party, known)]


def cue(row: Engagement, party: Party, known: Facts) -> Cue:
    """Return in which position a side is."""
    if row.state in _PLAIN:
        return _PLAIN[row.state]
    if row.contest is ContestState.OPEN:
        return Cue.DISPUTED if row.state is EngagementState.WAGE_DISPUTE else Cue.CONTESTED
    if row.state in states.AT_WORK:
        return _at_work(row, party, known)
    if row.id in known.appealed:
        return Cue.APPEALED
    if row.state in contests.MARKS and _contestable(row):
        return Cue(row.state.value)
    return Cue.OVER if row.state is EngagementState.NO_SHOW else _paid(row, party, known)


_PLAIN = {
    EngagementState.APPLIED: Cue.APPLIED,
    EngagementState.OFFERED: Cue.OFFERED,
    EngagementState.WAITING: Cue.WAITING,
    EngagementState.DECLINED: Cue.OVER,
    EngagementState.WITHDRAWN: Cue.OVER,
    EngagementState.UNANSWERED: Cue.OVER,
}


def moment(row: Engagement, cue: Cue) -> datetime | None:
    """Return the moment that the words of a position name, None where they name none."""
    if cue is Cue.ACCEPTED:
        return service.withdraw_until(row)
    if cue in {Cue.ASKED, Cue.SAID_DONE}:
        return row.due_at
    if cue in {Cue.NO_SHOW, Cue.LEFT_EARLY}:
        return row.contest_until
    return wages.wages_due(row) if cue in {Cue.ATTENDED, Cue.UNPAID, Cue.PAY_SAID} else None


def leaves_until(row: Engagement, known: Facts) -> datetime | None:
    """Return before when who has a place may leave it, None for who has none, or may leave it at any time."""
    kept = row.state is EngagementState.ACCEPTED and row.id not in known.changed
    return service.withdraw_until(row) if kept else None


def due_at(row: Engagement) -> datetime | None:
    """Return when one side's word or a mark counts by itself; reminders are no deadline."""
    return row.due_at if row.state in states.AT_WORK or row.state is EngagementState.NO_SHOW else None


def _at_work(row: Engagement, party: Party, known: Facts) -> Cue:
    if row.completed_by:
        return Cue.SAID_DONE if party in row.completed_by else Cue.ASKED
    if row.id in known.unguarded:
        return Cue.CONSENT_ENDED
    if party is Party.WORKER and row.id in known.clashing:
        return Cue.CLASHES
    return Cue.ATTENDED if row.state is EngagementState.ATTENDED else _accepted(row, known)


def _accepted(row: Engagement, known: Facts) -> Cue:
    if row.id in known.changed:
        return Cue.TERMS_CHANGED
    if _begun(row):
        return Cue.BEGUN
    return Cue.BOUND if service.late(row) else Cue.ACCEPTED


def _paid(row: Engagement, party: Party, known: Facts) -> Cue:
    if not _worked(row, known):
        return Cue.OVER
    if row.paid_at:
        return Cue.SETTLED
    if row.contest is ContestState.STANDS and row.state is EngagementState.WAGE_DISPUTE:
        return Cue.OWED
    not_owed = row.contest is ContestState.LIFTED and row.id in known.decided
    if party in row.paid_by and not (not_owed and party is Party.WORKER):
        return Cue.SAID_PAID
    if not_owed:
        return Cue.NOT_OWED
    return Cue.PAY_SAID if row.paid_by else Cue.UNPAID


def _begun(row: Engagement) -> bool:
    return row.posting.starts_on is None or clock.today() >= row.posting.starts_on


def _contestable(row: Engagement) -> bool:
    return row.contest_until is not None and clock.now() < row.contest_until and row.contest is ContestState.NONE


def _worked(row: Engagement, known: Facts) -> bool:
    return row.state is not EngagementState.CANCELLED_BY_EMPLOYER or row.id in known.came or wages.taken_late(row)


def _may_accept(row: Engagement, _party: Party, _known: Facts) -> bool:
    waits = row.state is EngagementState.WAITING and row.approved_at is not None
    return not waits and asking.takes(row.posting) and row.size <= (row.posting.headcount or 0)


def _may_withdraw(row: Engagement, _party: Party, known: Facts) -> bool:
    return row.state is not EngagementState.ACCEPTED or row.id in known.changed or not service.late(row)


def _may_say_absent(row: Engagement, _party: Party, _known: Facts) -> bool:
    posting = row.posting
    if posting.starts_on is None:
        return True
    return clock.now() >= rules.first_shift(posting.starts_on, posting.ends_on, posting.hours, row.accepted_at)


def _may_complete(row: Engagement, party: Party, _known: Facts) -> bool:
    over = rules.over(row.posting.ends_on, clock.today())
    return party not in row.completed_by and (row.state is EngagementState.ATTENDED or over)


def _may_report(row: Engagement, _party: Party, known: Facts) -> bool:
    due = clock.now() >= wages.wages_due(row)
    settled = row.paid_at or row.contest is ContestState.OPEN or row.id in known.decided
    return due and not settled and _worked(row, known)


_ABSENT = EngagementState.NO_SHOW
_CHECKS: Mapping[Verb, Callable[[Engagement, Party, Facts], bool]] = {
    Verb.ACCEPT: _may_accept,
    Verb.WITHDRAW: _may_withdraw,
    Verb.ATTEND: lambda row, _party, _known: _begun(row) and (row.state is not _ABSENT or working.mistaken(row)),
    Verb.NO_SHOW: _may_say_absent,
    Verb.CANCEL: lambda row, _party, _known: not working.past_cancelling(row),
    Verb.CONTEST: lambda row, _party, _known: _contestable(row),
    Verb.COMPLETE: _may_complete,
    Verb.CONFIRM_PAID: lambda row, party, known: party not in row.paid_by and _worked(row, known),
    Verb.REPORT_UNPAID: _may_report,
}
