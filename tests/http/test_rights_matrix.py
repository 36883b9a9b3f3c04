"""Every route called as every demo person, on their own things, on others' and on none: nobody gets more than stated.

The table is `rights.yaml` beside this file; the routes are the router's own, so a new one without a line fails.
"""

from datetime import date
from pathlib import Path
from uuid import UUID

import aiohttp
import pytest
from tortoise.backends.base.client import BaseDBAsyncClient

from scripts import demo_people as demo
from server.app import App
from server.appeals.models import Appeal
from server.consents.models import Capacity, Consent
from server.engagements.models import SavedSearch
from server.imports.models import ImportKind
from server.kernel import clock, sensitive
from server.kernel.sensitive import Cell
from server.labour.models import Side, Supplier
from server.organisations.models import Membership, Organisation
from server.organisations.roles import Kind, Role
from server.people.models import Person
from server.statements.models import StatementState
from server.students import service as students
from server.students.models import LinkState, Relation, StudentLink
from tests.factories import (
    make_engagement,
    make_invitation,
    make_member,
    make_notice,
    make_organisation,
    make_person,
    make_posting,
    make_token,
)
from tests.harness import rights
from tests.harness.app import TOKEN, Server
from tests.harness.awarding import make_award, make_clawback
from tests.harness.funding import make_budget, make_fund, make_statement
from tests.harness.referring import make_claim, make_evidence, make_import, make_listed
from tests.harness.revealing import make_student
from tests.harness.rights import Persona, Route, Table
from tests.students.numbers import claim, number_of

pytestmark = pytest.mark.once

TABLE = Table.read(Path(__file__).with_name("rights.yaml"))
PLANTED = """
everyone: [GET /planted/shut]
signed in: [GET /planted/open]
by ownership:
  GET /planted/wrong/{organisation_id}: &own {their own organisation: {allowed: [clerk, manager]}}
  GET /planted/telltale/{organisation_id}: *own
"""


@pytest.fixture(scope="module")
def routes(product: App) -> list[Route]:
    return rights.routes_of(product)


@pytest.fixture(scope="module")
async def memberships(database: BaseDBAsyncClient) -> list[Membership]:
    """Those of the demo people, and in every organisation one colleague and one invitation more."""
    assert database
    assert await demo.load()
    budget = await make_budget(await make_fund(), 1)
    for organisation in await Organisation.all():
        colleague = await make_member(
            organisation, Role.EDITOR if organisation.kind is Kind.SECRETARIAT else Role.CLERK
        )
        await make_invitation(organisation, colleague)
        if organisation.kind is Kind.VOCATIONAL_SCHOOL:
            await make_listed(organisation, id=organisation.id)
            await make_import(organisation, id=organisation.id, kind=ImportKind.ENROLMENT)
        if organisation.kind is Kind.FEEDER_SCHOOL:
            claim = await make_claim(organisation, id=organisation.id)
            await make_import(organisation, id=organisation.id)
            await make_evidence(claim, id=claim.id)
            await make_clawback(await make_award(claim, id=claim.id))
            await make_statement(budget, organisation, id=organisation.id, state=StatementState.SENT)
    return await Membership.all().select_related("organisation").order_by("id")


@pytest.fixture(scope="module")
async def personas(client: aiohttp.ClientSession, memberships: list[Membership]) -> list[Persona]:
    people = await Person.filter(openid__startswith="demo-").order_by("openid")
    found = [
        Persona(
            person.openid,
            await make_token(person.id),
            person.id,
            [one for one in memberships if one.person_id == person.id],
        )
        for person in people
    ]
    strangers = [
        Persona("anonymous"),
        Persona("garbage", "x.y.z"),
        Persona("operator", TOKEN),
        Persona("signed out", await signed_out(client)),
        Persona("suspended", await suspended(client, next(one for one in found if one.name == "demo-admin"))),
    ]
    for place, (one, person) in enumerate(zip(found, people, strict=True)):
        if not await StudentLink.exists(person=person, relation=Relation.SELF, state=LinkState.CONFIRMED):
            await make_student(person, Relation.SELF, number_of(date(2000, 1, 1 + place)))  # an offer is a student's
        assert one.person_id
        await make_own_things(one.person_id)
    return [*strangers, *found]


