"""Lists that forms and other answers refer to, each entry with its source and date."""

from typing import Annotated

from pydantic import Field
from sanic import HTTPResponse, Request

from miniprogram_api.auth import Access
from miniprogram_api.reading import Day, Paged
from miniprogram_api.shelf import ListView, listed
from miniprogram_api.web import Face, allow, answers, query
from server.kernel import clock
from server.labour import wages
from server.labour.wages import MinimumWageAnswer
from server.policy import service as policy_service
from server.policy.documents import Jurisdiction
from server.policy.targets import TargetAnswer, TargetKind
from server.reference import service
from server.reference.regions import RegionAnswer
from server.reference.trades import MajorAnswer, OccupationAnswer, OccupationKind

reference = Face("reference", url_prefix="/reference")


class OccupationQuery(Paged):
    """Work that a group of majors leads to (`industry`), or seasonal and temporary work (`short_term`)."""

    kind: OccupationKind | None = None


class TargetQuery(Paged):
    """Whose targets, of which kind, and on which day they hold."""

    jurisdiction: Jurisdiction | None = None
    kind: TargetKind | None = None
    on: Day | None = None


class WageQuery(Paged):
    """Where, and on which day; today where that is left out."""

    region: Annotated[str, Field(max_length=64)] | None = None
    on: Day | None = None


@reference.get("/regions")
@allow(Access.PUBLIC)
@query(Paged)
@answers(200, ListView[RegionAnswer])
async def regions(request: Request, query: Paged) -> HTTPResponse:
    """List the regions by GB/T 2260, their former codes, and the zones that are fiscal localities only."""
    return listed(request, ("regions",), query, request.app.ctx.reference.regions, lambda region: region.id)


@reference.get("/majors")
@allow(Access.PUBLIC)
@query(Paged)
@answers(200, ListView[MajorAnswer])
async def majors(request: Request, query: Paged) -> HTTPResponse:
    """List the nine groups of majors with the clauses that name them."""
    return listed(request, ("majors",), query, request.app.ctx.reference.majors, lambda major: major.id)


@reference.get("/occupations")
@allow(Access.PUBLIC)
@query(OccupationQuery)
@answers(200, ListView[OccupationAnswer])
async def occupations(request: Request, query: OccupationQuery) -> HTTPResponse:
    """List the occupations that postings choose from."""
    found = service.occupations(request.app.ctx.reference, kind=query.kind)
    return listed(request, ("occupations",), query, found, lambda occupation: occupation.id)


@reference.get("/targets")
@allow(Access.PUBLIC)
@query(TargetQuery)
@answers(200, ListView[TargetAnswer])
async def targets(request: Request, query: TargetQuery) -> HTTPResponse:
    """List the targets, quotas, windows, duties and employment measures, each with its clause, period and unit."""
    found = policy_service.targets(request.app.ctx.book, jurisdiction=query.jurisdiction, kind=query.kind, on=query.on)
    return listed(request, ("targets",), query, found, lambda target: target.id)


@reference.get("/minimum-wages")
@allow(Access.PUBLIC)
@query(WageQuery)
@answers(200, ListView[MinimumWageAnswer])
async def minimum_wages(request: Request, query: WageQuery) -> HTTPResponse:
    """List the minimum wages by county on a day; where no confirmed notice is at hand, that is said instead."""
    on = query.on or clock.today()
    found = wages.answers(request.app.ctx.fairness.book.wages, on, query.region)
    return listed(request, ("minimum-wages", on), query, found, lambda place: place.region)
