"""What became of pushes, for staff: the list, one sent once more, and the counts."""

from datetime import date, datetime, timedelta
from typing import Annotated, Self
from uuid import UUID

from pydantic import Field
from sanic import HTTPResponse, Request

from miniprogram_api.idempotent import made
from miniprogram_api.listing import Columns, Table, listed
from miniprogram_api.reading import Body, Day, Query
from miniprogram_api.representation import FixedResponse
from miniprogram_api.shelf import ListView
from miniprogram_api.tables import MEDIA, Exportable
from miniprogram_api.web import Face, allow, answer, answers, idempotent, query
from miniprogram_api.words import Words
from server.kernel import clock
from server.notices import catalogue, statistics
from server.notices import deliveries as service
from server.notices.catalogue import Catalogue
from server.notices.deliveries import Listed, Wanted
from server.notices.models import DeliveryState, Priority, Service
from server.organisations.roles import STAFF, Role
from server.people.service import readable_name

deliveries = Face("deliveries")
DAYS = 30


class DeliveryQuery(Exportable):
    """Which pushes; `day` is the one on which they were made, `broadcast` the one that they are of."""

    state: DeliveryState | None = None
    template: Annotated[str, Field(min_length=1, max_length=64, pattern="^[a-z_]+$")] | None = None
    service: Service | None = None
    day: Day | None = None
    broadcast: UUID | None = None

    def wanted(self) -> Wanted:
        """Return it as the service takes it."""
        return Wanted(**{name: getattr(self, name) for name in Wanted.__slots__})


class ReaderView(Body):
    """To whom a push goes; the name is masked, null where it was never said."""

    id: UUID
    name: str | None


class DeliveryView(Body):
    """One push, without what it says.

    `kind` and `title` are those of the notice; `refusal` says why it failed, is tried again, or is held. `ready_at` is
    since when it could go out, `handed_over_at` when WeChat took it.
    """

    id: UUID
    notice_id: UUID
    person: ReaderView
    kind: str
    title: str
    service: Service
    template: str
    state: DeliveryState
    state_since: datetime
    refusal: str
    attempts: int
    created_at: datetime
    ready_at: datetime | None
    first_tried_at: datetime | None
    handed_over_at: datetime | None
    delivered_at: datetime | None
    expires_at: datetime

    @classmethod
    def of(cls, listed: Listed) -> Self:
        """Return the view of a row."""
        row, name = listed.delivery, readable_name(listed.person)
        same = {name: getattr(row, name) for name in cls.model_fields.keys() - {"person", "kind", "title"}}
        person = ReaderView(id=listed.person.id, name=name.masked if name else None)
        return cls(person=person, kind=listed.notice.kind, title=listed.notice.title, **same)


class CountsQuery(Query):
    """Of which days, both included; the last thirty where nothing is said."""

    since: Day | None = None
    until: Day | None = None

    def days(self) -> tuple[date, date]:
        """Return the first and the last."""
        until = self.until or clock.today()
        return self.since or until - timedelta(days=DAYS - 1), until


class CountView(Body):
    """Pushes of one day, template, account, state and priority: in all, taken by WeChat, and within ten seconds."""

    day: date
    template: str
    service: Service
    state: DeliveryState
    priority: str
    deliveries: int
    handed_over: int
    within_10s: int


class NoticeStatisticsView(Body):
    """How pushes do.

    `share_within_10s` is, of those that somebody waits for or that are usual and that WeChat took, the share that it
    took within ten seconds of when they could go out; null where there were none.
    """

    since: date
    until: date
    share_within_10s: float | None
    rows: list[CountView]

    @classmethod
    def of(cls, counted: statistics.Counted) -> Self:
        """Return the view of a count."""
        rows = [
            CountView(
                day=row.day,
                template=row.template,
                service=Service(row.service),
                state=DeliveryState(row.state),
                priority=Priority(row.priority).name.lower(),
                deliveries=row.deliveries,
                handed_over=row.handed_over,
                within_10s=row.soon,
            )
            for row in counted.rows
        ]
        return cls(since=counted.since, until=counted.until, share_within_10s=counted.share_soon, rows=rows)


def _table(words: Words, kinds: Catalogue) -> Table[DeliveryView]:
    columns: Columns[DeliveryView] = (
        ("通知", lambda one: one.title),
        ("种类", lambda one: kinds.title_of(one.kind) or one.title),
        ("收件人", lambda one: one.person.name),
        ("渠道", lambda one: words.services[one.service]),
        ("模板", lambda one: one.template),
        ("状态", lambda one: words.delivery_states[one.state]),
        ("原因", lambda one: words.delivery_refusals.get(one.refusal, one.refusal)),
        ("尝试次数", lambda one: one.attempts),
        ("生成时间", lambda one: one.created_at),
        ("微信接收时间", lambda one: one.handed_over_at),
        ("送达时间", lambda one: one.delivered_at),
        ("时效至", lambda one: one.expires_at),
    )
    return Table("deliveries", "推送记录", columns)


def _shown(found: Listed) -> FixedResponse:
    return made(answer(DeliveryView.of(found), 201), str(found.delivery.id))


async def _again(_request: Request, subject: str) -> HTTPResponse:
    return _shown(await service.delivery(UUID(subject)))


@deliveries.get("/deliveries")
@allow(*STAFF)
@query(DeliveryQuery)
@answers(200, ListView[DeliveryView], *MEDIA)
async def index(request: Request, query: DeliveryQuery) -> HTTPResponse:
    """List pushes, the newest first."""
    wanted = query.wanted()
    return await listed(
        request,
        query,
        _table(request.app.ctx.words, catalogue.in_force()),
        lambda limit, cursor: service.deliveries(wanted, limit, cursor),
        DeliveryView.of,
    )


@deliveries.post("/deliveries/<delivery_id:uuid>/resend")
@allow(Role.REVIEWER, Role.ADMIN)
@idempotent(_again)
@answers(201, DeliveryView)
async def resend(request: Request, delivery_id: UUID) -> HTTPResponse:
    """Send a notice once more whose push has failed, expired or was taken back; the answer is the new push."""
    return _shown(await service.resend(delivery_id, request.ctx.caller.person_id))


@deliveries.get("/statistics/notices")
@allow(*STAFF)
@query(CountsQuery)
@answers(200, NoticeStatisticsView)
async def counts(_request: Request, query: CountsQuery) -> HTTPResponse:
    """Count pushes by day, template and state, with the share handed over within ten seconds."""
    return answer(NoticeStatisticsView.of(await statistics.counted(*query.days())))
