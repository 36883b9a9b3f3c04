"""Draws among reviewed awards, before these are publicised: some are looked at again by another person."""

from datetime import datetime
from typing import Any, Self
from uuid import UUID

from pydantic import Field
from sanic import HTTPResponse, Request

from miniprogram_api.awards import ProgrammeId, Year
from miniprogram_api.idempotent import made
from miniprogram_api.listing import Columns, Table, listed
from miniprogram_api.reading import Body
from miniprogram_api.representation import FixedResponse
from miniprogram_api.shelf import ListView
from miniprogram_api.tables import MEDIA, Exportable
from miniprogram_api.web import Face, allow, answer, answers, body, idempotent, query
from server.awards import book
from server.awards import samples as drawing
from server.awards.models import AwardSample
from server.kernel.paging import Page
from server.organisations.roles import STAFF, Role

samples = Face("samples", url_prefix="/awards/samples")


class NewSample(Body):
    """From which reviewed awards is drawn."""

    programme: ProgrammeId
    year: Year


class SampleQuery(Exportable):
    """Which draws."""

    programme: ProgrammeId | None = None
    year: int | None = Field(None, ge=2000, le=2100)


class DrawView(Body):
    """A draw: of `population` awards `size` were drawn by the `seed`; `waiting` of these wait for their second look.

    Which these are: `GET /awards?programme=&year=&second_check=waiting`.
    """

    id: UUID
    programme: str
    year: int
    seed: str
    population: int
    size: int
    waiting: int
    drawn_at: datetime

    @classmethod
    def of(cls, row: AwardSample, waiting: int, **more: Any) -> Self:
        """Return the view of a draw, of whose awards so many wait."""
        return cls(waiting=waiting, **more, **{name: getattr(row, name) for name in _DRAW})


_DRAW = ("id", "programme", "year", "seed", "population", "size", "drawn_at")


class SampleView(DrawView):
    """A draw, which anyone can repeat.

    `members` are all the awards it covers, in the order of the SHA-256 of seed and id; the first `size` are drawn.
    """

    members: list[UUID]


_DRAWS: Columns[DrawView] = (
    ("项目", lambda one: book.title(one.programme)),
    ("年度", lambda one: one.year),
    ("总笔数", lambda one: one.population),
    ("抽中笔数", lambda one: one.size),
    ("待复核笔数", lambda one: one.waiting),
    ("抽取时间", lambda one: one.drawn_at),
    ("随机种子", lambda one: one.seed),
)


async def _sample(sample_id: UUID, status: int = 200) -> FixedResponse:
    row = await drawing.sample(sample_id)
    waiting, members = await drawing.waiting([row]), await drawing.members(sample_id)
    return made(answer(SampleView.of(row, waiting[row.id], members=members), status), str(sample_id))


async def _drawn_again(_request: Request, sample_id: str) -> HTTPResponse:
    return await _sample(UUID(sample_id), 201)


@samples.post("/")
@allow(Role.REVIEWER, Role.APPROVER)
@idempotent(_drawn_again, required=True)
@body(NewSample)
@answers(201, SampleView)
async def draw(request: Request, body: NewSample) -> HTTPResponse:
    """Draw from the reviewed awards that no draw covered yet; another person then looks at those drawn again."""
    made_now = await drawing.draw(body.programme, body.year, request.ctx.caller.person_id)
    return await _sample(made_now.id, 201)


@samples.get("/")
@allow(*STAFF)
@query(SampleQuery)
@answers(200, ListView[DrawView], *MEDIA)
async def index(request: Request, query: SampleQuery) -> HTTPResponse:
    """List draws, the newest first, each with how many awards wait for a second look by another person."""

    async def fetch(limit: int, cursor: str | None) -> Page[DrawView]:
        found = await drawing.samples(drawing.Chosen(query.programme, query.year), limit, cursor)
        waiting = await drawing.waiting(found.items)
        return Page([DrawView.of(row, waiting[row.id]) for row in found.items], found.next_cursor)

    return await listed(request, query, Table("award_samples", "奖补抽查", _DRAWS), fetch, lambda view: view)


@samples.get("/<sample_id:uuid>")
@allow(*STAFF)
@answers(200, SampleView)
async def show(_request: Request, sample_id: UUID) -> HTTPResponse:
    """Show a draw with all that it covered."""
    return await _sample(sample_id)
