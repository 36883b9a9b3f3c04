"""Organisations and who belongs to them."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import Field
from sanic import HTTPResponse, Request

from miniprogram_api.auth import Access
from miniprogram_api.reading import Body, Paged
from miniprogram_api.shelf import ListView
from miniprogram_api.web import Face, allow, answer, answers, query
from server.access import owners, rules
from server.access.rules import own
from server.organisations import service
from server.organisations.models import Membership, Organisation, OrganisationState
from server.organisations.roles import STAFF, Kind, Role
from server.organisations.service import Wanted
from server.people.service import name_of

organisations = Face("organisations", url_prefix="/organisations")


class OrganisationQuery(Paged):
    """Which organisations; `q` is part of the name, `region` a code of GB/T 2260."""

    kind: Kind | None = None
    state: OrganisationState | None = None
    region: Annotated[str, Field(pattern="^[0-9]{6}$")] | None = None
    q: Annotated[str, Field(min_length=1, max_length=50, pattern=r"^[^\x00-\x1f\x7f]*$")] | None = None


class OrganisationView(Body):
    """An organisation as its members and the secretariat see it."""

    id: UUID
    kind: Kind
    name: str
    region: str | None
    state: OrganisationState
    version: int
    created_at: datetime

    @classmethod
    def of(cls, organisation: Organisation) -> Self:
        """Return the view of a row."""
        return cls(**{name: getattr(organisation, name) for name in cls.model_fields})


class MemberPersonView(Body):
    """Who a member is. The name is given in full: members act for their organisation, under their name."""

    id: UUID
    name: str | None


class MemberView(Body):
    """A membership, with the person; `id` is the membership's own."""

    id: UUID
    role: Role
    created_at: datetime
    person: MemberPersonView

    @classmethod
    def of(cls, membership: Membership) -> Self:
        """Return the view of a row that was fetched with its person."""
        name = name_of(membership.person)
        person = MemberPersonView(id=membership.person_id, name=name.reveal() if name else None)
        return cls(id=membership.id, role=membership.role, created_at=membership.created_at, person=person)


@organisations.get("/")
@allow(Access.SIGNED_IN)
@query(OrganisationQuery)
@answers(200, ListView[OrganisationView])
async def index(request: Request, query: OrganisationQuery) -> HTTPResponse:
    """List organisations, the newest first: all for the secretariat, their own for everyone else."""
    wanted = Wanted(query.kind, query.state, query.region, query.q)
    found = await service.organisations(wanted, rules.within(request.ctx.caller), query.limit, query.cursor)
    items = tuple(OrganisationView.of(organisation) for organisation in found.items)
    return answer(ListView[OrganisationView](items=items, next_cursor=found.next_cursor))


@organisations.get("/<organisation_id:uuid>")
@allow(own(Role.CLERK), *STAFF, owner=owners.organisation)
@answers(200, OrganisationView)
async def organisation(_request: Request, organisation_id: UUID) -> HTTPResponse:
    """Show one organisation."""
    return answer(OrganisationView.of(await service.organisation(organisation_id)))


@organisations.get("/<organisation_id:uuid>/members")
@allow(own(Role.MANAGER), *STAFF, owner=owners.organisation)
@query(Paged)
@answers(200, ListView[MemberView])
async def members(_request: Request, organisation_id: UUID, query: Paged) -> HTTPResponse:
    """List who belongs to an organisation, those first who have for longest."""
    found = await service.members(organisation_id, query.limit, query.cursor)
    items = tuple(MemberView.of(membership) for membership in found.items)
    return answer(ListView[MemberView](items=items, next_cursor=found.next_cursor))
