"""Where calls to WeChat come in: counted, met by faults, their token checked, answered as WeChat answers."""

import asyncio
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast

import orjson
from sanic import HTTPResponse, Request, Sanic

from server.kernel import clock
from server.standin.events import Events
from server.standin.faults import Fault
from server.standin.refusals import RefusedError
from server.standin.templates import Side
from server.standin.world import World

PLAIN = "text/plain"
JSON = "application/json; encoding=utf-8"
HTML = "<html><head><title>Error</title></head><body><h1>Service temporarily unavailable</h1></body></html>"


@dataclass(frozen=True, slots=True)
class Call:
    """One call that got past the door."""

    world: World
    events: Events
    query: Mapping[str, str]
    body: Mapping[str, Any]


Answer = dict[str, Any] | HTTPResponse


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A route of WeChat's. `token` says whose access token it takes; None is none."""

    method: str
    path: str
    token: Side | None
    work: Callable[[Call], Answer]
    content_type: str = JSON


def ok(**more: Any) -> dict[str, Any]:
    """Return the answer of a call that did its work."""
    return {"errcode": 0, "errmsg": "ok", **more}


def mount(app: Sanic[Any, Any], endpoints: Iterable[Endpoint]) -> None:
    """Give `app` the routes of `endpoints`."""
    for endpoint in endpoints:
        name = endpoint.path.strip("/").replace("/", "_")
        app.add_route(_handler(endpoint), endpoint.path, methods=[endpoint.method], name=name)


def refused(refusal: RefusedError, content_type: str = JSON) -> HTTPResponse:
    """Return WeChat's words for `refusal`."""
    rid = f"rid: {secrets.token_hex(4)}-{secrets.token_hex(4)}-{secrets.token_hex(4)}"
    return _json({"errcode": refusal.errcode, "errmsg": f"{refusal.errmsg} {rid}"}, content_type)


def _handler(endpoint: Endpoint) -> Callable[[Request], Any]:
    async def handle(request: Request) -> HTTPResponse:
        world: World = request.app.ctx.world
        fault = world.faults.take(endpoint.path)
        note = {"at": clock.now().isoformat(), "path": endpoint.path, "outcome": "under way"}
        world.calls.append(note)
        world.totals[endpoint.path] += 1
        response = None if fault and fault.answers and not fault.after else _worked(endpoint, request, note)
        if fault:
            response = await _met(fault, request, note, response)
        assert response  # noqa: S101 -- a fault that leaves no answer makes one
        return response

    return handle


def _worked(endpoint: Endpoint, request: Request, note: dict[str, str]) -> HTTPResponse:
    try:
        found = endpoint.work(_call(endpoint, request))
    except RefusedError as refusal:
        note["outcome"] = str(refusal.errcode)
        return refused(refusal, endpoint.content_type)
    note["outcome"] = "ok"
    return found if isinstance(found, HTTPResponse) else _json(found, endpoint.content_type)


def _call(endpoint: Endpoint, request: Request) -> Call:
    world: World = request.app.ctx.world
    query = {name: values[-1] for name, values in request.args.items()}
    if endpoint.token:
        _check_token(world, endpoint.token, query.get("access_token", ""))
    return Call(world, request.app.ctx.events, query, _body(request) if endpoint.method == "POST" else {})


def _check_token(world: World, side: Side, text: str) -> None:
    if not text:
        raise RefusedError(41001)
    if any(tokens.has(text) for other, tokens in world.tokens.items() if other is not side):
        raise RefusedError(48001)
    world.tokens[side].check(text)


def _body(request: Request) -> Mapping[str, Any]:
    try:
        found = orjson.loads(request.body)
    except orjson.JSONDecodeError:
        found = None
    if not isinstance(found, dict):
        raise RefusedError(47001)
    return found


async def _met(fault: Fault, request: Request, note: dict[str, str], response: HTTPResponse | None) -> HTTPResponse:
    await asyncio.sleep(fault.delay_ms / 1000)
    if response and not fault.answers:
        return response
    note["fault"] = "lost answer" if fault.after else "instead"
    if fault.drop:
        note["outcome"] = "dropped"
        cast("asyncio.Transport", request.transport).abort()
        await asyncio.Event().wait()  # until the loss of the connection cancels us
    note["outcome"] = str(next((what for what in (fault.errcode, fault.status) if what is not None), "html"))
    if fault.errcode is not None:
        answer = refused(RefusedError(fault.errcode))
        answer.status = fault.status or 200
        return answer
    return HTTPResponse(HTML, fault.status or 200, content_type="text/html")


def _json(found: Mapping[str, Any], content_type: str) -> HTTPResponse:
    return HTTPResponse(orjson.dumps(found), content_type=content_type)
