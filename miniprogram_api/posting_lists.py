"""Lists of postings: what anyone may find, and for posters and staff what is theirs to look after."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, Field, TypeAdapter, WithJsonSchema
from pydantic_core import PydanticCustomError
from sanic import HTTPResponse, Request

from miniprogram_api.auth import Access, visitor
from miniprogram_api.guide import Question
from miniprogram_api.listing import Columns, Table, listed
from miniprogram_api.people import OrganisationName
from miniprogram_api.posting_views import PostingView
from miniprogram_api.reading import Body, Day
from miniprogram_api.representation import fresh
from miniprogram_api.shelf import ListView
from miniprogram_api.tables import MEDIA, Exportable
from miniprogram_api.web import Face, allow, answers, query
from miniprogram_api.words import Words
from server.access.rules import Caller, within
from server.kernel import clock
from server.kernel.errors import DomainError, FieldFault, invalid
from server.kernel.money import yuan_text
from server.kernel.paging import Page
from server.labour import finding
from server.labour.filters import Filters
from server.labour.models import PayUnit, PostingKind, PostingState, Settlement, Shift, Side, Supplier
from server.labour.wanted import Order, Owners, Wanted
from server.reference.service import Reference, around

posting_lists = Face("posting_lists", url_prefix="/postings")
RADIUS_MAX_KM = 100
_NORTH, _EAST = 85, 180
"""Nearer to a pole the degrees of longitude are no measure."""


def _place(text: Any) -> tuple[float, float]:
    try:
        latitude, longitude = map(float, text.split(","))
    except (AttributeError, ValueError):
        latitude = longitude = float("nan")
    if not (abs(latitude) <= _NORTH and abs(longitude) <= _EAST):
        raise PydanticCustomError("place", "place", {})
    return latitude, longitude


Place = Annotated[
    tuple[float, float],
    BeforeValidator(_place),
    WithJsonSchema({"type": "string", "examples": ["30.5317,117.0636"], "description": "Latitude,longitude."}),
]
Plain = Field(pattern=r"^[^\x00-\x1f\x7f]*$")
Code = Annotated[str, Field(min_length=1, max_length=64), Plain]


class PostingFilters(BaseModel):
    """Which postings; None is any.

    `region` is a county or a whole city; `starts_from` and `starts_to` are the days one has time, and the work lies
    at least in part between them. `pay_min_fen` is for one `pay_unit` and compared by the hour: a day counts as eight,
    a month as 174. `near` keeps to `radius_km` around a place. `q` is looked for in titles, addresses, requirements and
    descriptions, as everywhere; blanks part phrases that must all occur.
    """

    side: Side | None = None
    kind: PostingKind | None = None
    region: Code | None = None
    occupation: Code | None = None
    starts_from: Day | None = None
    starts_to: Day | None = None
    pay_min_fen: int | None = Field(None, ge=0, le=2_000_000_000)
    pay_unit: Literal[PayUnit.HOUR, PayUnit.DAY, PayUnit.MONTH] = PayUnit.HOUR
    meals: bool | None = None
    lodging: bool | None = None
    transport: bool | None = None
    near: Place | None = None
    radius_km: int | None = Field(None, ge=1, le=RADIUS_MAX_KM)
    q: Annotated[Question, Plain] | None = None

    def filters(self) -> Filters:
        """Return them as services take them."""
        return Filters(**{name: getattr(self, name) for name in Filters.model_fields})


class PostingQuery(Exportable, PostingFilters):
    """Which postings. Without `mine` and `state` they are those that anyone may read.

    `sort=distance` needs `near`. `mine` is what the caller or their organisations posted, in any state unless `state`
    says one; to the secretariat `state` alone shows everyone's. With one of these it can be had as a file.
    """

    state: PostingState | None = None
    mine: bool = False
    sort: Literal[Order.NEWEST, Order.SOONEST, Order.PAY, Order.DISTANCE] = Order.NEWEST


class PostingCardView(Body):
    """A posting as lists show it; moments are to the second.

    `organisation` is null where a person or a team offers. `pay_fen` is for one `pay_unit`, and `hourly_fen` what that
    comes to in an hour, null where it cannot be said; the posting itself tells what was assumed. `distance_m` is how
    far it is from `near`, null where that was not given.
    """

    id: UUID
    version: int
    side: Side
    kind: PostingKind
    supplier: Supplier | None
    title: str
    occupation: str | None
    major: str | None
    region: str | None
    address: str
    latitude: float | None
    longitude: float | None
    headcount: int | None
    filled: int
    starts_on: date | None
    ends_on: date | None
    shift: Shift
    pay_fen: int | None
    pay_unit: PayUnit | None
    hourly_fen: int | None
    settlement: Settlement | None
    age_min: int | None
    age_max: int | None
    valid_until: date | None
    state: PostingState
    meals: bool
    lodging: bool
    transport: bool
    state_since: datetime
    submitted_at: datetime | None
    published_at: datetime | None
    organisation: OrganisationName | None
    distance_m: int | None


_CARDS = TypeAdapter(tuple[PostingCardView, ...])


def columns_of_all(words: Words, counties: Mapping[str, str]) -> Columns[PostingCardView | PostingView]:
    """Return what a file says of any posting, in every list of them."""
    return (
        ("标题", lambda one: one.title),
        ("单位", lambda one: one.organisation and one.organisation.name),
        ("招工或求职", lambda one: words.sides[one.side]),
        ("类型", lambda one: words.posting_kinds[one.kind]),
        ("县区", lambda one: one.region and counties.get(one.region, one.region)),
        ("人数", lambda one: one.headcount),
        ("开始日期", lambda one: one.starts_on),
        ("结束日期", lambda one: one.ends_on),
        ("有效至", lambda one: one.valid_until),
        ("状态", lambda one: words.posting_states[one.state]),
        ("提交时间", lambda one: one.submitted_at),
    )


def _table(words: Words, counties: Mapping[str, str]) -> Table[PostingCardView]:
    columns: Columns[PostingCardView] = (
        ("已招", lambda one: one.filled),
        ("报酬（元）", lambda one: None if one.pay_fen is None else yuan_text(one.pay_fen)),
        ("计酬单位", lambda one: one.pay_unit and words.pay_units[one.pay_unit]),
        ("状态起于", lambda one: one.state_since),
        ("发布时间", lambda one: one.published_at),
        ("信息编号", lambda one: one.id),
    )
    return Table("postings", "供求信息", (*columns_of_all(words, counties), *columns))


@posting_lists.get("/")
@allow(Access.PUBLIC)
@query(PostingQuery)
@answers(200, ListView[PostingCardView], *MEDIA)
async def index(request: Request, query: PostingQuery) -> HTTPResponse:
    """List postings: what is live for anyone, by every filter, and what is theirs for posters and staff."""
    wanted = _wanted(query, request.app.ctx.reference)
    order = Order(query.sort)
    if query.mine or query.state:
        request.ctx.caller = await visitor(request)
        wanted, order = _kept(wanted, query, request.ctx.caller), Order.WRITTEN
        if query.format != "json":
            return await _file(request, query, wanted)
    found = await finding.page(wanted, order, query.limit, query.cursor)
    following = f'"{found.next_cursor}"' if found.next_cursor else "null"
    return fresh(f'{{"items":{found.items},"next_cursor":{following}}}'.encode(), 200)


async def _file(request: Request, query: PostingQuery, wanted: Wanted) -> HTTPResponse:
    """Answer with all that its caller looks after as a file."""

    async def fetch(limit: int, cursor: str | None) -> Page[PostingCardView]:
        found = await finding.page(wanted, Order.WRITTEN, limit, cursor)
        return Page(_CARDS.validate_json(found.items), found.next_cursor)

    table = _table(request.app.ctx.words, request.app.ctx.reference.names_of_regions)
    return await listed(request, query, table, fetch, lambda card: card)


def _wanted(query: PostingQuery, reference: Reference) -> Wanted:
    """Return what a query asks of the postings that anyone may read; raises DomainError 422."""
    faults = unmeant(query, reference, "?") | _of_kept(query)
    if at_fault := [FieldFault(pointer, code) for (pointer, code), is_so in faults.items() if is_so]:
        raise invalid(*at_fault)
    regions = around(reference, query.region) if query.region else ()
    return query.filters().wanted(regions, clock.today())


def unmeant(asked: PostingFilters, reference: Reference, sign: str) -> dict[tuple[str, str], bool]:
    """Return what makes no sense of filters, by pointer and code, and whether it is so; `sign` begins the pointers."""
    early, late = asked.starts_from, asked.starts_to
    return {
        (f"{sign}region", "region_unknown"): asked.region is not None and not around(reference, asked.region),
        (f"{sign}occupation", "trade_unknown"): asked.occupation
        not in {None, *(occupation.id for occupation in reference.occupations)},
        (f"{sign}starts_to", "days_reversed"): early is not None and late is not None and late < early,
        (f"{sign}radius_km", "needs_near"): asked.radius_km is not None and asked.near is None,
    }


def _of_kept(query: PostingQuery) -> dict[tuple[str, str], bool]:
    kept = query.mine or query.state is not None
    return {
        ("?sort", "needs_near"): query.sort is Order.DISTANCE and query.near is None,
        ("?sort", "of_public_lists"): kept and query.sort is not Order.NEWEST,
        ("?q", "of_public_lists"): kept and query.q is not None,
        ("?format", "of_own_lists"): not kept and query.format != "json",
    }


def _kept(wanted: Wanted, query: PostingQuery, caller: Caller | None) -> Wanted:
    """Return the same of the postings that a caller looks after; raises DomainError 401."""
    if caller is None:
        raise DomainError("not_signed_in", 401)
    organisations = within(caller)
    everyones = organisations is None and not query.mine
    own = tuple(sorted({post.organisation_id for post in caller.posts}))
    owners = None if everyones else Owners(caller.person_id, own)
    return replace(wanted, today=None, state=query.state, owners=owners)
