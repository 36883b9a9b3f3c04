"""The mini-program's routes at WeChat."""

import base64
import io
import re
import secrets
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import segno
from sanic import HTTPResponse

from server.kernel import clock
from server.standin.door import PLAIN, Answer, Call, Endpoint, ok
from server.standin.refusals import RefusedError
from server.standin.templates import Side

SIDE = Side.MINI_PROGRAM
VISIT_LASTS = timedelta(hours=2)
LONGEST_CONTENT = 2500
LONGEST_SCENE = 32
LONGEST_PAGE = 1024
SCENES_OF_CONTENT = range(1, 5)
WIDTHS = range(280, 1281)
STATES = {"formal", "trial", "developer"}
VERSIONS = {"release", "trial", "develop"}
VERDICTS = {
    "代孕": ("risky", 20006),
    "刷单": ("risky", 20008),
    "赌博": ("risky", 20006),
    "色情": ("risky", 20002),
    "加微信": ("review", 10001),
    "疑似广告": ("review", 10001),
}
"""Words that the stand-in finds fault with; each has a verdict and WeChat's label."""

_SCENE = re.compile(r"[A-Za-z0-9!#$&'()*+,/:;=?@\-._~]+")
_PAGE = re.compile(r"[A-Za-z0-9_\-]+(?:/[A-Za-z0-9_\-]+)*")
_PAGE_WITH_QUERY = re.compile(_PAGE.pattern + r"(?:\?[!-~]*)?")


def sign_in(call: Call) -> Answer:
    """`jscode2session`: who holds a code. A success says no errcode."""
    for name, errcode in (("appid", 41002), ("secret", 41004), ("js_code", 41008)):
        if not call.query.get(name):
            raise RefusedError(errcode)
    check_account(call, call.query, SIDE)
    if call.query.get("grant_type") != "authorization_code":
        raise RefusedError(40002)
    openid = call.world.sign_in_codes.take(call.query["js_code"])
    person = call.world.meet(SIDE, openid)
    person.signed_in_at = clock.now()
    answer: dict[str, Any] = {"openid": openid, "session_key": base64.b64encode(secrets.token_bytes(16)).decode()}
    return answer | ({"unionid": person.unionid} if person.unionid else {})


def check_account(call: Call, given: Mapping[str, Any], *sides: Side) -> Side:
    """Return whose appid and secret are given; refuses others."""
    for side in sides:
        account = call.world.accounts[side]
        if given.get("appid") == account.appid:
            if given.get("secret") != account.secret:
                raise RefusedError(40125)
            return side
    raise RefusedError(40013)


def stable_token(call: Call) -> Answer:
    """`stable_token`, for both accounts."""
    for name, errcode in (("appid", 41002), ("secret", 41004)):
        if not call.body.get(name):
            raise RefusedError(errcode)
    if call.body.get("grant_type") != "client_credential":
        raise RefusedError(40002)
    tokens = call.world.tokens[check_account(call, call.body, *Side)]
    force = call.body.get("force_refresh", False)
    if not isinstance(force, bool):
        raise RefusedError(47001)
    token = tokens.forced() if force else tokens.normal()
    return {"access_token": token.text, "expires_in": int(token.left.total_seconds())}


def phone_number(call: Call) -> Answer:
    """`getuserphonenumber`: what a phone code stands for. Every other country code is a number."""
    phone = call.world.phone_codes.take(_text(call, "code", 40029))
    at_home = phone.country_code == "86"
    info = {
        "phoneNumber": phone.number if at_home else f"+{phone.country_code}{phone.number}",
        "purePhoneNumber": phone.number,
        "countryCode": int(phone.country_code) if call.world.number() % 2 else phone.country_code,
        "watermark": {"timestamp": int(clock.now().timestamp()), "appid": call.world.accounts[SIDE].appid},
    }
    return ok(phone_info=info)


