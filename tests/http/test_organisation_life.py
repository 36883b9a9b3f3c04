"""An organisation's life over HTTP: applied, rejected, corrected, verified, changed, renewed, suspended, closed."""

import asyncio
from datetime import timedelta
from typing import Any

import aiohttp
import pytest

from server.kernel import clock
from server.kernel.audit import AuditEntry
from server.organisations import lapses
from server.organisations.models import Membership, Organisation
from server.organisations.roles import Role
from server.organisations.secretariat import secretariat
from tests.factories import make_member, make_organisation
from tests.harness.callers import Caller, caller, member, staff
from tests.organisations.applying import CONTACT, FIRM, credit_code

pytestmark = pytest.mark.usefixtures("database")
REASON = "材料齐全，核对无误"


@pytest.fixture
async def somebody(client: aiohttp.ClientSession) -> Caller:
    return await caller(client)


def firm(**values: Any) -> dict[str, Any]:
    said = {
        "kind": "enterprise",
        "name": FIRM,
        "credit_code": credit_code(),
        "region": "340803",
        "address": "大观区示例路1号",
        "contact_name": CONTACT,
        "licence_number": "皖（示例）0001",
        "licence_valid_to": "2036-01-01",
    }
    return {**said, **values}


async def decided(reviewer: Caller, organisation: str, verdict: str) -> dict[str, Any]:
    path = f"/organisations/{organisation}/decision"
    status, found, _ = await reviewer.ask("POST", path, {"verdict": verdict, "reason": REASON})
    assert status == 200, found
    assert isinstance(found, dict)
    return found


async def test_an_enterprise_is_rejected_corrects_is_verified_lapses_and_is_renewed(
    somebody: Caller, reviewer: Caller
) -> None:
    status, made, headers = await somebody.ask("POST", "/organisations", firm(credit_code=f" {credit_code().lower()} "))
    assert (status, made["state"], made["version"], headers["ETag"]) == (201, "applied", 1, '"1"')
    assert made["contact_name"] == "**行"
    assert CONTACT not in str(made)
    path = f"/organisations/{made['id']}"
    rejected = await decided(reviewer, made["id"], "reject")
    assert rejected["state"] == "rejected"
    _, shown, headers = await somebody.ask("GET", path)
    assert shown["decision"] | {"made_at": ""} == {"event": "organisation.rejected", "reason": REASON, "made_at": ""}
    status, corrected, headers = await somebody.ask("PATCH", path, {"name": "更正（示例）"}, If_Match=headers["ETag"])
    assert (status, corrected["state"], corrected["name"], headers["ETag"]) == (200, "applied", "更正（示例）", '"3"')
    verified = await decided(reviewer, made["id"], "verify")
    assert (verified["state"], verified["due_on"] is not None) == ("verified", True)
    _, changed, _ = await somebody.ask("PATCH", path, {"name": "再改（示例）", "address": "二号路"}, If_Match="4")
    assert (changed["name"], changed["address"]) == ("更正（示例）", "二号路")
    assert changed["pending_revision"]["name"] == "再改（示例）"
    assert (await decided(reviewer, made["id"], "verify"))["name"] == "再改（示例）"
    assert (await somebody.ask("POST", f"{path}/renew"))[:2][1]["code"] == "renewal_too_early"
    await Organisation.filter(id=made["id"]).update(due_on=clock.today() - timedelta(days=1))
    await lapses.watch()
    assert (await somebody.ask("GET", path))[1]["state"] == "lapsed"
    status, renewed, _ = await somebody.ask("POST", f"{path}/renew", {"licence_valid_to": "2037-01-01"})
    asked = renewed["pending_revision"]
    assert (status, renewed["state"], asked["renewal"]) == (200, "lapsed", True)
    assert asked["licence_valid_to"] == "2037-01-01"
    assert (await decided(reviewer, made["id"], "verify"))["state"] == "verified"
    history = await AuditEntry.filter(subject=f"organisation:{made['id']}").order_by("id")
    assert [entry.after for entry in history] == [
        *("applied", "rejected", "applied", "verified"),
        *("verified", "verified", "lapsed", "lapsed", "verified"),
    ]


