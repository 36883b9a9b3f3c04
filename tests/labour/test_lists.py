"""Lists of postings: every filter and order as reading all of them would have it, and who may be seen at all."""

import random
from collections.abc import Callable
from datetime import date, timedelta
from math import asin, cos, radians, sin, sqrt
from typing import Any
from uuid import UUID

import orjson
import pytest
from tortoise.backends.base.client import BaseDBAsyncClient

from miniprogram_api.posting_lists import PostingCardView
from server.kernel import clock
from server.kernel.errors import DomainError
from server.labour import finding
from server.labour.counting import OpenPlaces
from server.labour.models import Posting, PostingKind, PostingState, Side
from server.labour.wanted import Near, Order, Owners, Wanted
from server.organisations.models import OrganisationState
from server.organisations.roles import Kind
from server.people.models import PersonState
from tests.factories import make_organisation, make_person
from tests.labour.board import DAY, live, put_up

TODAY = clock.today()
COUNTIES = ("340802", "340826", "340828")
CENTRE = Near(30.53, 117.06, 8_000)
EARTH = 6_371_008.8


async def cards(wanted: Wanted, order: Order = Order.NEWEST, limit: int = 7) -> list[dict[str, Any]]:
    """Everything that is wanted, page by page."""
    gathered: list[dict[str, Any]] = []
    cursor = None
    while True:
        page = await finding.page(wanted, order, limit, cursor)
        gathered += orjson.loads(page.items)
        cursor = page.next_cursor
        if cursor is None:
            return gathered


def ids(found: list[dict[str, Any]]) -> list[str]:
    return [card["id"] for card in found]


def metres(near: Near, posting: Posting) -> float:
    """By the haversine formula."""
    assert posting.latitude is not None
    assert posting.longitude is not None
    north, east = radians(posting.latitude - near.latitude), radians(posting.longitude - near.longitude)
    across = cos(radians(near.latitude)) * cos(radians(posting.latitude))
    return 2 * EARTH * asin(sqrt(sin(north / 2) ** 2 + across * sin(east / 2) ** 2))


