"""The best matches are those that judging everything would give, on both databases; so are the searches answered."""

import random
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tortoise.backends.base.client import BaseDBAsyncClient

from server.engagements.matching import answering, candidates, service
from server.engagements.matching.score import Item, judge
from server.engagements.matching.statements import Bucket, Stretch, Walk
from server.engagements.models import Engagement, EngagementState, SavedSearch
from server.kernel import clock
from server.kernel.errors import DomainError
from server.labour import finding
from server.labour.filters import Filters
from server.labour.models import PayUnit, Posting, PostingKind, PostingState, Side, Supplier
from server.labour.wanted import Order
from server.organisations.models import OrganisationState
from server.organisations.roles import Kind, Role
from server.people.models import PersonState
from server.reference.service import around
from server.students.models import Relation
from tests.engagements.matching import BOOK, REFERENCE, TODAY, item, item_of
from tests.factories import make_member, make_organisation, make_person
from tests.harness.revealing import make_student
from tests.labour.board import live, put_up
from tests.students.numbers import number_of

DAY = timedelta(days=1)
KINDS = ("short_term", "internship")
OCCUPATIONS = ("tea-picker", "packer", "sewing-operator", "pattern-maker", "welder", None)
MAJORS = ("textiles", "equipment-manufacturing", None, None)
COUNTIES = ("340802", "340811", "340828", "340722")
HOURS: tuple[dict[str, Any], ...] = (
    {},
    {"1": [["08:00", "12:00"]], "3": [["22:00", "06:00"]]},
    {day: [["08:00", "12:00"], ["13:00", "17:00"]] for day in "12345"},
    {"6": [["09:00", "17:00"]], "7": [["00:00", "08:00"]]},
)
PLACES = ((30.5, 117.0), (30.55, 117.05), (30.9, 117.4), (None, None))


def said(chance: random.Random) -> dict[str, Any]:
    """What a posting says, from few enough values that many are alike."""
    starts = TODAY + chance.randrange(-10, 30) * DAY
    latitude, longitude = chance.choice(PLACES)
    return {
        "kind": chance.choice(KINDS),
        "occupation": chance.choice(OCCUPATIONS),
        "major": chance.choice(MAJORS),
        "region": chance.choice(COUNTIES),
        "latitude": latitude,
        "longitude": longitude,
        "starts_on": starts,
        "ends_on": chance.choice([None, starts + chance.randrange(25) * DAY]),
        "hours": chance.choice(HOURS),
        "shift": chance.choice(["day", "day", "night"]),
        "hourly_fen": chance.choice([None, 1700, 2000, 2600]),
        "age_min": chance.choice([None, None, 16, 18]),
        "age_max": chance.choice([None, None, 20, 60]),
    }


@dataclass
class Board:
    """Everything that stands there, and as much that does not count."""

    standing: list[Posting]
    items: list[Item]


@pytest.fixture(scope="module")
async def board(database: BaseDBAsyncClient) -> Board:
    assert database
    chance, now = random.Random(8), clock.now()  # noqa: S311 -- no secret
    person, gone = await make_person(), await make_person(state=PersonState.SUSPENDED)
    await make_student(person, Relation.SELF, number_of(TODAY - 20 * 366 * DAY))
    firm, school = await make_organisation(Kind.ENTERPRISE), await make_organisation(Kind.VOCATIONAL_SCHOOL)
    lapsed = await make_organisation(Kind.ENTERPRISE, state=OrganisationState.LAPSED)

    def posting(number: int, *, stands: bool) -> Posting:
        side = chance.choice(list(Side))
        hides = "" if stands else chance.choice(["person", "organisation", "valid_until", "state", "filled"])
        own = chance.random() < 0.2 and hides != "person" and side is Side.SUPPLY
        organisation = firm if side is Side.DEMAND else school if own else None
        organisation = lapsed if hides == "organisation" else organisation
        heads = chance.randrange(1, 6)
        return live(
            gone if hides == "person" and organisation is None else person,
            lapsed if hides == "person" and organisation else organisation,
            now=now - number // 3 * timedelta(seconds=1),  # some at the same moment
            side=side,
            supplier=None if side is Side.DEMAND else Supplier.TEAM,
            headcount=heads,
            filled=heads if hides == "filled" else chance.randrange(heads) if side is Side.DEMAND else 0,
            valid_until=TODAY - DAY if hides == "valid_until" else TODAY + chance.randrange(3) * DAY,
            state=PostingState.PAUSED if hides == "state" else PostingState.LIVE,
            **{**said(chance), "kind": PostingKind(chance.choice(KINDS))},
        )

    standing = [posting(number, stands=True) for number in range(600)]
    await put_up([*standing, *(posting(number, stands=False) for number in range(300))])
    return Board(standing, [item_of(one) for one in standing])


