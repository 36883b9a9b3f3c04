"""People of the tests who sign in over HTTP, as the mini-program does."""

from dataclasses import dataclass
from datetime import date
from typing import Any, Self

import aiohttp

from server.kernel import clock
from server.organisations.models import Membership, Organisation, OrganisationState
from server.organisations.roles import Kind, Role
from tests.harness.standin import StandIn

SESSIONS = "/api/v1/sessions"


@dataclass
class SignedIn:
    """Someone's session at one server."""

    client: aiohttp.ClientSession
    access: str
    refresh: str
    person: dict[str, Any]
    is_new: bool

    @classmethod
    async def at(cls, client: aiohttp.ClientSession, standin: StandIn, openid: str) -> Self:
        """Sign in for the first time or again."""
        async with client.post(SESSIONS, json={"code": standin.code(openid)}) as answer:
            assert answer.status == 201, await answer.text()
            found = await answer.json()
        return cls(client, found["access_token"], found["refresh_token"], found["person"], found["is_new"])

    @property
    def id(self) -> str:
        return str(self.person["id"])

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.access}"}

    async def ask(
        self, method: str, path: str, body: Any = None, *, client: aiohttp.ClientSession | None = None
    ) -> tuple[int, Any]:
        """Call `/api/v1` + `path`, perhaps at another server; return the status and what came as JSON."""
        asking = (client or self.client).request(method, f"/api/v1{path}", json=body, headers=self.headers)
        async with asking as answer:
            return answer.status, await answer.json(content_type=None) if await answer.read() else None

    async def status(self, client: aiohttp.ClientSession | None = None) -> int:
        """Whether they are still let in: the status of `GET /me`."""
        return (await self.ask("GET", "/me", client=client))[0]


async def make_member(person_id: str, kind: Kind, role: Role, name: str = "测试单位（示例）") -> Membership:
    """A membership in an organisation of its own, verified."""
    now = clock.now()
    organisation = await Organisation.create(
        kind=kind, name=name, state=OrganisationState.VERIFIED, created_at=now,
        member_since=date(2019, 1, 1) if kind is Kind.VOCATIONAL_SCHOOL else None,
    )  # fmt: skip
    return await Membership.create(organisation=organisation, person_id=person_id, role=role, created_at=now)
