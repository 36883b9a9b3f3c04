"""The stand-in as a Sanic app."""

import logging
from typing import Any

from sanic import HTTPResponse, Request, Sanic
from sanic.exceptions import MethodNotAllowed, NotFound, SanicException

from server.secrets import WeChatAccount
from server.standin import door, mini_program, service_account
from server.standin.control import control
from server.standin.events import Events
from server.standin.refusals import RefusedError
from server.standin.templates import Side
from server.standin.world import World

NAME = "yizhitong-standin"
BODY_LIMIT_BYTES = 2 * 1024 * 1024
LONGEST_DELAY_SECONDS = 60
OUR_HOSTS = {"127.0.0.1", "localhost"}

_log = logging.getLogger(__name__)


def build(mini: WeChatAccount, service: WeChatAccount, api_base: str) -> Sanic[Any, Any]:
    """Return the stand-in for two accounts, which tells the callbacks at `api_base` of its events."""
    accounts = {Side.MINI_PROGRAM: mini, Side.SERVICE_ACCOUNT: service}
    app: Sanic[Any, Any] = Sanic(NAME, configure_logging=False)
    app.config.update(
        REQUEST_MAX_SIZE=BODY_LIMIT_BYTES,
        RESPONSE_TIMEOUT=LONGEST_DELAY_SECONDS * 2,
        KEEP_ALIVE_TIMEOUT=LONGEST_DELAY_SECONDS,
        GRACEFUL_SHUTDOWN_TIMEOUT=1.0,
        ACCESS_LOG=False,
        MOTD=False,
        TOUCHUP=False,  # it would rewrite the classes that the API's app shares
    )
    app.ctx.world = World(accounts)
    app.ctx.events = Events(accounts, api_base)
    endpoints = (*mini_program.ENDPOINTS, *service_account.ENDPOINTS)
    app.ctx.paths = {endpoint.path for endpoint in endpoints}
    door.mount(app, endpoints)
    app.blueprint(control)
    app.add_route(_about, "/", name="about")
    app.register_middleware(_from_here, "request")
    app.exception(Exception)(_failed)
    app.after_server_stop(_close)
    return app


async def _close(app: Sanic[Any, Any]) -> None:
    await app.ctx.events.close()


async def _about(request: Request) -> HTTPResponse:
    """Say what this is."""
    routes = sorted(f"{'/'.join(route.methods)} /{route.path}" for route in request.app.router.routes)
    return HTTPResponse("\n".join(["WeChat, played on this machine:", *routes, ""]), content_type=door.PLAIN)


async def _from_here(request: Request) -> HTTPResponse | None:
    """Turn away web pages that have a browser on this machine call us."""
    host = request.headers.get("host", "").rsplit(":", 1)[0]
    if host in OUR_HOSTS and "origin" not in request.headers:
        return None
    return HTTPResponse("only for programs on this machine", 403, content_type=door.PLAIN)


async def _failed(_request: Request, error: Exception) -> HTTPResponse:
    if isinstance(error, NotFound):
        return door.refused(RefusedError(40066))
    if isinstance(error, MethodNotAllowed):
        return door.refused(RefusedError(43001 if "GET" in (error.allowed_methods or ()) else 43002))
    if isinstance(error, SanicException):
        return HTTPResponse(str(error), error.status_code, content_type=door.PLAIN)
    _log.error("the stand-in failed", exc_info=error)
    return HTTPResponse("the stand-in failed; its log says why", 500, content_type=door.PLAIN)
