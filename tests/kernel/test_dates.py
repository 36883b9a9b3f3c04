import calendar
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from server.kernel.dates import UNKNOWN, PolicyDate, Precision, ended, reached, until, within

DAYS = st.dates(date(1990, 1, 1), date(2060, 12, 31))
ONE_DAY = timedelta(days=1)


def dated(value: str) -> PolicyDate:
    precisions: dict[int, Precision] = {4: "year", 7: "month", 10: "day"}
    return PolicyDate(value=value, precision=precisions[len(value)])


ROUGH = DAYS.flatmap(lambda day: st.sampled_from([day.strftime("%Y"), day.strftime("%Y-%m")])).map(dated)
EXACT = DAYS.map(lambda day: dated(day.isoformat()))


@pytest.mark.parametrize(
    ("value", "precision"),
    [
        ("2019-08-03", "month"), ("2019-09", "day"), ("2019-09", "year"), ("2024", "month"), ("2024", "unknown"),
        (None, "day"), (None, "year"), ("2019-13", "month"), ("2019-02-29", "day"), ("2019-00", "month"),
        ("2019-9", "month"), ("２０２４", "year"), ("", "unknown"), ("0000", "year"), ("2019-01-00", "day"),
        ("2024 ", "year"), ("2024\n", "year"),
    ],
)  # fmt: skip
def test_value_and_precision_must_fit(value: str | None, precision: Precision) -> None:
    with pytest.raises(ValidationError):
        PolicyDate(value=value, precision=precision)


def test_json_is_value_and_precision() -> None:
    assert dated("2019-09").model_dump(mode="json") == {"value": "2019-09", "precision": "month"}
    assert UNKNOWN.model_dump(mode="json") == {"value": None, "precision": "unknown"}


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("2019-08-03", "2019年8月3日"),
        ("2019-09", "2019年9月（具体日期未载明）"),
        ("2024", "2024年（具体日期未载明）"),
    ],
)
def test_text(written: str, text: str) -> None:
    assert dated(written).text() == text


def test_text_of_an_unknown_date() -> None:
    assert UNKNOWN.text() == "未载明"


@pytest.mark.parametrize(
    ("start", "on", "state"),
    [
        ("2019-09", "2019-08-31", False),
        ("2019-09", "2019-09-01", None),
        ("2019-09", "2019-09-30", None),
        ("2019-09", "2019-10-01", True),
        ("2024", "2023-12-31", False),
        ("2024", "2024-01-01", None),
        ("2024", "2024-12-31", None),
        ("2024", "2025-01-01", True),
        ("2019-08-03", "2019-08-02", False),
        ("2019-08-03", "2019-08-03", True),
        ("2019-08-03", "2019-08-04", True),
    ],
)
def test_a_start_known_roughly_is_undecided_throughout(start: str, on: str, state: bool | None) -> None:  # noqa: FBT001
    assert reached(dated(start), date.fromisoformat(on)) is state


@pytest.mark.parametrize(
    ("end", "on", "state"),
    [
        ("2027-12-31", "2027-12-31", False),
        ("2027-12-31", "2028-01-01", True),
        ("2027", "2026-12-31", False),
        ("2027", "2027-12-31", None),
        ("2027", "2028-01-01", True),
        ("2024-02", "2024-02-29", None),
        ("2024-02", "2024-03-01", True),
    ],
)
def test_an_end_includes_its_day_and_is_undecided_inside_a_rough_one(
    end: str,
    on: str,
    state: bool | None,  # noqa: FBT001
) -> None:
    assert ended(dated(end), date.fromisoformat(on)) is state


@given(DAYS)
def test_unknown_start_is_never_decided_and_unknown_end_never_comes(on: date) -> None:
    assert reached(UNKNOWN, on) is None
    assert ended(UNKNOWN, on) is False


@given(ROUGH, DAYS)
def test_a_rough_date_is_undecided_exactly_inside_it(rough: PolicyDate, on: date) -> None:
    inside = on.isoformat().startswith(str(rough.value))
    assert (reached(rough, on) is None) is inside
    assert (ended(rough, on) is None) is inside


@given(ROUGH | EXACT, DAYS, DAYS)
def test_time_only_turns_not_yet_into_perhaps_into_yes(start: PolicyDate, one: date, other: date) -> None:
    rank = {False: 0, None: 1, True: 2}
    earlier, later = sorted((one, other))
    assert rank[reached(start, earlier)] <= rank[reached(start, later)]


@given(ROUGH | EXACT, DAYS)
def test_a_replaced_period_ends_as_its_successor_starts(successor: PolicyDate, on: date) -> None:
    opposite = {True: False, False: True, None: None}
    assert ended(until(successor), on) is reached(successor, on)
    assert within(dated("1900-01-01"), until(successor), on) is opposite[reached(successor, on)]


@given(EXACT, EXACT, DAYS)
def test_exact_periods_are_always_decided(start: PolicyDate, end: PolicyDate, on: date) -> None:
    assert within(start, end, on) is (str(start.value) <= on.isoformat() <= str(end.value))


@given(DAYS)
def test_a_span_covers_its_month(on: date) -> None:
    last = on.replace(day=calendar.monthrange(on.year, on.month)[1])
    assert dated(on.strftime("%Y-%m")).span() == (on.replace(day=1), last)
    assert (last + ONE_DAY).day == 1


def test_known_to_be_over_beats_an_undecided_start() -> None:
    assert within(dated("2024"), dated("2024-03-31"), date(2024, 4, 1)) is False
    assert within(UNKNOWN, dated("2024-03-31"), date(2024, 3, 31)) is None
