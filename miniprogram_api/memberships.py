"""A person's role in an organisation."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import Field
from sanic import HTTPResponse, Request

from miniprogram_api.address import address_of
from miniprogram_api.auth import Access
from miniprogram_api.idempotent import made
from miniprogram_api.organisations import MemberView
from miniprogram_api.people import MembershipView
from miniprogram_api.reading import Body
from miniprogram_api.web import Face, allow, answer, answers, body, first, idempotent
from server.access import owners
from server.access.rules import own
from server.organisations import invitations
from server.organisations import memberships as service
from server.organisations import service as organisations
from server.organisations.roles import Role

memberships = Face("memberships", url_prefix="/memberships")


class Joining(Body):
    """An invitation's code as it was passed on; case, blanks and dashes do not matter."""

    invitation_code: Annotated[str, Field(min_length=1, max_length=64, examples=["7Q2M9XK4TB"])]


class NewRole(Body):
    """The role that a member is to have; which there are depends on the kind of organisation."""

    role: Role


async def _joined(_request: Request, membership_id: str) -> HTTPResponse:
    membership = await organisations.membership(UUID(membership_id))
    return made(answer(MembershipView.of(membership), 201), membership_id)


async def _approved(request: Request, membership_id: str) -> HTTPResponse:
    membership = await organisations.membership(UUID(membership_id))
    return made(answer(MemberView.of(membership, request.ctx.caller)), membership_id)


async def _count_try(request: Request, **_arguments: Any) -> None:
    await invitations.allow_try(request.app.ctx.limits, request.ctx.caller.person_id, address_of(request))


@memberships.post("/")
@allow(Access.SIGNED_IN)
@idempotent(_joined)
@first(_count_try)
@body(Joining)
@answers(201, MembershipView)
async def join(request: Request, body: Joining) -> HTTPResponse:
    """Join an organisation by an invitation's code, with the role that it gives."""
    joined = await invitations.accept(body.invitation_code, request.ctx.caller.person_id)
    return await _joined(request, str(joined.id))


@memberships.post("/<membership_id:uuid>/approve")
@allow(own(Role.MANAGER), own(Role.ADMIN), owner=owners.membership)
@idempotent(_approved)
@answers(200, MemberView)
async def approve(request: Request, membership_id: UUID) -> HTTPResponse:
    """Make a member of who asked to be one; whoever should not be is removed instead."""
    approved = await service.approve(membership_id, by=request.ctx.caller.person_id)
    return await _approved(request, str(approved.id))


@memberships.patch("/<membership_id:uuid>")
@allow(own(Role.MANAGER), own(Role.ADMIN), owner=owners.membership)
@body(NewRole)
@answers(200, MemberView)
async def change(request: Request, membership_id: UUID, body: NewRole) -> HTTPResponse:
    """Give a member another role; it holds from their next request on."""
    changed = await service.change_role(membership_id, body.role, by=request.ctx.caller.person_id)
    return answer(MemberView.of(changed, request.ctx.caller))


@memberships.delete("/<membership_id:uuid>")
@allow(own(Role.MANAGER), own(Role.ADMIN), own(), owner=owners.membership)
@answers(204)
async def end(request: Request, membership_id: UUID) -> HTTPResponse:
    """Leave an organisation, or remove a member or refuse who asks; the last who leads has to be replaced first."""
    await service.end(membership_id, by=request.ctx.caller.person_id)
    return HTTPResponse(status=204)
