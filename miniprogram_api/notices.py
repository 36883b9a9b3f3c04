"""The inbox: what somebody was told, and what of it they have not read."""

from datetime import datetime
from typing import Self
from uuid import UUID

from sanic import HTTPResponse, Request

from miniprogram_api.auth import Access
from miniprogram_api.reading import Body, Paged
from miniprogram_api.web import Face, allow, answer, answers, query
from server.access.rules import own
from server.notices import inbox
from server.notices.models import Notice

notices = Face("notices", url_prefix="/notices")


class NoticeQuery(Paged):
    """Which notices: those that are unread, those that are not, or all."""

    unread: bool | None = None


class NoticeView(Body):
    """One notice. `subject` is what it is about, as `posting:<id>`, and `page` where it leads; either may be empty."""

    id: UUID
    kind: str
    subject: str
    title: str
    text: str
    page: str
    created_at: datetime
    read_at: datetime | None

    @classmethod
    def of(cls, row: Notice) -> Self:
        """Return the view of a row."""
        return cls(**{name: getattr(row, name) for name in cls.model_fields})


class InboxView(Body):
    """One page of notices, and how many there are in all that were not read."""

    items: tuple[NoticeView, ...]
    next_cursor: str | None
    unread: int


class ReadView(Body):
    """How many notices were read by this."""

    read: int


@notices.get("/")
@allow(Access.SIGNED_IN)
@query(NoticeQuery)
@answers(200, InboxView)
async def index(request: Request, query: NoticeQuery) -> HTTPResponse:
    """List one's own notices, the newest first; also those that WeChat did not deliver."""
    person_id = request.ctx.caller.person_id
    found = await inbox.of_person(person_id, query.limit, query.cursor, unread=query.unread)
    items = tuple(map(NoticeView.of, found.items))
    return answer(InboxView(items=items, next_cursor=found.next_cursor, unread=await inbox.unread(person_id)))


@notices.post("/<notice_id:uuid>/read")
@allow(own(), owner=inbox.owner)
@answers(200, NoticeView)
async def read(_request: Request, notice_id: UUID) -> HTTPResponse:
    """Say that one has read a notice; saying so again changes nothing."""
    return answer(NoticeView.of(await inbox.read(notice_id)))


@notices.post("/read-all")
@allow(Access.SIGNED_IN)
@answers(200, ReadView)
async def read_all(request: Request) -> HTTPResponse:
    """Say that one has read all of them."""
    return answer(ReadView(read=await inbox.read_all(request.ctx.caller.person_id)))
