"""Since when a token has been shown without a break."""

from datetime import timedelta

import pytest

from server.kernel import clock
from server.people import overlaps
from server.people.overlaps import LONGEST, under_way


def test_requests_that_overlap_share_one_beginning_and_the_next_begins_anew() -> None:
    with under_way("a") as first:
        with under_way("a") as second, under_way("b") as other:
            assert first == second < other
        with under_way("a") as third:
            assert third == first
    with under_way("a") as later:
        assert later > first


def test_a_chain_of_requests_does_not_reach_back_for_ever() -> None:
    start = clock.now()
    with under_way("a") as first:
        clock.move_to(start + 2 * LONGEST)
        with under_way("a") as second:
            assert second - first >= LONGEST - timedelta(seconds=1)


def test_a_request_that_fails_is_over_too() -> None:
    with pytest.raises(RuntimeError), under_way("a"):
        raise RuntimeError
    assert overlaps._under_way == {}  # noqa: SLF001 -- what stays would stay for ever
