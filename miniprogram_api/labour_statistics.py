"""How much work is offered where, and the lists of occupations in demand."""

from datetime import date, datetime
from typing import Self
from uuid import UUID

from sanic import HTTPResponse, Request

from miniprogram_api.auth import Access
from miniprogram_api.idempotent import made
from miniprogram_api.in_demand_views import InDemandView, ListChange, NewList
from miniprogram_api.people import Reason, decider
from miniprogram_api.reading import Body, Paged
from miniprogram_api.representation import FixedResponse
from miniprogram_api.shelf import ListView, paged
from miniprogram_api.web import Face, allow, answer, answers, body, idempotent, if_match, query
from server.engagements.statistics import Group, Outcome
from server.kernel.paging import Page
from server.labour import in_demand
from server.labour.counting import Counted
from server.labour.models import OccupationsInDemand, PostingKind
from server.organisations.roles import Role

labour_statistics = Face("labour_statistics")


class OpenView(Body):
    """What is open of one occupation and kind in one county; `region` is a GB/T 2260 code."""

    region: str
    occupation: str | None
    kind: PostingKind
    places: int
    postings: int


class OutcomeView(Body):
    """What came of demands that were published: places, how many are taken, who worked to the end, who was paid.

    `name` is a county's code, an occupation or a month, null for several together. `median_days_to_fill` counts from
    publication until the posting was full, null where none was. `completed` and `paid` count people and are null where
    they are so few that somebody could be recognised.
    """

    name: str | None
    postings: int
    places: int
    filled: int
    median_days_to_fill: float | None
    completed: int | None
    paid: int | None

    @classmethod
    def of(cls, group: Group, name: str | None = None) -> Self:
        """Return the view of a group of demands."""
        figures = group.figures
        said = {one: figures[one] for one in ("postings", "places", "filled")}
        completed, paid = (figures[one] if group.tellable else None for one in ("completed", "paid"))
        return cls(name=name, median_days_to_fill=group.median_days, completed=completed, paid=paid, **said)


class OutcomesView(Body):
    """The same of all demands published since a day, and by county, occupation and month of publication."""

    since: date
    total: OutcomeView
    by_region: list[OutcomeView]
    by_occupation: list[OutcomeView]
    by_month: list[OutcomeView]

    @classmethod
    def of(cls, outcome: Outcome) -> Self:
        """Return the view of what was counted."""
        parted = {
            name: [OutcomeView.of(told.group, told.name) for told in getattr(outcome, name)]
            for name in ("by_region", "by_occupation", "by_month")
        }
        return cls(since=outcome.since, total=OutcomeView.of(outcome.total), **parted)


class LabourView(Body):
    """Places not yet filled and live postings that seek hands, in all and by county, occupation and kind.

    `outcomes` is what came of the demand of the last twelve months, counted at most ten minutes ago.
    """

    counted_at: datetime
    places: int
    postings: int
    rows: list[OpenView]
    outcomes: OutcomesView

    @classmethod
    def of(cls, counted: Counted, outcome: Outcome) -> Self:
        """Return the view of a count of what is open, and of what came of what was."""
        rows = [
            OpenView(
                region=row.region,
                occupation=row.occupation,
                kind=PostingKind(row.kind),
                places=row.places,
                postings=row.postings,
            )
            for row in counted.rows
        ]
        said = {"places": sum(row.places for row in rows), "postings": sum(row.postings for row in rows)}
        return cls(counted_at=counted.counted_at, rows=rows, outcomes=OutcomesView.of(outcome), **said)


@labour_statistics.get("/statistics/labour")
@allow(Access.PUBLIC)
@answers(200, LabourView)
async def labour(request: Request) -> HTTPResponse:
    """Tell how many places are open, by county and occupation, and what came of the demand of the last year."""
    context = request.app.ctx
    return answer(LabourView.of(await context.open_places.answer(), await context.outcomes.answer()))


@labour_statistics.get("/occupations-in-demand")
@allow(Access.PUBLIC)
@query(Paged)
@answers(200, ListView[InDemandView])
async def published(_request: Request, query: Paged) -> HTTPResponse:
    """List the published lists of occupations in demand, the newest first."""
    return _listed(await in_demand.published(query.limit, query.cursor))


@labour_statistics.get("/occupations-in-demand/unpublished")
@allow(Role.EDITOR, Role.REVIEWER)
@query(Paged)
@answers(200, ListView[InDemandView])
async def unpublished(_request: Request, query: Paged) -> HTTPResponse:
    """List the lists that are being prepared, the newest first."""
    return _listed(await in_demand.unpublished(query.limit, query.cursor))


async def _again(_request: Request, subject: str) -> HTTPResponse:
    return _shown(await in_demand.one(UUID(subject)), 201)


@labour_statistics.post("/occupations-in-demand")
@allow(Role.EDITOR, Role.REVIEWER)
@idempotent(_again)
@body(NewList)
@answers(201, InDemandView)
async def count(request: Request, body: NewList) -> HTTPResponse:
    """Count which occupations were most in demand, and make a list of them to be looked over."""
    by = request.ctx.caller.person_id
    return _shown(await in_demand.count(body.title, body.counted_from, body.counted_to, by), 201)


@labour_statistics.patch("/occupations-in-demand/<list_id:uuid>")
@allow(Role.EDITOR, Role.REVIEWER)
@if_match(required=True)
@body(ListChange)
@answers(200, InDemandView)
async def edit(request: Request, list_id: UUID, body: ListChange, version: int | None) -> HTTPResponse:
    """Change the title, order or notes of a list that is being prepared, or leave occupations out."""
    by = request.ctx.caller.person_id
    return _shown(await in_demand.edit(list_id, by, version, title=body.title, kept=body.kept()))


async def _published_again(_request: Request, subject: str) -> HTTPResponse:
    return _shown(await in_demand.one(UUID(subject)))


@labour_statistics.post("/occupations-in-demand/<list_id:uuid>/publish")
@allow(Role.REVIEWER)
@idempotent(_published_again)
@if_match(required=False)
@answers(200, InDemandView)
async def publish(request: Request, list_id: UUID, version: int | None) -> HTTPResponse:
    """Publish a list; If-Match says what was looked at."""
    return _shown(await in_demand.publish(list_id, request.ctx.caller.person_id, version))


@labour_statistics.post("/occupations-in-demand/<list_id:uuid>/withdraw")
@allow(Role.REVIEWER)
@idempotent(_published_again)
@body(Reason)
@answers(200, InDemandView)
async def withdraw(request: Request, list_id: UUID, body: Reason) -> HTTPResponse:
    """Take a list that was published by mistake back among those that are being prepared."""
    return _shown(await in_demand.withdraw(list_id, decider(request, body)))


def _shown(row: OccupationsInDemand, status: int = 200) -> FixedResponse:
    return made(answer(InDemandView.of(row), status, row.version), str(row.id))


def _listed(found: Page[OccupationsInDemand]) -> HTTPResponse:
    return paged(found, InDemandView.of)
