"""The yearly guide: editions, articles and leaflets, as JSON for the mini-program and as pages to read or print."""

from typing import Annotated

from pydantic import AfterValidator, WithJsonSchema
from pydantic_core import PydanticCustomError
from sanic import HTTPResponse, Request

from miniprogram_api.auth import Access
from miniprogram_api.reading import Paged, Query
from miniprogram_api.representation import Representation
from miniprogram_api.shelf import BOTH, ListView, Shelf, listed, shelf_of, wants_page
from miniprogram_api.web import Face, allow, answers, query
from server.guide import catalogue, service
from server.guide.catalogue import Hit
from server.guide.editions import Article, Edition, EditionHead, Leaflet
from server.guide.pack import Pack, pack
from server.guide.rendering import article_page, edition_page, leaflet_page
from server.guide.service import Guide
from server.guide.sheets import edition_address
from server.kernel import paging
from server.kernel.bigrams import fold
from server.policy.programmes import Audience
from server.policy.service import PolicyBook

home = Face("home")
guide = Face("guide", url_prefix="/guide")
LONGEST_QUESTION = 64


def _question(text: str) -> str:
    """Return a question as it is compared; raises the fault of a text too short or too long."""
    folded = fold(text)
    if not folded:
        raise PydanticCustomError("string_too_short", "too short", {"min_length": 1})
    if len(folded) > LONGEST_QUESTION:
        raise PydanticCustomError("string_too_long", "too long", {"max_length": LONGEST_QUESTION})
    return folded


Question = Annotated[
    str,
    AfterValidator(_question),
    WithJsonSchema({"type": "string", "minLength": 1, "description": "What to look for; blanks part several phrases."}),
]
"""1 to 64 characters as they are compared: NFKC, without case, no blanks around."""


class LeafletQuery(Query):
    """For which reader."""

    audience: Audience


class PackQuery(Query):
    """Which edition; the newest unless said."""

    edition: str | None = None


class SearchQuery(Paged):
    """What to look for."""

    q: Question


@home.get("/")
@allow(Access.PUBLIC)
@answers(303)
async def front_door(request: Request) -> HTTPResponse:
    """Lead to the newest edition of the guide."""
    address = edition_address(service.newest(request.app.ctx.guide).edition)
    return HTTPResponse(b"", 303, {"location": address, "cache-control": "no-cache"}, "text/plain; charset=utf-8")


@guide.get("/")
@allow(Access.PUBLIC)
@query(Paged)
@answers(200, ListView[EditionHead])
async def index(request: Request, query: Paged) -> HTTPResponse:
    """List the editions, the newest first."""
    found = service.editions(request.app.ctx.guide)
    return listed(request, ("editions",), query, found, lambda head: head.edition)


@guide.get("/search")
@allow(Access.PUBLIC)
@query(SearchQuery)
@answers(200, ListView[Hit])
async def search(request: Request, query: SearchQuery) -> HTTPResponse:
    """Find articles, programmes and clauses by any words in them; what has them in its title comes first."""

    def view() -> ListView[Hit]:
        found = request.app.ctx.catalogue.find(query.q)
        page = paging.slice_page(found, lambda entry: f"{entry.kind} {entry.id}", query.limit, query.cursor)
        hits = tuple(catalogue.hit(entry, query.q) for entry in page.items)
        return ListView[Hit](items=hits, next_cursor=page.next_cursor)

    return shelf_of(request).json(("found", query), view).respond(request)


@guide.get("/pack")
@allow(Access.PUBLIC)
@query(PackQuery)
@answers(200, Pack)
async def packed(request: Request, query: PackQuery) -> HTTPResponse:
    """Give an edition in one piece for reading offline; `content_hash`, also its ETag, tells whether it is current."""
    ctx = request.app.ctx
    edition = service.edition(ctx.guide, query.edition) if query.edition is not None else service.newest(ctx.guide)
    return _pack(ctx.shelf, ctx.guide, ctx.book, edition.edition).respond(request)


@guide.get("/<edition>")
@allow(Access.PUBLIC)
@answers(200, Edition, *BOTH)
async def edition(request: Request, edition: str) -> HTTPResponse:
    """Show one edition: its articles, and for whom there is a leaflet."""
    found = service.edition(request.app.ctx.guide, edition)
    return _edition(shelf_of(request), found, page=wants_page(request)).respond(request)


@guide.get("/<edition>/articles/<slug>")
@allow(Access.PUBLIC)
@answers(200, Article, *BOTH)
async def article(request: Request, edition: str, slug: str) -> HTTPResponse:
    """Show one article, as JSON or as a page."""
    found = service.article(request.app.ctx.guide, edition, slug)
    return _article(shelf_of(request), found, page=wants_page(request)).respond(request)


@guide.get("/<edition>/leaflet")
@allow(Access.PUBLIC)
@query(LeafletQuery)
@answers(200, Leaflet, *BOTH)
async def leaflet(request: Request, edition: str, query: LeafletQuery) -> HTTPResponse:
    """Show the leaflet of one reader, as JSON or as a page that prints on one sheet."""
    found = service.leaflet(request.app.ctx.guide, edition, query.audience)
    return _leaflet(shelf_of(request), found, page=wants_page(request)).respond(request)


def prepare(shelf: Shelf, guide: Guide, book: PolicyBook) -> None:
    """Make the answers for everything in the guide."""
    for head in service.editions(guide):
        found = service.edition(guide, head.edition)
        _pack(shelf, guide, book, head.edition)
        for page in (False, True):
            _edition(shelf, found, page=page)
            for entry in found.articles:
                _article(shelf, service.article(guide, head.edition, entry.slug), page=page)
            for audience in found.leaflets:
                _leaflet(shelf, service.leaflet(guide, head.edition, audience), page=page)


def _pack(shelf: Shelf, guide: Guide, book: PolicyBook, edition: str) -> Representation:
    def made() -> Representation:
        found = pack(guide, book, edition)
        return Representation.of(found, tag=found.content_hash)

    return shelf.kept(("pack", edition), made)


def _edition(shelf: Shelf, edition: Edition, *, page: bool) -> Representation:
    return shelf.either(("edition", edition.edition), lambda: edition, lambda: edition_page(edition), page=page)


def _article(shelf: Shelf, article: Article, *, page: bool) -> Representation:
    key = ("article", article.edition, article.slug)
    return shelf.either(key, lambda: article, lambda: article_page(article), page=page)


def _leaflet(shelf: Shelf, leaflet: Leaflet, *, page: bool) -> Representation:
    key = ("leaflet", leaflet.edition, leaflet.audience)
    return shelf.either(key, lambda: leaflet, lambda: leaflet_page(leaflet), page=page)
