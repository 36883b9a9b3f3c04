"""What is kept about oneself is given out in full, to oneself alone; and an account ends when its person says so."""

from datetime import date

import aiohttp
import pytest

from server.enrolments.models import EnrolmentStatus
from server.kernel import audit, clock
from server.kernel.audit import AuditEntry
from server.kernel.ids import new_id
from server.kernel.sensitive import Kind as SensitiveKind
from server.organisations.roles import Kind, Role
from server.people.models import Person, PersonState
from server.students.models import LinkState, Student, StudentLink
from tests.factories import make_organisation
from tests.harness.people import SESSIONS, SignedIn, make_member
from tests.harness.referring import GUARDIAN_PHONE, NAME, make_claim, make_listed, sealed
from tests.harness.referring import PHONE as CLAIM_PHONE
from tests.harness.standin import StandIn
from tests.students.numbers import number_of

pytestmark = [pytest.mark.once, pytest.mark.usefixtures("database")]
PHONE = "13970531864"
BORN = date(2010, 2, 28)


async def resident(client: aiohttp.ClientSession, standin: StandIn, openid: str, number: str) -> SignedIn:
    mine = await SignedIn.at(client, standin, openid)
    await mine.ask("PATCH", "/me", {"name": "欧阳鸢尾"})
    await mine.ask("POST", "/me/phone", {"code": standin.phone_code(PHONE)})
    body = {"name": "欧阳鸢尾", "id_number": number, "relation": "self"}
    assert (await mine.ask("POST", "/me/students", body))[0] == 201
    return mine


async def test_all_of_it_is_given_out_in_full_with_who_looked(client: aiohttp.ClientSession, standin: StandIn) -> None:
    number = number_of(BORN)
    mine = await resident(client, standin, "exporter", number)
    membership = await make_member(mine.id, Kind.FEEDER_SCHOOL, Role.CLERK, "江畔中学（示例）")
    wanted = {"document": "account", "version": "1", "scope": "phone"}
    assert (await mine.ask("POST", "/me/consents", wanted))[0] == 201
    await audit.note(f"person:{mine.id}", "person.revealed", actor_id=None, fields=["phone"], reason="<b>核对</b>电话")
    status, found = await mine.ask("GET", "/me/export")
    assert status == 200
    assert (found["person"]["name"], found["person"]["phone"], found["person"]["openid"]) == (
        "欧阳鸢尾", PHONE, "exporter",
    )  # fmt: skip
    assert [(one["id_number"], one["born"], one["name"]) for one in found["students"]] == [
        (number, BORN.isoformat(), "欧阳鸢尾")
    ]
    assert [one["id"] for one in found["memberships"]] == [str(membership.id)]
    assert [one["scope"] for one in found["consents"]] == ["phone"]
    looked = [(one["fields"], one["reason"], one["by"]) for one in found["looked"]]
    assert looked == [(["phone"], "<b>核对</b>电话", None)]
    assert {"student_link.requested", "consent.given", "person.exported"} <= {one["action"] for one in found["history"]}
    assert len(found["sessions"]) == 1
    assert found["sessions"][0].keys() == {"created_at", "expires_at", "ended_at", "end"}
    assert await AuditEntry.filter(subject=f"person:{mine.id}", action="person.exported").count() == 1
    headers = {**mine.headers, "Accept": "text/html"}
    async with client.get("/api/v1/me/export", headers=headers) as answer:
        page = await answer.text()
        assert (answer.status, answer.content_type) == (200, "text/html")
        assert answer.headers["Cache-Control"] == "no-store"
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert number in page
    assert "&lt;b&gt;核对" in page
    assert "<b>核对" not in page


