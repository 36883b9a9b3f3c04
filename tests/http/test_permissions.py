"""What the statement of who may call brings about: before the body is read, without telling what is hidden."""

from typing import Any
from uuid import UUID

import aiohttp
import pytest
from sanic import HTTPResponse, Request, Sanic

from miniprogram_api.auth import Access
from miniprogram_api.web import Face, allow, answers, require_declarations
from server.access.rules import Owner, own
from server.kernel.ids import new_id
from server.organisations.models import Membership
from server.organisations.roles import Kind, Role
from server.organisations.secretariat import secretariat
from tests.factories import make_member, make_organisation, make_person, make_token
from tests.harness.app import TOKEN

pytestmark = [pytest.mark.once, pytest.mark.usefixtures("database")]


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def staff(role: Role) -> str:
    return await make_token((await make_member(await secretariat(), role)).person_id)


async def refusal(client: aiohttp.ClientSession, method: str, path: str, **options: Any) -> tuple[int, str]:
    async with client.request(method, path, **options) as answer:
        assert answer.content_type == "application/problem+json"
        assert (answer.headers.get("WWW-Authenticate") == "Bearer") is (answer.status == 401)
        return answer.status, (await answer.json(content_type=None))["code"]


@pytest.mark.parametrize(
    "value",
    ["", "Bearer", "Bearer ", "Bearer x", "Basic {}", "Token {}", "{}", "x Bearer {}", "Bearer  {}", "Bearer {} x"],
)
async def test_only_a_bearer_token_signs_a_request(client: aiohttp.ClientSession, value: str) -> None:
    token = await make_token((await make_person()).id)
    headers = {"Authorization": value.format(token)}
    assert await refusal(client, "GET", "/api/v1/me", headers=headers) == (401, "not_signed_in")


async def test_the_word_bearer_may_be_written_as_one_likes(client: aiohttp.ClientSession) -> None:
    token = await make_token((await make_person()).id)
    async with client.get("/api/v1/me", headers={"Authorization": f"bearer {token}"}) as answer:
        assert answer.status == 200


async def test_the_operators_token_is_nobodys_and_nobodys_is_the_operators(client: aiohttp.ClientSession) -> None:
    admin = await staff(Role.ADMIN)
    assert await refusal(client, "GET", "/api/v1/me", headers=bearer(TOKEN)) == (401, "not_signed_in")
    assert await refusal(client, "GET", "/metrics", headers=bearer(admin)) == (401, "not_signed_in")


async def test_permission_comes_before_the_body_and_the_query(client: aiohttp.ClientSession) -> None:
    """Whoever may not do it learns nothing of what would have been valid."""
    organisation = await make_organisation()
    manager = await make_member(organisation, Role.MANAGER)
    clerk = await make_token((await make_member(organisation, Role.CLERK)).person_id)
    stranger = await make_token((await make_person()).id)
    path = f"/api/v1/memberships/{manager.id}?nonsense=1"
    options: dict[str, Any] = {"data": b"{", "headers": {"Content-Type": "application/json"}}
    assert (await refusal(client, "PATCH", path, **options))[0] == 401
    for token, status in ((clerk, 403), (stranger, 404), (await make_token(manager.person_id), 422)):
        options["headers"] |= bearer(token)
        assert (await refusal(client, "PATCH", path, **options))[0] == status


@pytest.mark.parametrize("text", ["1", "x", "00000000-0000-0000-0000-00000000000", "%00", "..", "null", "{id}"])
async def test_an_id_that_is_none_is_404(client: aiohttp.ClientSession, text: str) -> None:
    for headers in ({}, bearer(await staff(Role.ADMIN))):
        assert (await refusal(client, "GET", f"/api/v1/organisations/{text}", headers=headers))[0] == 404


async def test_what_is_hidden_answers_as_what_is_not_there(client: aiohttp.ClientSession) -> None:
    stranger, there = await make_token((await make_person()).id), (await make_organisation()).id
    bodies = set()
    for one in (there, new_id()):
        headers = {**bearer(stranger), "X-Request-Id": "same"}
        async with client.get(f"/api/v1/organisations/{one}", headers=headers) as answer:
            bodies.add((answer.status, await answer.read()))
    assert len(bodies) == 1


async def test_a_change_of_role_acts_at_the_next_request(client: aiohttp.ClientSession) -> None:
    organisation = await make_organisation()
    manager, clerk = [await make_member(organisation, role) for role in (Role.MANAGER, Role.CLERK)]
    tokens = {one.id: await make_token(one.person_id) for one in (manager, clerk)}
    path = f"/api/v1/organisations/{organisation.id}/members"
    assert (await refusal(client, "GET", path, headers=bearer(tokens[clerk.id])))[0] == 403
    for role, status in (("manager", 200), ("clerk", 403)):
        change = client.patch(
            f"/api/v1/memberships/{clerk.id}", json={"role": role}, headers=bearer(tokens[manager.id])
        )
        async with change as answer:
            assert answer.status == 200
        async with client.get(path, headers=bearer(tokens[clerk.id])) as answer:
            assert answer.status == status
    async with client.delete(f"/api/v1/memberships/{clerk.id}", headers=bearer(tokens[manager.id])) as answer:
        assert answer.status == 204
    assert (await refusal(client, "GET", path, headers=bearer(tokens[clerk.id])))[0] == 404
    assert (await Membership.get(id=clerk.id)).ended_at


