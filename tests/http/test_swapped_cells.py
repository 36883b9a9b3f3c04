"""What the audit tells of a look, and that an envelope in a foreign cell stays shut, on the way out as well."""

import csv
import io
import json
from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

import aiohttp
import pytest
from python_calamine import load_workbook
from tortoise.backends.base.client import BaseDBAsyncClient

from server.consents.models import Capacity, Consent
from server.enrolments.models import Enrolment
from server.kernel import clock
from server.kernel.audit import AuditEntry
from server.kernel.ids import new_id
from server.kernel.sensitive import Kind
from server.organisations.models import Organisation, PayeeAccount
from server.organisations.roles import Kind as OrganisationKind
from server.organisations.roles import Role
from server.people import service as people
from server.people.models import Person
from server.referrals.models import Referral, ReferralState
from server.students.models import Relation, Student, StudentLink
from tests.factories import make_member, make_organisation, make_person, make_token
from tests.harness.app import Server
from tests.harness.awarding import make_award
from tests.harness.people import SignedIn
from tests.harness.referring import make_claim, make_listed
from tests.harness.revealing import (
    CONTACT,
    NUMBER,
    World,
    ask,
    build,
    look,
    looks,
    make_student,
    sealed,
)
from tests.harness.standin import StandIn
from tests.harness.tampering import tamper
from tests.students.numbers import number_of

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


class Spoiled:
    """A guardian's child whose every cell is somebody else's, wherever it lies; what is the school's beside it too."""

    guardian: str
    number: str
    student: Student
    claim: Referral
    enrolment: Enrolment
    award: UUID


async def spoil(world: World) -> Spoiled:
    made, guardian, now = Spoiled(), await make_person(), clock.now()
    made.guardian = await make_token(guardian.id)
    made.number = number_of(date(now.year - 12, 1, 1))
    made.student = await make_student(guardian, Relation.GUARDIAN, made.number)
    college = await make_organisation(OrganisationKind.VOCATIONAL_SCHOOL)
    made.enrolment = await make_listed(college, made.student, year=world.claim.year)
    made.claim = await make_claim(
        world.school, made.student, state=ReferralState.CONFIRMED, year=world.claim.year, enrolment=made.enrolment
    )
    made.award = (await make_award(made.claim)).id
    await Consent.create(
        person=guardian, student=made.student, capacity=Capacity.GUARDIAN, document="student", document_version="1",
        scope="contact", given_at=now,
    )  # fmt: skip
    name, phone, number = world.claim.name_sealed, world.claim.phone_sealed, world.student.id_number_sealed
    of_guardian = {"guardian_name_sealed": name, "guardian_phone_sealed": phone}
    await Referral.filter(id=made.claim.id).update(name_sealed=name, phone_sealed=phone, **of_guardian)
    await Enrolment.filter(id=made.enrolment.id).update(name_sealed=name, record_number_sealed=number)
    await Student.filter(id=made.student.id).update(name_sealed=name)
    await StudentLink.filter(student=made.student).update(name_sealed=name)
    return made


def lines(form: str, data: bytes) -> list[list[str]]:
    if form == "csv":
        return list(csv.reader(io.StringIO(data.decode("utf-8-sig"))))
    return [[str(cell) for cell in row] for row in load_workbook(io.BytesIO(data)).get_sheet_by_index(0).to_python()]


async def cells(client: aiohttp.ClientSession, token: str, path: str, headings: Sequence[str]) -> list[list[str]]:
    """Return what stands under some headings in a list as a file, of csv as of xlsx."""
    found = []
    for form in ("csv", "xlsx"):
        headers = {"Authorization": f"Bearer {token}"}
        async with client.get(f"/api/v1{path}{'&' if '?' in path else '?'}format={form}", headers=headers) as answer:
            assert answer.status == 200, path
            [_, named, *rows] = lines(form, await answer.read())
        found.append([[row[named.index(heading)] for heading in headings] for row in rows])
    assert found[0] == found[1]
    return found[0]