async def make_own_things(person_id: UUID) -> None:
    """What is one person's alone, with that person's id."""
    said, now = claim(number_of(date(2008, 1, 1))), clock.now()
    name = sensitive.vault().seal(Cell("student_link", "name_sealed", person_id), said.name.reveal())
    student = (await students.request((await make_person()).id, said)).student
    await StudentLink.create(
        id=person_id, person_id=person_id, student=student, relation=Relation.SELF, name_sealed=name, created_at=now
    )
    await Appeal.create(
        id=person_id, subject=f"organisation:{person_id}", refusal_id=person_id, person_id=person_id, reason="理由",
        created_at=now,
    )  # fmt: skip
    await Consent.create(
        id=person_id, person_id=person_id, document="student", document_version="1", scope="identity",
        capacity=Capacity.SELF, given_at=now,
    )  # fmt: skip
    await make_posting(id=person_id, person_id=person_id, side=Side.SUPPLY, supplier=Supplier.STUDENT)
    firm = await make_member(await make_organisation(Kind.ENTERPRISE), Role.CLERK)
    demand = await make_posting(person_id=firm.person_id, organisation_id=firm.organisation_id)
    await make_engagement(demand, person_id, id=person_id, student=student)
    await make_notice(person_id, id=person_id)
    await SavedSearch.create(
        id=person_id, person_id=person_id, side=Side.DEMAND, wanted={}, told_until=now, created_at=now
    )


async def signed_out(client: aiohttp.ClientSession) -> str:
    """A token that was good until its session ended."""
    token = await make_token((await make_person()).id)
    headers = {"Authorization": f"Bearer {token}"}
    async with client.get("/api/v1/me", headers=headers) as answer:
        assert answer.status == 200
    async with client.delete("/api/v1/sessions/current", headers=headers) as answer:
        assert answer.status == 204
    return token


async def suspended(client: aiohttp.ClientSession, admin: Persona) -> str:
    """A token of the organisation's manager that was good until the secretariat suspended them."""
    organisation = await Organisation.get(name=demo.ORGANISATIONS["feeder-a"][1])
    person = await make_person()
    await make_member(organisation, Role.MANAGER, person)
    token = await make_token(person.id)
    async with client.get("/api/v1/me", headers={"Authorization": f"Bearer {token}"}) as answer:
        assert answer.status == 200
    body = {"reason": "演示停用"}
    async with client.post(f"/api/v1/people/{person.id}/suspend", json=body, headers=admin.headers) as answer:
        assert answer.status == 200
    return token


def test_every_route_has_its_line_in_the_table(routes: list[Route]) -> None:
    assert len(routes) > 30
    assert rights.unlisted(routes, TABLE) == []


def test_every_demo_person_is_called_something_by_the_table(personas: list[Persona]) -> None:
    """A role that no line names would be tried on nothing but refusals."""
    named = {persona.name for persona in personas}
    assert named >= set(demo.PEOPLE)
    words = {word for persona in personas for word in persona.roles}
    assert words >= set(Role)


@pytest.fixture
def callers(request: pytest.FixtureRequest, personas: list[Persona]) -> list[Persona]:
    """All of them with the drills, else those whom the rules can tell apart."""
    return personas if request.config.getoption("--drills") else rights.different(personas)


async def test_nobody_gets_more_or_less_than_the_table_says(
    client: aiohttp.ClientSession, routes: list[Route], callers: list[Persona], memberships: list[Membership]
) -> None:
    assert await rights.faults(client, routes, TABLE, callers, memberships) == []


async def test_wrong_rights_would_be_noticed(
    server: Server, tmp_path: Path, personas: list[Persona], memberships: list[Membership]
) -> None:
    """A wrong owner check, refusals that tell what they hide, a route that is open, and one that is shut."""
    table = Table(PLANTED)
    routes = [Route(*line.split()) for line in table.routes]
    process = Server(tmp_path / "log", server.environment, "tests.harness.planted")
    process.start()
    try:
        process.wait_until_live()
        async with aiohttp.ClientSession(process.base) as client:
            found = await rights.faults(client, routes, table, personas, memberships)
    finally:
        process.stop()
    wrong, telltale = "GET /planted/wrong/{organisation_id} as", "GET /planted/telltale/{organisation_id} as"
    assert {fault for fault in found if " as demo-clerk-a" in fault} == {
        f"{wrong} demo-clerk-a on another organisation: allowed, not unseen",
        f"{wrong} demo-clerk-a on nobody's: allowed, not unseen",
        f"{telltale} demo-clerk-a: what is hidden and what is not there answer differently",
    }
    assert "GET /planted/open as anonymous: allowed, not unknown" in found
    assert "GET /planted/shut as anonymous: unknown, not allowed" in found


def test_a_route_without_a_line_would_be_noticed(routes: list[Route]) -> None:
    forgotten, gone = Route("GET", "/api/v1/forgotten"), Route("GET", "/api/v1/me")
    assert rights.unlisted([*routes, forgotten], TABLE) == [str(forgotten)]
    assert rights.unlisted([route for route in routes if route != gone], TABLE) == [str(gone)]
