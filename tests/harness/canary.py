"""People whose numbers and names stand nowhere else, and all that they and those who look after them do."""

import json
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import aiohttp

from server.kernel import clock
from server.organisations.roles import Kind, Role
from server.organisations.secretariat import secretariat
from server.people.models import Person
from tests.factories import make_member, make_organisation, make_posting
from tests.harness.app import TOKEN
from tests.harness.people import SignedIn
from tests.harness.standin import StandIn

PHONE = "13970531864"
NAME = "欧阳鸢尾"
NUMBER = "340825200305276178"
ACCOUNT = "6217863200091846275"
CONTACT = "皇甫砚秋"
EVERYTHING = (PHONE, NAME, NUMBER, ACCOUNT, CONTACT)
OPENID = "canary-of-the-tests"
REASON = {"reason": "核对申请材料"}
JSON = {"Content-Type": "application/json"}
OPERATOR = {"Authorization": f"Bearer {TOKEN}"}


@dataclass
class Caller:
    """Who calls, and keeps every answer with its headers, less what was meant for their eyes."""

    client: aiohttp.ClientSession
    answers: list[bytes]
    headers: dict[str, str] = field(default_factory=dict)

    async def ask(self, status: int | None, method: str, path: str, *own: str, **more: Any) -> Any:
        """Call, and return what came as JSON. `own` are the values that a good answer, and only that, is to show."""
        headers = {**self.headers, **more.pop("headers", {})}
        async with self.client.request(method, path, headers=headers, **more) as answer:
            body = await answer.read()
            assert status in {answer.status, None}, (path, body)
            shown = body
            for value in own if answer.ok else ():
                assert value.encode() in body, (path, value)
                shown = shown.replace(value.encode(), b"")
            self.answers += [repr(answer.headers).encode(), shown]
            return json.loads(body) if body and answer.content_type.endswith("json") else None


@dataclass
class Town:
    """The server, WeChat, and all who call."""

    client: aiohttp.ClientSession
    standin: StandIn
    answers: list[bytes] = field(default_factory=list)

    async def caller(self, openid: str, role: Role | None = None) -> Caller:
        """Someone signed in, with a role in the secretariat where one is given."""
        signed_in = await SignedIn.at(self.client, self.standin, openid)
        if role:
            await make_member(await secretariat(), role, await Person.get(id=signed_in.id))
        return Caller(self.client, self.answers, signed_in.headers)


async def live(town: Town) -> None:
    """Do all that a person can do with a name and a phone, and all that can go wrong with them."""
    standin, me = town.standin, "/api/v1/me"
    mine = await SignedIn.at(town.client, standin, OPENID)
    student, nobody = Caller(town.client, town.answers, mine.headers), Caller(town.client, town.answers)
    own = {"headers": {"User-Agent": PHONE, "Referer": f"https://example.org/{PHONE}"}}
    code = standin.phone_code(PHONE)
    await student.ask(200, "PATCH", me, NAME, json={"name": NAME}, **own)
    await student.ask(200, "POST", f"{me}/phone", NAME, json={"code": code}, **own)
    await student.ask(200, "GET", me, NAME, **own)
    await nobody.ask(200, "POST", "/api/v1/sessions/refresh", NAME, json={"refresh_token": mine.refresh})
    await nobody.ask(201, "POST", "/api/v1/sessions", NAME, json={"code": standin.code(OPENID)})
    await student.ask(422, "POST", f"{me}/phone", json={"code": code}, **own)
    await student.ask(422, "POST", f"{me}/phone", json={"code": PHONE}, **own)
    await nobody.ask(422, "POST", "/api/v1/sessions", json={"code": PHONE})
    await student.ask(422, "PATCH", me, json={"name": f"{NAME}{PHONE}"}, **own)
    await student.ask(422, "PATCH", me, json={"name": NAME, "phone": PHONE}, **own)
    await student.ask(400, "PATCH", me, data=f'{{"name": "{NAME}', headers=JSON)
    await student.ask(422, "GET", f"{me}?phone={PHONE}", **own)
    await student.ask(404, "GET", f"/api/v1/people/{PHONE}", **own)
    await nobody.ask(401, "GET", me, headers={"Authorization": f"Bearer {PHONE}"})
    for fault in ({"html": True}, {"drop": True}, {"errcode": -1}, {"status": 500}):
        standin.fault("/wxa/business/getuserphonenumber", times=1, **fault)
        await student.ask(None, "POST", f"{me}/phone", json={"code": standin.phone_code(PHONE)}, **own)
    await student.ask(200, "GET", me, NAME, **own)
    await nobody.ask(200, "GET", "/metrics", headers=OPERATOR)
    await nobody.ask(200, "GET", "/health/ready")


