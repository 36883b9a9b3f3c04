"""What WeChat's refusals mean to the person who waits, and to whoever sends pushes."""

import contextlib
from collections.abc import Iterator

import structlog

from server.gateways.wechat import answers
from server.gateways.wechat.answers import AwayError, RefusedError
from server.gateways.wechat.outcomes import PushOutcome, PushRefusal, PushState
from server.kernel.errors import DomainError, FieldFault, invalid

_AWAY_SECONDS, _OFTEN_SECONDS = 5, 60
_BAD_CODE = frozenset({40029, 40163, 41008})
_BLOCKED = 40226
_OFTEN = frozenset({45009, 45011, 45029})
_PUSH_REFUSALS = {
    40003: PushRefusal.UNKNOWN_PERSON,
    40037: PushRefusal.UNKNOWN_TEMPLATE,
    41030: PushRefusal.WRONG_PAGE,
    43004: PushRefusal.NOT_FOLLOWING,
    43101: PushRefusal.NO_PERMISSION,
    43117: PushRefusal.TOO_OFTEN,
    45009: PushRefusal.QUOTA,
    47003: PushRefusal.BAD_VALUE,
}
_log = structlog.get_logger(__name__)


@contextlib.contextmanager
def told() -> Iterator[None]:
    """Turn what went wrong into words for the person who waits."""
    try:
        yield
    except AwayError:
        raise DomainError("wechat_away", 503, seconds=_AWAY_SECONDS) from None
    except RefusedError as refusal:
        raise _refusal(refusal.errcode) from None


def bad_code() -> DomainError:
    """Return the refusal of a login or phone code."""
    return invalid(FieldFault("/code", "wechat_code"))


def unsent(away: AwayError) -> PushOutcome:
    """Return what became of a push that got no answer; a server that says it failed is taken at its word."""
    lost = away.handled and away.reason != answers.STATUS_REASON
    return PushOutcome(PushState.UNKNOWN if lost else PushState.AWAY)


def refused(refusal: RefusedError) -> PushOutcome:
    """Return what became of a push that WeChat refused."""
    reason = _PUSH_REFUSALS.get(refusal.errcode, PushRefusal.OTHER)
    if reason is PushRefusal.OTHER:
        _log.error("wechat refuses a push", errcode=refusal.errcode)
    return PushOutcome(PushState.REFUSED, refusal=reason, key=refusal.key)


def _refusal(errcode: int) -> DomainError:
    if errcode in _BAD_CODE:
        return bad_code()
    if errcode == _BLOCKED:
        return DomainError("wechat_blocked", 403)
    if errcode in _OFTEN:
        return DomainError("wechat_too_often", 429, seconds=_OFTEN_SECONDS)
    _log.error("wechat refuses", errcode=errcode)
    return DomainError("wechat_away", 503, seconds=_AWAY_SECONDS)
