"""What came of the demand is counted as reading everything would, and nobody is recognised by a figure."""

import random
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tortoise.backends.base.client import BaseDBAsyncClient

from server.engagements.models import Engagement, EngagementState
from server.engagements.states import GONE
from server.engagements.statistics import FEWEST_EMPLOYERS, FEWEST_PEOPLE, Group, Outcomes, Told, folded, outcome
from server.kernel import clock
from server.labour.models import Posting, PostingState, Side
from server.organisations.roles import Kind
from tests.factories import make_organisation, make_person
from tests.labour.board import live, put_up

NOW = datetime(2026, 11, 21, 4, tzinfo=UTC)
STATES = (PostingState.LIVE, PostingState.FILLED, PostingState.CLOSED, PostingState.EXPIRED)


def group(people: int, employers: int, **figures: int) -> Group:
    names = {str(number) for number in range(employers)}
    return Group(Counter({"postings": 1, "people": people, **figures}), employers=names, most=people)


def names(told: Sequence[Told]) -> list[str | None]:
    return [one.name for one in told]


def test_few_people_or_employers_are_told_together() -> None:
    many, few, one_firm, none = group(9, 4), group(4, 4), group(50, 2), group(0, 0)
    told = folded({"a": many, "b": few, "c": one_firm, "d": none})
    assert names(told) == ["a", "d", None]
    assert told[-1].group.people == 54


def test_what_is_told_together_takes_others_in_until_nobody_is_recognised() -> None:
    """Else it were the difference between the whole and the rest."""
    told = folded({"a": group(90, 4), "b": group(4, 4), "c": group(6, 3), "d": group(0, 0)})
    assert names(told) == ["a", "d", None]
    assert told[-1].group.people == 10


def test_where_all_are_few_nothing_is_told_of_them() -> None:
    told = folded({"a": group(2, 1), "d": group(0, 0)})
    assert names(told) == ["d", None]
    assert not told[-1].group.tellable


@given(st.dictionaries(st.text("abcdef", min_size=1, max_size=1), st.tuples(st.integers(0, 9), st.integers(0, 5))))
def test_whatever_is_folded_adds_up_and_hides(said: dict[str, tuple[int, int]]) -> None:
    told = folded({name: group(people, employers) for name, (people, employers) in said.items()})
    assert sum(one.group.people for one in told) == sum(people for people, _ in said.values())
    assert sum(one.group.figures["postings"] for one in told) == len(said)
    for one in told:
        if one.name is not None and one.group.people:
            assert one.group.people >= FEWEST_PEOPLE
            assert len(one.group.employers) >= FEWEST_EMPLOYERS
    together = [one.group for one in told if one.name is None]
    if together and not together[0].tellable:
        assert not any(one.group.people for one in told if one.name)


@given(st.lists(st.integers(0, 40), max_size=20))
def test_the_median_is_that_of_all_days(days: list[int]) -> None:
    assert Group(soon=Counter(days)).median_days == (median(days) if days else None)


def engagement(posting: Posting, person: Any, chance: random.Random) -> Engagement:
    took, done, paid = (chance.random() < likely for likely in (0.8, 0.7, 0.6))
    gone = chance.random() < 0.1
    state = chance.choice([EngagementState.WITHDRAWN, EngagementState.CANCELLED_BY_EMPLOYER])
    return Engagement(
        posting_id=posting.id, person_id=person.id, state=state if gone else EngagementState.COMPLETED,
        state_since=NOW, created_at=NOW,
        size=chance.randrange(1, 4), accepted_at=NOW if took else None, completed_at=NOW if took and done else None,
        paid_at=NOW if took and done and paid else None, completed_by={}, paid_by={},
    )  # fmt: skip


