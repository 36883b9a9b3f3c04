"""What the audit tells of a look, and that an envelope in a foreign cell stays shut, on the way out as well."""

import json

import aiohttp
import pytest
from tortoise.backends.base.client import BaseDBAsyncClient

from server.kernel.audit import AuditEntry
from server.kernel.sensitive import Kind
from server.organisations.models import Organisation
from server.organisations.roles import Role
from server.people import service as people
from server.people.models import Person
from server.students.models import Relation, Student
from tests.factories import make_member, make_organisation, make_person, make_token
from tests.harness.app import Server
from tests.harness.people import SignedIn
from tests.harness.revealing import (
    CONTACT,
    NUMBER,
    World,
    ask,
    build,
    look,
    make_student,
    sealed,
)
from tests.harness.standin import StandIn
from tests.harness.tampering import tamper

pytestmark = pytest.mark.once


@pytest.fixture(scope="module")
async def world(database: BaseDBAsyncClient) -> World:
    assert database
    return await build()


async def test_the_audit_of_a_thing_is_for_reviewers_and_administrators(
    client: aiohttp.ClientSession, world: World
) -> None:
    subject = world.subject("student")
    await look(client, world.tokens["reviewer"], subject, "id_number")
    for role in ("reviewer", "admin"):
        status, found = await ask(client, world.tokens[role], "GET", f"/api/v1/audit?subject={subject}&limit=1")
        assert status == 200
        newest = found["items"][0]
        assert (newest["action"], newest["after"], newest["fields"]) == ("student.revealed", "reviewer", ["id_number"])
        assert newest["actor_id"] == str(world.ids["reviewer"])
        assert NUMBER not in json.dumps(found)
    assert (await ask(client, world.tokens["finance"], "GET", f"/api/v1/audit?subject={subject}"))[0] == 403
    for bad in ("", "?subject=", "?subject=nonsense", f"?subject={subject}&action=x", f"?subject={subject}&cursor=x"):
        assert (await ask(client, world.tokens["admin"], "GET", f"/api/v1/audit{bad}"))[0] == 422, bad


async def test_a_swapped_cell_is_refused_and_named_without_its_content(
    client: aiohttp.ClientSession, world: World, server: Server
) -> None:
    """One row's envelope copied to another by whoever has the database: no value comes out under another's name."""
    other = await make_student(await make_person(), Relation.SELF, "340802201001011260")
    await tamper(
        server.environment["YZT_DATABASE_URL"],
        f"UPDATE student SET id_number_sealed = (SELECT id_number_sealed FROM student WHERE id = '{world.student.id}') "  # noqa: S608
        f"WHERE id = '{other.id}'",
        f"UPDATE student SET name_sealed = '{world.student.name_sealed}' WHERE id = '{other.id}'",  # noqa: S608
    )
    before = await AuditEntry.all().count()
    for field, column in (("id_number", "id_number_sealed"), ("name", "name_sealed")):
        status, found = await look(client, world.tokens["reviewer"], f"student:{other.id}", field)
        assert (status, found["code"], found["errors"]) == (500, "internal", [])
        assert NUMBER not in json.dumps(found)
        assert str(other.id) not in json.dumps(found)
        lines = [json.loads(line) for line in server.log.read_text().splitlines() if line.startswith("{")]
        told = [line for line in lines if line["event"] == "a sealed cell does not open"][-1]
        assert (told["table"], told["column"], told["row"]) == ("student", column, str(other.id))
    assert NUMBER not in server.log.read_text()
    assert await AuditEntry.all().count() == before
    other = await Student.get(id=other.id)
    await Organisation.filter(id=world.school.id).update(contact_name_sealed=other.name_sealed)
    assert (await look(client, world.tokens["reviewer"], world.subject("organisation"), "contact_name"))[0] == 500
    fresh = sealed("organisation", world.school.id, "contact_name_sealed", Kind.NAME, CONTACT)
    await Organisation.filter(id=world.school.id).update(**fresh)
    assert (await look(client, world.tokens["reviewer"], world.subject("organisation"), "contact_name"))[0] == 201


async def test_a_swapped_name_keeps_nobody_from_signing_in(
    client: aiohttp.ClientSession, world: World, server: Server, standin: StandIn
) -> None:
    """Who has the database could else lock people out; the name is null, and nobody's name comes out under another."""
    other = await SignedIn.at(client, standin, "o-swapped")
    await other.ask("PATCH", "/me", {"name": "何小满"})
    await Person.filter(id=other.id).update(
        name_sealed=world.person.name_sealed, phone_sealed=world.person.phone_sealed
    )
    again = await SignedIn.at(client, standin, "o-swapped")
    assert (again.id, again.person["name"]) == (other.id, None)
    status, found = await again.ask("GET", "/me")
    assert (status, found["name"], found["phone"]) == (200, None, None)
    lines = [json.loads(line) for line in server.log.read_text().splitlines() if line.startswith("{")]
    told = {(line["column"], line["row"]) for line in lines if line["event"] == "a sealed cell does not open"}
    assert told >= {("name_sealed", other.id), ("phone_sealed", other.id)}
    organisation = await make_organisation()
    await make_member(organisation, Role.CLERK, await Person.get(id=other.id))
    manager = await make_member(organisation, Role.MANAGER)
    path = f"/api/v1/organisations/{organisation.id}/members"
    status, found = await ask(client, await make_token(manager.person_id), "GET", path)
    assert (status, [one["person"]["name"] for one in found["items"]]) == (200, [None, None])
    token = world.tokens["admin"]
    assert (await look(client, token, f"person:{other.id}", "name"))[0] == 500, "null would say that it was never given"
    assert (await again.ask("PATCH", "/me", {"name": "何小满"}))[1]["name"] == "何小满"
    assert people.name_of(await Person.get(id=other.id))
