"""WeChat as the rest of the house sees it: typed answers, and refusals that people understand."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

from server.gateways.cache import Cache
from server.gateways.wechat import answers
from server.gateways.wechat.answers import AwayError, RefusedError
from server.gateways.wechat.link import Link
from server.gateways.wechat.outcomes import Follower, Identity, PushOutcome, PushState, Suggestion, TextVerdict
from server.gateways.wechat.refusals import bad_code, refused, told, unsent

if TYPE_CHECKING:
    from server.gateways.wechat.client import Client

BUSY_PAUSE_SECONDS = 0.2
TEXT_LIMIT = 2500
WIDTHS = range(280, 1281)
HOME = "86"
_CODE = re.compile(r"[\x21-\x7e]{1,256}")
_ID = re.compile(r"[\x21-\x7e]{1,64}")
_DIGITS = re.compile(r"[0-9]{5,15}")
_COUNTRY = re.compile(r"[0-9]{1,4}")
_SCENE = re.compile(r"[A-Za-z0-9!#$&'()*+,/:;=?@._~-]{1,32}")
_PAGE = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_/-]{0,127}")
_UNCHECKABLE = frozenset({40003, 61010})
_NOBODY = 40003


class MiniProgram:
    """The mini-program's calls. Those for a waiting person raise DomainError; see `server.people.ports.WeChat`."""

    def __init__(self, link: Link, cache: Cache, appid: str, secret: str) -> None:
        self._appid = appid
        self._connected: Callable[[], Awaitable[Client]] = lambda: link.client(cache, appid, secret)

    async def identity(self, code: str) -> Identity:
        """Return who holds a login code; no access token is needed, and the session key is let go at once."""
        _check(code)
        client = await self._connected()
        with told():
            try:
                found = await client.wxa.code_to_session(code)
            except AwayError as away:
                if away.reason != answers.BUSY_REASON:
                    raise
                await asyncio.sleep(BUSY_PAUSE_SECONDS)
                found = await client.wxa.code_to_session(code)
            return Identity(answers.text(found.get("openid"), _ID), _unionid(found))

    async def phone(self, code: str) -> str:
        """Return the number that a phone code stands for: digits, behind `+` and the country's code if not 86."""
        _check(code)
        client = await self._connected()
        with told():
            found = await client.wxa.get_phone_number(code)
            info = _object(found.get("phone_info"))
            if _object(info.get("watermark", {})).get("appid", self._appid) != self._appid:
                raise AwayError("unreadable", handled=True)
            digits = answers.text(info.get("purePhoneNumber"), _DIGITS)
            country = answers.text(str(info.get("countryCode")), _COUNTRY)
            return digits if country == HOME else f"+{country}{digits}"

    async def check_text(
        self, openid: str, text: str, scene: int, *, title: str | None = None, nickname: str | None = None
    ) -> TextVerdict:
        """Return WeChat's verdict on what a person wrote, at most 2,500 characters.

        `scene`: 1 profile, 2 comment, 3 forum, 4 social log. Raises ValueError past the limit.
        """
        if not 0 < len(text) <= TEXT_LIMIT:
            raise ValueError("a text to be checked has 1 to 2500 characters")
        client = await self._connected()
        body = {"version": 2, "openid": openid, "scene": scene, "content": text, "title": title, "nickname": nickname}
        with told():
            try:
                found = await client.ask("/wxa/msg_sec_check", _filled(body), answers.document)
            except RefusedError as refusal:
                if refusal.errcode not in _UNCHECKABLE:
                    raise
                return TextVerdict(Suggestion.UNCHECKED)
            return _verdict(found)

    async def code_image(
        self, scene: str, page: str, width: int = 430, *, check_path: bool = True, env_version: str = "release"
    ) -> bytes:
        """Return the mini-program code that opens `page` with `scene`, as PNG or JPEG.

        Raises ValueError for a scene, page or width that WeChat does not take.
        """
        if not _SCENE.fullmatch(scene) or not _PAGE.fullmatch(page) or width not in WIDTHS:
            raise ValueError("not a scene, page or width that WeChat takes")
        client = await self._connected()
        body = {"scene": scene, "page": page, "width": width, "check_path": check_path, "env_version": env_version}
        with told():
            return await client.ask("/wxa/getwxacodeunlimit", body, answers.image)

    async def push(  # noqa: PLR0913 -- the fields that WeChat asks for
        self,
        openid: str,
        template_id: str,
        page: str,
        data: Mapping[str, str],
        *,
        state: str = "formal",
        lang: str = "zh_CN",
    ) -> PushOutcome:
        """Send a subscription message; `state` is which version of the mini-program `page` opens in."""
        body = {
            "touser": openid,
            "template_id": template_id,
            "page": page,
            "data": _values(data),
            "miniprogram_state": state,
            "lang": lang,
        }
        return await _pushed(await self._connected(), "/cgi-bin/message/subscribe/send", body)


