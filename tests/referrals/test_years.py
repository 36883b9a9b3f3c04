"""The dates of entry years: usual ones, own ones, and every date that is out of order."""

import asyncio
from datetime import UTC, date, datetime
from typing import Any

import pytest

from server.enrolments.models import Intake
from server.kernel import clock
from server.kernel.audit import AuditEntry
from server.kernel.errors import DomainError
from server.kernel.ids import new_id
from server.people.service import Decider
from server.referrals import years
from server.referrals.years import Calendar

pytestmark = pytest.mark.usefixtures("database")
BY = Decider(new_id(), "教体局通知推迟中考")


@pytest.fixture(autouse=True)
def moment() -> None:
    clock.move_to(datetime(2026, 9, 10, 2, tzinfo=UTC))


def changed(year: int = 2026, autumn: dict[str, Any] | None = None, **values: Any) -> Calendar:
    usual = years.default(year)
    return usual.model_copy(update={"autumn": usual.autumn.model_copy(update=autumn or {}), **values})


async def test_the_usual_dates() -> None:
    found = (await years.dated(2026)).calendar
    autumn, spring = found.of(Intake.AUTUMN), found.of(Intake.SPRING)
    assert (autumn.opens_on, autumn.closes_on) == (date(2026, 3, 1), date(2026, 10, 31))
    assert (autumn.census_on, spring.census_on) == (date(2026, 11, 20), date(2026, 4, 20))
    assert (spring.opens_on, found.ends_on) == (date(2025, 12, 1), date(2027, 8, 31))
    assert not found.over_on(date(2027, 8, 31))
    assert found.over_on(date(2027, 9, 1))
    assert [one.year for one in await years.listed()][-3:] == [2027, 2026, 2025]


async def test_dates_are_set_and_noted_by_name() -> None:
    dates = changed(autumn={"closes_on": date(2026, 11, 15)}, ends_on=date(2027, 7, 31))
    found = await years.set_dates(2026, dates, 0, BY)
    assert (found.version, await years.calendar(2026)) == (1, dates)
    entry = await AuditEntry.filter(subject="referral_year:2026").get()
    assert (entry.fields, entry.reason, entry.actor_id) == (
        ["autumn.closes_on", "ends_on"], BY.reason, BY.person_id,
    )  # fmt: skip
    with pytest.raises(DomainError, match="stale_version"):
        await years.set_dates(2026, dates, 0, BY)
    assert (await years.set_dates(2026, years.default(2026), 1, BY)).version == 2
    assert (await years.set_dates(2026, dates, None, BY)).version == 3


async def test_of_two_who_set_them_first_one_is_told_that_they_changed() -> None:
    outcomes = await asyncio.gather(
        *(years.set_dates(2025, changed(2025), 0, BY) for _ in range(4)), return_exceptions=True
    )
    assert sum(isinstance(one, years.Year) for one in outcomes) == 1
    assert {one.slug for one in outcomes if isinstance(one, DomainError)} == {"stale_version"}


async def test_every_date_out_of_order_is_listed() -> None:
    wrong = {"closes_on": date(2026, 2, 1), "census_on": date(2027, 1, 1), "enters_on": date(2032, 1, 1)}
    with pytest.raises(DomainError) as refusal:
        await years.set_dates(2026, changed(autumn=wrong, ends_on=date(2026, 1, 1)), None, BY)
    assert {(fault.pointer, fault.code) for fault in refusal.value.faults} == {
        ("/autumn/closes_on", "day_before"),
        ("/autumn/census_on", "day_before"),
        ("/autumn/match_by", "day_before"),
        ("/autumn/enters_on", "day_far_from_year"),
        ("/ends_on", "day_before"),
    }


@pytest.mark.parametrize("year", [1999, 2023, 2029])
async def test_there_is_no_such_year(year: int) -> None:
    with pytest.raises(DomainError, match="not_found"):
        await years.dated(year)
