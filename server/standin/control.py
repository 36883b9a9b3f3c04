"""The levers: what a person, WeChat's operators or bad luck would do, as routes of our own."""

from collections.abc import Callable
from dataclasses import asdict
from functools import wraps
from typing import Any, TypeVar

import orjson
from pydantic import ValidationError
from sanic import Blueprint, HTTPResponse, Request

from server.kernel import clock
from server.standin import orders
from server.standin.events import Events
from server.standin.faults import Fault
from server.standin.templates import Side, Template
from server.standin.world import Phone, World

control = Blueprint("control", url_prefix="/control")
Order = TypeVar("Order", bound=orders.Order)


def takes(model: type[Order]) -> Callable[[Callable[[Request, Order], Any]], Callable[[Request], Any]]:
    """Read the body as `model`, whatever its Content-Type says; answer 400 naming each field at fault."""

    def wrap(handle: Callable[[Request, Order], Any]) -> Callable[[Request], Any]:
        @wraps(handle)
        async def read(request: Request) -> HTTPResponse:
            try:
                return _json(await handle(request, model.read(request.body or b"{}")))
            except ValidationError as error:
                return _bad({".".join(map(str, fault["loc"])) or "body": fault["msg"] for fault in error.errors()})
            except orders.WrongError as error:
                return _bad({error.field: error.words})

        return read

    return wrap


def _bad(faults: dict[str, str]) -> HTTPResponse:
    message = "; ".join(f"{name}: {words}" for name, words in faults.items())
    return _json({"message": message, "fields": faults}, 400)


def _json(found: object, status: int = 200) -> HTTPResponse:
    return HTTPResponse(orjson.dumps(found), status, content_type="application/json")


def _world(request: Request) -> World:
    world: World = request.app.ctx.world
    return world


def _events(request: Request) -> Events:
    events: Events = request.app.ctx.events
    return events


@control.post("/codes")
@takes(orders.NewCode)
async def new_code(request: Request, order: orders.NewCode) -> dict[str, Any]:
    """Let someone open the mini-program: their sign-in code."""
    world = _world(request)
    person = world.meet(Side.MINI_PROGRAM, order.openid)
    if "unionid" in order.model_fields_set:
        person.unionid = order.unionid
    return {"code": world.sign_in_codes.issue(order.openid)}


@control.post("/phone-codes")
@takes(orders.NewPhoneCode)
async def new_phone_code(request: Request, order: orders.NewPhoneCode) -> dict[str, Any]:
    """Let someone tap the button that shares their number: its code."""
    return {"code": _world(request).phone_codes.issue(Phone(order.phone, order.country_code))}


@control.post("/permissions")
@takes(orders.Permissions)
async def permissions(request: Request, order: orders.Permissions) -> dict[str, Any]:
    """Let someone answer the request for push permissions; the callback hears of it."""
    world = _world(request)
    world.meet(Side.MINI_PROGRAM, order.openid)
    for asked in order.asked():
        for template_id, result in asked.items():
            world.answered(order.openid, template_id, result, withdrawn=order.in_settings)
        rows = [_row(template_id, result, order) for template_id, result in asked.items() if result in orders.TOLD]
        if rows:
            event = "subscribe_msg_change_event" if order.in_settings else "subscribe_msg_popup_event"
            _events(request).send(Side.MINI_PROGRAM, order.openid, event, {"List": rows})
    left = {id_: world.permissions.get((order.openid, id_), 0) for asked in order.asked() for id_ in asked}
    return {"permissions": left}


def _row(template_id: str, result: str, order: orders.Permissions) -> dict[str, str]:
    row = {"TemplateId": template_id, "SubscribeStatusString": result}
    return row if order.in_settings else {**row, "PopupScene": "0"}


