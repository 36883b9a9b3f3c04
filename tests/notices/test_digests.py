"""What saved searches found: told once, in one notice a day, of what is new and somebody else's."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from server.engagements.matching import answering
from server.engagements.models import SavedSearch
from server.kernel import clock
from server.kernel.sweeping import PassedOverError
from server.labour import finding, keeping
from server.labour.keeping import Change
from server.labour.models import Posting, PostingState
from server.notices import digests
from server.notices.models import Delivery, Notice
from server.organisations.models import Organisation
from server.organisations.roles import Kind
from server.people import deletion
from server.people.models import Person, PersonState
from server.reference import service as reference_service
from server.settings import ROOT
from tests.factories import make_organisation, make_person, make_posting

pytestmark = pytest.mark.usefixtures("database")
REFERENCE = reference_service.regions_alone(ROOT / "content")
HERE, THERE = "340828", "340826"
ALONE, APART = "340825", "340827"
"""Places with nothing else."""
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
async def empty(database: object) -> None:
    """Whoever was told in another test is told no more."""
    assert database
    clock.move_to(datetime(2026, 11, 2, 4, tzinfo=UTC))
    await SavedSearch.all().delete()


@pytest.fixture(scope="module")
async def firm(database: object) -> Organisation:
    assert database
    return await make_organisation(Kind.ENTERPRISE)


async def searching(person: Person | None = None, name: str = "采茶", **values: Any) -> SavedSearch:
    person, now = person or await make_person(), clock.now()
    row = {"name": name, "side": "demand", "region": HERE, "wanted": {"side": "demand", "region": HERE}}
    return await SavedSearch.create(person=person, told_until=now, created_at=now, **{**row, **values})


async def searching_in(region: str) -> SavedSearch:
    return await searching(region=region, wanted={"side": "demand", "region": region})


async def published(firm: Organisation, **values: Any) -> Posting:
    clock.move_to(clock.now() + timedelta(minutes=1))
    author = values.pop("person_id", None) or (await make_person()).id
    made = await make_posting(person_id=author, organisation_id=firm.id, **{"region": HERE, **values})
    await finding.index(made)
    clock.move_to(clock.now() + timedelta(minutes=1))
    return made


async def texts(person_id: UUID) -> list[str]:
    return [one.text for one in await Notice.filter(person_id=person_id).order_by("created_at")]


async def test_one_notice_tells_of_all_that_is_new(firm: Organisation) -> None:
    mine = await searching()
    person = await mine.person
    other = await searching(person, "短工", region=None, wanted={"side": "demand"})
    elsewhere = await searching(region=THERE, wanted={"side": "demand", "region": THERE})
    await published(firm)
    await published(firm)
    await published(firm, person_id=person.id)  # their own is no find
    await digests.tell(REFERENCE)
    [text] = await texts(person.id)
    assert "2" in text
    assert await texts(elsewhere.person_id) == []
    [push] = await Delivery.filter(person_id=person.id)
    assert push.data["number2"] == "2"
    for search in (mine, other, elsewhere):
        await search.refresh_from_db()
        assert search.told_until == clock.now() or clock.now() - search.told_until < timedelta(seconds=5)


async def test_nobody_hears_twice_of_one_thing_nor_of_two_in_a_day(firm: Organisation) -> None:
    mine = await searching()
    await published(firm)
    await asyncio.gather(*(digests.tell(REFERENCE) for _ in range(3)))
    assert len(await texts(mine.person_id)) == 1
    later = await published(firm)
    await digests.tell(REFERENCE)
    assert len(await texts(mine.person_id)) == 1
    assert later.published_at
    await mine.refresh_from_db()
    assert mine.told_until < later.published_at  # so that tomorrow it is told
    clock.move_to(clock.now() + DAY)
    await digests.tell(REFERENCE)
    assert len(await texts(mine.person_id)) == 2
    clock.move_to(clock.now() + DAY)
    await digests.tell(REFERENCE)
    assert len(await texts(mine.person_id)) == 2


async def changed(posting: Posting, state: PostingState, minutes: int = 1) -> None:
    """What a poster does, so many minutes later."""
    clock.move_to(clock.now() + timedelta(minutes=minutes))
    held = await Posting.get(id=posting.id)
    before = held.state
    keeping.enter(held, state)
    await keeping.keep(held, Change("changed", before, None), [])


async def test_what_was_paused_at_the_hour_is_told_of_once_it_is_back(firm: Organisation) -> None:
    mine, noon = await searching_in(ALONE), clock.now()
    found = await published(firm, region=ALONE)
    await keeping.note(found, Change("published", "in_review", None), [])
    await changed(found, PostingState.PAUSED)
    clock.move_to(noon + DAY)
    await digests.tell(REFERENCE)
    assert await texts(mine.person_id) == []
    await changed(found, PostingState.LIVE)
    clock.move_to(noon + 2 * DAY)
    await digests.tell(REFERENCE)
    assert len(await texts(mine.person_id)) == 1
    await changed(found, PostingState.PAUSED)  # which makes no news of it
    await changed(found, PostingState.LIVE)
    clock.move_to(noon + 3 * DAY)
    await digests.tell(REFERENCE)
    assert len(await texts(mine.person_id)) == 1


async def test_what_comes_back_is_new_to_those_alone_who_have_not_seen_it(firm: Organisation) -> None:
    clock.move_to(clock.now() + timedelta(hours=2))
    found = await published(firm, region=APART)
    await keeping.note(found, Change("published", "in_review", None), [])
    clock.move_to(clock.now() + timedelta(minutes=1))
    saw_it = await searching_in(APART)
    await changed(found, PostingState.EXPIRED)
    came_later = await searching_in(APART)
    await changed(found, PostingState.LIVE)
    clock.move_to(clock.now() + DAY)
    await digests.tell(REFERENCE)
    assert [len(await texts(one.person_id)) for one in (saw_it, came_later)] == [0, 1]


async def test_what_was_there_before_is_old_and_so_is_what_is_past_telling(firm: Organisation) -> None:
    await published(firm)
    mine = await searching()
    await digests.tell(REFERENCE)
    assert await texts(mine.person_id) == []
    await published(firm)
    clock.move_to(clock.now() + 8 * DAY)  # nothing ran for a week
    await digests.tell(REFERENCE)
    assert await texts(mine.person_id) == []


async def test_whoever_may_not_act_is_left_alone(firm: Organisation) -> None:
    mine = await searching(await make_person(state=PersonState.SUSPENDED))
    await published(firm)
    await digests.tell(REFERENCE)
    assert await texts(mine.person_id) == []


async def test_a_search_that_nobody_understands_keeps_nothing_from_others(firm: Organisation) -> None:
    await searching(wanted={"side": "demand", "kind": "nothing of the kind"})
    mine = await searching()
    await published(firm)
    await digests.tell(REFERENCE)
    assert len(await texts(mine.person_id)) == 1


async def test_one_who_cannot_be_told_keeps_nobody_else_from_it(
    firm: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    unlucky, mine, idle = await searching(), await searching(), await searching_in(ALONE)
    await published(firm)
    before = idle.told_until

    async def broken(person_id: UUID) -> Person:
        if person_id == unlucky.person_id:
            raise ValueError
        return await deletion.hold(person_id)

    with monkeypatch.context() as patched:
        patched.setattr("server.notices.digests.hold_person", broken)
        with pytest.raises(PassedOverError):
            await digests.tell(REFERENCE)
    await idle.refresh_from_db()
    assert (len(await texts(mine.person_id)), idle.told_until > before) == (1, True)
    await digests.tell(REFERENCE)
    assert [len(await texts(one.person_id)) for one in (unlucky, mine)] == [1, 1]


async def test_a_posting_that_cannot_be_looked_at_keeps_no_other_back_and_is_looked_at_again(
    firm: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, other = await searching(), await searching_in(ALONE)
    broken, _ = await published(firm, region=ALONE), await published(firm)

    async def fails(posting: Posting, reference: reference_service.Reference) -> Any:
        if posting.id == broken.id:
            raise ValueError
        return await answering.searches_answered(posting, reference)

    with monkeypatch.context() as patched:
        patched.setattr("server.notices.digests.searches_answered", fails)
        with pytest.raises(PassedOverError):
            await digests.tell(REFERENCE)
    assert [len(await texts(one.person_id)) for one in (mine, other)] == [1, 0]
    await digests.tell(REFERENCE)
    assert [len(await texts(one.person_id)) for one in (mine, other)] == [1, 1]
