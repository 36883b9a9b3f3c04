"""How well an offer suits a demand: what is left out, what brings how much, and in which words."""

import json
from datetime import date, timedelta
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.app import CONTENT_DIR
from server.engagements.matching import book as content
from server.engagements.matching import weeks
from server.engagements.matching.score import judge, reasons
from server.kernel.content import ContentError
from tests.engagements.matching import BOOK, DAYTIME, REFERENCE, TODAY, item

DAY = timedelta(days=1)
times = st.builds(lambda hour, minute: f"{hour:02}:{minute:02}", st.integers(0, 23), st.sampled_from([0, 1, 30, 59]))
hours = st.dictionaries(st.sampled_from("1234567"), st.lists(st.tuples(times, times), max_size=2), max_size=7)


def spans(said: dict[str, list[tuple[str, str]]], day: int) -> set[int]:
    """The minutes of the week that are worked from one weekday on, one by one."""
    if not any(said.values()):
        return set(range(day * 1440, (day + 1) * 1440))
    found = set()
    for begins, ends in said.get(str(day + 1), []):
        first, last = (int(one[:2]) * 60 + int(one[3:]) for one in (begins, ends))
        last += 0 if last > first else 1440
        found |= {(day * 1440 + minute) % 10080 for minute in range(first, last)}
    return found


@settings(max_examples=settings().max_examples, deadline=None)
@given(hours, hours)
def test_weeks_meet_where_their_minutes_do(
    work: dict[str, list[tuple[str, str]]], time: dict[str, list[tuple[str, str]]]
) -> None:
    given_ = set().union(*(spans(time, day) for day in range(7)))
    wanted = [spans(work, day) for day in range(7)]
    met = weeks.meeting(json.dumps(work), json.dumps(time))
    assert met.weekdays == {day for day in range(7) if wanted[day] & given_}
    everything = set().union(*wanted)
    assert met.share == len(everything & given_) * 100 // len(everything)


@given(st.dates(date(2026, 1, 1), date(2028, 1, 1)), st.integers(-3, 400), st.frozensets(st.integers(0, 6)))
def test_days_are_counted_as_one_by_one(first: date, length: int, weekdays: frozenset[int]) -> None:
    days = (first + number * DAY for number in range(length + 1))
    assert weeks.days_between(first, first + length * DAY, weekdays) == sum(day.weekday() in weekdays for day in days)


def points(demand: dict[str, Any] | None = None, supply: dict[str, Any] | None = None) -> int | None:
    judged = judge(item("demand", **demand or {}), item("supply", **supply or {}), BOOK, TODAY)
    return judged.points if judged else None


def test_what_suits_wholly_is_worth_a_hundred() -> None:
    assert points() == 100
    assert points(supply={"ends_on": None, "hours": "{}"}) == 100


@pytest.mark.parametrize(
    ("demand", "supply"),
    [
        ({"kind": "job"}, {}),
        ({"heads": 0}, {}),
        ({"occupation": "welder"}, {}),
        ({}, {"starts_on": TODAY + 21 * DAY, "ends_on": None}),
        ({"starts_on": TODAY - 9 * DAY, "ends_on": TODAY - DAY}, {"starts_on": TODAY - 9 * DAY}),
        ({}, {"hours": '{"1": [["18:00", "22:00"]], "6": [["08:00", "17:00"]]}'}),
        ({}, {"hours": '{"1": [["06:00", "08:00"]], "2": [["17:00", "23:00"]]}'}),  # they touch
        ({"age_min": 18}, {"age_min": 17}),
        ({"age_max": 40}, {"age_max": 41}),
        ({"shift": "night"}, {"age_min": 17}),
        ({"hours": '{"1": [["18:00", "22:01"]]}'}, {"age_min": 17, "hours": "{}"}),
        ({"occupation": "welder"}, {"age_min": 17, "occupation": "welder"}),
    ],
)
def test_what_cannot_be_is_no_match(demand: dict[str, Any], supply: dict[str, Any]) -> None:
    assert points(demand, supply) is None


