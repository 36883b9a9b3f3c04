"""What one may be entitled to: programmes, the questions to ask, and the check."""

from typing import Any

from pydantic import Field
from sanic import HTTPResponse, Request

from miniprogram_api.auth import Access
from miniprogram_api.reading import Body, Day, Paged
from miniprogram_api.representation import Representation
from miniprogram_api.shelf import BOTH, ListView, Shelf, listed, wants_page
from miniprogram_api.web import Face, allow, answer, answers, body, query
from server.guide import service as guide_service
from server.guide.rendering import programme_page
from server.guide.service import Guide
from server.kernel import clock
from server.policy import service
from server.policy.answers import Checked, ProgrammeAnswer
from server.policy.documents import Jurisdiction
from server.policy.facts import Fact
from server.policy.programmes import Audience
from server.policy.service import PolicyBook

programmes = Face("programmes", url_prefix="/programmes")
ANQING: Jurisdiction = "340800"
MAX_FACTS = 100


class ProgrammeQuery(Paged):
    """For whom, in which city, and on which day governed by a document."""

    audience: Audience | None = None
    jurisdiction: Jurisdiction | None = None
    on: Day | None = None


class CheckRequest(Body):
    """Who asks, under which city's documents (Anqing's unless said), on which day (today), and what is known."""

    audience: Audience | None = None
    jurisdiction: Jurisdiction = ANQING
    on: Day | None = None
    facts: dict[str, Any] = Field(default_factory=dict, max_length=MAX_FACTS)


@programmes.get("/")
@allow(Access.PUBLIC)
@query(ProgrammeQuery)
@answers(200, ListView[ProgrammeAnswer])
async def index(request: Request, query: ProgrammeQuery) -> HTTPResponse:
    """List the programmes with their dated amounts and conditions."""
    found = service.programmes(
        request.app.ctx.book, audience=query.audience, jurisdiction=query.jurisdiction, on=query.on
    )
    return listed(request, ("programmes",), query, found, lambda programme: programme.id)


@programmes.get("/questions")
@allow(Access.PUBLIC)
@query(ProgrammeQuery)
@answers(200, ListView[Fact])
async def questions(request: Request, query: ProgrammeQuery) -> HTTPResponse:
    """List what to ask of someone of whom nothing is known yet."""
    on = query.on or clock.today()
    found = service.questions(
        request.app.ctx.book, audience=query.audience, jurisdiction=query.jurisdiction or ANQING, on=on
    )
    return listed(request, ("questions", on), query, found, lambda fact: fact.id)


@programmes.post("/check")
@allow(Access.PUBLIC)
@body(CheckRequest)
@answers(200, Checked)
async def check(request: Request, body: CheckRequest) -> HTTPResponse:
    """Tell which programmes one is eligible for, with every condition's clause, and what is left to ask."""
    found = service.check(
        request.app.ctx.book,
        audience=body.audience,
        jurisdiction=body.jurisdiction,
        on=body.on or clock.today(),
        facts=body.facts,
    )
    return answer(found)


@programmes.get("/<programme_id>")
@allow(Access.PUBLIC)
@answers(200, ProgrammeAnswer, *BOTH)
async def programme(request: Request, programme_id: str) -> HTTPResponse:
    """Show one programme with all its versions, as JSON or as a page."""
    ctx = request.app.ctx
    return _programme(ctx.shelf, ctx.book, ctx.guide, programme_id, page=wants_page(request)).respond(request)


def prepare(shelf: Shelf, book: PolicyBook, guide: Guide) -> None:
    """Make the answers for every programme."""
    for programme_id in book.programmes:
        for page in (False, True):
            _programme(shelf, book, guide, programme_id, page=page)


def _programme(shelf: Shelf, book: PolicyBook, guide: Guide, programme_id: str, *, page: bool) -> Representation:
    def answer() -> ProgrammeAnswer:
        return service.programme(book, programme_id)

    def told() -> str:
        return programme_page(answer(), guide_service.told_in(guide, programme_id), book=book)

    return shelf.either(("programme", programme_id), answer, told, page=page)
