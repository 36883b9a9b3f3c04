"""Times of work that meet, as somebody would find out who looks at every minute."""

from datetime import date, datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.engagements.overlap import Times, clash

MONDAY = date(2026, 11, 23)
MINUTE = timedelta(minutes=1)
GRAIN = 120
"""Drawn times of day are so many minutes apart: the oracle looks at each of these, which is where anything changes."""


def times(first: int, last: int | None, **hours: list[list[str]]) -> Times:
    """Work from one day to another, counted from a Monday; `d1` is Monday."""
    ends_on = None if last is None else MONDAY + timedelta(days=last)
    return Times(MONDAY + timedelta(days=first), ends_on, {day[1:]: spans for day, spans in hours.items()})


def minutes(work: Times, horizon: date) -> set[datetime]:
    """Every `GRAIN`th minute at which somebody is at work whose times all begin and end on one."""
    found, day = set[datetime](), work.starts_on
    while day <= min(work.ends_on or horizon, horizon):
        spans = work.hours.get(str(day.isoweekday()), []) if work.hours else [["00:00", "00:00"]]
        for begins, ends in spans:
            at = datetime.combine(day, time.fromisoformat(begins))
            until = datetime.combine(day, time.fromisoformat(ends))
            until += timedelta(days=until <= at)
            while at < until:
                found.add(at)
                at += GRAIN * MINUTE
        day += timedelta(days=1)
    return found


moments = st.integers(0, 24 * 60 // GRAIN - 1).map(lambda n: f"{n * GRAIN // 60:02}:{n * GRAIN % 60:02}")
weeks = st.dictionaries(
    st.integers(1, 7).map(str), st.lists(st.tuples(moments, moments).map(list), min_size=1, max_size=2), max_size=3
)


@st.composite
def works(draw: st.DrawFn) -> Times:
    starts_on = MONDAY + timedelta(days=draw(st.integers(0, 20)))
    lasts = draw(st.none() | st.integers(0, 12))
    return Times(starts_on, None if lasts is None else starts_on + timedelta(days=lasts), draw(weeks))


@settings(max_examples=2 * settings().max_examples, deadline=None)
@given(works(), works())
def test_times_meet_when_a_minute_is_in_both(one: Times, other: Times) -> None:
    """Two weeks after both have begun everything has come round twice."""
    horizon = max(one.starts_on, other.starts_on) + timedelta(days=15)
    met = minutes(one, horizon) & minutes(other, horizon)
    assert clash(one, other) == clash(other, one) == (min(met).date() if met else None)


@pytest.mark.parametrize(
    ("one", "other", "day"),
    [
        (times(0, 0, d1=[["08:00", "12:00"]]), times(0, 0, d1=[["12:00", "18:00"]]), None),
        (times(0, 0, d1=[["08:00", "12:01"]]), times(0, 0, d1=[["12:00", "18:00"]]), 0),
        (times(0, 0, d1=[["22:00", "06:00"]]), times(1, 1, d2=[["06:00", "14:00"]]), None),
        (times(0, 0, d1=[["22:00", "06:00"]]), times(1, 1, d2=[["05:59", "14:00"]]), 1),
        (times(0, 6, d7=[["20:00", "04:00"]]), times(7, None, d1=[["03:00", "05:00"]]), 7),
        (times(0, 5, d7=[["20:00", "04:00"]]), times(0, None, d1=[["03:00", "05:00"]]), None),
        (times(0, None, d1=[["08:00", "08:00"]]), times(1, None, d2=[["07:59", "09:00"]]), 1),
        (times(0, None, d1=[["08:00", "12:00"]]), times(0, None, d2=[["08:00", "12:00"]]), None),
        (times(0, 3), times(4, 9), None),
        (times(0, 3), times(3, 9), 3),
        (times(0, None), times(300, None, d3=[["23:00", "01:00"]]), 303),
    ],
    ids=[
        "they touch at noon", "a minute of noon", "they touch in the morning", "a minute of the morning",
        "the night after the last day", "a weekday that does not come", "a whole day round", "other days of the week",
        "whole days, one after the other", "whole days, one of both", "open ends",
    ],
)  # fmt: skip
def test_times_that_touch_do_not_overlap(one: Times, other: Times, day: int | None) -> None:
    assert clash(one, other) == clash(other, one) == (None if day is None else MONDAY + timedelta(days=day))


def test_what_was_before_a_day_counts_no_more() -> None:
    whole = times(0, 9)
    assert clash(whole, times(0, 3)) == MONDAY
    assert clash(whole.since(MONDAY + timedelta(days=4)), times(0, 3)) is None


def test_the_last_day_there_is_can_be_asked_about() -> None:
    ends, begins = (
        Times(date.max, None, {"5": [["22:00", "06:00"]]}),
        Times(date.max, None, {"6": [["05:00", "07:00"]]}),
    )
    assert clash(ends, ends) == date.max
    assert clash(ends, begins) is clash(begins, ends) is None
    assert clash(Times(date.max, None, {}), ends) == date.max