@pytest.mark.parametrize(
    ("demand", "supply", "lost"),
    [
        ({"occupation": "sewing-operator"}, {"occupation": "pattern-maker"}, 6),
        ({"occupation": "sewing-operator"}, {"occupation": None, "major": "textiles"}, 6),
        ({}, {"occupation": None, "major": "textiles"}, 12),
        ({}, {"occupation": "packer"}, 20),
        ({"region": "340881"}, {}, 13),
        ({"region": "340722"}, {}, 25),
        ({}, {"ends_on": TODAY + 14 * DAY}, 10),
        ({}, {"hours": json.dumps({day: [["08:00", "12:00"]] for day in "12345"})}, 5),
        ({}, {"hourly_fen": None}, 5),
        ({}, {"hourly_fen": 2001}, 4),
        ({}, {"hourly_fen": 2300}, 7),
        ({}, {"hourly_fen": 4000}, 10),
        ({}, {"heads": 6}, 4),
        ({"hours": '{"1": [["22:00", "02:00"]]}'}, {"hours": '{"2": [["00:00", "08:00"]]}'}, 5),
        ({"starts_on": TODAY - 70 * DAY}, {"starts_on": TODAY}, 0),  # what is past does not count
        ({"latitude": 30.5, "longitude": 117.0, "region": "340802"}, {"latitude": 30.5, "longitude": 117.01}, 13),
    ],
)
def test_what_suits_less_is_worth_less(demand: dict[str, Any], supply: dict[str, Any], lost: int) -> None:
    assert points(demand, supply) == 100 - lost


def test_work_that_begins_on_the_last_day_there_is_can_be_judged() -> None:
    assert points({"starts_on": date.max, "ends_on": None}, {"ends_on": None}) is not None
    assert points({"starts_on": date.max, "ends_on": None}) is None


def test_near_counts_for_internships_across_a_border() -> None:
    there = {"kind": "internship", "latitude": 30.5, "longitude": 117.0, "region": "340802"}
    assert points(there, {**there, "region": "340828", "longitude": 117.1}) == 100
    assert points(there, {**there, "region": "340828", "longitude": 117.2}) == 87


def test_the_reasons_say_what_the_score_is_made_of() -> None:
    demand = item("demand", occupation="sewing-operator", region="340881", latitude=30.5, longitude=117.0)
    supply = item(
        "supply", occupation=None, major="textiles", heads=6, ends_on=TODAY + 14 * DAY, hourly_fen=2150, hours="{}"
    )
    judged = judge(demand, supply, BOOK, TODAY)
    assert judged
    told = reasons(demand, supply, judged, BOOK)
    assert told == [
        "专业对口：纺织服装",
        "同在安庆市，分别在桐城市和岳西县",
        "日期一半以上合适，14天里有8天",
        "每周的时段全部合适",
        "每小时20元，比期望的21.50元略低",
        "6人，只剩5个名额，只能去一部分",
    ]


def test_every_posting_that_is_open_to_anything_is_told_so() -> None:
    demand, supply = item("demand"), item("supply", occupation=None, hours=DAYTIME)
    judged = judge(demand, supply, BOOK, TODAY)
    assert judged
    assert reasons(demand, supply, judged, BOOK)[0] == "有一方没有限定岗位"


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("same: {points: 30", "same: {points: 31", "the best of everything is not 100"),
        ("{share: 75, points: 15", "{share: 75, points: 21", "dates do not fall"),
        ("pay_unsaid: {points: 5", "pay_unsaid: {points: 11", "pay_unsaid brings more"),
        ("casual: {points: 10", "casual: {points: 19", "work does not fall"),
        ("{share: 0, points: 1,", "{share: 1, points: 1,", "numbers do not fall"),
        ("岗位相同：{occupation}", "岗位相同：{name}", "asks for what is not known"),
    ],
)
def test_content_that_does_not_hold_together_is_refused(tmp_path: Path, old: str, new: str, fault: str) -> None:
    """A bucket's bound rests on it."""
    copytree(CONTENT_DIR, tmp_path / "content")
    file = tmp_path / "content" / "matching.yaml"
    text = file.read_text(encoding="utf-8")
    assert text.count(old) == 1
    file.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(ContentError, match=fault):
        content.load(tmp_path / "content", REFERENCE, (), 18)
