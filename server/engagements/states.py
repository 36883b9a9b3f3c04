"""What may happen to an engagement: by whom, from which states, into which. One table, which everything reads."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from server.engagements.models import EngagementState, Party
from server.kernel.errors import DomainError

APPLIED, OFFERED, WAITING = EngagementState.APPLIED, EngagementState.OFFERED, EngagementState.WAITING
ACCEPTED, ATTENDED, COMPLETED = EngagementState.ACCEPTED, EngagementState.ATTENDED, EngagementState.COMPLETED
DECLINED, WITHDRAWN, UNANSWERED = EngagementState.DECLINED, EngagementState.WITHDRAWN, EngagementState.UNANSWERED
CANCELLED, LEFT_EARLY = EngagementState.CANCELLED_BY_EMPLOYER, EngagementState.LEFT_EARLY
NO_SHOW, WAGE_DISPUTE = EngagementState.NO_SHOW, EngagementState.WAGE_DISPUTE
WORKER, POSTER = Party.WORKER, Party.POSTER

OPEN = frozenset({APPLIED, OFFERED, WAITING})
"""Nobody has a place by it yet."""
AT_WORK = frozenset({ACCEPTED, ATTENDED})
"""Whose times are taken."""
WORKED = frozenset({COMPLETED, LEFT_EARLY, WAGE_DISPUTE, CANCELLED})
"""For which wages may be owed: where a place was taken away, only if somebody had come."""
GONE = frozenset({WITHDRAWN, UNANSWERED, DECLINED, CANCELLED})
"""Nothing came of it; `server/schema_listed.py` has the same."""


class Verb(StrEnum):
    """What happens to an engagement. The face writes `no_show` as `no-show`."""

    APPLY = "apply"
    OFFER = "offer"
    ACCEPT = "accept"
    DECLINE = "decline"
    WITHDRAW = "withdraw"
    ATTEND = "attend"
    NO_SHOW = "no_show"
    LEAVE_EARLY = "leave_early"
    CANCEL = "cancel"
    CONTEST = "contest"
    COMPLETE = "complete"
    CONFIRM_PAID = "confirm_paid"
    REPORT_UNPAID = "report_unpaid"
    DECIDE = "decide"
    """By the secretariat, about what was contested."""
    WAIT = "wait"
    """By itself: the last place went to somebody else."""
    MOVE_UP = "move_up"
    """By itself: a place came free."""
    FREE = "free"
    """By itself: nobody contested in time, and the place is another's."""
    DEEM = "deem"
    """By itself: one side said so, and the other nothing."""
    END = "end"
    """By itself: with its posting, or with an organisation that nothing carries on."""
    UNFIT = "unfit"
    """By itself: the posting changed, and is no longer for people of that age."""
    CONSENT_ENDED = "consent_ended"
    """By itself: the guardian of somebody under age no longer consents; who has begun stays, and both sides hear."""


@dataclass(frozen=True, slots=True)
class Rule:
    """From which states who may do something, and what it comes to; None is neither party: the system or a reviewer.

    Where `to` is empty it stays in the state it is in.
    """

    by: Mapping[Party | None, frozenset[EngagementState]]
    to: frozenset[EngagementState] = frozenset()


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does it, and for which of the two sides; `version` is the one they saw, None where they do not say."""

    person_id: UUID
    party: Party
    version: int | None = None


def _of(*states: EngagementState) -> frozenset[EngagementState]:
    return frozenset(states)


TABLE: Mapping[Verb, Rule] = {
    Verb.APPLY: Rule({WORKER: _of()}, _of(APPLIED, WAITING)),
    Verb.OFFER: Rule({POSTER: _of()}, _of(OFFERED)),
    Verb.ACCEPT: Rule({POSTER: _of(APPLIED, WAITING), WORKER: _of(OFFERED)}, _of(ACCEPTED, WAITING)),
    Verb.DECLINE: Rule({POSTER: _of(APPLIED, WAITING), WORKER: _of(OFFERED)}, _of(DECLINED)),
    Verb.WITHDRAW: Rule({WORKER: _of(APPLIED, WAITING, ACCEPTED)}, _of(WITHDRAWN)),
    Verb.ATTEND: Rule({WORKER: _of(ACCEPTED), POSTER: _of(ACCEPTED, NO_SHOW)}, _of(ATTENDED, LEFT_EARLY)),
    Verb.NO_SHOW: Rule({POSTER: _of(ACCEPTED)}, _of(NO_SHOW)),
    Verb.LEAVE_EARLY: Rule({WORKER: _of(ATTENDED), POSTER: _of(ATTENDED)}, _of(LEFT_EARLY)),
    Verb.CANCEL: Rule({POSTER: _of(OFFERED, ACCEPTED, ATTENDED)}, _of(CANCELLED)),
    Verb.CONTEST: Rule({WORKER: _of(NO_SHOW, LEFT_EARLY)}),
    Verb.COMPLETE: Rule(
        {WORKER: _of(ACCEPTED, ATTENDED), POSTER: _of(ACCEPTED, ATTENDED)}, _of(ACCEPTED, ATTENDED, COMPLETED)
    ),
    Verb.CONFIRM_PAID: Rule(
        {WORKER: WORKED, POSTER: WORKED},
        WORKED | {ATTENDED},
    ),
    Verb.REPORT_UNPAID: Rule({WORKER: (WORKED | {ATTENDED}) - {WAGE_DISPUTE}}, _of(WAGE_DISPUTE)),
    Verb.DECIDE: Rule(
        {None: _of(NO_SHOW, LEFT_EARLY, WAGE_DISPUTE)},
        _of(NO_SHOW, LEFT_EARLY, WAGE_DISPUTE, ATTENDED, COMPLETED, CANCELLED),
    ),
    Verb.WAIT: Rule({None: _of(APPLIED)}, _of(WAITING)),
    Verb.MOVE_UP: Rule({None: _of(WAITING)}, _of(ACCEPTED)),
    Verb.FREE: Rule({None: _of(NO_SHOW)}),
    Verb.DEEM: Rule({None: _of(ACCEPTED, ATTENDED)}, _of(COMPLETED, UNANSWERED)),
    Verb.END: Rule({None: _of(*OPEN, *AT_WORK)}, _of(UNANSWERED, CANCELLED, WITHDRAWN)),
    Verb.UNFIT: Rule({None: AT_WORK}, _of(CANCELLED)),
    Verb.CONSENT_ENDED: Rule({None: AT_WORK}, _of(WITHDRAWN, ATTENDED)),
}


def require(verb: Verb, state: EngagementState, party: Party) -> None:
    """Raise DomainError 403 for what is the other party's to do, 409 for what nobody may do from such a state."""
    by = TABLE[verb].by
    if state in by.get(party, ()):
        return
    if party not in by or any(state in states for states in by.values()):
        raise DomainError("engagement_not_yours", 403)
    raise wrong_state(state)


def wrong_state(state: EngagementState) -> DomainError:
    """Return the 409 that names the state an engagement is in."""
    return DomainError("engagement_state", 409, state=f"engagement_{state}")


def open_to(state: EngagementState, party: Party) -> list[Verb]:
    """Return what a party may do from a state, as far as the state alone says."""
    return [verb for verb, rule in TABLE.items() if state in rule.by.get(party, ())]
