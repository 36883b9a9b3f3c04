"""Enrolments over HTTP: who lists whom, what becomes of it, and that nobody sees a whole number."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import aiohttp
import pytest

from server.enrolments.models import Enrolment
from server.kernel import clock
from server.kernel.ids import new_id
from server.organisations.models import Organisation
from server.organisations.roles import Kind, Role
from server.organisations.secretariat import secretariat
from server.referrals.models import Referral
from tests.factories import make_member, make_organisation, make_token
from tests.harness.referring import NAME, make_claim, make_student
from tests.students.numbers import number_of

pytestmark = [pytest.mark.once, pytest.mark.usefixtures("database")]
TODAY = clock.today()
YEAR = TODAY.year if date(TODAY.year, 9, 1) <= TODAY else TODAY.year - 1
"""The entry year that has begun and is not over."""
STARTS = date(YEAR, 9, 1)
BORN = date(YEAR - 15, 4, 5)


@dataclass
class Caller:
    client: aiohttp.ClientSession
    organisation: Organisation
    person_id: UUID
    token: str

    async def ask(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        bearer = {"Authorization": f"Bearer {self.token}", **headers}
        async with self.client.request(method, f"/api/v1{path}", json=body, headers=bearer) as answer:
            return answer.status, await answer.json(content_type=None)

    async def lists(self, number: str, **more: Any) -> tuple[int, Any]:
        return await self.ask("POST", "/enrolments", said(number, **more))

    async def says(self, enrolment: Any, what: str, body: Any = None) -> tuple[int, Any]:
        return await self.ask("POST", f"/enrolments/{enrolment['id']}/{what}", body)


async def someone(client: aiohttp.ClientSession, organisation: Organisation, role: Role = Role.CLERK) -> Caller:
    member = await make_member(organisation, role)
    return Caller(client, organisation, member.person_id, await make_token(member.person_id))


@pytest.fixture
async def registrar(client: aiohttp.ClientSession) -> Caller:
    return await someone(client, await make_organisation(Kind.VOCATIONAL_SCHOOL, name="皖江职校（示例）"))


@pytest.fixture
async def college(client: aiohttp.ClientSession) -> Caller:
    return await someone(client, await make_organisation(Kind.VOCATIONAL_SCHOOL, name="宜城学院（示例）"))


@pytest.fixture
async def reviewer(client: aiohttp.ClientSession) -> Caller:
    return await someone(client, await secretariat(), Role.REVIEWER)


def said(number: str, name: str = NAME, **more: Any) -> dict[str, Any]:
    student = {"name": name, "id_number": number}
    return {"year": YEAR, "intake": "autumn", "level": "secondary", "student": student, **more}


def faults(answer: tuple[int, Any]) -> set[str]:
    assert answer[0] == 422, answer
    return {fault["pointer"] for fault in answer[1]["errors"]}


async def test_a_life_at_two_schools(registrar: Caller, college: Caller) -> None:
    """Listed, registered, paused, back, transferred, completed; the claim follows to where the student is."""
    number = number_of(BORN)
    student = await make_student(number)
    claim = await make_claim(await make_organisation(), student, named_school=registrar.organisation, year=YEAR)
    status, listed = await registrar.lists(number, major="机电技术应用", entered_on=STARTS.isoformat())
    assert (status, listed["state"], listed["major"], listed["version"]) == (201, "listed", "机电技术应用", 1)
    assert listed["student"] == {
        "id": str(student.id),
        "name": "***尾"[:3] + NAME[-1],
        "id_number": "*" * 16 + number[-2:],
    }
    assert (await Referral.get(id=claim.id)).state == "matched"
    status, found = await registrar.says(listed, "register", {"record_number": f"G{number}", "on": STARTS.isoformat()})
    assert (status, found["state"], found["record_number"]) == (200, "registered", "*" * 17 + number[-2:])
    assert (await registrar.says(listed, "suspend", {"reason": "因病"}))[1]["state"] == "suspended"
    assert (await registrar.says(listed, "resume"))[1]["state"] == "registered"
    body = {"to": str(college.organisation.id), "reason": "随家长迁居"}
    status, left = await registrar.says(listed, "transfer", body)
    assert (status, left["state"], left["successor"]["school"]["name"]) == (200, "transferred", "宜城学院（示例）")
    assert [one["state"] for one in left["statuses"]] == [
        "listed", "registered", "suspended", "registered", "transferred",
    ]  # fmt: skip
    there = left["successor"]
    assert str((await Referral.get(id=claim.id)).enrolment_id) in {there["id"], listed["id"]}
    assert (await college.says(there, "register", {"record_document": "转学证明12号"}))[0] == 200
    status, done = await college.says(there, "graduate")
    assert (status, done["state"], done["record_document"]) == (200, "graduated", "转学证明12号")
    status, answer = await college.says(there, "suspend")
    assert (status, answer["code"]) == (409, "enrolment_state")
    assert "已毕业" in answer["detail"]


async def test_nobody_else_knows_of_it(
    client: aiohttp.ClientSession, registrar: Caller, college: Caller, reviewer: Caller
) -> None:
    _, listed = await registrar.lists(number_of(BORN))
    path = f"/enrolments/{listed['id']}"
    feeder = await someone(client, await make_organisation())
    for stranger in (college, feeder):
        assert (await stranger.ask("GET", path))[0] == 404
        assert (await stranger.says(listed, "withdraw"))[0] == 404
    assert (await reviewer.ask("GET", path))[1] == listed
    assert (await reviewer.says(listed, "withdraw"))[0] == 403
    assert (await feeder.lists(number_of(BORN)))[0] == 403


async def test_a_student_of_two_schools_is_registered_at_one_which_is_not_named(
    registrar: Caller, college: Caller
) -> None:
    number = number_of(BORN)
    assert (await registrar.lists(number, record_document="名册第1页"))[1]["state"] == "registered"
    status, listed = await college.lists(number)
    assert status == 201
    for answer in (
        await college.lists(number, record_document="名册第9页"),
        await college.says(listed, "register", {"record_document": "名册第9页"}),
    ):
        status, problem = answer
        assert (status, problem["code"]) == (409, "registered_elsewhere")
        assert registrar.organisation.name not in str(problem)
        assert "转学" in problem["detail"]


async def test_the_same_twice_and_the_same_key_twice(registrar: Caller) -> None:
    number = number_of(BORN)
    first = await registrar.ask("POST", "/enrolments", said(number), **{"Idempotency-Key": "once"})
    assert await registrar.ask("POST", "/enrolments", said(number), **{"Idempotency-Key": "once"}) == first
    status, answer = await registrar.lists(number)
    assert (status, answer["code"]) == (409, "enrolled_already")
    assert (await registrar.ask("POST", "/enrolments", said(number_of(BORN)), **{"Idempotency-Key": "once"}))[0] == 422
    assert await Enrolment.filter(school=registrar.organisation).count() == 1


async def test_everything_that_is_wrong_is_named_and_nothing_is_said_again(registrar: Caller) -> None:
    number = number_of(BORN)
    wrong = said(f"{number[:-1]}#", "3号", level="master", entered_on="1.9.2026", major=f"见{number}", more=1)
    answer = await registrar.lists("", **wrong)
    assert faults(answer) == {"/student/name", "/student/id_number", "/level", "/entered_on", "/major", "/more"}
    assert number[:12] not in str(answer)
    assert "身份证号" in str(answer)
    other = number_of(BORN)
    answer = await registrar.lists(number, record_number=f"G{other}", entered_on=f"{YEAR + 4}-01-01")
    assert faults(answer) == {"/record_number", "/entered_on"}
    assert faults(await registrar.lists(number, year=YEAR + 9)) == {"/year"}
    assert faults(await registrar.lists(number, organisation=str(new_id()))) == {"/organisation"}


async def test_what_was_mistyped_is_put_right_while_only_listed(registrar: Caller, college: Caller) -> None:
    _, listed = await registrar.lists(number_of(BORN), student={"name": "欧阳鸢", "id_number": number_of(BORN)})
    path, latest = f"/enrolments/{listed['id']}", f'"{listed["version"]}"'
    changes = {"name": NAME, "level": "higher", "major": "护理", "repeating": None}
    assert (await college.ask("PATCH", path, changes, **{"If-Match": latest}))[0] == 404
    assert (await registrar.ask("PATCH", path, changes))[0] == 428
    status, found = await registrar.ask("PATCH", path, changes, **{"If-Match": latest})
    assert (status, found["level"], found["major"], found["repeating"]) == (200, "higher", "护理", False)
    assert (found["student"]["name"], found["version"]) == ("***尾", 2)
    assert (await registrar.ask("PATCH", path, changes, **{"If-Match": latest}))[0] == 412
    wrong = {"name": "3号", "level": "master", "major": "电话13812345678", "entered_on": STARTS.isoformat()}
    answer = await registrar.ask("PATCH", path, wrong, **{"If-Match": "*"})
    assert faults(answer) == {"/name", "/level", "/major", "/entered_on"}
    assert (await registrar.says(listed, "register", {"record_document": "名册第2页"}))[0] == 200
    status, told = await registrar.ask("PATCH", path, {"major": "数控"}, **{"If-Match": "*"})
    assert (status, told["code"]) == (409, "enrolment_not_listed")
    assert "作废" in told["detail"]


async def test_days_and_reasons(registrar: Caller) -> None:
    _, listed = await registrar.lists(number_of(BORN))
    assert faults(await registrar.says(listed, "withdraw", {"on": "2099-01-01"})) == {"/on"}
    assert faults(await registrar.says(listed, "withdraw", {"on": (STARTS - timedelta(days=1)).isoformat()})) == {"/on"}
    assert faults(await registrar.says(listed, "withdraw", {"reason": "电话13812345678"})) == {"/reason"}
    answer = await registrar.says(listed, "transfer", {"to": "x"})
    assert faults(answer) == {"/to", "/reason"}
    assert "转入学校" in str(answer)
    assert faults(await registrar.says(listed, "void", {})) == {"/reason"}
    assert faults(await registrar.says(listed, "register", {})) == {"/record_number", "/record_document"}
    status, found = await registrar.says(listed, "withdraw", {"on": STARTS.isoformat(), "reason": "已随父母外出"})
    assert (status, found["statuses"][-1]["effective_on"]) == (200, STARTS.isoformat())


async def test_names_that_differ_are_for_a_reviewer(
    client: aiohttp.ClientSession, registrar: Caller, reviewer: Caller
) -> None:
    number = number_of(BORN)
    claim = await make_claim(await make_organisation(), await make_student(number), year=YEAR)
    _, listed = await registrar.lists(number, student={"name": "欧阳鸢", "id_number": number})
    clerk = await someone(client, await Organisation.get(id=claim.school_id))
    seen = (await clerk.ask("GET", f"/referrals/{claim.id}"))[1]
    assert (seen["flags"], seen["needs_check"], seen["enrolment"]) == (["name_differs"], True, None)
    assert seen["enrolment_to_check"] == listed["id"]
    body = {"referral": str(claim.id), "verdict": "same", "reason": "户口簿上的曾用名"}
    assert (await registrar.says(listed, "match-decision", body))[0] == 403
    assert (await reviewer.says(listed, "match-decision", body))[0] == 200
    seen = (await clerk.ask("GET", f"/referrals/{claim.id}"))[1]
    assert (seen["state"], seen["flags"], seen["enrolment"]["id"]) == ("matched", [], listed["id"])
