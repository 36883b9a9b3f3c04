"""What is publicised of awards: figures of each school, which anybody may read."""

from collections.abc import Sequence
from datetime import date
from typing import Self
from uuid import UUID

from pydantic import Field
from sanic import HTTPResponse, Request

from miniprogram_api.auth import Access, visitor
from miniprogram_api.awards import ProgrammeId, Year
from miniprogram_api.idempotent import made
from miniprogram_api.listing import Columns, Table, listed
from miniprogram_api.reading import Body
from miniprogram_api.referrals import SchoolView
from miniprogram_api.representation import FixedResponse
from miniprogram_api.shelf import ListView, paged
from miniprogram_api.tables import MEDIA, Exportable
from miniprogram_api.web import Face, allow, answer, answers, body, idempotent, query
from server.awards import book
from server.awards import publications as service
from server.awards.models import Publication, PublicationFigure
from server.kernel import clock
from server.kernel.errors import DomainError
from server.kernel.money import yuan_text
from server.kernel.paging import Page
from server.organisations.roles import Role

publications = Face("publications", url_prefix="/awards")


class NewPublication(Body):
    """Of which year the reviewed awards are made public, all of them or those of one programme."""

    year: Year
    programme: ProgrammeId | None = None


class PublicationQuery(Exportable):
    """Which publications; as a file to who is signed in, with a line for each school."""

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


class _Line(Body):
    """What a publication says of one school, as a line of a file."""

    publication: PublicationView
    said: FigureView


_FIGURES: Columns[_Line] = (
    ("项目", lambda one: book.title(one.publication.programme)),
    ("年度", lambda one: one.publication.year),
    ("公示开始", lambda one: one.publication.starts_on),
    ("公示截止", lambda one: one.publication.ends_on),
    ("学校", lambda one: one.said.school.name),
    ("笔数", lambda one: one.said.awards),
    ("金额（元）", lambda one: yuan_text(one.said.amount_fen)),
)


async def _views(rows: Sequence[Publication]) -> list[PublicationView]:
    figures = await service.figures(rows)
    return [PublicationView.of(row, figures[row.id]) for row in rows]


async def _made(publication_id: UUID) -> FixedResponse:
    views = await _views(await service.made_with(publication_id))
    return made(answer(PublicationsView(items=views), 201), str(publication_id))


async def _made_again(_request: Request, publication_id: str) -> HTTPResponse:
    return await _made(UUID(publication_id))


@publications.get("/publications")
@allow(Access.PUBLIC)
@query(PublicationQuery)
@answers(200, ListView[PublicationView], *MEDIA)
async def index(request: Request, query: PublicationQuery) -> HTTPResponse:
    """List publications, the newest first: figures of schools, and nobody's name."""
    if query.format != "json":
        return await _file(request, query)
    found = await service.publications(query.year, query.limit, query.cursor)
    return paged(Page(await _views(found.items), found.next_cursor), lambda view: view)


async def _file(request: Request, query: PublicationQuery) -> HTTPResponse:
    """Answer with a line for each school of each publication; raises DomainError 401."""
    request.ctx.caller = await visitor(request)
    if request.ctx.caller is None:  # a file says who took it
        raise DomainError("not_signed_in", 401)

    async def lines(limit: int, cursor: str | None) -> Page[_Line]:
        found = await service.publications(query.year, limit, cursor)
        views = await _views(found.items)
        return Page([_Line(publication=one, said=said) for one in views for said in one.schools], found.next_cursor)

    return await listed(request, query, Table("publications", "奖补公示", _FIGURES), lines, lambda line: line)


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
