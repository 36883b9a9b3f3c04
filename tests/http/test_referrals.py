"""Referrals over HTTP: registered, amended, corrected; nothing in full, and nothing told of another school."""

from datetime import date, timedelta
from typing import Any

import aiohttp
import pytest
from tortoise.backends.base.client import BaseDBAsyncClient

from server.kernel import clock
from server.organisations.models import Organisation, OrganisationState
from server.organisations.roles import Kind, Role
from server.people.models import Person
from tests.factories import make_member, make_organisation
from tests.harness.app import Server
from tests.harness.callers import Caller, caller, member, staff
from tests.referrals.registering import opened
from tests.students.numbers import number_of

pytestmark = pytest.mark.once

NAME, PHONE = "欧阳鸢尾", "13955512345"
REASON = {"reason": "身份证号录错一位"}


@pytest.fixture(autouse=True, scope="module")
async def this_year(database: BaseDBAsyncClient) -> None:
    assert database
    await opened()


def aged(years: int, days: int = 0) -> date:
    today = clock.today()
    return date(today.year - years, today.month, min(today.day, 28)) - timedelta(days=days)


def said(number: str = "", **values: Any) -> dict[str, Any]:
    student = {"name": NAME, "id_number": number or number_of(aged(15))}
    return {"year": clock.today().year, "intake": "autumn", "student": student, **values}


async def clerk(client: aiohttp.ClientSession, kind: Kind = Kind.FEEDER_SCHOOL) -> Caller:
    return await member(client, await make_organisation(kind), Role.CLERK)


async def registered(by: Caller, number: str = "", **values: Any) -> dict[str, Any]:
    status, found, headers = await by.ask("POST", "/referrals", said(number, **values))
    assert status == 201, found
    assert headers["ETag"] == '"1"'
    return dict(found)


def faults(found: dict[str, Any]) -> list[str]:
    return [fault["pointer"] for fault in found["errors"]]


async def test_a_student_is_registered_and_shown_masked(client: aiohttp.ClientSession, server: Server) -> None:
    by, number = await clerk(client), number_of(aged(15))
    named = await make_organisation(Kind.VOCATIONAL_SCHOOL, name="宜城职业学校（示例）")
    found = await registered(
        by, number, phone=PHONE, named_school=str(named.id), level="secondary", class_name="九（1）班"
    )
    assert found["student"] == {"id": found["student"]["id"], "name": "***尾", "id_number": "*" * 16 + number[-2:]}
    assert (found["phone"], found["guardian_name"], found["enrolment"]) == ("*******2345", None, None)
    assert found["named_school"] == {"id": str(named.id), "name": named.name}
    assert (found["state"], found["flags"], found["in_dispute"], found["lost_to_another"]) == (
        "registered",
        [],
        False,
        False,
    )
    assert found["number"] == f"R{clock.today().year}-{found['number'][-6:]}"
    assert (await by.ask("GET", f"/referrals/{found['id']}"))[1] == found
    reviewer = await staff(client, Role.REVIEWER)
    assert (await reviewer.ask("GET", f"/referrals/{found['id']}"))[1] == found
    for secret in (number, NAME, PHONE):
        assert secret not in server.log.read_text()
        assert secret not in str(found)


async def test_another_school_learns_that_there_is_a_dispute_and_no_more(client: aiohttp.ClientSession) -> None:
    first, second, number = await clerk(client), await clerk(client), number_of(aged(15))
    live, later = await registered(first, number), await registered(second, number)
    assert (later["state"], later["in_dispute"]) == ("disputed", True)
    live_now = (await first.ask("GET", f"/referrals/{live['id']}"))[1]
    assert (live_now["state"], live_now["in_dispute"], live_now["evidence_until"]) == (
        "registered",
        True,
        later["evidence_until"],
    )
    for mine, theirs, other in ((live_now, later, first), (later, live, second)):
        assert theirs["id"] not in str(mine)
        assert theirs["school"]["id"] not in str(mine)
        assert await other.status("GET", f"/referrals/{theirs['id']}") == 404
        assert await other.status("PATCH", f"/referrals/{theirs['id']}", {"class_name": "x"}, If_Match="1") == 404
        body = {"id_number": number_of(aged(15)), **REASON}
        assert await other.status("POST", f"/referrals/{theirs['id']}/correct", body) == 404


