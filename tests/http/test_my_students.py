"""Students and consents over HTTP: said, checked, appealed, consented for; nothing in full, nothing told of others."""

from datetime import date, timedelta
from typing import Any

import aiohttp
import pytest
from tortoise.backends.base.client import BaseDBAsyncClient

from server.kernel import clock
from server.organisations.roles import Role
from server.organisations.secretariat import secretariat
from server.people.models import Person
from tests.factories import make_member
from tests.harness.app import Server
from tests.harness.people import SignedIn
from tests.harness.standin import StandIn
from tests.students.numbers import number_of

pytestmark = [pytest.mark.once, pytest.mark.usefixtures("database")]
NAME = "欧阳鸢尾"
REASON = {"reason": "已核对户口簿"}


def aged(years: int, days: int = 0) -> date:
    today = clock.today()
    return today.replace(year=today.year - years) - timedelta(days=days)


def claim(number: str, relation: str = "self", name: str = NAME) -> dict[str, str]:
    return {"name": name, "id_number": number, "relation": relation}


async def reviewer(client: aiohttp.ClientSession, standin: StandIn, openid: str = "checks-links") -> SignedIn:
    found = await SignedIn.at(client, standin, openid)
    if not found.person["memberships"]:
        await make_member(await secretariat(), Role.REVIEWER, await Person.get(id=found.id))
    return await SignedIn.at(client, standin, openid)


async def linked(who: SignedIn, by: SignedIn, body: dict[str, str]) -> dict[str, Any]:
    status, link = await who.ask("POST", "/me/students", body)
    assert status == 201, link
    status, _ = await by.ask("POST", f"/students/links/{link['id']}/decision", {"verdict": "confirm", **REASON})
    assert status == 200
    found: dict[str, Any] = next(
        one for one in (await who.ask("GET", "/me/students"))[1]["items"] if one["id"] == link["id"]
    )
    return found


async def test_a_link_is_asked_for_checked_and_shown_masked(
    client: aiohttp.ClientSession, standin: StandIn, server: Server, database: BaseDBAsyncClient
) -> None:
    number = number_of(aged(16))
    mine, by = await SignedIn.at(client, standin, "student-a"), await reviewer(client, standin)
    status, link = await mine.ask("POST", "/me/students", claim(number))
    assert (status, link["state"], link["relation"]) == (201, "requested", "self")
    assert link["student"] == {"id": None, "name": "***尾", "id_number": "*" * 16 + number[-2:]}
    status, page = await by.ask("GET", "/students/links?state=requested")
    seen = next(one for one in page["items"] if one["id"] == link["id"])
    assert (seen["name"], seen["name_differs"], seen["person"]["id"]) == ("***尾", False, mine.id)
    path = f"/students/links/{link['id']}/decision"
    assert (await by.ask("POST", path, {"verdict": "reject"}))[0] == 422
    status, found = await by.ask("POST", path, {"verdict": "reject", "reason": "照片不清"})
    assert (status, found["state"], found["reason"]) == (200, "rejected", "照片不清")
    assert (await by.ask("POST", path, {"verdict": "confirm", **REASON}))[1]["code"] == "link_settled"
    assert (await mine.ask("GET", "/me/students"))[1]["items"][0]["reason"] == "照片不清"
    found = await linked(mine, by, claim(number))
    assert (found["state"], found["student"]["id"]) == ("confirmed", seen["student"]["id"])
    for place in (server.log.read_text(), str(await database.execute_query_dict("SELECT * FROM student_link"))):
        assert number not in place
        assert NAME not in place


async def test_nothing_is_told_of_a_student_who_is_known_already(
    client: aiohttp.ClientSession, standin: StandIn
) -> None:
    number = number_of(aged(16))
    first, second = await SignedIn.at(client, standin, "first"), await SignedIn.at(client, standin, "second")
    answers = [
        (await first.ask("POST", "/me/students", claim(number)))[1],
        (await second.ask("POST", "/me/students", claim(number, "guardian", "何大满")))[1],
    ]
    assert answers[1]["student"] == {"id": None, "name": "**满", "id_number": answers[0]["student"]["id_number"]}
    assert answers[0].keys() == answers[1].keys()
    by = await reviewer(client, standin)
    page = (await by.ask("GET", "/students/links?limit=100"))[1]["items"]
    differs = {one["id"]: one["name_differs"] for one in page}
    assert [differs[one["id"]] for one in answers] == [False, True]
    assert (await second.ask("DELETE", f"/me/students/{answers[0]['id']}"))[0] == 404
    assert (await second.ask("GET", "/students/links"))[0] == 403


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({}, ["/name", "/id_number", "/relation"]),
        ({"name": "王1", "id_number": "34080220090101123", "relation": "self"}, ["/name", "/id_number"]),
        ({"name": "王小明", "id_number": 340802, "relation": "mother"}, ["/id_number", "/relation"]),
        ({"name": "王小明", "id_number": "1" * 101, "relation": "self"}, ["/id_number"]),
    ],
)
async def test_every_field_at_fault_is_listed(
    client: aiohttp.ClientSession, standin: StandIn, body: Any, pointers: list[str]
) -> None:
    mine = await SignedIn.at(client, standin, "careless")
    status, found = await mine.ask("POST", "/me/students", body)
    assert (status, [fault["pointer"] for fault in found["errors"]]) == (422, pointers)
    assert (await mine.ask("GET", "/students/links?nonsense=1"))[0] == 403
    by = await reviewer(client, standin)
    assert (await by.ask("GET", "/students/links?nonsense=1"))[0] == 422
    assert (await by.ask("GET", "/students/links?state=nonsense"))[0] == 422