async def test_every_bad_field_of_an_application_is_listed_at_once(somebody: Caller) -> None:
    body = {
        "kind": "secretariat",
        "name": "看\u202e不见",
        "credit_code": "91340803MA2NXXXX0Y",
        "school_code": "12",
        "region": "999999",
        "address": " ",
        "contact_name": "123",
        "licence_number": "x" * 65,
        "licence_valid_to": "2020-01-01",
        "nonsense": 1,
    }
    status, problem, _ = await somebody.ask("POST", "/organisations", body)
    assert status == 422
    assert {fault["pointer"] for fault in problem["errors"]} == {f"/{name}" for name in body}
    details = {fault["pointer"]: fault["detail"] for fault in problem["errors"]}
    assert details["/kind"].startswith("类别：只能是 vocational_school、")
    assert "没有收录这个地区代码" in details["/region"]
    assert "过期" in details["/licence_valid_to"]


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"credit_code": None}, "/credit_code"),
        ({"licence_number": None}, "/licence_number"),
        ({"school_code": "3134000009"}, "/school_code"),
        ({"kind": "feeder_school", "credit_code": None}, "/school_code"),
        ({"credit_code": "91340803000000001"}, "/credit_code"),
        ({"region": "34080"}, "/region"),
    ],
)
async def test_a_field_that_does_not_fit_is_named(somebody: Caller, change: dict[str, Any], pointer: str) -> None:
    status, problem, _ = await somebody.ask("POST", "/organisations", firm(**change))
    assert (status, [fault["pointer"] for fault in problem["errors"]]) == (422, [pointer])
    assert "格式不正确" not in problem["errors"][0]["detail"]


async def test_a_school_without_a_credit_code_gives_its_school_code(somebody: Caller) -> None:
    school = firm(kind="feeder_school", credit_code=None, school_code="3134000777", licence_number=None)
    status, made, _ = await somebody.ask("POST", "/organisations", school)
    assert (status, made["school_code"], made["credit_code"]) == (201, "3134000777", None)


async def test_a_known_code_tells_the_name_and_nothing_else(client: aiohttp.ClientSession, somebody: Caller) -> None:
    body = firm()
    _, made, _ = await somebody.ask("POST", "/organisations", body)
    other = await caller(client)
    status, found, _ = await other.ask("POST", "/organisations", {**body, "name": "别的名字（示例）"})
    assert (status, found) == (202, {"id": made["id"], "name": FIRM, "joined": "requested"})
    assert await other.status("GET", f"/organisations/{made['id']}") == 404
    assert (await somebody.ask("POST", "/organisations", body))[1]["code"] == "already_member"


@pytest.mark.parametrize("first", [True, False])
async def test_an_application_sent_again_with_its_key_is_one(
    client: aiohttp.ClientSession, somebody: Caller, *, first: bool
) -> None:
    body = firm()
    if not first:
        await (await caller(client)).ask("POST", "/organisations", body)
    answers = [await somebody.ask("POST", "/organisations", body, Idempotency_Key="once") for _ in range(2)]
    assert answers[0][:2] == answers[1][:2]
    assert answers[0][0] == (201 if first else 202)
    assert await Membership.filter(person_id=somebody.person_id).count() == 1


async def test_two_applications_with_one_code_at_once_make_one_organisation(client: aiohttp.ClientSession) -> None:
    for number in range(5):
        body, people = firm(), [await caller(client) for _ in range(6)]
        keyed = {"Idempotency_Key": f"race-{number}"}
        answers = await asyncio.gather(*(one.ask("POST", "/organisations", body, **keyed) for one in people))
        assert sorted(answer[0] for answer in answers) == [201, *[202] * 5]
        assert len({answer[1]["id"] for answer in answers}) == 1


async def test_two_reviewers_at_once_one_wins(client: aiohttp.ClientSession, somebody: Caller) -> None:
    reviewers = [await staff(client, Role.REVIEWER) for _ in range(4)]
    for _ in range(3):
        _, made, _ = await somebody.ask("POST", "/organisations", firm())
        path = f"/organisations/{made['id']}/decision"
        bodies = [{"verdict": verdict, "reason": REASON} for verdict in ("verify", "reject") * 2]
        pairs = zip(reviewers, bodies, strict=True)
        statuses = await asyncio.gather(*(one.status("POST", path, body) for one, body in pairs))
        assert sorted(statuses) == [200, 409, 409, 409]


async def test_a_change_says_which_version_it_changes(somebody: Caller) -> None:
    _, made, _ = await somebody.ask("POST", "/organisations", firm())
    path, change = f"/organisations/{made['id']}", {"address": "改址（示例）"}
    status, problem, _ = await somebody.ask("PATCH", path, change)
    assert (status, problem["code"]) == (428, "if_match_missing")
    for stale in ('"2"', '"0"', 'W/"1"', "x", '""'):
        status, problem, _ = await somebody.ask("PATCH", path, change, If_Match=stale)
        assert (status, problem["code"]) == (412, "stale_version"), stale
    assert await somebody.status("PATCH", path, change, If_Match='"1"') == 200
    assert await somebody.status("PATCH", path, {"address": "又改（示例）"}, If_Match="*") == 200
    for body in ({"name": None}, {"kind": "agency"}, {"address": ""}, {"credit_code": "1"}):
        assert await somebody.status("PATCH", path, body, If_Match="*") == 422
    assert (await somebody.ask("GET", path))[1]["version"] == 3


