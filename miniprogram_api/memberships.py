"""A person's role in an organisation."""

from uuid import UUID

from sanic import HTTPResponse, Request

from miniprogram_api.organisations import MemberView
from miniprogram_api.reading import Body
from miniprogram_api.web import Face, allow, answer, answers, body
from server.access import owners
from server.access.rules import own
from server.organisations import memberships as service
from server.organisations.roles import Role

memberships = Face("memberships", url_prefix="/memberships")


class NewRole(Body):
    """The role that a member is to have; which there are depends on the kind of organisation."""

    role: Role


@memberships.patch("/<membership_id:uuid>")
@allow(own(Role.MANAGER), own(Role.ADMIN), owner=owners.membership)
@body(NewRole)
@answers(200, MemberView)
async def change(request: Request, membership_id: UUID, body: NewRole) -> HTTPResponse:
    """Give a member another role; it holds from their next request on."""
    changed = await service.change_role(membership_id, body.role, by=request.ctx.caller.person_id)
    return answer(MemberView.of(changed))


@memberships.delete("/<membership_id:uuid>")
@allow(own(Role.MANAGER), own(Role.ADMIN), own(), owner=owners.membership)
@answers(204)
async def end(request: Request, membership_id: UUID) -> HTTPResponse:
    """Leave an organisation, or remove a member from it; the last who leads it has to be replaced first."""
    await service.end(membership_id, by=request.ctx.caller.person_id)
    return HTTPResponse(status=204)