def oracle(asking: Item, others: list[Item], limit: int) -> list[tuple[int, str]]:
    """Judge everything."""
    found = []
    for other in others:
        demand, supply = (asking, other) if asking.demand else (other, asking)
        if demand.demand and not supply.demand and (judged := judge(demand, supply, BOOK, TODAY)):
            found.append((judged.points, other.key))
    return [(points, str(key[1])) for points, key in sorted(found, reverse=True)[:limit]]


@settings(max_examples=settings().max_examples, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.randoms(use_true_random=False), st.sampled_from(list(Side)), st.integers(1, 40), st.integers(1, 30))
async def test_the_best_are_those_that_judging_everything_gives(
    board: Board, chance: random.Random, side: Side, limit: int, first: int
) -> None:
    given_ = {**said(chance), "hours": orjson.dumps(chance.choice(HOURS)).decode(), "heads": chance.randrange(1, 6)}
    given_["hourly_fen"] = chance.choice([given_["hourly_fen"], 900, 2400, 9000])
    asking = item(side, **given_)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(candidates, "FIRST", first)
        found = await candidates.best(asking, BOOK, TODAY, limit, lambda _: False)
    assert [(one.points, one.item.id) for one in found] == oracle(
        asking, [item_of(one) for one in board.standing], limit
    )


