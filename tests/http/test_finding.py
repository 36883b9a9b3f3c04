"""One student found by number over HTTP: one's own school's alone, masked, noted, not often; and a refusal that names
the record that stands in the way where it is one's own."""

from datetime import date
from typing import Any

import aiohttp
import pytest
from tortoise.backends.base.client import BaseDBAsyncClient

from server.kernel import clock
from server.kernel.audit import AuditEntry
from server.organisations.models import Organisation
from server.organisations.roles import Kind, Role
from server.referrals import finding
from tests.factories import make_organisation
from tests.harness.callers import Caller, caller, member, staff
from tests.harness.referring import NAME, make_claim, make_listed, make_student
from tests.referrals.registering import opened
from tests.students.numbers import number_of

pytestmark = [pytest.mark.once, pytest.mark.usefixtures("database")]
BORN = date(clock.today().year - 15, 4, 5)
PATHS = {"referrals": Kind.FEEDER_SCHOOL, "enrolments": Kind.VOCATIONAL_SCHOOL}
MAKE: dict[str, Any] = {"referrals": make_claim, "enrolments": make_listed}


async def school(client: aiohttp.ClientSession, kind: Kind) -> tuple[Organisation, Caller]:
    organisation = await make_organisation(kind)
    return organisation, await member(client, organisation, Role.CLERK)


async def found(by: Caller, what: str, number: str, **more: Any) -> list[str]:
    status, answer, _ = await by.ask("POST", f"/{what}/find", {"id_number": number, **more})
    assert (status, answer["next_cursor"]) == (200, None), answer
    return [one["id"] for one in answer["items"]]


@pytest.mark.parametrize("what", PATHS)
async def test_a_school_finds_its_own_and_cannot_tell_what_others_have(
    client: aiohttp.ClientSession, what: str
) -> None:
    own, clerk = await school(client, PATHS[what])
    other, stranger = await school(client, PATHS[what])
    number, elsewhere = number_of(BORN), number_of(BORN)
    student = await make_student(number)
    rows = [await MAKE[what](own, student, year=year) for year in (2025, 2026)]
    foreign = await MAKE[what](other, student, year=2027)
    await MAKE[what](other, await make_student(elsewhere))
    assert await found(clerk, what, number) == [str(rows[1].id), str(rows[0].id)]
    assert await found(clerk, what, f" {number.lower()} ", year=2025) == [str(rows[0].id)]
    answers = [await clerk.ask("POST", f"/{what}/find", {"id_number": one}) for one in (elsewhere, number_of(BORN))]
    assert [(status, answer) for status, answer, _ in answers] == [(200, {"items": [], "next_cursor": None})] * 2
    assert await found(stranger, what, number) == [str(foreign.id)]
    reviewer = await staff(client, Role.REVIEWER)
    assert await found(reviewer, what, number) == [str(one.id) for one in (foreign, rows[1], rows[0])]


@pytest.mark.parametrize("what", PATHS)
async def test_what_is_found_is_what_the_list_shows_and_who_looked_is_noted_without_the_number(
    client: aiohttp.ClientSession, what: str
) -> None:
    own, clerk = await school(client, PATHS[what])
    number = number_of(BORN)
    await MAKE[what](own, await make_student(number))
    _, answer, _ = await clerk.ask("POST", f"/{what}/find", {"id_number": number})
    assert answer["items"] == (await clerk.ask("GET", f"/{what}"))[1]["items"]
    assert number[:12] not in str(answer)
    [entry] = await AuditEntry.filter(actor_id=clerk.person_id)
    assert (entry.action, entry.subject) == (f"{what[:-1]}.sought", f"person:{clerk.person_id}")
    assert (entry.before, entry.after, entry.reason, entry.fields) == ("", "", "", [])


@pytest.mark.parametrize("what", PATHS)
async def test_a_wrong_number_is_a_wrong_field_and_strangers_find_nothing(
    client: aiohttp.ClientSession, what: str
) -> None:
    _, clerk = await school(client, PATHS[what])
    number = number_of(BORN)
    wrong = number[:-1] + ("1" if number[-1] != "1" else "2")
    for body in ({"id_number": wrong}, {"id_number": "3"}, {}, {"id_number": None}):
        status, answer, _ = await clerk.ask("POST", f"/{what}/find", body)
        assert (status, [one["pointer"] for one in answer["errors"]]) == (422, ["/id_number"]), body
        assert "身份证号" in answer["errors"][0]["detail"]
    _, other = await school(client, next(kind for kind in PATHS.values() if kind is not PATHS[what]))
    for by in (other, await caller(client)):
        assert await by.status("POST", f"/{what}/find", {"id_number": number}) == 403


async def test_nobody_looks_too_often_over_both_together(client: aiohttp.ClientSession) -> None:
    reviewer = await staff(client, Role.REVIEWER)
    body = {"id_number": number_of(BORN)}
    for one in range(finding.HOURLY[0]):
        assert await reviewer.status("POST", f"/{('referrals', 'enrolments')[one % 2]}/find", body) == 200
    status, answer, headers = await reviewer.ask("POST", "/referrals/find", body)
    assert (status, answer["code"]) == (429, "too_many_requests")
    assert int(headers["Retry-After"]) > 0


async def test_a_claim_made_before_is_named_to_its_own_school_only(
    client: aiohttp.ClientSession, database: BaseDBAsyncClient
) -> None:
    assert database
    await opened()
    (_, clerk), (_, other) = [await school(client, Kind.FEEDER_SCHOOL) for _ in range(2)]
    student = {"name": NAME, "id_number": number_of(BORN)}
    said = {"year": clock.today().year, "intake": "autumn", "student": student}
    made = (await clerk.ask("POST", "/referrals", said))[1]
    for name, code in ((NAME, "already_registered"), ("欧阳青竹", "registered_otherwise")):
        again = {**said, "student": {**student, "name": name}}
        status, problem, _ = await clerk.ask("POST", "/referrals", again)
        assert (status, problem["code"], problem["subject"]) == (409, code, f"referral:{made['id']}")
    status, theirs, _ = await other.ask("POST", "/referrals", said)
    assert (status, made["id"] in str(theirs)) == (201, False)


async def test_an_enrolment_made_before_is_named_to_its_own_school_only(client: aiohttp.ClientSession) -> None:
    (_, clerk), (_, other) = [await school(client, Kind.VOCATIONAL_SCHOOL) for _ in range(2)]
    today = clock.today()
    year = today.year if date(today.year, 9, 1) <= today else today.year - 1
    student = {"name": NAME, "id_number": number_of(BORN)}
    said = {"year": year, "intake": "autumn", "level": "secondary", "student": student, "record_document": "名册第1页"}
    made = (await clerk.ask("POST", "/enrolments", said))[1]
    status, problem, _ = await clerk.ask("POST", "/enrolments", said)
    assert (status, problem["code"], problem["subject"]) == (409, "enrolled_already", f"enrolment:{made['id']}")
    status, problem, _ = await other.ask("POST", "/enrolments", said)
    assert (status, problem["code"], "subject" in problem) == (409, "registered_elsewhere", False)
    assert made["id"] not in str(problem)
