"""People with a token, who call the server without having signed in by WeChat."""

import io
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import aiohttp

from server.organisations.models import Organisation
from server.organisations.roles import Role
from server.organisations.secretariat import secretariat
from tests.factories import make_member, make_person, make_token

API = "/api/v1"
Answer = tuple[int, Any, Mapping[str, str]]


class Caller:
    """Somebody with a token."""

    def __init__(self, client: aiohttp.ClientSession, token: str, person_id: UUID) -> None:
        self.client, self.token, self.person_id = client, token, person_id

    async def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """Call with a JSON body or raw bytes; `headers` are written with `_` for `-`."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        sent["Authorization"] = f"Bearer {self.token}"
        content: dict[str, Any] = {} if body is None else {"json": body}
        if isinstance(body, bytes):
            content = {"data": io.BytesIO(body)}
        async with self.client.request(method, API + path, headers=sent, **content) as answer:
            raw = await answer.read()
            found = await answer.json(content_type=None) if "json" in answer.content_type and raw else raw
            return answer.status, found, answer.headers

    async def status(self, *arguments: Any, **headers: str) -> int:
        return (await self.ask(*arguments, **headers))[0]


async def caller(client: aiohttp.ClientSession, person_id: UUID | None = None) -> Caller:
    person_id = person_id or (await make_person()).id
    return Caller(client, await make_token(person_id), person_id)


async def staff(client: aiohttp.ClientSession, role: Role) -> Caller:
    return await caller(client, (await make_member(await secretariat(), role)).person_id)


async def member(client: aiohttp.ClientSession, organisation: Organisation, role: Role) -> Caller:
    return await caller(client, (await make_member(organisation, role)).person_id)
