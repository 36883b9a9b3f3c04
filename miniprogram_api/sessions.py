"""Signing in with WeChat, staying signed in, signing out."""

from typing import Annotated

from pydantic import Field
from sanic import HTTPResponse, Request

from miniprogram_api.address import address_of
from miniprogram_api.auth import Access
from miniprogram_api.people import PersonView, view_of
from miniprogram_api.reading import Body
from miniprogram_api.web import Face, allow, answer, answers, body
from server.access.ports import ACCESS_LIFETIME
from server.people import sessions as service
from server.people.sessions import SignedIn

sessions = Face("sessions")
Code = Annotated[str, Field(min_length=1, max_length=256, pattern=r"^[\x21-\x7e]*$")]
"""A code from WeChat's front end, good once, for five minutes; what cannot be one is refused before it is counted."""


class SignIn(Body):
    """What `wx.login` gave; `undo_deletion` keeps an account whose deletion was asked for, days ago at most."""

    code: Code
    undo_deletion: bool = False


class Refresh(Body):
    """The newest refresh token of the session."""

    refresh_token: Annotated[str, Field(min_length=1, max_length=256)]


class SessionView(Body):
    """A session in force: `access_token` for `expires_in` seconds, then `refresh_token`, once, for the next ones."""

    access_token: str
    expires_in: int
    refresh_token: str
    person: PersonView
    is_new: bool


@sessions.post("/sessions")
@allow(Access.PUBLIC)
@body(SignIn)
@answers(201, SessionView)
async def sign_in(request: Request, body: SignIn) -> HTTPResponse:
    """Sign in with a code from WeChat; whoever comes for the first time is new."""
    ctx = request.app.ctx
    most = ctx.settings.sign_ins_per_minute
    signed_in = await service.sign_in(
        body.code, address_of(request), most, ctx.wechat, ctx.limits, undo_deletion=body.undo_deletion
    )
    return answer(await _view(request, signed_in), 201)


@sessions.post("/sessions/refresh")
@allow(Access.PUBLIC)
@body(Refresh)
@answers(200, SessionView)
async def refresh(request: Request, body: Refresh) -> HTTPResponse:
    """Exchange a refresh token for new tokens; one that is shown again after its use ends the session."""
    return answer(await _view(request, await service.refresh(body.refresh_token)))


@sessions.delete("/sessions/current")
@allow(Access.SIGNED_IN)
@answers(204)
async def sign_out(request: Request) -> HTTPResponse:
    """Sign out here."""
    caller = request.ctx.caller
    await service.sign_out(caller.session_id, caller.person_id)
    return HTTPResponse(status=204)


@sessions.delete("/sessions")
@allow(Access.SIGNED_IN)
@answers(204)
async def sign_out_everywhere(request: Request) -> HTTPResponse:
    """Sign out on every device."""
    await service.sign_out_everywhere(request.ctx.caller.person_id)
    return HTTPResponse(status=204)


async def _view(request: Request, signed_in: SignedIn) -> SessionView:
    return SessionView(
        access_token=request.app.ctx.callers.issue(signed_in.session),
        expires_in=int(ACCESS_LIFETIME.total_seconds()),
        refresh_token=signed_in.refresh_token,
        person=await view_of(signed_in.person),
        is_new=signed_in.is_new,
    )