async def test_a_spoiled_cell_hides_no_row_and_prints_empty(client: aiohttp.ClientSession, world: World) -> None:
    """One bad cell would else take a whole list away, from the school and the secretariat alike."""
    spoiled, reviewer = await spoil(world), world.tokens["reviewer"]

    async def seen(token: str, path: str) -> Any:
        status, found = await ask(client, token, "GET", f"/api/v1{path}")
        assert status == 200, (path, found)
        return found

    for token in (reviewer, world.tokens["clerk"]):
        listed = {one["id"]: one for one in (await seen(token, f"/referrals?year={world.claim.year}"))["items"]}
        assert listed[str(world.claim.id)]["student"]["name"] == "***尾"
        bad = listed[str(spoiled.claim.id)]
        assert (bad["student"]["name"], bad["phone"], bad["guardian_name"], bad["guardian_phone"]) == (None,) * 4
        assert bad["student"]["id_number"]
        assert (await seen(token, f"/referrals/{spoiled.claim.id}"))["student"]["name"] is None
        rows = await cells(client, token, f"/referrals?year={world.claim.year}", ("姓名", "电话", "监护人"))
        assert ["", "", ""] in rows
        assert ["***尾", "*******1864", "***竹"] in rows
    bad = await seen(reviewer, f"/enrolments/{spoiled.enrolment.id}")
    assert (bad["student"]["name"], bad["record_number"]) == (None, None)
    assert len((await seen(reviewer, "/enrolments"))["items"]) > 1
    assert ["", ""] in await cells(client, reviewer, "/enrolments", ("姓名", "学籍号"))
    [bad] = [
        one
        for one in (await seen(reviewer, "/students/links?limit=100"))["items"]
        if one["student"]["id"] == str(spoiled.student.id)
    ]
    assert (bad["name"], bad["name_differs"], bad["student"]["name"]) == (None, None, None)
    assert ["", ""] in await cells(client, reviewer, "/students/links", ("填写的姓名", "已知的姓名"))
    [award] = (await seen(reviewer, f"/awards?school={world.school.id}"))["items"]
    assert award["student"] == {"id": str(spoiled.student.id), "name": None}
    assert [""] in await cells(client, reviewer, f"/awards?school={world.school.id}", ("学生",))
    assert (await seen(reviewer, f"/awards/{spoiled.award}/story"))["sent"]["student_name"] is None
    headers = {"Authorization": f"Bearer {reviewer}", "Accept": "text/html"}
    async with client.get(f"/api/v1/awards/{spoiled.award}/story", headers=headers) as answer:
        assert (answer.status, "（无法读取）" in await answer.text()) == (200, True)
    for kind, thing in (("student", spoiled.student), ("referral", spoiled.claim), ("enrolment", spoiled.enrolment)):
        assert (await look(client, reviewer, f"{kind}:{thing.id}", "name"))[0] == 500, "null would say: never given"


async def test_a_spoiled_cell_keeps_nobody_from_their_own_data(client: aiohttp.ClientSession, world: World) -> None:
    spoiled = await spoil(world)
    status, found = await ask(client, spoiled.guardian, "GET", "/api/v1/me/export")
    assert status == 200, found
    [student], [sent], [enrolled] = found["students"], found["referrals"], found["enrolments"]
    born = f"{clock.today().year - 12}-01-01"
    assert (student["name"], student["id_number"], student["born"]) == (None, spoiled.number, born)
    assert (sent["name"], sent["phone"], sent["guardian_name"], enrolled["name"]) == (None,) * 4
    [mine] = (await ask(client, spoiled.guardian, "GET", "/api/v1/me/students"))[1]["items"]
    assert (mine["student"]["name"], mine["student"]["id_number"]) == (None, "*" * 16 + spoiled.number[-2:])
    [given] = (await ask(client, spoiled.guardian, "GET", "/api/v1/me/consents"))[1]["items"]
    assert given["student"]["name"] is None
    await Student.filter(id=spoiled.student.id).update(id_number_sealed=world.student.id_number_sealed)
    status, found = await ask(client, spoiled.guardian, "GET", "/api/v1/me/export")
    assert (status, found["students"][0]["id_number"], found["students"][0]["born"]) == (200, None, None)
    assert found["referrals"] == [], "whoever may be of age speaks for themselves"
    self_id = (await make_person()).id
    own = await StudentLink.get(student=spoiled.student)
    own.id, own.person_id, own.relation = new_id(), self_id, Relation.SELF
    await own.save(force_create=True)
    subject = f"student:{spoiled.student.id}"
    assert (await looks(client, await make_token(self_id), subject))[0] == 200
    assert (await looks(client, spoiled.guardian, subject))[0] == 404
    headers = {"Authorization": f"Bearer {spoiled.guardian}", "Accept": "text/html"}
    async with client.get("/api/v1/me/export", headers=headers) as answer:
        page = await answer.text()
        assert (answer.status, "None" in page, "（无法读取）" in page) == (200, False, True)


async def test_a_spoiled_account_and_contact_hide_nothing_else(client: aiohttp.ClientSession, world: World) -> None:
    account = await PayeeAccount.get(id=world.account.id)
    await PayeeAccount.filter(id=account.id).update(number_sealed=world.student.id_number_sealed)
    await Organisation.filter(id=world.school.id).update(contact_name_sealed=world.student.name_sealed)
    path = f"/api/v1/organisations/{world.school.id}"
    for name in ("finance", "manager"):
        status, found = await ask(client, world.tokens[name], "GET", f"{path}/payee-account")
        assert (status, found["pending"]["number"], found["pending"]["bank"]) == (200, None, "示例银行")
    status, found = await ask(client, world.tokens["reviewer"], "GET", "/api/v1/organisations?limit=100")
    told = {one["id"]: one["contact_name"] for one in found["items"]}
    assert (status, told[str(world.school.id)]) == (200, None)
    assert ["", world.school.name] in await cells(
        client, world.tokens["reviewer"], "/organisations", ("经办人", "名称")
    )
    await PayeeAccount.filter(id=account.id).update(number_sealed=account.number_sealed)
    fresh = sealed("organisation", world.school.id, "contact_name_sealed", Kind.NAME, CONTACT)
    await Organisation.filter(id=world.school.id).update(**fresh)
