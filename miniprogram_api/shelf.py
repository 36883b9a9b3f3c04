"""Answers made from content, each made once and kept ready to send."""

from collections.abc import Callable, Hashable, Sequence
from functools import lru_cache
from typing import Generic, TypeVar

from pydantic import BaseModel
from sanic import HTTPResponse, Request

from miniprogram_api.reading import Body, Paged
from miniprogram_api.representation import HTML, Representation
from server.kernel import paging

T = TypeVar("T")
ROOM = 2000
"""How many answers are kept; only lists with a date in their query could ask for more."""


class ListView(Body, Generic[T]):
    """One page of a list; `next_cursor` is null on the last."""

    items: tuple[T, ...]
    next_cursor: str | None


class Shelf:
    """Ready answers by key. Content does not change while the process runs, so neither do they."""

    def __init__(self) -> None:
        self._ready: dict[Hashable, Representation] = {}

    def json(self, key: Hashable, view: Callable[[], BaseModel], *, beside_html: bool = False) -> Representation:
        """Return the JSON answer kept under `key`, made from `view` the first time."""
        return self._ready.get(key) or self._keep(key, Representation.of(view(), varies_by_accept=beside_html))

    def html(self, key: Hashable, page: Callable[[], str]) -> Representation:
        """Return the page kept under `key`, made by `page` the first time."""
        return self._ready.get(key) or self._keep(key, Representation(page().encode(), HTML, varies_by_accept=True))

    def _keep(self, key: Hashable, made: Representation) -> Representation:
        if len(self._ready) >= ROOM:
            self._ready.pop(next(reversed(self._ready)))
        return self._ready.setdefault(key, made)


def shelf_of(request: Request) -> Shelf:
    """Return the shelf of the app that handles `request`."""
    shelf: Shelf = request.app.ctx.shelf
    return shelf


def listed(
    request: Request, key: tuple[Hashable, ...], query: Paged, items: Sequence[T], name: Callable[[T], str]
) -> HTTPResponse:
    """Answer one page of `items`, which `name` tells apart; `key` and the query are what it depends on."""

    def view() -> BaseModel:
        found = paging.slice_page(items, name, query.limit, query.cursor)
        return ListView[T](items=tuple(found.items), next_cursor=found.next_cursor)

    return shelf_of(request).json((*key, query), view).respond(request)


def wants_page(request: Request) -> bool:
    """Whether the client would rather have a page than JSON: a browser says so, `*/*` does not."""
    return _wants_page(request.headers.get("accept", ""))


@lru_cache(maxsize=256)
def _wants_page(accept: str) -> bool:
    weights = {"text/html": 0.0, "application/json": 0.0}
    for part in accept.lower().replace(" ", "").split(","):
        media, _, parameters = part.partition(";")
        if media in weights:
            weights[media] = _weight(parameters)
    return weights["text/html"] > weights["application/json"]


def _weight(parameters: str) -> float:
    text = next((item[2:] for item in parameters.split(";") if item.startswith("q=")), "1")
    try:
        return float(text)
    except ValueError:
        return 0.0
