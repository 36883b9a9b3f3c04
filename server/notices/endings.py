"""What a push comes to by WeChat's answer, and when it is tried again. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto

from server.kernel.clock import SHANGHAI, midnight
from server.notices.models import DeliveryState, Priority

LEASE = timedelta(seconds=45)
"""How long a push may be on its way, with the wait for a slot; later nobody knows what became of it."""
MOST_LAPSES = 3
"""So often at most a push is sent again whose sender died."""
WAIT = timedelta(minutes=2)
"""How long WeChat's event is waited for where the answer was lost."""
RETRIED_FOR = timedelta(hours=4)
"""From the first attempt on; then an operator has to look."""
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=5), timedelta(minutes=10)
AWAY, NO_PERMISSION, QUOTA, UNKNOWN = "away", "no_permission", "quota", "unknown"
NOT_FOLLOWING = "not_following"
_FINAL = frozenset({"unknown_person", NOT_FOLLOWING, NO_PERMISSION})
_BROKEN = frozenset({"unknown_template", "wrong_page", "bad_value"})
"""What a person's sending it again would not mend: the content or the account has to be put right."""
_TOMORROW_WITHIN = timedelta(minutes=10)


class Effect(Enum):
    """What becomes of the permission that a push holds."""

    KEPT = auto()
    SPENT = auto()
    RELEASED = auto()
    ZEROED = auto()


@dataclass(frozen=True, slots=True)
class Tried:
    """A push that was tried: how often, whether it was the one time more, since when, and whether it can wait."""

    attempts: int
    again: bool
    first_tried_at: datetime
    priority: int


@dataclass(frozen=True, slots=True)
class Ending:
    """What an attempt came to; `due_at` is when there is something to do again."""

    state: DeliveryState
    effect: Effect
    due_at: datetime | None = None
    refusal: str = ""


def of(answer: str, refusal: str | None, tried: Tried, now: datetime, chance: float) -> Ending:
    """Return what a push comes to; `answer` and `refusal` are as in `ports.Outcome`, `chance` lies in 0 to 1."""
    if answer == "sent":
        return Ending(DeliveryState.SENT, Effect.SPENT)
    if answer == "unknown":
        return _lost(tried, now)
    if answer == "away":
        return _again(AWAY, tried, now, chance)
    return _refused(refusal or "other", tried, now, chance)


def pause(attempts: int, chance: float) -> timedelta:
    """Return how long to wait after so many attempts: twice as long each time, and not all at one moment."""
    longest = min(FIRST_PAUSE * 2 ** min(attempts - 1, 20), LONGEST_PAUSE)
    return timedelta(seconds=longest.total_seconds() * (0.5 + chance / 2))


def _refused(reason: str, tried: Tried, now: datetime, chance: float) -> Ending:
    if reason in _FINAL:
        effect = Effect.ZEROED if reason == NO_PERMISSION else Effect.RELEASED
        return Ending(DeliveryState.FAILED_PERMANENT, effect, refusal=reason)
    if reason in _BROKEN:
        return Ending(DeliveryState.FAILED_TECHNICAL, Effect.RELEASED, refusal=reason)
    if reason == QUOTA:
        return _after_quota(tried, now, chance)
    return _again(reason, tried, now, chance)


def _lost(tried: Tried, now: datetime) -> Ending:
    """Wait for WeChat's event once; of a push that is given up the permission counts as spent, as it may be."""
    if tried.again:
        return Ending(DeliveryState.FAILED_TECHNICAL, Effect.SPENT, refusal=UNKNOWN)
    return Ending(DeliveryState.UNKNOWN, Effect.KEPT, now + WAIT, UNKNOWN)


def _again(reason: str, tried: Tried, now: datetime, chance: float) -> Ending:
    if now - tried.first_tried_at >= RETRIED_FOR:
        return Ending(DeliveryState.FAILED_TECHNICAL, Effect.RELEASED, refusal=reason)
    return Ending(DeliveryState.RETRYING, Effect.KEPT, now + pause(tried.attempts, chance), reason)


def _after_quota(tried: Tried, now: datetime, chance: float) -> Ending:
    """Put off what can wait until tomorrow, as the quota is the day's; for the rest one may be added meanwhile."""
    if tried.priority <= Priority.USUAL:
        due = now + pause(tried.attempts, chance)
    else:
        tomorrow = now.astimezone(SHANGHAI).date() + timedelta(days=1)
        due = midnight(tomorrow) + _TOMORROW_WITHIN * chance
    return Ending(DeliveryState.RETRYING, Effect.KEPT, due, QUOTA)
