"""The service account's routes at WeChat."""

from datetime import timedelta
from typing import Any

from server.kernel import clock
from server.standin.door import Answer, Call, Endpoint, ok
from server.standin.refusals import RefusedError
from server.standin.templates import Side

SIDE = Side.SERVICE_ACCOUNT
SAME_MESSAGE_FOR = timedelta(minutes=10)
PER_PERSON_AND_MINUTE = 20
LONGEST_PATH = 1024
LONGEST_CLIENT_ID = 32


def push(call: Call) -> Answer:
    """`template/send`: one message to a follower; the callback hears that it came."""
    openid = call.body.get("touser")
    if not call.world.known(SIDE, openid).following:
        raise RefusedError(43004)
    template = call.world.template(SIDE, call.body.get("template_id"))
    page = _page(call)
    template.check(call.body.get("data"))
    known = (str(openid), _client_id(call))
    sent = call.world.sent.get(known) if known[1] else None
    if sent and clock.now() - sent[1] < SAME_MESSAGE_FOR:
        return ok(msgid=sent[0])
    _check_pace(call, known[0])
    number = call.world.deliver(template, known[0], call.body["data"], page)
    if known[1]:
        call.world.sent[known] = (number, clock.now())
    call.events.send(SIDE, known[0], "TEMPLATESENDJOBFINISH", {"MsgID": number, "Status": "success"})
    return ok(msgid=number)


def _client_id(call: Call) -> str:
    found = call.body.get("client_msg_id") or ""
    if not isinstance(found, str) or len(found) > LONGEST_CLIENT_ID:
        raise RefusedError(40097)
    return found


def _page(call: Call) -> str:
    """Return where a message leads: a page of our mini-program, an address, or nowhere."""
    target, url = call.body.get("miniprogram"), call.body.get("url") or ""
    if not isinstance(url, str) or len(url) > LONGEST_PATH:
        raise RefusedError(40097)
    if not target:
        return url
    if not isinstance(target, dict) or target.get("appid") != call.world.accounts[Side.MINI_PROGRAM].appid:
        raise RefusedError(40013)
    path = target.get("pagepath", "")
    if not isinstance(path, str) or path.startswith("/") or len(path) > LONGEST_PATH:
        raise RefusedError(40165)
    return path


def _check_pace(call: Call, openid: str) -> None:
    since = clock.now() - timedelta(minutes=1)
    got = [moment for moment in call.world.pushed.get(openid, ()) if moment > since]
    if len(got) >= PER_PERSON_AND_MINUTE:
        raise RefusedError(43117)
    call.world.pushed[openid] = [*got, clock.now()]


def follower(call: Call) -> Answer:
    """`user/info`: who follows, and the unionid that binds them to the mini-program."""
    openid = call.query.get("openid", "")
    person = call.world.known(SIDE, openid)
    if not person.following:
        return {"subscribe": 0, "openid": openid} | ({"unionid": person.unionid} if person.unionid else {})
    answer: dict[str, Any] = {
        "subscribe": 1,
        "openid": openid,
        "language": "zh_CN",
        "subscribe_time": int(clock.now().timestamp()),
        "remark": "",
        "groupid": 0,
        "tagid_list": [],
        "subscribe_scene": "ADD_SCENE_QR_CODE",
        "qr_scene": 0,
        "qr_scene_str": "",
    }
    return answer | ({"unionid": person.unionid} if person.unionid else {})


ENDPOINTS = (
    Endpoint("POST", "/cgi-bin/message/template/send", SIDE, push),
    Endpoint("GET", "/cgi-bin/user/info", SIDE, follower),
)