def check_text(call: Call) -> Answer:
    """`msg_sec_check`, version 2: the verdict follows the words of `VERDICTS`."""
    content = _text(call, "content", 47001)
    if call.body.get("version") != 2 or call.body.get("scene") not in SCENES_OF_CONTENT:  # noqa: PLR2004
        raise RefusedError(40097)
    openid = _text(call, "openid", 40003)
    if len(content) > LONGEST_CONTENT:
        raise RefusedError(45002)
    person = call.world.people[SIDE].get(openid)
    if not person or not person.signed_in_at or clock.now() - person.signed_in_at > VISIT_LASTS:
        raise RefusedError(61010)
    read = " ".join(str(call.body.get(name, "")) for name in ("content", "title", "nickname", "signature"))
    found = [verdict for word, verdict in VERDICTS.items() if word in read]
    suggest, label = next((one for one in found if one[0] == "risky"), found[0] if found else ("pass", 100))
    result = {"suggest": suggest, "label": label}
    detail = [{"strategy": "content_model", "errcode": 0, "prob": 90, **result}]
    return ok(result=result, detail=detail, trace_id=secrets.token_hex(16))


def code_image(call: Call) -> Answer:
    """`getwxacodeunlimit`: a PNG that a phone reads as page and scene."""
    scene, page, width = call.body.get("scene"), call.body.get("page") or "pages/index/index", _width(call)
    if not isinstance(scene, str) or len(scene) > LONGEST_SCENE or not _SCENE.fullmatch(scene):
        raise RefusedError(40129)
    if not isinstance(page, str) or not _PAGE.fullmatch(page):
        raise RefusedError(41030)
    if call.body.get("env_version", "release") not in VERSIONS:
        raise RefusedError(40097)
    code = segno.make_qr(f"{page}?scene={scene}")
    image = io.BytesIO()
    code.save(image, kind="png", scale=max(1, width // code.symbol_size()[0]))
    return HTTPResponse(image.getvalue(), content_type="image/png")


def _width(call: Call) -> int:
    width = call.body.get("width", 430)
    if type(width) is not int or width not in WIDTHS:
        raise RefusedError(40097)
    return width


def push(call: Call) -> Answer:
    """`subscribe/send`: one message for one permission; the callback hears what became of it."""
    openid = _text(call, "touser", 40003)
    call.world.known(SIDE, openid)
    template = call.world.template(SIDE, call.body.get("template_id"))
    page = call.body.get("page", "")
    if not isinstance(page, str) or len(page) > LONGEST_PAGE or (page and not _PAGE_WITH_QUERY.fullmatch(page)):
        raise RefusedError(41030)
    if call.body.get("miniprogram_state", "formal") not in STATES:
        raise RefusedError(40097)
    template.check(call.body.get("data"))
    left = call.world.permissions.get((openid, template.id), 0)
    if left < 1:
        raise RefusedError(43101)
    if not template.long_term:
        call.world.permissions[openid, template.id] = left - 1
    number = call.world.deliver(template, openid, call.body["data"], page)
    row = {"TemplateId": template.id, "MsgID": str(number), "ErrorCode": "0", "ErrorStatus": "success"}
    call.events.send(SIDE, openid, "subscribe_msg_sent_event", {"List": [row]})
    return ok(msgid=number)


def _text(call: Call, name: str, errcode: int) -> str:
    found = call.body.get(name)
    if not isinstance(found, str) or not found:
        raise RefusedError(errcode)
    return found


def _post(path: str, work: Callable[[Call], Answer], token: Side | None = SIDE) -> Endpoint:
    return Endpoint("POST", path, token, work)


ENDPOINTS = (
    Endpoint("GET", "/sns/jscode2session", None, sign_in, PLAIN),
    _post("/cgi-bin/stable_token", stable_token, None),
    _post("/wxa/business/getuserphonenumber", phone_number),
    _post("/wxa/msg_sec_check", check_text),
    _post("/wxa/getwxacodeunlimit", code_image),
    _post("/cgi-bin/message/subscribe/send", push),
)
