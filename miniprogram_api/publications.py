"""What is publicised of awards: figures of each school, which anybody may read; and the draws before that."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Self
from uuid import UUID

from pydantic import Field
from sanic import HTTPResponse, Request

from miniprogram_api.auth import Access
from miniprogram_api.awards import ProgrammeId, Year
from miniprogram_api.idempotent import made
from miniprogram_api.reading import Body, Paged
from miniprogram_api.referrals import SchoolView
from miniprogram_api.representation import FixedResponse
from miniprogram_api.shelf import ListView, paged
from miniprogram_api.web import Face, allow, answer, answers, body, idempotent, query
from server.awards import publications as service
from server.awards import samples as drawing
from server.awards.models import AwardSample, Publication, PublicationFigure
from server.kernel import clock
from server.kernel.paging import Page
from server.organisations.roles import STAFF, Role

publications = Face("publications", url_prefix="/awards")


class NewPublication(Body):
    """Of which year the reviewed awards are made public, all of them or those of one programme."""

    year: Year
    programme: ProgrammeId | None = None


class NewSample(Body):
    """From which reviewed awards is drawn."""

    programme: ProgrammeId
    year: Year


class PublicationQuery(Paged):
    """Which publications."""

    year: int | None = Field(None, ge=2000, le=2100)


class FigureView(Body):
    """What is said of one school."""

    school: SchoolView
    awards: int
    amount_fen: int


class PublicationView(Body):
    """A publication: until and with `ends_on` anybody may object, then it is `running` no more."""

    id: UUID
    programme: str
    year: int
    starts_on: date
    ends_on: date
    running: bool
    awards: int
    amount_fen: int
    schools: list[FigureView]

    @classmethod
    def of(cls, row: Publication, figures: Sequence[PublicationFigure]) -> Self:
        """Return the view of a publication with its figures, which came with their schools."""
        same = ("id", "programme", "year", "starts_on", "ends_on")
        return cls(
            running=clock.today() <= row.ends_on,
            awards=sum(one.awards for one in figures),
            amount_fen=sum(one.amount_fen for one in figures),
            schools=[
                FigureView(school=SchoolView.of(one.payee), awards=one.awards, amount_fen=one.amount_fen)
                for one in figures
            ],
            **{name: getattr(row, name) for name in same},
        )


class PublicationsView(Body):
    """The publications that one order made."""

    items: list[PublicationView]


class SampleQuery(Paged):
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


async def _views(rows: Sequence[Publication]) -> list[PublicationView]:
    figures = await service.figures(rows)
    return [PublicationView.of(row, figures[row.id]) for row in rows]


async def _made(publication_id: UUID) -> FixedResponse:
    views = await _views(await service.made_with(publication_id))
    return made(answer(PublicationsView(items=views), 201), str(publication_id))


async def _made_again(_request: Request, publication_id: str) -> HTTPResponse:
    return await _made(UUID(publication_id))


async def _sample(sample_id: UUID, status: int = 200) -> FixedResponse:
    row = await drawing.sample(sample_id)
    waiting, members = await drawing.waiting([row]), await drawing.members(sample_id)
    return made(answer(SampleView.of(row, waiting[row.id], members=members), status), str(sample_id))


async def _drawn_again(_request: Request, sample_id: str) -> HTTPResponse:
    return await _sample(UUID(sample_id), 201)


@publications.get("/publications")
@allow(Access.PUBLIC)
@query(PublicationQuery)
@answers(200, ListView[PublicationView])
async def index(_request: Request, query: PublicationQuery) -> HTTPResponse:
    """List publications, the newest first: figures of schools, and nobody's name."""
    found = await service.publications(query.year, query.limit, query.cursor)
    return paged(Page(await _views(found.items), found.next_cursor), lambda view: view)


@publications.get("/publications/<publication_id:uuid>")
@allow(Access.PUBLIC)
@answers(200, PublicationView)
async def publication(_request: Request, publication_id: UUID) -> HTTPResponse:
    """Show one publication."""
    [view] = await _views([await service.publication(publication_id)])
    return answer(view)


@publications.post("/publications")
@allow(Role.REVIEWER, Role.APPROVER)
@idempotent(_made_again, required=True)
@body(NewPublication)
@answers(201, PublicationsView)
async def publish(request: Request, body: NewPublication) -> HTTPResponse:
    """Make a year's reviewed awards public, each programme's by itself, once all drawn ones were looked at again."""
    found = await service.publish(body.year, body.programme, request.ctx.caller.person_id)
    return await _made(found[0].id)


@publications.post("/samples")
@allow(Role.REVIEWER, Role.APPROVER)
@idempotent(_drawn_again, required=True)
@body(NewSample)
@answers(201, SampleView)
async def draw(request: Request, body: NewSample) -> HTTPResponse:
    """Draw from the reviewed awards that no draw covered yet; another person then looks at those drawn again."""
    made_now = await drawing.draw(body.programme, body.year, request.ctx.caller.person_id)
    return await _sample(made_now.id, 201)


@publications.get("/samples")
@allow(*STAFF)
@query(SampleQuery)
@answers(200, ListView[DrawView])
async def samples(_request: Request, query: SampleQuery) -> HTTPResponse:
    """List draws, the newest first, each with how many awards wait for a second look by another person."""
    found = await drawing.samples(drawing.Chosen(query.programme, query.year), query.limit, query.cursor)
    waiting = await drawing.waiting(found.items)
    return paged(found, lambda row: DrawView.of(row, waiting[row.id]))


@publications.get("/samples/<sample_id:uuid>")
@allow(*STAFF)
@answers(200, SampleView)
async def sample(_request: Request, sample_id: UUID) -> HTTPResponse:
    """Show a draw with all that it covered."""
    return await _sample(sample_id)