class ServiceAccount:
    """The service account's calls."""

    def __init__(self, link: Link, cache: Cache, appid: str, secret: str) -> None:
        self._connected: Callable[[], Awaitable[Client]] = lambda: link.client(cache, appid, secret)

    async def follower(self, openid: str) -> Follower:
        """Return whether someone follows, and their union id if WeChat tells it; raises DomainError."""
        client = await self._connected()
        with told():
            try:
                found = await client.user.get(openid)
            except RefusedError as refusal:
                if refusal.errcode != _NOBODY:
                    raise
                return Follower(openid, None, following=False)
            following = answers.number(found.get("subscribe"), 0, 1) == 1
            return Follower(openid, _unionid(found), following)

    async def push(  # noqa: PLR0913 -- the fields that WeChat asks for
        self,
        openid: str,
        template_id: str,
        data: Mapping[str, str],
        *,
        url: str | None = None,
        mini_program: tuple[str, str] | None = None,
        client_msg_id: str | None = None,
    ) -> PushOutcome:
        """Send a template message; `mini_program` is the appid and page it opens, `client_msg_id` drops repetitions."""
        opens = {"appid": mini_program[0], "pagepath": mini_program[1]} if mini_program else None
        body = {
            "touser": openid,
            "template_id": template_id,
            "data": _values(data),
            "url": url,
            "miniprogram": opens,
            "client_msg_id": client_msg_id,
        }
        return await _pushed(await self._connected(), "/cgi-bin/message/template/send", _filled(body))


def _unionid(found: Mapping[str, Any]) -> str | None:
    unionid = found.get("unionid")
    return answers.text(unionid, _ID) if unionid else None


def _object(found: Any) -> Mapping[str, Any]:
    if isinstance(found, dict):
        return found
    raise AwayError("unreadable", handled=True)


def _verdict(found: Mapping[str, Any]) -> TextVerdict:
    result = _object(found.get("result"))
    try:
        suggestion = Suggestion(str(result.get("suggest")))
    except ValueError:
        suggestion = Suggestion.REVIEW
    trace_id = found.get("trace_id")
    label = answers.number(result.get("label"), 0, 100_000)
    return TextVerdict(suggestion, label, trace_id if isinstance(trace_id, str) else None)


def _values(data: Mapping[str, str]) -> dict[str, dict[str, str]]:
    return {key: {"value": value} for key, value in data.items()}


def _filled(body: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in body.items() if value is not None}


def _check(code: str) -> None:
    if not _CODE.fullmatch(code):
        raise bad_code()


async def _pushed(client: "Client", path: str, body: Mapping[str, Any]) -> PushOutcome:
    try:
        found = await client.ask(path, body, answers.document)
    except AwayError as away:
        return unsent(away)
    except RefusedError as refusal:
        return refused(refusal)
    name = found.get("msgid")
    spelt = str(name) if type(name) in {int, str} else ""
    return PushOutcome(PushState.SENT, spelt if _ID.fullmatch(spelt) else None)
