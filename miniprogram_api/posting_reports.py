"""Reports of postings that are not what they should be."""

from datetime import datetime
from typing import Self
from uuid import UUID

from sanic import HTTPResponse, Request

from miniprogram_api.auth import Access
from miniprogram_api.idempotent import made
from miniprogram_api.listing import Columns, Table, listed
from miniprogram_api.people import decider
from miniprogram_api.posting_bodies import NewReport, ReportDecision, ReportQuery
from miniprogram_api.reading import Body, Paged
from miniprogram_api.representation import FixedResponse
from miniprogram_api.shelf import ListView, paged
from miniprogram_api.tables import MEDIA
from miniprogram_api.web import Face, allow, answer, answers, body, first, idempotent, query
from miniprogram_api.words import Words
from server.access import owners
from server.access.rules import Right
from server.labour import reports as service
from server.labour.models import PostingReport, PostingState, ReportState
from server.labour.reports import What
from server.organisations.roles import STAFF, Role

posting_reports = Face("posting_reports")


class ReportView(Body):
    """A report as its writer sees it; `answer` is the reason given for what came of it, empty while it is open."""

    id: UUID
    posting_id: UUID
    what: What
    note: str
    state: ReportState
    answer: str
    created_at: datetime
    decided_at: datetime | None

    @classmethod
    def of(cls, report: PostingReport) -> Self:
        """Return the view of a row."""
        return cls(**{name: getattr(report, name) for name in cls.model_fields} | {"what": What(report.what)})


class ReportedPostingView(Body):
    """The posting that a report is about."""

    id: UUID
    title: str
    state: PostingState


class ReportedView(ReportView):
    """The same with the posting, for its writer and for the secretariat; who reported stays with us."""

    posting: ReportedPostingView

    @classmethod
    def of(cls, report: PostingReport) -> Self:
        """Return the view of a row that was fetched with its posting."""
        row = {name: getattr(report, name) for name in ReportView.model_fields} | {"what": What(report.what)}
        posting = {name: getattr(report.posting, name) for name in ReportedPostingView.model_fields}
        return cls(posting=ReportedPostingView(**posting), **row)


def _table(words: Words) -> Table[ReportedView]:
    columns: Columns[ReportedView] = (
        ("供求信息", lambda one: one.posting.title),
        ("信息状态", lambda one: words.posting_states[one.posting.state]),
        ("举报事项", lambda one: words.report_subjects[one.what]),
        ("说明", lambda one: one.note),
        ("状态", lambda one: words.report_states[one.state]),
        ("答复", lambda one: one.answer),
        ("举报时间", lambda one: one.created_at),
        ("处理时间", lambda one: one.decided_at),
        ("信息编号", lambda one: one.posting_id),
    )
    return Table("reports", "举报", columns)


async def _counted(request: Request, **_arguments: object) -> None:
    """Count a try before the work and its transaction."""
    await request.app.ctx.limits.take("report", str(request.ctx.caller.person_id), service.MOST, service.SECONDS)


async def _made_again(_request: Request, report_id: str) -> FixedResponse:
    return _made(await service.one(UUID(report_id)))


async def _decided_again(_request: Request, report_id: str) -> FixedResponse:
    return _decided(await service.one(UUID(report_id)))


def _made(report: PostingReport) -> FixedResponse:
    return made(answer(ReportView.of(report), 201), str(report.id))


def _decided(report: PostingReport) -> FixedResponse:
    return made(answer(ReportedView.of(report)), str(report.id))


@posting_reports.post("/postings/<posting_id:uuid>/reports")
@allow(Right(), owner=owners.posting)
@idempotent(_made_again)
@first(_counted)
@body(NewReport)
@answers(201, ReportView)
async def report(request: Request, posting_id: UUID, body: NewReport) -> HTTPResponse:
    """Report a posting that anyone can read; one report of each person may be open."""
    return _made(await service.report(posting_id, body.what, body.note, request.ctx.caller.person_id))


@posting_reports.get("/me/reports")
@allow(Access.SIGNED_IN)
@query(Paged)
@answers(200, ListView[ReportedView])
async def mine(request: Request, query: Paged) -> HTTPResponse:
    """List what one reported, the last first, with what came of it."""
    found = await service.of_person(request.ctx.caller.person_id, query.limit, query.cursor)
    return paged(found, ReportedView.of)


@posting_reports.get("/reports")
@allow(*STAFF)
@query(ReportQuery)
@answers(200, ListView[ReportedView], *MEDIA)
async def index(request: Request, query: ReportQuery) -> HTTPResponse:
    """List reports, those first that have waited for longest."""
    table = _table(request.app.ctx.words)
    return await listed(
        request, query, table, lambda limit, cursor: service.reports(query.state, limit, cursor), ReportedView.of
    )


@posting_reports.post("/reports/<report_id:uuid>/decision")
@allow(Role.REVIEWER)
@idempotent(_decided_again)
@body(ReportDecision)
@answers(200, ReportedView)
async def decide(request: Request, report_id: UUID, body: ReportDecision) -> HTTPResponse:
    """Uphold a report, which removes the posting, or dismiss it."""
    by = decider(request, body)
    return _decided(await service.decide(report_id, body.verdict, by))
