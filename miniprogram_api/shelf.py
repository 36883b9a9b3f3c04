"""Answers made from content, each made once and kept ready to send."""

from collections.abc import Callable, Hashable, Sequence
from functools import lru_cache
from typing import Generic, TypeVar

from pydantic import BaseModel
from sanic import HTTPResponse, Request

from miniprogram_api.reading import Body, Paged
from miniprogram_api.representation import HTML, Representation
from miniprogram_api.web import answer
from server.kernel import paging

T = TypeVar("T")
Row = TypeVar("Row")
BOTH = ("application/json", "text/html")
"""What `Shelf.either` answers with."""
ROOM_BYTES = 8 * 1024 * 1024
"""For answers that were not made at start: there are as many as there are dates, pages and questions to ask for."""


class ListView(Body, Generic[T]):
    """One page of a list; `next_cursor` is null on the last."""

    items: tuple[T, ...]
    next_cursor: str | None


class Shelf:
    """Ready answers by key. Content does not change while the process runs, so neither do they.

    What is made before `seal` stays; of later answers those asked for last are kept, `ROOM_BYTES` of them.
    """

    def __init__(self) -> None:
        self._ready: dict[Hashable, Representation] = {}
        self._recent: dict[Hashable, Representation] = {}
        self._recent_bytes = 0
        self._sealed = False

    def seal(self) -> None:
        """Say that everything to be made at start is made."""
        self._sealed = True

    def json(self, key: Hashable, view: Callable[[], BaseModel]) -> Representation:
        """Return the JSON answer kept under `key`, made from `view` the first time."""
        return self.kept(key, lambda: Representation.of(view()))

    def either(
        self, key: Hashable, view: Callable[[], BaseModel], html: Callable[[], str], *, page: bool
    ) -> Representation:
        """Return the page kept under `key` if `page`, else the JSON beside it; each made the first time."""
        if page:
            return self.kept((key, HTML), lambda: Representation(html().encode(), HTML, varies_by_accept=True))
        return self.kept(key, lambda: Representation.of(view(), varies_by_accept=True))

    def kept(self, key: Hashable, make: Callable[[], Representation]) -> Representation:
        """Return the answer kept under `key`, made by `make` the first time."""
        return self._ready.get(key) or self._last(key) or self._keep(key, make())

    def _last(self, key: Hashable) -> Representation | None:
        found = self._recent.pop(key, None)
        if found:
            self._recent[key] = found  # behind all others: the first is the one to go
        return found

    def _keep(self, key: Hashable, made: Representation) -> Representation:
        if not self._sealed:
            return self._ready.setdefault(key, made)
        self._recent[key] = made
        self._recent_bytes += made.size
        while self._recent_bytes > ROOM_BYTES:
            self._recent_bytes -= self._recent.pop(next(iter(self._recent))).size
        return made


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


def paged(found: paging.Page[Row], view: Callable[[Row], T]) -> HTTPResponse:
    """Answer one page of rows, each as `view` shows it."""
    return answer(ListView[T](items=tuple(map(view, found.items)), next_cursor=found.next_cursor))


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
