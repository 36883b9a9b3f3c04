"""What somebody can do next with an engagement: as the verbs themselves check it, said beforehand.

Pure but for the clock: what has to be read for it comes along as `Facts`, for a whole page at once.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from server.engagements import asking, listing, rules, service, states, working
from server.engagements.models import ContestState, Engagement, EngagementState, EngagementStep, Party
from server.engagements.states import Verb
from server.kernel import clock


class Cue(StrEnum):
    """In which position a side is; `content/words.yaml` says what it is to do there."""

    APPLIED = "applied"
    OFFERED = "offered"
    WAITING = "waiting"
    ACCEPTED = "accepted"
    TERMS_CHANGED = "terms_changed"
    """Accepted, and something of the work is other than was agreed."""
    BEGUN = "begun"
    """Accepted, and the first day has come."""
    ATTENDED = "attended"
    ASKED = "asked"
    """The other side says that the work is done."""
    SAID_DONE = "said_done"
    UNPAID = "unpaid"
    """Done, and this side has not said that the wages are paid."""
    SAID_PAID = "said_paid"
    SETTLED = "settled"
    NO_SHOW = "no_show"
    LEFT_EARLY = "left_early"
    """By the other side's word, and it can still be contested."""
    CONTESTED = "contested"
    DISPUTED = "disputed"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class Facts:
    """Of a page of engagements: which were agreed on other terms, who came, over whose wages was decided."""

    changed: frozenset[UUID] = frozenset()
    came: frozenset[UUID] = frozenset()
    decided: frozenset[UUID] = frozenset()


async def facts(rows: Sequence[Engagement]) -> Facts:
    """Return what is to be known of some engagements; two queries."""
    asked = [row.id for row in rows if row.state in states.WORKED]
    verbs = [Verb.ATTEND.value, Verb.DECIDE.value]
    steps = await EngagementStep.filter(engagement_id__in=asked, verb__in=verbs) if asked else []
    return Facts(
        frozenset(await listing.changed_terms(rows)),
        frozenset(step.engagement_id for step in steps if step.verb == Verb.ATTEND),
        frozenset(step.engagement_id for step in steps if step.before == EngagementState.WAGE_DISPUTE),
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
    if row.state is EngagementState.NO_SHOW:
        return Cue.NO_SHOW if _contestable(row) else Cue.OVER
    if row.state is EngagementState.LEFT_EARLY and _contestable(row):
        return Cue.LEFT_EARLY
    return _paid(row, party, known)


_PLAIN = {
    EngagementState.APPLIED: Cue.APPLIED,
    EngagementState.OFFERED: Cue.OFFERED,
    EngagementState.WAITING: Cue.WAITING,
    EngagementState.DECLINED: Cue.OVER,
    EngagementState.WITHDRAWN: Cue.OVER,
    EngagementState.UNANSWERED: Cue.OVER,
}


def _at_work(row: Engagement, party: Party, known: Facts) -> Cue:
    if party in row.completed_by:
        return Cue.SAID_DONE
    if row.completed_by:
        return Cue.ASKED
    if row.state is EngagementState.ATTENDED:
        return Cue.ATTENDED
    if row.id in known.changed:
        return Cue.TERMS_CHANGED
    return Cue.BEGUN if _begun(row) else Cue.ACCEPTED


def _paid(row: Engagement, party: Party, known: Facts) -> Cue:
    if not _worked(row, known):
        return Cue.OVER
    if row.paid_at:
        return Cue.SETTLED
    return Cue.SAID_PAID if party in row.paid_by else Cue.UNPAID


def _begun(row: Engagement) -> bool:
    return row.posting.starts_on is None or clock.today() >= row.posting.starts_on


def _contestable(row: Engagement) -> bool:
    return row.contest_until is not None and clock.now() < row.contest_until and row.contest is ContestState.NONE


def _worked(row: Engagement, known: Facts) -> bool:
    return row.state is not EngagementState.CANCELLED_BY_EMPLOYER or row.id in known.came or working.taken_late(row)


def _may_accept(row: Engagement, _party: Party, _known: Facts) -> bool:
    waits = row.state is EngagementState.WAITING and row.approved_at is not None
    return not waits and asking.takes(row.posting)


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


def _may_report(row: Engagement, party: Party, known: Facts) -> bool:
    due = clock.now() >= (row.completed_at or row.state_since) + rules.in_force().unpaid.time
    said = party in row.paid_by or row.contest is ContestState.OPEN or row.id in known.decided
    return due and not said and _worked(row, known)


_CHECKS: Mapping[Verb, Callable[[Engagement, Party, Facts], bool]] = {
    Verb.ACCEPT: _may_accept,
    Verb.WITHDRAW: _may_withdraw,
    Verb.ATTEND: lambda row, _party, _known: _begun(row),
    Verb.NO_SHOW: _may_say_absent,
    Verb.CONTEST: lambda row, _party, _known: _contestable(row),
    Verb.COMPLETE: _may_complete,
    Verb.CONFIRM_PAID: lambda row, party, known: party not in row.paid_by and _worked(row, known),
    Verb.REPORT_UNPAID: _may_report,
}