async def test_every_fault_is_listed_at_once(client: aiohttp.ClientSession) -> None:
    by = await clerk(client)
    wrong = {
        "year": "2026", "intake": "summer", "student": {"name": "王1", "id_number": "34080220090101123"},
        "named_school": "7", "level": "doctor", "phone": "12", "guardian_name": "", "guardian_phone": 5,
        "guardian_consent_on": "2999-01-01", "class_name": "13955512345", "nonsense": 1,
    }  # fmt: skip
    status, found, _ = await by.ask("POST", "/referrals", wrong)
    assert status == 422
    assert sorted(faults(found)) == sorted(
        [f"/{name}" for name in wrong if name != "student"] + ["/student/name", "/student/id_number"]
    )
    assert "12345" not in str(found)
    status, found, _ = await by.ask("POST", "/referrals", said(number_of(aged(13))))
    assert (status, faults(found)) == (422, ["/guardian_name", "/guardian_phone", "/guardian_consent_on"])
    status, found, _ = await by.ask("POST", "/referrals", said(number_of(aged(50)), named_school=str(by.person_id)))
    assert (status, sorted(faults(found))) == (422, ["/named_school", "/student/id_number"])
    status, found, _ = await by.ask("POST", "/referrals", {**said(), "year": 1990})
    assert (status, faults(found)) == (422, ["/year"])


async def test_a_child_comes_with_its_guardians_consent(client: aiohttp.ClientSession) -> None:
    by = await clerk(client)
    guardian = {
        "guardian_name": "欧阳青竹",
        "guardian_phone": "0556-5512345",
        "guardian_consent_on": str(clock.today()),
    }
    found = await registered(by, number_of(aged(13)), **guardian)
    assert (found["guardian_name"], found["guardian_phone"]) == ("***竹", "*******2345")
    path = f"/referrals/{found['id']}"
    status, refused, _ = await by.ask("PATCH", path, {"guardian_phone": None}, If_Match='"1"')
    assert (status, faults(refused)) == (422, ["/guardian_phone"])


async def test_outside_the_window_the_answer_says_when_it_is(client: aiohttp.ClientSession) -> None:
    by = await clerk(client)
    year = clock.today().year + 1
    status, found, _ = await by.ask("POST", "/referrals", said(year=year))
    assert (status, found["code"]) == (409, "outside_window")
    assert "秋季" in found["detail"]
    assert f"{year}-10-31" in found["detail"]


async def test_for_whom_one_registers(client: aiohttp.ClientSession) -> None:
    one, other, foreign = [await make_organisation(name=f"第{number}中学（示例）") for number in range(3)]
    by = await member(client, one, Role.CLERK)
    assert await by.status("POST", "/referrals", said(organisation=str(foreign.id))) == 422
    await make_member(other, Role.MANAGER, await Person.get(id=by.person_id))
    again = await caller(client, by.person_id)
    status, found, _ = await again.ask("POST", "/referrals", said())
    assert (status, faults(found)) == (422, ["/organisation"])
    assert (await registered(again, organisation=str(other.id)))["school"]["id"] == str(other.id)
    await Organisation.filter(id=one.id).update(state=OrganisationState.SUSPENDED)
    status, found, _ = await again.ask("POST", "/referrals", said(organisation=str(one.id)))
    assert (status, found["code"]) == (409, "organisation_state")
    assert await (await clerk(client, Kind.VOCATIONAL_SCHOOL)).status("POST", "/referrals", said()) == 403


async def test_one_key_registers_once(client: aiohttp.ClientSession) -> None:
    by, body = await clerk(client), said()
    first = await by.ask("POST", "/referrals", body, Idempotency_Key="once")
    again = await by.ask("POST", "/referrals", body, Idempotency_Key="once")
    assert (first[0], again[0], first[1]) == (201, 201, again[1])
    status, found, _ = await by.ask("POST", "/referrals", said(), Idempotency_Key="once")
    assert (status, found["code"]) == (422, "idempotency_key_reused")
    status, found, _ = await by.ask("POST", "/referrals", body)
    assert (status, found["code"]) == (409, "already_registered")


