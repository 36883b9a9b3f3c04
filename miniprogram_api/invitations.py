"""Invitations to organisations."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import Field
from sanic import HTTPResponse, Request

from miniprogram_api.idempotent import made
from miniprogram_api.reading import Body, Paged
from miniprogram_api.shelf import ListView, paged
from miniprogram_api.web import Face, allow, answer, answers, body, idempotent, query
from server.access import owners
from server.access.rules import own
from server.organisations import invitations as service
from server.organisations.invitations import DAYS, MOST_DAYS, InvitationState, Invited
from server.organisations.models import Invitation
from server.organisations.roles import Role

invitations = Face("invitations", url_prefix="/organisations/<organisation_id:uuid>/invitations")


class NewInvitation(Body):
    """To which role, and for how many days the code is good."""

    role: Role
    days: Annotated[int, Field(ge=1, le=MOST_DAYS)] = DAYS


class MadeView(Body):
    """A fresh invitation. `code` is told here alone, for the inviter to pass on; null once it cannot be told again."""

    id: UUID
    role: Role
    code: str | None
    expires_at: datetime


class InvitationView(Body):
    """An invitation and what became of it: `void` where whoever made it may not invite any longer."""

    id: UUID
    role: Role
    state: InvitationState
    made_by: UUID
    created_at: datetime
    expires_at: datetime
    used_by: UUID | None
    used_at: datetime | None

    @classmethod
    def of(cls, invited: Invited) -> Self:
        """Return the view of an invitation."""
        row = invited.invitation
        return cls(
            id=row.id,
            role=row.role,
            state=invited.state,
            made_by=row.made_by_id,
            created_at=row.created_at,
            expires_at=row.expires_at,
            used_by=row.used_by_id,
            used_at=row.used_at,
        )


def _view(row: Invitation) -> HTTPResponse:
    view = MadeView(id=row.id, role=row.role, code=service.code_of(row), expires_at=row.expires_at)
    return made(answer(view, 201), str(row.id))


async def _again(_request: Request, invitation_id: str) -> HTTPResponse:
    return _view(await service.invitation(UUID(invitation_id)))


@invitations.post("/")
@allow(own(Role.MANAGER), Role.ADMIN, owner=owners.organisation)
@idempotent(_again)
@body(NewInvitation)
@answers(201, MadeView)
async def invite(request: Request, organisation_id: UUID, body: NewInvitation) -> HTTPResponse:
    """Make a code by which one person joins, once; whoever has it can use it.

    Administrators of the secretariat make them for their own, and for a manager where an organisation has none left.
    """
    return _view(await service.make(organisation_id, body.role, body.days, by=request.ctx.caller.person_id))


@invitations.get("/")
@allow(own(Role.MANAGER), own(Role.ADMIN), owner=owners.organisation)
@query(Paged)
@answers(200, ListView[InvitationView])
async def index(_request: Request, organisation_id: UUID, query: Paged) -> HTTPResponse:
    """List an organisation's invitations, the newest first, without their codes."""
    found = await service.invitations(organisation_id, query.limit, query.cursor)
    return paged(found, InvitationView.of)


@invitations.delete("/<invitation_id:uuid>")
@allow(own(Role.MANAGER), Role.ADMIN, owner=owners.organisation)
@answers(204)
async def revoke(request: Request, organisation_id: UUID, invitation_id: UUID) -> HTTPResponse:
    """Take an invitation back before it is used."""
    await service.revoke(organisation_id, invitation_id, by=request.ctx.caller.person_id)
    return HTTPResponse(status=204)
