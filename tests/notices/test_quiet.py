"""Quiet hours in the time of Anqing, over midnight and within a day."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.kernel.clock import SHANGHAI
from server.kernel.content import ContentError
from server.notices import quiet
from server.notices.models import Priority
from server.notices.quiet import Quiet
from server.settings import ROOT

NIGHT = Quiet.model_validate({"from": "22:00", "to": "07:30"})
NOON = Quiet.model_validate({"from": "12:00", "to": "14:00"})


def at(day: int, clock: str) -> datetime:
    return datetime.fromisoformat(f"2026-12-{day:02}T{clock}:00+08:00").astimezone(UTC)


@pytest.mark.parametrize(
    ("hours", "moment", "ends"),
    [
        (NIGHT, at(1, "21:59"), at(1, "21:59")),
        (NIGHT, at(1, "22:00"), at(2, "07:30")),
        (NIGHT, at(31, "23:59"), at(31, "07:30") + timedelta(days=1)),
        (NIGHT, at(2, "00:00"), at(2, "07:30")),
        (NIGHT, at(2, "07:29"), at(2, "07:30")),
        (NIGHT, at(2, "07:30"), at(2, "07:30")),
        (NOON, at(2, "11:59"), at(2, "11:59")),
        (NOON, at(2, "12:00"), at(2, "14:00")),
        (NOON, at(2, "14:00"), at(2, "14:00")),
        (NOON, at(2, "23:00"), at(2, "23:00")),
    ],
)
def test_the_night_is_left_alone(hours: Quiet, moment: datetime, ends: datetime) -> None:
    assert hours.ends_after(moment) == ends


@given(st.timedeltas(timedelta(0), timedelta(days=800)))
def test_what_is_due_is_never_in_the_night_nor_half_a_day_late(later: timedelta) -> None:
    moment = at(1, "00:00") + later
    ends = NIGHT.ends_after(moment)
    assert NIGHT.ends_after(ends) == ends
    assert timedelta(0) <= ends - moment <= timedelta(hours=9, minutes=30)
    assert ends == moment or f"{ends.astimezone(SHANGHAI):%H:%M}" == "07:30"


def test_what_is_urgent_waits_for_no_morning() -> None:
    midnight = at(2, "00:30")
    due = {priority: quiet.due(priority, midnight) for priority in Priority}
    assert due[Priority.URGENT] == midnight
    assert {due[one] for one in Priority if one is not Priority.URGENT} == {at(2, "07:30")}


def test_a_digest_in_the_night_would_be_noticed(tmp_path: Path) -> None:
    text = (ROOT / "content" / "pushing.yaml").read_text(encoding="utf-8")
    (tmp_path / "pushing.yaml").write_text(text.replace('"12:00"', '"23:15"'), encoding="utf-8")
    with pytest.raises(ContentError, match=r"digest\.at lies in the quiet hours"):
        quiet.load(tmp_path)


def test_a_time_of_day_as_a_schedule() -> None:
    assert quiet.cron("09:05") == "5 9 * * *"