@pytest.fixture(scope="module")
async def year(database: BaseDBAsyncClient) -> tuple[list[Posting], list[Engagement]]:
    """Postings of fifteen months, some at midnight's edge, with who worked on them."""
    assert database
    chance = random.Random(11)  # noqa: S311 -- no secret
    person = await make_person()
    firms = [await make_organisation(Kind.ENTERPRISE) for _ in range(6)]
    postings = []
    for number in range(200):
        published = NOW.replace(hour=chance.choice([4, 15, 16])) - chance.randrange(450) * timedelta(days=1)
        full = published + timedelta(hours=chance.randrange(400)) if chance.random() < 0.6 else None
        postings.append(
            live(
                person,
                chance.choice(firms),
                side=Side.SUPPLY if number < 20 else Side.DEMAND,
                state=PostingState.REMOVED if 20 <= number < 30 else chance.choice(STATES),
                region=chance.choice(["340802", "340826", "340828"]),
                occupation=chance.choice(["tea-picker", "packer", "welder"]),
                published_at=None if 30 <= number < 35 else published,
                filled_at=full,
                headcount=9,
                filled=chance.randrange(9),
            )
        )
    await put_up(postings)
    people = [await make_person() for _ in range(20)]
    engagements = [engagement(one, person, chance) for one in postings for person in chance.sample(people, 4)]
    await Engagement.bulk_create(engagements)
    return postings, engagements


async def test_outcomes_are_counted_as_reading_everything_would(
    year: tuple[list[Posting], list[Engagement]],
) -> None:
    postings, engagements = year
    begins = datetime(2025, 12, 1, tzinfo=clock.SHANGHAI)
    counted = [
        one
        for one in postings
        if one.side is Side.DEMAND and one.state is not PostingState.REMOVED and one.published_at
        and one.published_at >= begins
    ]  # fmt: skip
    found = await outcome(NOW)
    assert str(found.since) == "2025-12-01"
    ways = {"region": found.by_region, "occupation": found.by_occupation}
    for way, told in ways.items():
        assert {one.name for one in told} == {getattr(one, way) for one in counted}
        for one in told:
            check(one.group, [posting for posting in counted if getattr(posting, way) == one.name], engagements)
    months = {f"{one.published_at.astimezone(clock.SHANGHAI):%Y-%m}" for one in counted if one.published_at}
    assert len(months) == 12
    for one in found.by_month:
        if one.name:
            check(one.group, [posting for posting in counted if month(posting) == one.name], engagements)
    check(found.total, counted, engagements)


def month(posting: Posting) -> str:
    assert posting.published_at
    return f"{posting.published_at.astimezone(clock.SHANGHAI):%Y-%m}"


def check(group: Group, postings: list[Posting], engagements: list[Engagement]) -> None:
    ids = {one.id for one in postings}
    took = [one for one in engagements if one.posting_id in ids and one.accepted_at and one.state not in GONE]
    assert group.distinct <= len({one.person_id for one in took})
    assert group.figures == {
        "postings": len(postings),
        "places": 9 * len(postings),
        "filled": sum(one.filled for one in postings),
        "people": sum(one.size for one in took),
        "completed": sum(one.size for one in took if one.completed_at),
        "paid": sum(one.size for one in took if one.paid_at),
    }
    days = [
        (one.filled_at.astimezone(clock.SHANGHAI).date() - one.published_at.astimezone(clock.SHANGHAI).date()).days
        for one in postings
        if one.filled_at and one.published_at
    ]
    assert group.median_days == (median(days) if days else None)


async def test_one_person_of_many_places_is_not_told_by_figures(database: BaseDBAsyncClient) -> None:
    """Nor a team of nine: one speaks for it, and knows of all what they were paid."""
    assert database
    before, worker = await outcome(NOW), await make_person()
    firms = [await make_organisation(Kind.ENTERPRISE) for _ in range(4)]
    postings = [
        live(worker, firm, side=Side.DEMAND, occupation="tailor", published_at=NOW - timedelta(days=3), headcount=9)
        for firm in firms
    ]
    await put_up(postings)
    for one, size in zip(postings, (1, 1, 1, 9), strict=True):
        await Engagement.create(
            posting_id=one.id, person_id=worker.id, state=EngagementState.COMPLETED, state_since=NOW, created_at=NOW,
            size=size, accepted_at=NOW, completed_at=NOW, completed_by={}, paid_by={},
        )  # fmt: skip
    found = await outcome(NOW)
    assert found.total.people == before.total.people + 12
    assert "tailor" not in names(found.by_occupation)


async def test_a_count_is_kept_for_a_while_and_the_clock_makes_it_old(database: BaseDBAsyncClient) -> None:
    assert database
    outcomes = Outcomes()
    first = await outcomes.answer()
    assert await outcomes.answer() is first
    clock.move_to(clock.now() + timedelta(minutes=11))
    assert await outcomes.answer() is not first
