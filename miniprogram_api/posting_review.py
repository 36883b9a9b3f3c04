"""What the secretariat decides on postings."""

from uuid import UUID

from sanic import HTTPResponse, Request

from miniprogram_api.people import Reason, decider
from miniprogram_api.posting_bodies import PostingDecision
from miniprogram_api.posting_views import PostingView, again, shown, view_of
from miniprogram_api.reading import Paged
from miniprogram_api.shelf import ListView, paged
from miniprogram_api.web import Face, allow, answers, body, idempotent, if_match, query
from server.labour import review, service
from server.organisations.roles import STAFF, Role

posting_review = Face("posting_review", url_prefix="/postings")


@posting_review.get("/review")
@allow(*STAFF)
@query(Paged)
@answers(200, ListView[PostingView])
async def queue(request: Request, query: Paged) -> HTTPResponse:
    """List postings and changes that wait for a reviewer; `submitted_at` says since when, the oldest first."""
    found = await service.waiting(query.limit, query.cursor)
    return paged(found, lambda one: view_of(one, request.ctx.caller, request.app.ctx))


@posting_review.post("/<posting_id:uuid>/decision")
@allow(Role.REVIEWER)
@idempotent(again)
@if_match(required=True)
@body(PostingDecision)
@answers(200, PostingView)
async def decide(request: Request, posting_id: UUID, body: PostingDecision, version: int | None) -> HTTPResponse:
    """Publish what waits, or return it with reasons; If-Match says what was looked at."""
    by = request.ctx.caller.person_id
    return shown(request, await review.decide(posting_id, body.verdict, body.listed(), by=by, version=version))


@posting_review.post("/<posting_id:uuid>/remove")
@allow(Role.REVIEWER)
@idempotent(again)
@body(Reason)
@answers(200, PostingView)
async def remove(request: Request, posting_id: UUID, body: Reason) -> HTTPResponse:
    """Take a published posting down; its poster can appeal."""
    return shown(request, await review.remove(posting_id, decider(request, body)))
