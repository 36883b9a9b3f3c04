"""What a push comes to by each answer of WeChat's."""

from datetime import UTC, datetime, timedelta

import pytest

from server.kernel.clock import SHANGHAI
from server.notices import endings
from server.notices.endings import Effect, Ending, Tried
from server.notices.models import DeliveryState, Priority

NOW = datetime(2026, 11, 21, 4, tzinfo=UTC)
FIRST = Tried(1, again=False, first_tried_at=NOW, priority=Priority.USUAL)
AGAIN = Tried(2, again=True, first_tried_at=NOW - timedelta(minutes=3), priority=Priority.USUAL)
LATE = Tried(30, again=False, first_tried_at=NOW - endings.RETRIED_FOR, priority=Priority.USUAL)
FAILED = DeliveryState.FAILED_TECHNICAL


def test_what_is_sent_has_used_its_permission_up() -> None:
    assert endings.of("sent", None, FIRST, NOW, 0.5) == Ending(DeliveryState.SENT, Effect.SPENT)


def test_a_lost_answer_is_waited_for_once() -> None:
    lost = endings.of("unknown", None, FIRST, NOW, 0.5)
    assert (lost.state, lost.effect, lost.due_at) == (DeliveryState.UNKNOWN, Effect.KEPT, NOW + endings.WAIT)
    assert endings.of("unknown", None, AGAIN, NOW, 0.5) == Ending(FAILED, Effect.SPENT, refusal="unknown")


@pytest.mark.parametrize(
    ("refusal", "state", "effect"),
    [
        ("no_permission", DeliveryState.FAILED_PERMANENT, Effect.ZEROED),
        ("unknown_person", DeliveryState.FAILED_PERMANENT, Effect.RELEASED),
        ("not_following", DeliveryState.FAILED_PERMANENT, Effect.RELEASED),
        ("unknown_template", FAILED, Effect.RELEASED),
        ("wrong_page", FAILED, Effect.RELEASED),
        ("bad_value", FAILED, Effect.RELEASED),
    ],
)
def test_what_trying_again_would_not_mend_ends_at_once(refusal: str, state: DeliveryState, effect: Effect) -> None:
    assert endings.of("refused", refusal, FIRST, NOW, 0.5) == Ending(state, effect, refusal=refusal)


@pytest.mark.parametrize(
    ("answer", "refusal"), [("away", None), ("refused", "too_often"), ("refused", "other"), ("refused", None)]
)
def test_what_passes_is_retried_for_four_hours(answer: str, refusal: str | None) -> None:
    found = endings.of(answer, refusal, FIRST, NOW, 0.5)
    assert (found.state, found.effect) == (DeliveryState.RETRYING, Effect.KEPT)
    assert found.due_at
    assert NOW < found.due_at <= NOW + endings.FIRST_PAUSE
    late = endings.of(answer, refusal, LATE, NOW, 0.5)
    assert (late.state, late.effect, late.due_at) == (FAILED, Effect.RELEASED, None)


def test_pauses_grow_to_a_limit_and_spread() -> None:
    pauses = [endings.pause(attempts, 1.0) for attempts in range(1, 60)]
    assert pauses[:3] == [endings.FIRST_PAUSE, 2 * endings.FIRST_PAUSE, 4 * endings.FIRST_PAUSE]
    assert pauses == sorted(pauses)
    assert pauses[-1] == endings.LONGEST_PAUSE
    assert endings.pause(3, 0.0) == endings.pause(3, 1.0) / 2


def test_a_used_up_quota_is_the_days() -> None:
    """What can wait does until tomorrow, here; what somebody waits for is tried all day, however long."""
    bulk = Tried(30, again=False, first_tried_at=LATE.first_tried_at, priority=Priority.BULK)
    tomorrow = endings.of("refused", "quota", bulk, NOW, 0.0)
    assert tomorrow.due_at == datetime(2026, 11, 22, tzinfo=SHANGHAI)
    assert tomorrow.due_at.tzinfo is UTC, "as texts are compared in SQLite"
    soon = endings.of("refused", "quota", LATE, NOW, 0.5)
    assert soon.due_at
    assert (soon.state, soon.due_at - NOW < endings.LONGEST_PAUSE) == (DeliveryState.RETRYING, True)