@pytest.fixture(scope="module")
async def board(database: BaseDBAsyncClient) -> list[Posting]:
    """Three hundred on either side, the newest first."""
    assert database
    chance, now = random.Random(7), clock.now()  # noqa: S311 -- no secret
    person, enterprise = await make_person(), await make_organisation(Kind.ENTERPRISE, name="示例茶厂")

    def posting(number: int) -> Posting:
        side = chance.choice(list(Side))
        starts = TODAY + timedelta(days=chance.randrange(-20, 40))
        return live(
            person,
            enterprise if side is Side.DEMAND else None,
            now=now - timedelta(seconds=number // 3),  # some at the same moment
            side=side,
            kind=chance.choice(list(PostingKind)),
            region=chance.choice(COUNTIES),
            occupation=chance.choice(["tea-picker", "sewing"]),
            starts_on=starts,
            ends_on=chance.choice([None, starts + timedelta(days=chance.randrange(30))]),
            hourly_fen=chance.choice([None, 1700, 2000, 2600]),
            meals=chance.random() < 0.5,
            lodging=chance.random() < 0.5,
            transport=chance.random() < 0.5,
            latitude=round(CENTRE.latitude + chance.uniform(-0.12, 0.12), 6),
            longitude=round(CENTRE.longitude + chance.uniform(-0.12, 0.12), 6),
        )

    made = [posting(number) for number in range(600)]
    await put_up(made)
    return sorted(made, key=lambda one: (one.published_at, one.id), reverse=True)


def overlaps(posting: Posting, starts: date, ends: date) -> bool:
    days = {starts + timedelta(days=number) for number in range((ends - starts).days + 1)}
    assert posting.starts_on
    last = posting.ends_on or ends
    return any(posting.starts_on <= day <= last for day in days)


WEEK = (TODAY + 3 * DAY, TODAY + 10 * DAY)
FILTERS: list[tuple[dict[str, Any], Callable[[Posting], bool]]] = [
    ({}, lambda _: True),
    ({"side": Side.DEMAND}, lambda one: one.side is Side.DEMAND),
    ({"side": Side.SUPPLY, "kind": PostingKind.JOB}, lambda one: one.side + one.kind == "supplyjob"),
    ({"regions": ("340826",)}, lambda one: one.region == "340826"),
    ({"regions": ("340826", "340802")}, lambda one: one.region in {"340826", "340802"}),
    ({"occupation": "sewing", "meals": True}, lambda one: one.occupation == "sewing" and one.meals),
    ({"meals": False, "lodging": True, "transport": False},
     lambda one: (one.meals, one.lodging, one.transport) == (False, True, False)),
    ({"starts": WEEK[0], "ends": WEEK[1]}, lambda one: overlaps(one, *WEEK)),
    ({"starts": WEEK[0]}, lambda one: one.ends_on is None or one.ends_on >= WEEK[0]),
    ({"ends": WEEK[1]}, lambda one: one.starts_on is not None and one.starts_on <= WEEK[1]),
    ({"hourly_min_fen": 2000}, lambda one: (one.hourly_fen or 0) >= 2000),
    ({"phrases": ("采茶",), "side": Side.DEMAND}, lambda one: one.side is Side.DEMAND),
]  # fmt: skip
ORDERS: dict[Order, Callable[[Posting], Any]] = {
    Order.NEWEST: lambda one: (-one.published_at.timestamp(), -one.id.int) if one.published_at else (),
    Order.SOONEST: lambda one: (one.starts_on, one.id),
    Order.PAY: lambda one: (-(one.hourly_fen or 0), -one.id.int),
}


@pytest.mark.parametrize("order", ORDERS)
async def test_every_filter_and_order_gives_what_reading_all_would(board: list[Posting], order: Order) -> None:
    for values, fits in FILTERS:
        expected = [str(one.id) for one in sorted(filter(fits, board), key=ORDERS[order])]
        assert expected
        assert ids(await cards(Wanted(today=TODAY, **values), order, 100)) == expected, values


async def test_pages_of_any_size_join_to_the_whole(board: list[Posting]) -> None:
    for order in (*ORDERS, Order.DISTANCE):
        wanted = Wanted(today=TODAY, kind=PostingKind.JOB, near=CENTRE)
        assert ids(await cards(wanted, order, 1)) == ids(await cards(wanted, order, 100))
    assert board


async def test_near_means_within_so_many_metres_and_says_how_many(board: list[Posting]) -> None:
    found = await cards(Wanted(today=TODAY, near=CENTRE), Order.DISTANCE, 50)
    away = {str(one.id): metres(CENTRE, one) for one in board}
    assert [card["distance_m"] for card in found] == sorted(card["distance_m"] for card in found)
    assert all(card["distance_m"] == pytest.approx(away[card["id"]], rel=0.002, abs=2) for card in found)
    assert {name for name, far in away.items() if far < CENTRE.metres * 0.998} <= set(ids(found))
    assert all(away[name] <= CENTRE.metres * 1.002 for name in ids(found))
    assert 100 < len(found) < len(board)


async def test_a_card_says_what_the_posting_says(board: list[Posting]) -> None:
    """The database writes it; both write the same."""
    page = await finding.page(Wanted(today=TODAY), Order.NEWEST, 100, None)
    assert len(orjson.loads(page.items)) == 100
    for card, posting in zip(orjson.loads(page.items), board, strict=False):
        view = PostingCardView.model_validate_json(orjson.dumps(card))
        for name in PostingCardView.model_fields.keys() - {"organisation", "distance_m"}:
            said, held = getattr(view, name), getattr(posting, name)
            assert said == (held.replace(microsecond=0) if hasattr(held, "microsecond") else held), name
        assert view.distance_m is None
        assert (view.organisation.name if view.organisation else None) == (
            "示例茶厂" if posting.side is Side.DEMAND else None
        )


async def test_only_what_stands_today_is_shown(database: BaseDBAsyncClient) -> None:
    """Lapsed, overdue or suspended posters, ended validity, and every state but live are not for everyone."""
    assert database
    person, suspended = await make_person(), await make_person(state=PersonState.SUSPENDED)
    good = await make_organisation(Kind.ENTERPRISE, due_on=TODAY)
    lapsed = await make_organisation(Kind.ENTERPRISE, state=OrganisationState.LAPSED)
    overdue = await make_organisation(Kind.ENTERPRISE, due_on=TODAY - DAY)
    where = {"occupation": "standing", "title": "守望"}
    shown = [live(person, good, **where), live(person, None, side=Side.SUPPLY, **where)]
    hidden = [
        live(person, lapsed, **where),
        live(person, overdue, **where),
        live(person, overdue, side=Side.SUPPLY, **where),
        live(suspended, None, side=Side.SUPPLY, **where),
        live(person, good, valid_until=TODAY - DAY, **where),
        *(live(person, good, state=state, **where) for state in PostingState if state is not PostingState.LIVE),
    ]
    await put_up([*shown, *hidden])
    for wanted in (Wanted(today=TODAY, occupation="standing"), Wanted(today=TODAY, phrases=("守望",))):
        assert set(ids(await cards(wanted))) == {str(one.id) for one in shown}
    mine = Wanted(owners=Owners(person.id, (good.id,)))
    assert len(await cards(mine, Order.WRITTEN)) == 2 + 1 + len(PostingState) - 1
    drafts = Wanted(state=PostingState.DRAFT, occupation="standing")
    assert [card["state"] for card in await cards(drafts, Order.WRITTEN)] == ["draft"]


@pytest.mark.parametrize("cursor", ["x", "WyJuZXdlc3QiLCJ4IiwieCJd", "WyJwYXkiLCIxIiwieCJd"])
async def test_a_foreign_cursor_is_refused(database: BaseDBAsyncClient, cursor: str) -> None:
    assert database
    with pytest.raises(DomainError, match="invalid"):
        await finding.page(Wanted(today=TODAY), Order.NEWEST, 20, cursor)


async def test_a_list_is_one_query_whatever_is_asked(
    board: list[Posting], database: BaseDBAsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = 0

    def counting(verb: Any) -> Any:
        async def counted(self: Any, *arguments: Any) -> Any:
            nonlocal asked
            asked += 1
            return await verb(self, *arguments)

        return counted

    for name in ("execute_query", "execute_query_dict", "execute_insert", "execute_many"):
        monkeypatch.setattr(type(database), name, counting(getattr(type(database), name)))

    async def count(wanted: Wanted, order: Order = Order.NEWEST) -> int:
        nonlocal asked
        asked = 0
        await finding.page(wanted, order, 20, None)
        return asked

    assert board
    assert {await count(Wanted(today=TODAY, **values)) for values, _ in FILTERS if "phrases" not in values} == {1}
    assert await count(Wanted(today=TODAY, near=CENTRE), Order.DISTANCE) == 1
    assert await count(Wanted(owners=Owners(UUID(int=1), (UUID(int=2),))), Order.WRITTEN) == 1
    assert await count(Wanted(today=TODAY, phrases=("采茶",))) == 1
    assert await count(Wanted(today=TODAY, phrases=("无此",))) == 1
    monkeypatch.setattr(finding, "READ_FIRST", 100)
    seldom = await count(Wanted(today=TODAY, phrases=("无此",)))
    assert seldom == (2 if database.capabilities.dialect == "postgres" else 1)
    places, asked = OpenPlaces(), 0
    assert await places.answer() == await places.answer()
    assert asked == 1


async def test_open_places_are_counted(board: list[Posting]) -> None:
    counted = await OpenPlaces().answer()
    demand = [one for one in board if one.side is Side.DEMAND and one.region == "340826" and one.occupation == "sewing"]
    rows = [row for row in counted.rows if (row.region, row.occupation) == ("340826", "sewing")]
    assert {row.kind for row in rows} == set(PostingKind)
    assert sum(row.places for row in rows) == sum((one.headcount or 0) - one.filled for one in demand)
    assert sum(row.postings for row in rows) == len(demand)