async def speak(town: Town) -> None:
    """Say who one is, have it checked and seen in full, take everything with one, and let go of it again."""
    student, reviewer = await town.caller(OPENID), await town.caller("reviewer-of-the-canary", Role.REVIEWER)
    mine, links, reveals = "/api/v1/me/students", "/api/v1/students/links", "/api/v1/reveals"
    said = {"name": NAME, "id_number": NUMBER, "relation": "self"}
    wrong = f"{NUMBER[:-1]}{(int(NUMBER[-1]) + 1) % 10}"
    for bad in (
        {"id_number": wrong},
        {"name": NUMBER},
        {"relation": NUMBER},
        {"id_number": NUMBER[:15]},
    ):
        await student.ask(422, "POST", mine, json={**said, **bad})
    link = await student.ask(201, "POST", mine, json=said)
    await student.ask(409, "POST", mine, json=said)
    await student.ask(200, "GET", mine)
    await student.ask(422, "GET", f"{mine}?id_number={NUMBER}")
    waiting = await reviewer.ask(200, "GET", f"{links}?state=requested")
    subject = f"student:{waiting['items'][0]['student']['id']}"
    await reviewer.ask(200, "POST", f"{links}/{link['id']}/decision", json={"verdict": "confirm", **REASON})
    seen = {"subject": subject, "fields": ["name", "id_number"], **REASON}
    await reviewer.ask(201, "POST", reveals, NAME, NUMBER, json=seen)
    phone = {"subject": f"person:{(await student.ask(200, 'GET', '/api/v1/me', NAME))['id']}", "fields": ["phone"]}
    await reviewer.ask(201, "POST", reveals, PHONE, json={**phone, **REASON})
    await reviewer.ask(422, "POST", reveals, json={**seen, "fields": [NUMBER]})
    await reviewer.ask(422, "POST", reveals, json={**seen, "subject": f"student:{NUMBER}"})
    await student.ask(403, "POST", reveals, json=seen)
    for caller in (student, reviewer):
        await caller.ask(200 if caller is student else 403, "GET", f"{reveals}?subject={subject}")
    await reviewer.ask(200, "GET", f"/api/v1/audit?subject={subject}")
    await student.ask(200, "GET", "/api/v1/me/export", NAME, NUMBER, PHONE)
    await student.ask(200, "GET", "/api/v1/me/export", NAME, NUMBER, PHONE, headers={"Accept": "text/html"})
    await reviewer.ask(200, "GET", "/api/v1/me/export")
    await be_hired(town, student, reviewer)
    await student.ask(204, "DELETE", f"{mine}/{link['id']}")
    await student.ask(200, "DELETE", "/api/v1/me")


async def be_hired(town: Town, student: Caller, reviewer: Caller) -> None:
    """Apply for a place, be accepted and known to the poster by it, and give it up."""
    poster = await town.caller("poster-of-the-canary")
    who = await Person.get(openid="poster-of-the-canary")
    firm = await make_organisation(Kind.ENTERPRISE, name="示例工厂（示例）")
    await make_member(firm, Role.CLERK, who)
    posting = await make_posting(organisation_id=firm.id, person_id=who.id, starts_on=clock.today() + timedelta(days=5))
    places = f"/api/v1/postings/{posting.id}/engagements"
    await student.ask(422, "POST", places, json={"supply": NUMBER})
    path = f"/api/v1/engagements/{(await student.ask(201, 'POST', places))['id']}"
    for caller in (poster, reviewer):
        await caller.ask(200, "GET", f"{places}?format=csv")
    await student.ask(422, "POST", f"{path}/withdraw", json={"reason": f"打{PHONE}找我"})
    await poster.ask(200, "POST", f"{path}/accept", NAME, PHONE)
    await poster.ask(200, "GET", places, NAME, PHONE)
    await poster.ask(200, "GET", f"{places}?format=csv", NAME, PHONE)
    await reviewer.ask(200, "GET", places)
    await reviewer.ask(200, "GET", "/api/v1/engagements?format=csv")
    await student.ask(200, "POST", f"{path}/withdraw", json=REASON)
    await poster.ask(200, "GET", path)
    await student.ask(200, "GET", "/api/v1/me/engagements")
    await reviewer.ask(200, "GET", f"/api/v1/audit?subject=engagement:{path.rpartition('/')[2]}")


async def be_paid(town: Town) -> None:
    """Have a school verified and name the account that it is paid into."""
    manager, reviewer = await town.caller("manager-of-the-canary"), await town.caller("reviewer-of-the-canary")
    finance = await town.caller("finance-of-the-canary", Role.FINANCE)
    school = {"kind": "feeder_school", "name": "江畔中学（示例）", "school_code": "2134002001", "region": "340802"}
    school |= {"address": "迎江区示例路1号", "contact_name": CONTACT}
    made = await manager.ask(201, "POST", "/api/v1/organisations", json=school)
    path, subject = f"/api/v1/organisations/{made['id']}", f"organisation:{made['id']}"
    await reviewer.ask(200, "POST", f"{path}/decision", json={"verdict": "verify", **REASON})
    account = {"basis": "own_account", "holder": school["name"], "bank": "示例银行", "number": ACCOUNT}
    await manager.ask(422, "PUT", f"{path}/payee-account", json={**account, "number": f"{ACCOUNT}{PHONE}x"})
    await manager.ask(422, "PUT", f"{path}/payee-account", json={**account, "basis": ACCOUNT})
    named = await manager.ask(200, "PUT", f"{path}/payee-account", json=account)
    await finance.ask(200, "POST", f"{path}/payee-account/confirm", json={})
    for caller in (manager, finance):
        await caller.ask(200, "GET", f"{path}/payee-account")
        await caller.ask(200, "GET", f"{path}/payee-account/history")
    seen = {"subject": f"payee_account:{named['id']}", "fields": ["number"], **REASON}
    await finance.ask(201, "POST", "/api/v1/reveals", ACCOUNT, json=seen)
    contact = {"subject": subject, "fields": ["contact_name"], **REASON}
    await reviewer.ask(201, "POST", "/api/v1/reveals", CONTACT, json=contact)
    for caller in (manager, reviewer):
        await caller.ask(200, "GET", path)
    await manager.ask(200, "GET", f"/api/v1/reveals?subject={subject}")
    await finance.ask(200, "GET", "/api/v1/me/export")
