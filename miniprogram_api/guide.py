"""The yearly guide: editions, articles and leaflets, as JSON for the mini-program and as pages to read or print."""

from sanic import HTTPResponse, Request

from miniprogram_api.auth import Access
from miniprogram_api.reading import Paged, Query
from miniprogram_api.representation import Representation
from miniprogram_api.shelf import ListView, Shelf, listed, shelf_of, wants_page
from miniprogram_api.web import Face, allow, answers, query
from server.guide import service
from server.guide.editions import Article, Edition, EditionHead, Leaflet
from server.guide.rendering import article_page, leaflet_page
from server.guide.service import Guide
from server.policy.programmes import Audience

guide = Face("guide", url_prefix="/guide")
BOTH = ("application/json", "text/html")


class LeafletQuery(Query):
    """For which reader."""

    audience: Audience


@guide.get("/")
@allow(Access.PUBLIC)
@query(Paged)
@answers(200, ListView[EditionHead])
async def index(request: Request, query: Paged) -> HTTPResponse:
    """List the editions, the newest first."""
    found = service.editions(request.app.ctx.guide)
    return listed(request, ("editions",), query, found, lambda head: head.edition)


@guide.get("/<edition>")
@allow(Access.PUBLIC)
@answers(200, Edition)
async def edition(request: Request, edition: str) -> HTTPResponse:
    """Show one edition: its articles, and for whom there is a leaflet."""
    return _edition(shelf_of(request), service.edition(request.app.ctx.guide, edition)).respond(request)


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


def prepare(shelf: Shelf, guide: Guide) -> None:
    """Make the answers for everything in the guide."""
    for head in service.editions(guide):
        found = service.edition(guide, head.edition)
        _edition(shelf, found)
        for page in (False, True):
            for entry in found.articles:
                _article(shelf, service.article(guide, head.edition, entry.slug), page=page)
            for audience in found.leaflets:
                _leaflet(shelf, service.leaflet(guide, head.edition, audience), page=page)


def _edition(shelf: Shelf, edition: Edition) -> Representation:
    return shelf.json(("edition", edition.edition), lambda: edition)


def _article(shelf: Shelf, article: Article, *, page: bool) -> Representation:
    key = ("article", article.edition, article.slug, page)
    return (
        shelf.html(key, lambda: article_page(article)) if page else shelf.json(key, lambda: article, beside_html=True)
    )


def _leaflet(shelf: Shelf, leaflet: Leaflet, *, page: bool) -> Representation:
    key = ("leaflet", leaflet.edition, leaflet.audience, page)
    return (
        shelf.html(key, lambda: leaflet_page(leaflet)) if page else shelf.json(key, lambda: leaflet, beside_html=True)
    )
