"""Which organisations there are, and who belongs to one."""

from collections.abc import Mapping
from typing import Annotated
from uuid import UUID

from pydantic import Field
from sanic import HTTPResponse, Request

from miniprogram_api.auth import Access
from miniprogram_api.listing import Columns, Table, listed
from miniprogram_api.organisations import MemberView, OrganisationView
from miniprogram_api.shelf import ListView
from miniprogram_api.tables import MEDIA, Exportable
from miniprogram_api.web import Face, allow, answers, query
from miniprogram_api.words import Words
from server.access import owners, rules
from server.access.rules import own
from server.organisations import service
from server.organisations.models import OrganisationState
from server.organisations.roles import STAFF, Kind, Role
from server.organisations.service import Wanted

organisation_lists = Face("organisation_lists", url_prefix="/organisations")


class OrganisationQuery(Exportable):
    """Which organisations; `q` is part of the name, `region` a code of GB/T 2260."""

    kind: Kind | None = None
    state: OrganisationState | None = None
    region: Annotated[str, Field(pattern="^[0-9]{6}$")] | None = None
    q: Annotated[str, Field(min_length=1, max_length=50, pattern=r"^[^\x00-\x1f\x7f]*$")] | None = None


def _organisations(words: Words, counties: Mapping[str, str]) -> Table[OrganisationView]:
    columns: Columns[OrganisationView] = (
        ("名称", lambda one: one.name),
        ("类别", lambda one: words.kinds[one.kind]),
        ("状态", lambda one: words.organisation_states[one.state]),
        ("统一社会信用代码", lambda one: one.credit_code),
        ("学校标识码", lambda one: one.school_code),
        ("县区", lambda one: one.region and counties.get(one.region, one.region)),
        ("地址", lambda one: one.address),
        ("经办人", lambda one: one.contact_name and one.contact_name.masked),
        ("核验有效至", lambda one: one.due_on),
        ("集团成员自", lambda one: one.member_since),
        ("集团成员至", lambda one: one.member_until),
        ("申请时间", lambda one: one.created_at),
    )
    return Table("organisations", "单位", columns)


def _members(words: Words) -> Table[MemberView]:
    columns: Columns[MemberView] = (
        ("姓名", lambda one: one.person.name),
        ("角色", lambda one: words.roles[one.role]),
        ("状态", lambda one: words.membership_states[one.state]),
        ("申请或加入时间", lambda one: one.created_at),
    )
    return Table("members", "单位成员", columns)


@organisation_lists.get("/")
@allow(Access.SIGNED_IN)
@query(OrganisationQuery)
@answers(200, ListView[OrganisationView], *MEDIA)
async def index(request: Request, query: OrganisationQuery) -> HTTPResponse:
    """List organisations, the newest first: all for the secretariat, their own for everyone else."""
    wanted = Wanted(query.kind, query.state, query.region, query.q)
    within = rules.within(request.ctx.caller)
    return await listed(
        request,
        query,
        _organisations(request.app.ctx.words, request.app.ctx.reference.names_of_regions),
        lambda limit, cursor: service.organisations(wanted, within, limit, cursor),
        OrganisationView.of,
    )


@organisation_lists.get("/<organisation_id:uuid>/members")
@allow(own(Role.MANAGER), *STAFF, owner=owners.organisation)
@query(Exportable)
@answers(200, ListView[MemberView], *MEDIA)
async def members(request: Request, organisation_id: UUID, query: Exportable) -> HTTPResponse:
    """List who belongs to an organisation and who asks to, those first who came first."""
    return await listed(
        request,
        query,
        _members(request.app.ctx.words),
        lambda limit, cursor: service.members(organisation_id, limit, cursor),
        lambda membership: MemberView.of(membership, request.ctx.caller),
    )
