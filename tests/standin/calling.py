"""Calls to WeChat as anyone makes them, without the product's gateway."""

import json
from dataclasses import dataclass
from typing import Any

import aiohttp

from server.secrets import DEVELOPMENT_MINI_PROGRAM as MINI
from server.secrets import DEVELOPMENT_SERVICE_ACCOUNT as SERVICE
from server.secrets import WeChatAccount
from tests.harness.standin import StandIn

SIGN_IN = "/sns/jscode2session"
TOKEN = "/cgi-bin/stable_token"
PHONE = "/wxa/business/getuserphonenumber"
CHECK = "/wxa/msg_sec_check"
CODE = "/wxa/getwxacodeunlimit"
SUBSCRIBE = "/cgi-bin/message/subscribe/send"
TEMPLATE = "/cgi-bin/message/template/send"
USER = "/cgi-bin/user/info"


@dataclass
class WeChat:
    standin: StandIn
    session: aiohttp.ClientSession

    async def sign_in(self, code: str, account: WeChatAccount = MINI, **changes: str) -> dict[str, Any]:
        asked = {"appid": account.appid, "secret": account.secret, "js_code": code, "grant_type": "authorization_code"}
        return await self.get(SIGN_IN, **(asked | changes))

    async def token(self, account: WeChatAccount = MINI, **changes: Any) -> dict[str, Any]:
        asked = {"grant_type": "client_credential", "appid": account.appid, "secret": account.secret}
        return await self.post(TOKEN, None, **(asked | changes))

    async def get(self, path: str, **query: str) -> dict[str, Any]:
        async with self.session.get(path, params=query) as answer:
            assert answer.status == 200
            found: dict[str, Any] = json.loads(await answer.read())
            return found

    async def post(self, path: str, token: str | None, **body: Any) -> dict[str, Any]:
        query = {"access_token": token} if token is not None else {}
        async with self.session.post(path, params=query, json=body) as answer:
            assert answer.status == 200
            found: dict[str, Any] = json.loads(await answer.read())
            return found

    async def mini(self, path: str, **body: Any) -> dict[str, Any]:
        """Call with the mini-program's token."""
        return await self.post(path, (await self.token())["access_token"], **body)

    async def service(self, path: str, **body: Any) -> dict[str, Any]:
        """Call with the service account's token."""
        return await self.post(path, (await self.token(SERVICE))["access_token"], **body)
