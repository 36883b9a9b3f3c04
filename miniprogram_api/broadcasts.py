"""Broadcasts: written by an editor, approved by somebody else, stopped by any of them."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import Field, StringConstraints
from sanic import HTTPResponse, Request

from miniprogram_api.idempotent import made
from miniprogram_api.listing import Columns, Table, listed
from miniprogram_api.people import Reason, decider
from miniprogram_api.reading import IMPERSONAL, Body
from miniprogram_api.representation import FixedResponse
from miniprogram_api.shelf import ListView
from miniprogram_api.tables import MEDIA, Exportable
from miniprogram_api.web import Face, allow, answer, answers, body, idempotent, query
from miniprogram_api.words import Words
from server.notices import broadcasts as service
from server.notices.broadcasts import Text
from server.notices.models import Broadcast, BroadcastState
from server.notices.reach import Audience
from server.organisations.roles import STAFF, Role

broadcasts = Face("broadcasts", url_prefix="/broadcasts")
Title = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=20, pattern=r"^[^\x00-\x1f\x7f]*$"),
    IMPERSONAL,
]
Said = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=500, pattern=r"^[^\x00-\x09\x0b-\x1f\x7f]*$"),
    IMPERSONAL,
]
Opened = Annotated[
    str, Field(max_length=200, pattern=r"^(pages(/[a-z]+)+(\?[a-z]+=[A-Za-z0-9-]+(&[a-z]+=[A-Za-z0-9-]+)*)?)?$")
]


class AudienceBody(Body):
    """To whom; what is null is any. Without any it is everyone who may sign in.

    `role` is one in an organisation; `year` is the year in which students enter, and reaches those alone who speak for
    them. `county` is that of the organisation or the school, or a whole city; `school` is one school.
    """

    role: Role | None = None
    county: Annotated[str, Field(pattern="^[0-9]{6}$")] | None = None
    school: UUID | None = None
    year: Annotated[int, Field(ge=2000, le=2100)] | None = None

    @classmethod
    def of(cls, audience: Audience) -> Self:
        """Return the view of an audience."""
        return cls(role=audience.role, county=audience.county, school=audience.school, year=audience.year)


class NewBroadcast(Body):
    """A text and to whom it goes; `page` is the page of the mini-program that it opens, if any."""

    title: Title
    text: Said
    page: Opened = ""
    audience: AudienceBody = AudienceBody()

    def said(self) -> Text:
        """Return it as the service takes it."""
        return Text(self.title, self.text, Audience(**dict(self.audience)), self.page)


class BroadcastQuery(Exportable):
    """Which broadcasts."""

    state: BroadcastState | None = None


class BroadcastView(Body):
    """A broadcast; people are ids.

    `counted` is how many it would have reached when it was written, `made` how many have it in their inboxes; `reason`
    is that of whoever approved or stopped it last. What became of its pushes: `GET /deliveries?broadcast=`.
    """

    id: UUID
    title: str
    text: str
    page: str
    audience: AudienceBody
    state: BroadcastState
    counted: int
    made: int
    author_id: UUID
    approved_by_id: UUID | None
    approved_at: datetime | None
    ended_by_id: UUID | None
    ended_at: datetime | None
    reason: str
    version: int
    created_at: datetime

    @classmethod
    def of(cls, row: Broadcast) -> Self:
        """Return the view of a row."""
        same = {name: getattr(row, name) for name in cls.model_fields if name != "audience"}
        return cls(audience=AudienceBody.of(service.audience_of(row)), **same)


def _table(words: Words) -> Table[BroadcastView]:
    columns: Columns[BroadcastView] = (
        ("标题", lambda one: one.title),
        ("内容", lambda one: one.text),
        ("状态", lambda one: words.broadcast_states[one.state]),
        ("预计人数", lambda one: one.counted),
        ("已送达收件箱", lambda one: one.made),
        ("理由", lambda one: one.reason),
        ("撰写时间", lambda one: one.created_at),
        ("批准时间", lambda one: one.approved_at),
        ("结束时间", lambda one: one.ended_at),
        ("撰写人编号", lambda one: one.author_id),
        ("批准人编号", lambda one: one.approved_by_id),
    )
    return Table("broadcasts", "公告", columns)


def _shown(row: Broadcast, status: int = 200) -> FixedResponse:
    return made(answer(BroadcastView.of(row), status, row.version), str(row.id))


async def _written_again(_request: Request, subject: str) -> HTTPResponse:
    return _shown(await service.broadcast(UUID(subject)), 201)


async def _again(_request: Request, subject: str) -> HTTPResponse:
    return _shown(await service.broadcast(UUID(subject)))


@broadcasts.get("/")
@allow(*STAFF)
@query(BroadcastQuery)
@answers(200, ListView[BroadcastView], *MEDIA)
async def index(request: Request, query: BroadcastQuery) -> HTTPResponse:
    """List broadcasts, the newest first."""
    table = _table(request.app.ctx.words)
    return await listed(
        request, query, table, lambda limit, cursor: service.broadcasts(query.state, limit, cursor), BroadcastView.of
    )


@broadcasts.post("/")
@allow(Role.EDITOR)
@idempotent(_written_again)
@body(NewBroadcast)
@answers(201, BroadcastView)
async def write(request: Request, body: NewBroadcast) -> HTTPResponse:
    """Write a broadcast; `counted` says how many it would reach, and a second person has to approve it."""
    row = await service.write(body.said(), request.ctx.caller.person_id, request.app.ctx.reference)
    return _shown(row, 201)


@broadcasts.get("/<broadcast_id:uuid>")
@allow(*STAFF)
@answers(200, BroadcastView)
async def one(_request: Request, broadcast_id: UUID) -> HTTPResponse:
    """Show a broadcast, and how far it has come."""
    return _shown(await service.broadcast(broadcast_id))


@broadcasts.post("/<broadcast_id:uuid>/approve")
@allow(Role.REVIEWER, Role.APPROVER, Role.ADMIN)
@idempotent(_again)
@body(Reason)
@answers(200, BroadcastView)
async def approve(request: Request, broadcast_id: UUID, body: Reason) -> HTTPResponse:
    """Let a broadcast go out; not for who wrote it."""
    return _shown(await service.approve(broadcast_id, decider(request, body)))


@broadcasts.post("/<broadcast_id:uuid>/cancel")
@allow(Role.EDITOR, Role.REVIEWER, Role.APPROVER, Role.ADMIN)
@idempotent(_again)
@body(Reason)
@answers(200, BroadcastView)
async def cancel(request: Request, broadcast_id: UUID, body: Reason) -> HTTPResponse:
    """Stop a broadcast, before it begins or half-way: pushes that are not out yet stay unsent."""
    return _shown(await service.cancel(broadcast_id, decider(request, body)))