async def test_few_are_read_where_many_suit(board: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not by scanning: the first bucket alone has what is best, and is left once it cannot be bettered."""
    seen: list[Item] = []
    judging = judge

    def counting(demand: Item, supply: Item, *others: Any) -> Any:
        seen.append(demand)
        return judging(demand, supply, *others)

    monkeypatch.setattr(candidates, "FIRST", 10)
    monkeypatch.setattr(candidates, "judge", counting)
    best = await candidates.best(
        item("supply", ends_on=None, hours="{}", hourly_fen=1), BOOK, TODAY, 1, lambda _: False
    )
    assert best[0].points == 100
    assert len(seen) <= len(board.standing) / 20


async def test_few_statements_ask_where_nobody_pays_what_is_asked(
    board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The most that is paid is known beforehand, so that nothing better is waited for."""
    assert board
    walked: list[Bucket] = []
    sql = Walk.sql

    def counting(walk: Walk, bucket: Bucket, stretch: Stretch) -> str:
        walked.append(bucket)
        return sql(walk, bucket, stretch)

    monkeypatch.setattr(candidates, "FIRST", 40)
    monkeypatch.setattr(Walk, "sql", counting)
    asking = item("supply", ends_on=None, hours="{}", hourly_fen=9000)
    best = await candidates.best(asking, BOOK, TODAY, 1, lambda _: False)
    assert best[0].points == 100 - BOOK.levels.pay[0].points + BOOK.levels.pay_unsaid.points
    assert len(walked) == 1


async def test_what_is_ones_own_or_was_engaged_is_left_out(database: BaseDBAsyncClient) -> None:
    assert database
    firm, other = await make_organisation(Kind.ENTERPRISE), await make_organisation(Kind.ENTERPRISE)
    clerk = (await make_member(firm, Role.CLERK)).person
    student, declined, recruiter = await make_person(), await make_person(), await make_person()
    words: dict[str, Any] = {"kind": PostingKind.JOB, "occupation": "sales-clerk", "region": "340825"}
    demand = live(recruiter, firm, **words)
    elsewhere = live(recruiter, other, **words)
    offers = [live(one, None, side=Side.SUPPLY, headcount=1, **words) for one in (student, declined, clerk)]
    await put_up([demand, elsewhere, *offers])
    now = clock.now()
    await Engagement.create(
        posting_id=demand.id, person_id=declined.id, state=EngagementState.DECLINED, state_since=now, created_at=now,
        completed_by={}, paid_by={},
    )  # fmt: skip

    async def found(posting: Posting) -> list[Any]:
        return [one.posting.id for one in (await service.matches(posting, BOOK, REFERENCE, 20)).items]

    assert await found(demand) == [offers[0].id]
    assert set(await found(elsewhere)) == {one.id for one in offers}
    assert set(await found(offers[0])) == {demand.id, elsewhere.id}
    assert await found(offers[1]) == await found(offers[2]) == [elsewhere.id]
    demand.state = PostingState.FILLED
    assert await found(demand) == [offers[0].id]  # the row says so, not who asks
    demand.state = PostingState.PAUSED
    with pytest.raises(DomainError, match="posting_state"):
        await found(demand)


async def test_a_match_says_what_it_is_worth_and_why(database: BaseDBAsyncClient) -> None:
    assert database
    firm, recruiter, student = await make_organisation(Kind.ENTERPRISE), await make_person(), await make_person()
    words: dict[str, Any] = {"kind": PostingKind.JOB, "occupation": "tour-guide", "region": "340881"}
    demand, offer = live(recruiter, firm, **words), live(student, None, side=Side.SUPPLY, headcount=2, **words)
    await put_up([demand, offer])
    (match,) = (await service.matches(demand, BOOK, REFERENCE, 20)).items
    assert (match.posting.id, match.score, match.metres) == (offer.id, 100, None)
    assert match.reasons[:2] == ["岗位相同：导游和讲解", "同在桐城市"]
    assert len(match.reasons) == 6


def filters(chance: random.Random) -> Filters:
    asked: dict[str, Any] = {
        "side": chance.choice(list(Side)),
        "kind": chance.choice([*KINDS, None, None]),
        "region": chance.choice([*COUNTIES, "340800", None, None]),
        "occupation": chance.choice([*OCCUPATIONS, None]),
        "starts_from": chance.choice([None, TODAY, TODAY + 9 * DAY]),
        "starts_to": chance.choice([None, TODAY + 9 * DAY, TODAY + 12 * DAY]),
        "pay_min_fen": chance.choice([None, None, 2000 * 8]),
        "pay_unit": PayUnit.DAY,
        "meals": chance.choice([None, None, True, False]),
        "near": chance.choice([None, None, (30.5, 117.0)]),
        "q": chance.choice([None, None, "采茶", "茶", "采茶工 工", "无此"]),
    }
    asked["radius_km"] = chance.choice([None, 5, 8, 100]) if asked["near"] else None
    return Filters(**{**asked, "side": Side(asked["side"]), "kind": asked["kind"] and PostingKind(asked["kind"])})


async def test_the_searches_answered_are_those_whose_lists_show_it(board: Board) -> None:
    chance, person, now = random.Random(9), await make_person(), clock.now()  # noqa: S311 -- no secret
    shows: dict[str, set[str]] = {}
    for number in range(250):
        asked = filters(chance)
        kept = await SavedSearch.create(
            person_id=person.id, name=str(number), side=asked.side, region=asked.region, occupation=asked.occupation,
            starts_on=asked.starts_from, ends_on=asked.starts_to, wanted=asked.kept(), told_until=now, created_at=now,
        )  # fmt: skip
        regions = around(REFERENCE, asked.region) if asked.region else ()
        page = await finding.page(asked.wanted(regions, TODAY), Order.NEWEST, 1000, None)
        shows[str(kept.id)] = {card["id"] for card in orjson.loads(page.items)}
    assert sum(map(bool, shows.values())) > 50
    for posting in chance.sample(board.standing, 60):
        read = await Posting.get(id=posting.id)
        found = await answering.searches_answered(read, REFERENCE)
        assert [str(one.id) for one in found] == sorted(
            one for one, postings in shows.items() if str(posting.id) in postings
        )
        assert {one.person_id for one in found} <= {person.id}
        read.state = PostingState.PAUSED
        assert await answering.searches_answered(read, REFERENCE) == []