async def test_only_what_was_read_is_changed(client: aiohttp.ClientSession) -> None:
    by = await clerk(client)
    made = await registered(by, phone=PHONE)
    path = f"/referrals/{made['id']}"
    assert await by.status("PATCH", path, {"class_name": "九（2）班"}) == 428
    status, found, headers = await by.ask("PATCH", path, {"class_name": "九（2）班", "phone": None}, If_Match='"1"')
    assert (status, found["class_name"], found["phone"], headers["ETag"]) == (200, "九（2）班", None, '"2"')
    for tag in ('"1"', "1"):
        status, found, _ = await by.ask("PATCH", path, {"class_name": "九（3）班"}, If_Match=tag)
        assert (status, found["code"]) == (412, "stale_version")
        body = {"id_number": number_of(aged(15)), **REASON}
        assert await by.status("POST", f"{path}/correct", body, If_Match=tag) == 412
    status, found, _ = await by.ask(
        "PATCH", path, {"named_school": str(by.person_id), "phone": "1", "x": 1}, If_Match="2"
    )
    assert (status, sorted(faults(found))) == (422, ["/phone", "/x"])
    assert await by.status("PATCH", path, {"class_name": "九（3）班"}, If_Match="2") == 200


async def test_a_wrong_number_is_corrected_with_a_reason(client: aiohttp.ClientSession) -> None:
    by, number = await clerk(client), number_of(aged(15))
    made = await registered(by)
    path = f"/referrals/{made['id']}/correct"
    assert faults((await by.ask("POST", path, {"id_number": "1", "name": "7"}))[1]) == [
        "/reason",
        "/id_number",
        "/name",
    ]
    status, found, _ = await by.ask("POST", path, {"id_number": number, **REASON})
    assert (status, found["version"], found["student"]["id_number"][-2:]) == (200, 2, number[-2:])
    assert found["student"]["id"] != made["student"]["id"]
    reviewer = await staff(client, Role.REVIEWER)
    assert await reviewer.status("POST", path, {"id_number": number, "name": "欧阳小尾", **REASON}) == 200
    assert await (await staff(client, Role.FINANCE)).status("POST", path, {"id_number": number, **REASON}) == 403


async def test_years_are_read_by_all_and_set_by_few(client: aiohttp.ClientSession) -> None:
    anyone, admin = await caller(client), await staff(client, Role.ADMIN)
    year = clock.today().year + 1
    status, found, headers = await anyone.ask("GET", f"/referral-years/{year}")
    assert (status, found["version"], found["autumn"]["census_on"], headers["ETag"]) == (200, 0, f"{year}-11-20", '"0"')
    assert year in [one["year"] for one in (await anyone.ask("GET", "/referral-years"))[1]["items"]]
    assert await anyone.status("GET", "/referral-years/1999") == 404
    body = {name: found[name] for name in ("autumn", "spring", "ends_on")} | {"reason": "按通知调整"}
    body["autumn"] = {**body["autumn"], "closes_on": f"{year}-11-10"}
    path = f"/referral-years/{year}"
    assert await anyone.status("PUT", path, body, If_Match="0") == 403
    assert await admin.status("PUT", path, body) == 428
    status, found, headers = await admin.ask("PUT", path, body, If_Match='"0"')
    assert (status, found["autumn"]["closes_on"], headers["ETag"]) == (200, f"{year}-11-10", '"1"')
    assert await admin.status("PUT", path, body, If_Match='"0"') == 412
    body["autumn"]["match_by"] = f"{year}-01-01"
    status, found, _ = await admin.ask("PUT", path, {**body, "ends_on": f"{year}-01-01"}, If_Match="1")
    assert (status, faults(found)) == (422, ["/autumn/match_by", "/autumn/match_by", "/ends_on"])
    assert "秋季匹配截止日" in found["errors"][0]["detail"]
