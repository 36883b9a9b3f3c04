"""Appeals against refusals."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import Field, StringConstraints
from sanic import HTTPResponse, Request

from miniprogram_api.auth import Access
from miniprogram_api.idempotent import made
from miniprogram_api.listing import Columns, Table, listed
from miniprogram_api.people import Reason
from miniprogram_api.reading import IMPERSONAL, Body, Paged
from miniprogram_api.representation import FixedResponse
from miniprogram_api.shelf import ListView, paged
from miniprogram_api.tables import MEDIA, Exportable
from miniprogram_api.web import Face, allow, answer, answers, body, idempotent, query
from miniprogram_api.words import Words
from server.access.rules import own
from server.appeals import about, service
from server.appeals.about import Seen
from server.appeals.models import Appeal, AppealState
from server.appeals.service import Verdict
from server.kernel.paging import Page
from server.organisations.roles import Role

appeals = Face("appeals")
DECIDE = (Role.REVIEWER, Role.APPROVER, Role.FINANCE)
"""Each on what they decide; `server.appeals.refusals` says which."""


class AppealQuery(Exportable):
    """Which appeals."""

    state: AppealState | None = None


class NewAppeal(Body):
    """Against the refusal of what, and why it was wrong.

    `subject` is `organisation:ID`, `student_link:ID` or `payee_account:ID`.
    """

    subject: Annotated[str, Field(max_length=64, examples=["organisation:01900000-0000-7000-8000-000000000000"])]
    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1000), IMPERSONAL]


class Judgement(Reason):
    """What comes of an appeal, and why."""

    verdict: Verdict


class AppealView(Body):
    """An appeal; `decision` is the reason given for what was decided, empty while it is open.

    `about` says what the subject is in words, with the number, title or name that people know it by.
    """

    id: UUID
    subject: str
    about: str
    state: AppealState
    reason: str
    created_at: datetime
    decision: str
    decided_at: datetime | None

    @classmethod
    def of(cls, seen: Seen, words: Words) -> Self:
        """Return the view of an appeal with what it is about."""
        same = {name: getattr(seen.row, name) for name in cls.model_fields.keys() - {"about"}}
        return cls(about="：".join(filter(None, (words.appeal_subjects[seen.kind], seen.name))), **same)


class OutcomeView(Body):
    """What came of an appeal: the reason given for what was decided, empty while it is open."""

    state: AppealState
    decision: str
    decided_at: datetime | None

    @classmethod
    async def last_of(cls, subject: str) -> Self | None:
        """Return the view of the newest appeal against a refusal of `subject` (`kind:id`), None where there is none."""
        found = await service.last(subject)
        return cls(state=found.state, decision=found.decision, decided_at=found.decided_at) if found else None


async def _shown(request: Request, appeal: Appeal, status: int) -> FixedResponse:
    [seen] = await about.seen([appeal])
    return made(answer(AppealView.of(seen, request.app.ctx.words), status), str(appeal.id))


async def _made_again(request: Request, appeal_id: str) -> HTTPResponse:
    return await _shown(request, await service.one(UUID(appeal_id)), 201)


async def _decided_again(request: Request, appeal_id: str) -> HTTPResponse:
    return await _shown(request, await service.one(UUID(appeal_id)), 200)


@appeals.post("/appeals")
@allow(Access.SIGNED_IN)
@idempotent(_made_again)
@body(NewAppeal)
@answers(201, AppealView)
async def appeal(request: Request, body: NewAppeal) -> HTTPResponse:
    """Appeal against a refusal, once, as the person or a manager of the organisation that it concerns."""
    return await _shown(request, await service.appeal(body.subject, body.reason, request.ctx.caller), 201)


def _appeals(words: Words) -> Table[AppealView]:
    columns: Columns[AppealView] = (
        ("事项", lambda one: one.about),
        ("状态", lambda one: words.appeal_states[one.state]),
        ("理由", lambda one: one.reason),
        ("提出时间", lambda one: one.created_at),
        ("答复", lambda one: one.decision),
        ("答复时间", lambda one: one.decided_at),
    )
    return Table("appeals", "申诉", columns)


@appeals.get("/appeals")
@allow(*DECIDE)
@query(AppealQuery)
@answers(200, ListView[AppealView], *MEDIA)
async def index(request: Request, query: AppealQuery) -> HTTPResponse:
    """List appeals that one may decide on, those first that have waited for longest.

    Finance decides those on accounts, approvers and reviewers those on awards, reviewers all others.
    """
    words = request.app.ctx.words

    async def fetch(limit: int, cursor: str | None) -> Page[Seen]:
        return await about.paged(await service.appeals(query.state, request.ctx.caller, limit, cursor))

    return await listed(request, query, _appeals(words), fetch, lambda seen: AppealView.of(seen, words))


@appeals.get("/me/appeals")
@allow(Access.SIGNED_IN)
@query(Paged)
@answers(200, ListView[AppealView])
async def mine(request: Request, query: Paged) -> HTTPResponse:
    """List one's own appeals, the newest first."""
    found = await about.paged(await service.of_person(request.ctx.caller.person_id, query.limit, query.cursor))
    return paged(found, lambda seen: AppealView.of(seen, request.app.ctx.words))


@appeals.get("/appeals/<appeal_id:uuid>")
@allow(own(), *DECIDE, owner=service.owner)
@answers(200, AppealView)
async def show(request: Request, appeal_id: UUID) -> HTTPResponse:
    """Show an appeal to who made it, and to those who decide on its kind."""
    return await _shown(request, await service.shown(appeal_id, request.ctx.caller), 200)


@appeals.post("/appeals/<appeal_id:uuid>/decision")
@allow(*DECIDE)
@idempotent(_decided_again)
@body(Judgement)
@answers(200, AppealView)
async def judge(request: Request, appeal_id: UUID, body: Judgement) -> HTTPResponse:
    """Uphold a refusal or overturn it, as another person than who refused and in a role that decides on such."""
    judged = await service.judge(appeal_id, body.verdict, request.ctx.caller, body.reason)
    return await _shown(request, judged, 200)