@control.post("/followers")
@takes(orders.Follower)
async def follow(request: Request, order: orders.Follower) -> dict[str, Any]:
    """Let someone follow the service account, or stop; the service callback hears of it."""
    person = _world(request).meet(Side.SERVICE_ACCOUNT, order.openid)
    if "unionid" in order.model_fields_set:
        person.unionid = order.unionid
    person.following = order.following
    event = "subscribe" if order.following else "unsubscribe"
    _events(request).send(Side.SERVICE_ACCOUNT, order.openid, event, {"EventKey": ""})
    return {"openid": order.openid, "unionid": person.unionid, "following": person.following}


@control.post("/faults")
@takes(orders.NewFault)
async def fail(request: Request, order: orders.NewFault) -> dict[str, Any]:
    """Let calls go wrong; `*` is every path of WeChat's."""
    if order.path not in {"*", *request.app.ctx.paths}:
        raise orders.WrongError("path", f"* or one of {', '.join(sorted(request.app.ctx.paths))}")
    _world(request).faults.add(Fault(**order.model_dump()))
    return {"waiting": len(_world(request).faults)}


@control.post("/tokens/revoke")
@takes(orders.Revocation)
async def revoke(request: Request, order: orders.Revocation) -> dict[str, Any]:
    """Kill the access tokens that are out."""
    world = _world(request)
    sides = [side for side in Side if order.appid in {None, world.accounts[side].appid}]
    if not sides:
        raise orders.WrongError("appid", "not one of the two accounts")
    for side in sides:
        world.tokens[side].revoke()
    return {"revoked": [world.accounts[side].appid for side in sides]}


@control.post("/clock")
@takes(orders.Moment)
async def move_clock(_request: Request, order: orders.Moment) -> dict[str, Any]:
    """Move the clock of this process, which in the default run is the API's as well.

    Beside a stand-in of its own process the API keeps its time, and finds events of another day stale. Moving
    it back undoes nothing: what was written meanwhile lies in the future, and jobs planned there wait until then.
    """
    clock.move_to(order.now)
    return {"now": clock.now().isoformat()}


@control.post("/callback-mode")
@takes(orders.CallbackMode)
async def callback_mode(request: Request, order: orders.CallbackMode) -> dict[str, Any]:
    """Choose how events are sealed and written."""
    mode = _events(request).mode
    for name, value in order.model_dump(exclude_none=True).items():
        setattr(mode, name, value)
    return asdict(mode)


@control.post("/templates")
@takes(orders.NewTemplate)
async def add_template(request: Request, order: orders.NewTemplate) -> dict[str, Any]:
    """Add a template, until the next reset."""
    choices = {key: tuple(words) for key, words in order.choices.items()}
    _world(request).add(Template(order.id, tuple(order.keys), order.side, order.long_term, choices))
    return {"templates": len(_world(request).templates)}


@control.post("/reset")
@takes(orders.Nothing)
async def reset(request: Request, _order: orders.Nothing) -> dict[str, Any]:
    """Forget everything: people, codes, tokens, messages, faults, calls, events on their way, a moved clock."""
    _world(request).reset()
    await _events(request).reset()
    clock.move_to(None)
    return {}


@control.get("/templates")
async def templates(request: Request) -> HTTPResponse:
    """List the templates of both accounts."""
    return _json({"items": [asdict(template) for template in _world(request).templates.values()]})


@control.get("/messages")
async def messages(request: Request) -> HTTPResponse:
    """List the pushes that arrived, the oldest first; `?openid=` those to one person."""
    openid = request.args.get("openid")
    found = [asdict(message) for message in _world(request).messages if openid in {None, message.openid}]
    return _json({"items": found})


@control.get("/faults")
async def faults(request: Request) -> HTTPResponse:
    """List what is to go wrong still, and how often."""
    return _json({"items": [asdict(fault) for fault in _world(request).faults.left()]})


@control.get("/calls")
async def calls(request: Request) -> HTTPResponse:
    """List the newest calls, the oldest first, and how many there were by path since the last reset."""
    world = _world(request)
    return _json({"totals": dict(world.totals), "items": list(world.calls)})


@control.get("/events")
async def events(request: Request) -> HTTPResponse:
    """List the newest events and what became of them."""
    return _json({"items": _events(request).recent()})
