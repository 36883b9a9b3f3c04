"""wechatpy's client, made to wait without blocking; its token handling and error handling are not used."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar
from urllib.parse import urlsplit

from wechatpy.client.api import WeChatUser, WeChatWxa
from wechatpy.client.base import BaseWeChatClient

from server.gateways.cache import Cache
from server.gateways.wechat import answers
from server.gateways.wechat.answers import AwayError, RefusedError
from server.gateways.wechat.token import StableToken
from server.gateways.wechat.transport import Transport

_STALE = frozenset({40001, 40014, 42001})
_WITHOUT_TOKEN = frozenset({"/sns/jscode2session"})
T = TypeVar("T")


class Client(BaseWeChatClient):  # type: ignore[misc]  # wechatpy has no types
    """One account's calls. wechatpy's own methods return an awaitable here; each raises RefusedError or AwayError."""

    API_BASE_URL = "/cgi-bin/"
    wxa = WeChatWxa()
    user = WeChatUser()

    def __init__(self, transport: Transport, cache: Cache, appid: str, secret: str) -> None:
        """Keep what calls need; wechatpy's own would open a pool of blocking connections."""
        self.appid = appid
        self.secret = secret
        self._transport = transport
        self._token = StableToken(appid, cache, self.stable_token)

    async def stable_token(self, *, force: bool) -> dict[str, Any]:
        """Ask for the access token; `force` makes WeChat replace it, at most twenty times a day."""
        body = {
            "grant_type": "client_credential",
            "appid": self.appid,
            "secret": self.secret,
            "force_refresh": force,
        }
        return await self._transport.call("POST", "/cgi-bin/stable_token", {}, body, answers.document)

    async def ask(self, path: str, body: Mapping[str, Any], read: Callable[[bytes], T]) -> T:
        """Post `body` to a call that wechatpy lacks, or lacks the fields of."""
        return await self._with_token("POST", path, {}, body, read)

    async def close(self) -> None:
        """End what runs on its own."""
        await self._token.close()

    def _request(self, method: str, url_or_endpoint: str, **options: Any) -> Awaitable[dict[str, Any]]:
        """Do what every method of wechatpy ends in; its base address gives only the path."""
        path = urlsplit(options.get("api_base_url", self.API_BASE_URL) + url_or_endpoint).path
        params, body = options.get("params", {}), options.get("data")
        send = self._transport.call if path in _WITHOUT_TOKEN else self._with_token
        return send(method, path, params, body, answers.document)

    async def _with_token(
        self, method: str, path: str, params: Mapping[str, str], body: Any, read: Callable[[bytes], T]
    ) -> T:
        """Call with the access token; one that WeChat calls stale is renewed once."""
        token = await self._token.current()
        try:
            return await self._transport.call(method, path, {**params, "access_token": token}, body, read)
        except RefusedError as refusal:
            if refusal.errcode not in _STALE:
                raise
        token = await self._token.instead_of(token)
        try:
            return await self._transport.call(method, path, {**params, "access_token": token}, body, read)
        except RefusedError as refusal:
            if refusal.errcode not in _STALE:
                raise
        raise AwayError("stale_token", handled=False)
