"""The probe's server with routes whose rights are wrong, to see the matrix find them."""

import os
from uuid import UUID

from sanic import HTTPResponse, Request

from miniprogram_api.auth import Access
from miniprogram_api.web import Face, allow, answers
from server import app
from server.access.rules import Owner, own
from server.kernel import log
from server.organisations.models import Organisation
from server.organisations.roles import Role
from server.settings import Settings

planted = Face("planted", url_prefix="/planted")


async def everybodys(organisation_id: UUID) -> Owner:
    """A wrong owner check: it takes the caller's own organisation for the thing's, whoever calls."""
    del organisation_id
    return Owner("organisation", frozenset([one.id for one in await Organisation.all()]))


async def telltale(organisation_id: UUID) -> Owner:
    """Another: right, but what is hidden has another name than what is not there."""
    exists = await Organisation.exists(id=organisation_id)
    return Owner("membership" if exists else "organisation", frozenset({organisation_id}))


@planted.get("/wrong/<organisation_id:uuid>")
@allow(own(Role.CLERK), owner=everybodys)
@answers(204)
async def wrong(_request: Request, organisation_id: UUID) -> HTTPResponse:
    """Show what is not the caller's."""
    del organisation_id
    return HTTPResponse(status=204)


@planted.get("/telltale/<organisation_id:uuid>")
@allow(own(Role.CLERK), owner=telltale)
@answers(204)
async def telling(_request: Request, organisation_id: UUID) -> HTTPResponse:
    """Tell by its refusals which organisations there are."""
    del organisation_id
    return HTTPResponse(status=204)


@planted.get("/open")
@allow(Access.PUBLIC)
@answers(204)
async def unguarded(_request: Request) -> HTTPResponse:
    """Let anyone in."""
    return HTTPResponse(status=204)


@planted.get("/shut")
@allow(Access.SIGNED_IN)
@answers(204)
async def shut(_request: Request) -> HTTPResponse:
    """Turn strangers away."""
    return HTTPResponse(status=204)


if __name__ == "__main__":
    settings = Settings.from_env(os.environ)
    log.configure(settings.log_level)
    app.serve(app.build(settings, extra_faces=[planted]))