async def test_a_decision_needs_a_verdict_and_a_reason(somebody: Caller, reviewer: Caller) -> None:
    _, made, _ = await somebody.ask("POST", "/organisations", firm())
    path = f"/organisations/{made['id']}/decision"
    for body, pointers in (
        ({"verdict": "maybe", "reason": " "}, {"/verdict", "/reason"}),
        ({"verdict": "reject"}, {"/reason"}),
    ):
        status, problem, _ = await reviewer.ask("POST", path, body)
        assert (status, {fault["pointer"] for fault in problem["errors"]}) == (422, pointers)
    whole = {"verdict": "verify", "reason": REASON}
    assert await reviewer.status("POST", path, whole, If_Match='"7"') == 412
    await make_member(await Organisation.get(id=made["id"]), Role.CLERK, await _person(reviewer))
    status, problem, _ = await reviewer.ask("POST", path, whole)
    assert (status, problem["code"]) == (403, "decides_for_own")


async def _person(one: Caller) -> Any:
    return await (await Membership.get(person_id=one.person_id, organisation=await secretariat())).person


async def test_suspension_restoration_and_closing(client: aiohttp.ClientSession) -> None:
    deciding, admin = await staff(client, Role.REVIEWER), await staff(client, Role.ADMIN)
    organisation, successor = await make_organisation(), await make_organisation()
    manager = await member(client, organisation, Role.MANAGER)
    path = f"/organisations/{organisation.id}"
    for verb, state in (("suspend", "suspended"), ("restore", "verified")):
        status, found, _ = await deciding.ask("POST", f"{path}/{verb}", {"reason": REASON})
        assert (status, found["state"]) == (200, state)
    assert (await manager.ask("GET", path))[1]["decision"]["event"] == "organisation.restored"
    closing = {"reason": REASON, "successor": str(successor.id)}
    assert await deciding.status("POST", f"{path}/close", closing) == 403
    for bad in (str(organisation.id), "x", 1):
        assert await admin.status("POST", f"{path}/close", {**closing, "successor": bad}) == 422
    status, found, _ = await admin.ask("POST", f"{path}/close", closing)
    assert (status, found["state"], found["successor_id"]) == (200, "closed", str(successor.id))
    assert await manager.status("GET", path) == 404
    own = f"/organisations/{(await secretariat()).id}/close"
    assert (await admin.ask("POST", own, {"reason": REASON}))[1]["code"] == "decides_for_own"


async def test_a_refusal_is_appealed_against_and_overturned_by_another(
    client: aiohttp.ClientSession, somebody: Caller, reviewer: Caller
) -> None:
    _, made, _ = await somebody.ask("POST", "/organisations", firm())
    appeal = {"subject": f"organisation:{made['id']}", "reason": "营业执照是真的"}
    assert (await somebody.ask("POST", "/appeals", appeal))[1]["code"] == "nothing_refused"
    await decided(reviewer, made["id"], "reject")
    status, found, _ = await somebody.ask("POST", "/appeals", appeal, Idempotency_Key="appeal")
    assert (status, found["state"], found["subject"]) == (201, "open", appeal["subject"])
    assert (await somebody.ask("POST", "/appeals", appeal, Idempotency_Key="appeal"))[1] == found
    assert (await somebody.ask("POST", "/appeals", appeal))[1]["code"] == "already_appealed"
    assert await (await caller(client)).status("POST", "/appeals", appeal) == 404
    assert (await somebody.ask("GET", f"/organisations/{made['id']}"))[1]["appeal"] == {
        "state": "open", "decision": "", "decided_at": None,
    }  # fmt: skip
    path, verdict = f"/appeals/{found['id']}/decision", {"verdict": "overturn", "reason": "核实无误"}
    assert (await reviewer.ask("POST", path, verdict))[1]["code"] == "another_person"
    status, listed, _ = await reviewer.ask("GET", "/appeals?state=open")
    assert (status, found["id"] in {item["id"] for item in listed["items"]}) == (200, True)
    for query in ("state=x", "sort=name"):
        assert await reviewer.status("GET", f"/appeals?{query}") == 422
    status, judged, _ = await (await staff(client, Role.REVIEWER)).ask("POST", path, verdict)
    assert (status, judged["state"], judged["decision"]) == (200, "overturned", "核实无误")
    organisation = (await somebody.ask("GET", f"/organisations/{made['id']}"))[1]
    outcome = {name: judged[name] for name in ("state", "decision", "decided_at")}
    assert (organisation["state"], organisation["appeal"]) == ("verified", outcome)
    assert (await somebody.ask("GET", f"/appeals/{found['id']}"))[1] == judged
    assert (await somebody.ask("GET", "/me/appeals?limit=1"))[1]["items"] == [judged]
    assert (await (await caller(client)).ask("GET", "/me/appeals"))[1] == {"items": [], "next_cursor": None}
    for who, expected in (
        (await staff(client, Role.FINANCE), 403),
        (await staff(client, Role.EDITOR), 403),
        (await caller(client), 404),
        (reviewer, 200),
    ):
        assert await who.status("GET", f"/appeals/{found['id']}") == expected