async def test_an_idempotency_key_is_its_persons_own(client: aiohttp.ClientSession) -> None:
    """The same key from another person is another request, and shows them nothing of the first."""
    first, second, person = await staff(Role.REVIEWER), await staff(Role.REVIEWER), await make_person()
    path, body = f"/api/v1/people/{person.id}/suspend", {"reason": "重复注册"}
    for _ in range(2):
        headers = {**bearer(first), "Idempotency-Key": "one"}
        async with client.post(path, json=body, headers=headers) as answer:
            assert answer.status == 200
    headers = {**bearer(second), "Idempotency-Key": "one"}
    assert await refusal(client, "POST", path, json=body, headers=headers) == (409, "state_already")


async def test_the_document_says_who_may_call(client: aiohttp.ClientSession) -> None:
    async with client.get("/openapi.json") as answer:
        paths = (await answer.json())["paths"]
    members = paths["/api/v1/organisations/{organisation_id}/members"]["get"]
    assert members["security"] == [{"person": []}]
    assert members["description"].startswith("For manager of the organisation that it belongs to, or ")
    assert {"401", "403", "404"} <= set(members["responses"])
    assert members["parameters"][0]["schema"] == {"type": "string", "format": "uuid"}
    assert "403" not in paths["/api/v1/me"]["get"]["responses"]
    assert "security" not in paths["/api/v1/policies"]["get"]
    assert paths["/metrics"]["get"]["security"] == [{"operator": []}]


async def owner_of_thing(thing_id: UUID) -> Owner:
    return Owner("thing", frozenset({thing_id}))


async def handler(_request: Request, **_arguments: Any) -> HTTPResponse:
    return HTTPResponse()


@pytest.mark.parametrize(
    "statement",
    [
        allow,
        lambda: allow(own(Role.MANAGER)),
        lambda: allow(Role.ADMIN, own()),
        lambda: allow(Access.PUBLIC, Role.ADMIN),
        lambda: allow(Access.PUBLIC, Access.SIGNED_IN),
        lambda: allow(Access.SIGNED_IN, owner=owner_of_thing),
        lambda: allow(Access.SIGNED_IN, of=Kind.ENTERPRISE),
        lambda: allow(own(Role.CLERK), of=Kind.ENTERPRISE, owner=owner_of_thing),
    ],
)
def test_a_statement_without_sense_is_none(statement: Any) -> None:
    with pytest.raises(TypeError):
        statement()


@pytest.mark.parametrize(
    ("path", "statement", "starts"),
    [
        ("/things/<thing_id:uuid>", lambda: allow(own(Role.CLERK), owner=owner_of_thing), True),
        ("/things/<thing_id:uuid>/parts/<part_id:uuid>", lambda: allow(own(), owner=owner_of_thing), True),
        ("/things/<thing_id:uuid>", lambda: allow(Role.REVIEWER, Role.ADMIN), True),
        ("/things/<thing_id:uuid>", lambda: allow(Access.PUBLIC), True),
        ("/years/<year:int>", lambda: allow(Role.CLERK), True),
        ("/things/<thing_id:uuid>", lambda: allow(Role.CLERK), False),
        ("/things/<thing_id:uuid>", lambda: allow(Role.ADMIN, Role.CLERK, of=Kind.ENTERPRISE), False),
        ("/things/<thing_id:uuid>", lambda: allow(Access.SIGNED_IN), False),
        ("/things/<thing_id>", lambda: allow(Access.SIGNED_IN), False),
        ("/things/<thing:uuid>", lambda: allow(Access.SIGNED_IN), False),
        ("/things/<other_id:uuid>", lambda: allow(own(Role.CLERK), owner=owner_of_thing), False),
    ],
)
def test_a_route_that_takes_an_id_says_whose_it_is_or_keeps_the_server_from_starting(
    path: str, statement: Any, *, starts: bool
) -> None:
    async def fresh(request: Request, **arguments: Any) -> HTTPResponse:
        return await handler(request, **arguments)

    face, planted = Face("things"), Sanic[Any, Any]("things")
    face.get(path)(statement()(answers(200)(fresh)))
    planted.blueprint(face)
    Sanic.unregister_app(planted)
    if starts:
        require_declarations(planted)
        return
    with pytest.raises(RuntimeError, match="take an id"):
        require_declarations(planted)