async def test_what_schools_keep_of_ones_student_is_in_it_once_one_is_known_to_speak_for_it(
    client: aiohttp.ClientSession, standin: StandIn
) -> None:
    mine = await resident(client, standin, "sent-by-two", number_of(BORN))
    link = await StudentLink.get(person_id=mine.id)
    student = await Student.get(id=link.student_id)
    school, college = await make_organisation(), await make_organisation(Kind.VOCATIONAL_SCHOOL)
    claim = await make_claim(school, student, named_school=college)
    number = f"G{number_of(BORN)}"
    row_id = new_id()
    record = sealed("enrolment", row_id, "record_number", SensitiveKind.STUDENT_NUMBER, number)
    listed = await make_listed(
        college, student, id=row_id, **sealed("enrolment", row_id, "name", SensitiveKind.NAME, NAME), **record
    )
    await EnrolmentStatus.create(enrolment=listed, state="listed", effective_on=BORN, made_at=clock.now())
    await audit.note(f"referral:{claim.id}", "referral.revealed", actor_id=None, fields=["phone"], reason="核对电话")
    await audit.note(f"enrolment:{listed.id}", "enrolment.listed", actor_id=None)
    found = (await mine.ask("GET", "/me/export"))[1]
    assert (found["referrals"], found["enrolments"]) == ([], [])
    await StudentLink.filter(id=link.id).update(state=LinkState.CONFIRMED)
    found = (await mine.ask("GET", "/me/export"))[1]
    assert [(one["number"], one["phone"], one["guardian_phone"]) for one in found["referrals"]] == [
        (claim.number, CLAIM_PHONE, f"*******{GUARDIAN_PHONE[-4:]}")
    ]
    assert [(one["record_number"], one["statuses"][0]["state"]) for one in found["enrolments"]] == [(number, "listed")]
    assert [one["reason"] for one in found["looked"]] == ["核对电话"]
    assert "enrolment.listed" in {one["action"] for one in found["history"]}
    async with client.get("/api/v1/me/export", headers={**mine.headers, "Accept": "text/html"}) as answer:
        page = await answer.text()
    assert claim.number in page
    assert number in page
    assert GUARDIAN_PHONE not in page


async def test_it_tells_nothing_of_others_about_the_same_student(
    client: aiohttp.ClientSession, standin: StandIn
) -> None:
    number = number_of(BORN)
    await resident(client, standin, "known", number)
    mine = await SignedIn.at(client, standin, "pretender")
    body = {"name": "王小明", "id_number": number, "relation": "guardian"}
    assert (await mine.ask("POST", "/me/students", body))[0] == 201
    link = await StudentLink.get(person_id=mine.id)
    await audit.note(f"student:{link.student_id}", "student.revealed", actor_id=None, fields=["name"], reason="x")
    found = (await mine.ask("GET", "/me/export"))[1]
    assert [one["name"] for one in found["students"]] == ["王小明"]
    assert found["looked"] == []
    assert "欧阳鸢尾" not in str(found)


async def test_it_is_given_out_so_often_in_an_hour(client: aiohttp.ClientSession, standin: StandIn) -> None:
    mine = await SignedIn.at(client, standin, "collector")
    statuses = [(await mine.ask("GET", "/me/export"))[0] for _ in range(11)]
    assert statuses == [200] * 10 + [429]


async def test_an_account_ends_when_its_person_says_so_and_is_brought_back_only_by_them(
    client: aiohttp.ClientSession, standin: StandIn
) -> None:
    mine = await resident(client, standin, "leaver", number_of(BORN))
    second = await SignedIn.at(client, standin, "leaver")
    assert (await mine.ask("DELETE", "/me", {"sure": True}))[0] == 422
    status, found = await mine.ask("DELETE", "/me", {})
    assert (status, found["state"]) == (200, "deletion_requested")
    assert found["undo"]
    assert found["erased"]
    assert all(one["what"] and one["why"] for one in found["kept"])
    assert [await one.status() for one in (mine, second)] == [401, 401]
    async with client.post(SESSIONS, json={"code": standin.code("leaver")}) as answer:
        assert (answer.status, (await answer.json(content_type=None))["code"]) == (403, "deletion_requested")
    async with client.post(SESSIONS, json={"code": standin.code("leaver"), "undo_deletion": True}) as answer:
        assert answer.status == 201
        back = await answer.json()
    assert (back["person"]["id"], back["person"]["name"], back["is_new"]) == (mine.id, "欧阳鸢尾", False)
    assert (await Person.get(id=mine.id)).state is PersonState.ACTIVE


async def test_the_last_manager_is_told_to_be_replaced_first(client: aiohttp.ClientSession, standin: StandIn) -> None:
    mine = await SignedIn.at(client, standin, "captain")
    await make_member(mine.id, Kind.ENTERPRISE, Role.MANAGER)
    status, found = await mine.ask("DELETE", "/me")
    assert (status, found["code"]) == (409, "last_lead")
    assert await mine.status() == 200


async def test_what_is_kept_of_a_member_is_said_with_its_end(client: aiohttp.ClientSession, standin: StandIn) -> None:
    mine = await SignedIn.at(client, standin, "clerk-who-leaves")
    await make_member(mine.id, Kind.FEEDER_SCHOOL, Role.CLERK)
    status, found = await mine.ask("DELETE", "/me")
    assert status == 200
    assert [one["until"] is not None for one in found["kept"]] == [True, False]
