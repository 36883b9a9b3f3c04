"""What the secretariat decides on postings."""

from collections.abc import Mapping
from uuid import UUID

from sanic import HTTPResponse, Request

from miniprogram_api.listing import Columns, Table, listed
from miniprogram_api.people import Reason, decider
from miniprogram_api.posting_bodies import PostingDecision
from miniprogram_api.posting_lists import columns_of_all
from miniprogram_api.posting_views import PostingView, again, shown, view_of
from miniprogram_api.problem import Problems
from miniprogram_api.shelf import ListView
from miniprogram_api.tables import MEDIA, Exportable
from miniprogram_api.web import Face, allow, answers, body, idempotent, if_match, query
from miniprogram_api.words import Words
from server.labour import review, service
from server.organisations.roles import STAFF, Role

posting_review = Face("posting_review", url_prefix="/postings")


def _table(words: Words, problems: Problems, counties: Mapping[str, str]) -> Table[PostingView]:
    def changed(one: PostingView) -> str:
        """Return what a change that waits is of, empty for a posting that is new."""
        return "、".join(map(problems.called, one.pending_revision.fields)) if one.pending_revision else ""

    def found(one: PostingView) -> str:
        """Return what there is to be said of what waits."""
        findings = one.pending_revision.findings if one.pending_revision else one.findings
        return "；".join(finding.detail for finding in findings)

    columns: Columns[PostingView] = (
        ("待审的改动", changed),
        ("需要注意", found),
        ("信息编号", lambda one: one.id),
    )
    return Table("postings.review", "待审的供求信息", (*columns_of_all(words, counties), *columns))


@posting_review.get("/review")
@allow(*STAFF)
@query(Exportable)
@answers(200, ListView[PostingView], *MEDIA)
async def queue(request: Request, query: Exportable) -> HTTPResponse:
    """List postings and changes that wait for a reviewer; `submitted_at` says since when, the oldest first."""
    ctx = request.app.ctx
    table = _table(ctx.words, ctx.problems, ctx.reference.names_of_regions)
    return await listed(request, query, table, service.waiting, lambda one: view_of(one, request.ctx.caller, ctx))


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
