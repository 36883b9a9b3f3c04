"""Searches of postings that somebody keeps."""

from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import StringConstraints
from sanic import HTTPResponse, Request

from miniprogram_api.auth import Access
from miniprogram_api.idempotent import made
from miniprogram_api.posting_lists import PostingFilters, unmeant
from miniprogram_api.reading import IMPERSONAL, Body, Paged
from miniprogram_api.representation import FixedResponse
from miniprogram_api.shelf import ListView, paged
from miniprogram_api.web import Face, allow, answer, answers, body, idempotent, query
from server.access import owners
from server.access.rules import own
from server.engagements import searches as service
from server.engagements.models import SavedSearch
from server.kernel.errors import FieldFault, invalid

saved_searches = Face("saved_searches", url_prefix="/me/saved-searches")
Name = Annotated[
    str, StringConstraints(strip_whitespace=True, max_length=40, pattern=r"^[^\x00-\x1f\x7f]*$"), IMPERSONAL
]


class NewSavedSearch(PostingFilters, Body):
    """A search to keep: a name, and the filters of the list of postings; without `side` it is of demands."""

    name: Name = ""


class SavedSearchView(Body):
    """A search; its filters are those that were said, null where they were not. `near` is `latitude,longitude`."""

    id: UUID
    name: str
    side: str
    kind: str | None = None
    region: str | None = None
    occupation: str | None = None
    starts_from: str | None = None
    starts_to: str | None = None
    pay_min_fen: int | None = None
    pay_unit: str | None = None
    meals: bool | None = None
    lodging: bool | None = None
    transport: bool | None = None
    near: str | None = None
    radius_km: int | None = None
    q: str | None = None
    created_at: datetime

    @classmethod
    def of(cls, row: SavedSearch) -> Self:
        """Return the view of a row."""
        said: dict[str, Any] = {name: value for name, value in row.wanted.items() if name in cls.model_fields}
        said["side"] = row.side
        if near := said.get("near"):
            said["near"] = ",".join(map(str, near))
        return cls(id=row.id, name=row.name, created_at=row.created_at, **said)


async def _again(_request: Request, search_id: str) -> FixedResponse:
    return _made(await service.search(UUID(search_id)))


def _made(row: SavedSearch) -> FixedResponse:
    return made(answer(SavedSearchView.of(row), 201), str(row.id))


@saved_searches.get("/")
@allow(Access.SIGNED_IN)
@query(Paged)
@answers(200, ListView[SavedSearchView])
async def index(request: Request, query: Paged) -> HTTPResponse:
    """List one's own searches, the newest first."""
    return paged(await service.of_person(request.ctx.caller.person_id, query.limit, query.cursor), SavedSearchView.of)


@saved_searches.post("/")
@allow(Access.SIGNED_IN)
@idempotent(_again)
@body(NewSavedSearch)
@answers(201, SavedSearchView)
async def keep(request: Request, body: NewSavedSearch) -> HTTPResponse:
    """Keep a search, by the same filters as the list of postings has; twenty at most."""
    wrong = unmeant(body, request.app.ctx.reference, "/")
    if faults := [FieldFault(pointer, code) for (pointer, code), is_so in wrong.items() if is_so]:
        raise invalid(*faults)
    return _made(await service.keep(request.ctx.caller.person_id, body.name, body.filters()))


@saved_searches.delete("/<search_id:uuid>")
@allow(own(), owner=owners.saved_search)
@answers(204)
async def forget(_request: Request, search_id: UUID) -> HTTPResponse:
    """Keep a search no longer."""
    await service.forget(search_id)
    return HTTPResponse(status=204)