async def test_one_key_makes_one_link(client: aiohttp.ClientSession, standin: StandIn) -> None:
    mine, body = await SignedIn.at(client, standin, "hasty"), claim(number_of(aged(15)))
    headers = {**mine.headers, "Idempotency-Key": "once"}
    ids = []
    for _ in range(2):
        async with client.post("/api/v1/me/students", json=body, headers=headers) as answer:
            assert answer.status == 201
            ids.append((await answer.json())["id"])
    assert ids[0] == ids[1]
    assert (await mine.ask("POST", "/me/students", body))[1]["code"] == "already_linked"


async def test_a_rejection_is_appealed_once_and_decided_by_another(
    client: aiohttp.ClientSession, standin: StandIn
) -> None:
    mine, by = await SignedIn.at(client, standin, "appellant"), await reviewer(client, standin)
    other = await reviewer(client, standin, "checks-again")
    link = (await mine.ask("POST", "/me/students", claim(number_of(aged(15)))))[1]
    await by.ask("POST", f"/students/links/{link['id']}/decision", {"verdict": "reject", **REASON})
    appeal = {"subject": f"student_link:{link['id']}", "reason": "户口簿是清楚的"}
    stranger = await SignedIn.at(client, standin, "stranger")
    assert (await stranger.ask("POST", "/appeals", appeal))[0] == 404
    status, found = await mine.ask("POST", "/appeals", appeal)
    assert status == 201, found
    assert (await mine.ask("POST", "/appeals", appeal))[0] == 409
    verdict = {"verdict": "overturn", **REASON}
    assert (await by.ask("POST", f"/appeals/{found['id']}/decision", verdict))[0] == 403
    assert (await other.ask("POST", f"/appeals/{found['id']}/decision", verdict))[0] == 200
    assert (await mine.ask("GET", "/me/students"))[1]["items"][0]["state"] == "confirmed"


async def test_a_child_grows_no_older_by_claiming_another_number(
    client: aiohttp.ClientSession, standin: StandIn
) -> None:
    wanted = {"document": "student", "version": "1", "scope": "identity"}
    child, by = await SignedIn.at(client, standin, "eleven"), await reviewer(client, standin)
    link = await linked(child, by, claim(number_of(aged(11))))
    assert (await child.ask("DELETE", f"/me/students/{link['id']}"))[0] == 204
    adult = (await child.ask("POST", "/me/students", claim(number_of(aged(40)))))[1]
    assert adult["state"] == "requested"
    status, found = await child.ask("POST", "/me/consents", wanted)
    assert (status, found["code"]) == (403, "guardian_needed")
    confirm = {"verdict": "confirm", **REASON}
    assert (await by.ask("POST", f"/students/links/{adult['id']}/decision", confirm))[0] == 200
    assert (await child.ask("POST", "/me/consents", wanted))[1]["code"] == "guardian_needed"
    youth = await SignedIn.at(client, standin, "fifteen")
    await linked(youth, by, claim(number_of(aged(15))))
    assert (await youth.ask("POST", "/me/consents", wanted))[0] == 201


async def test_documents_are_public_and_a_child_needs_its_guardian(
    client: aiohttp.ClientSession, standin: StandIn
) -> None:
    async with client.get("/api/v1/consent-documents") as answer:
        assert answer.status == 200
        assert answer.headers["ETag"]
        documents = {one["id"]: one for one in (await answer.json())["items"]}
    assert documents.keys() == {"account", "student"}
    wanted = {"document": "student", "version": documents["student"]["version"], "scope": "identity"}
    number = number_of(aged(14) + timedelta(days=2))  # not yet 14
    by = await reviewer(client, standin)
    child, mother = await SignedIn.at(client, standin, "child"), await SignedIn.at(client, standin, "mother")
    await linked(child, by, claim(number))
    status, found = await child.ask("POST", "/me/consents", wanted)
    assert (status, found["code"]) == (403, "guardian_needed")
    for path in ("/me", "/me/students", "/programmes", "/me/consents"):  # all that is basic works without consent
        assert (await child.ask("GET", path))[0] == 200
    student = (await linked(mother, by, claim(number, "guardian")))["student"]["id"]
    status, given = await mother.ask("POST", "/me/consents", {**wanted, "student": student})
    assert (status, given["capacity"], given["student"]) == (201, "guardian", {"id": student, "name": "***尾"})
    stranger = await SignedIn.at(client, standin, "stranger")
    assert (await stranger.ask("POST", "/me/consents", {**wanted, "student": student}))[0] == 422
    assert (await stranger.ask("POST", "/me/consents", {**wanted, "version": "0.9"}))[0] == 422
    assert (await stranger.ask("DELETE", f"/me/consents/{given['id']}"))[0] == 404
    assert (await mother.ask("DELETE", f"/me/consents/{given['id']}"))[0] == 204
    page = (await mother.ask("GET", "/me/consents"))[1]["items"]
    assert [one["withdrawn_at"] is not None for one in page] == [True]
