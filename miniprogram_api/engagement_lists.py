"""Lists of engagements: one's own, those of a posting for its poster, and all for the secretariat."""

from uuid import UUID

from sanic import HTTPResponse, Request

from miniprogram_api.auth import Access
from miniprogram_api.engagement_bodies import EngagementQuery, OwnQuery, PlacesQuery
from miniprogram_api.engagement_views import EngagementView, paged
from miniprogram_api.listing import Columns, Table, listed
from miniprogram_api.shelf import ListView
from miniprogram_api.tables import MEDIA
from miniprogram_api.web import Face, allow, answer, answers, query
from miniprogram_api.words import Words
from server.access import owners
from server.access.rules import Caller, holders, own
from server.engagements import listing
from server.engagements.models import EngagementState, Party
from server.kernel.paging import Page
from server.organisations.roles import STAFF, Role

engagement_lists = Face("engagement_lists")


class PlacedView(ListView[EngagementView]):
    """Engagements of a posting: `headcount` places, of which `filled` are held; `states` counts all, on every page."""

    headcount: int
    filled: int
    states: dict[EngagementState, int]


def _table(words: Words, name: str, title: str) -> Table[EngagementView]:
    def said(one: EngagementView, party: Party) -> str:
        """Return what a side says was paid, in yuan with two decimals."""
        word = one.paid.get(party)
        return "" if word is None else "已确认" if word.fen is None else f"已确认 {word.fen / 100:.2f}元"

    columns: Columns[EngagementView] = (
        ("用工信息", lambda one: one.posting.title),
        ("用人单位", lambda one: one.posting.organisation and one.posting.organisation.name),
        ("姓名", lambda one: one.worker and one.worker.name),
        ("学校", lambda one: one.worker and one.worker.school),
        ("年龄段", lambda one: one.worker and one.worker.ages),
        ("人数", lambda one: one.size),
        ("状态", lambda one: words.engagement_states[one.state]),
        ("现状态起于", lambda one: one.state_since),
        ("报名或邀请时间", lambda one: one.created_at),
        ("录用时间", lambda one: one.accepted_at),
        ("联系人", lambda one: one.contact and one.contact.name),
        ("联系电话", lambda one: "通过学校联系" if one.through_school else one.contact and one.contact.phone),
        ("开始日期", lambda one: one.posting.starts_on),
        ("结束日期", lambda one: one.posting.ends_on),
        ("完成时间", lambda one: one.completed_at),
        ("工时（分钟，求职一方）", lambda one: _minutes(one, Party.WORKER)),
        ("工时（分钟，用人单位）", lambda one: _minutes(one, Party.POSTER)),
        ("报酬（求职一方）", lambda one: said(one, Party.WORKER)),
        ("报酬（用人单位）", lambda one: said(one, Party.POSTER)),
        ("异议", lambda one: words.contest_states[one.contest]),
    )
    return Table(name, title, columns)


def _minutes(one: EngagementView, party: Party) -> int | None:
    return one.completed[party].minutes if party in one.completed else None


@engagement_lists.get("/postings/<posting_id:uuid>/engagements")
@allow(own(Role.CLERK), own(), *STAFF, owner=owners.posting)
@query(PlacesQuery)
@answers(200, PlacedView, *MEDIA)
async def of_posting(request: Request, posting_id: UUID, query: PlacesQuery) -> HTTPResponse:
    """List who applied, was offered a place, waits or has one, the first first; with how the places stand."""

    async def fetch(limit: int, cursor: str | None) -> Page[EngagementView]:
        return await paged(request, await listing.of_posting(posting_id, query.state, limit, cursor))

    if query.format != "json":
        table = _table(request.app.ctx.words, "engagements", "报名和录用")
        return await listed(request, query, table, fetch, lambda view: view)
    found, places = await fetch(query.limit, query.cursor), await listing.places(posting_id)
    return answer(
        PlacedView(
            items=tuple(found.items),
            next_cursor=found.next_cursor,
            headcount=places.headcount,
            filled=places.filled,
            states=places.states,
        )
    )


@engagement_lists.get("/me/engagements")
@allow(Access.SIGNED_IN)
@query(OwnQuery)
@answers(200, ListView[EngagementView])
async def mine(request: Request, query: OwnQuery) -> HTTPResponse:
    """List one's own engagements and those of one's school's classes, the last first, each with what to do next."""
    caller = request.ctx.caller
    found = await listing.of_person(caller.person_id, _offices(caller), query.state, query.limit, query.cursor)
    views = await paged(request, found)
    return answer(ListView[EngagementView](items=tuple(views.items), next_cursor=views.next_cursor))


@engagement_lists.get("/engagements")
@allow(*STAFF)
@query(EngagementQuery)
@answers(200, ListView[EngagementView], *MEDIA)
async def index(request: Request, query: EngagementQuery) -> HTTPResponse:
    """List all engagements, those first that have stood as they do for longest."""

    async def fetch(limit: int, cursor: str | None) -> Page[EngagementView]:
        return await paged(request, await listing.everybodys(query.state, query.contest, limit, cursor))

    table = _table(request.app.ctx.words, "engagements", "报名和录用")
    return await listed(request, query, table, fetch, lambda view: view)


def _offices(caller: Caller) -> list[UUID]:
    roles = holders(Role.CLERK)
    return [post.organisation_id for post in caller.posts if post.role in roles]
