"""Days that come round: told of once, to those whom they concern, however often anybody looks."""

import asyncio
from collections.abc import Collection
from datetime import UTC, date, datetime
from pathlib import Path
from uuid import UUID

import pytest

from server.kernel import clock
from server.kernel.outbox import Event
from server.notices import announcing
from server.organisations.models import OrganisationState
from server.organisations.roles import Kind, Role
from server.people.models import PersonState
from server.referrals import years
from server.referrals.years import Year
from tests.factories import make_member, make_organisation, make_person

pytestmark = pytest.mark.usefixtures("database")


def noon(day: date) -> None:
    clock.move_to(datetime(day.year, day.month, day.day, 12, tzinfo=clock.SHANGHAI).astimezone(UTC))


@pytest.fixture
def editions(tmp_path: Path) -> Path:
    """Content that has no guide yet."""
    return tmp_path


def publish(content: Path, edition: str) -> None:
    folder = content / "guide" / edition
    folder.mkdir(parents=True)
    (folder / "edition.yaml").touch()


async def told(name: str, subject: str) -> list[UUID]:
    events = await Event.filter(name=name, subject=subject).order_by("id")
    return [UUID(person) for event in events for person in event.people]


async def window() -> tuple[str, Year]:
    """The autumn window of a year that nobody set, a year from now."""
    year = await years.dated(clock.today().year + 1)
    return f"window:{year.year}-autumn", year


async def school_people() -> Collection[UUID]:
    school = await make_organisation(Kind.FEEDER_SCHOOL)
    mine = [(await make_member(school, role)).person_id for role in (Role.CLERK, Role.MANAGER)]
    await make_member(school, Role.CLERK, await make_person(state=PersonState.SUSPENDED))
    await make_member(await make_organisation(Kind.FEEDER_SCHOOL, state=OrganisationState.SUSPENDED), Role.CLERK)
    await make_member(await make_organisation(Kind.ENTERPRISE), Role.CLERK)
    return mine


async def test_a_window_is_told_of_when_it_opens_and_before_it_closes(editions: Path) -> None:
    mine = await school_people()
    subject, year = await window()
    days = year.calendar.autumn
    assert await told("window.opening", subject) == []
    noon(days.opens_on)
    await asyncio.gather(*(announcing.announce(editions) for _ in range(3)))
    await announcing.announce(editions)
    assert sorted(await told("window.opening", subject)) == sorted(mine)
    assert await told("window.closing", subject) == []
    noon(days.closes_on)
    assert (await announcing.announce(editions))["announced"] >= 1
    await announcing.announce(editions)
    assert sorted(await told("window.closing", subject)) == sorted(mine)
    assert sorted(await told("window.opening", subject)) == sorted(mine)


async def test_only_a_new_edition_is_news(editions: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(announcing, "PART", 2)
    people = [(await make_person()).id for _ in range(3)]
    suspended = (await make_person(state=PersonState.SUSPENDED)).id
    publish(editions, "2026")
    await announcing.announce(editions)
    assert await told("guide.published", "guide:2026") == []  # it was there from the beginning
    publish(editions, "2027")
    await asyncio.gather(*(announcing.announce(editions) for _ in range(3)))
    await announcing.announce(editions)
    found = await told("guide.published", "guide:2027")
    assert set(people) <= set(found)
    assert suspended not in found
    assert len(found) == len(set(found))
    assert await Event.filter(name="guide.published", subject="guide:2027").count() == (len(found) + 1) // 2
