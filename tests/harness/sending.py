"""What is done with students whose numbers, names, phones and guardians stand nowhere else, from claim to file."""

import asyncio
import io
from typing import Any

import aiohttp
from xlsxwriter import Workbook

from server.kernel import clock
from server.organisations.roles import Kind, Role
from server.people.models import Person
from tests.factories import make_member, make_organisation
from tests.harness.canary import REASON, Caller, Town
from tests.harness.people import SignedIn

PUPIL, PUPIL_NUMBER, PUPIL_PHONE = "慕容听雪", "340825201106178297", "13855613702"
GUARDIAN, GUARDIAN_PHONE = "慕容望舒", "13905562918"
SECOND, SECOND_NUMBER = "司徒落梅", "340825201109237416"
WRONG_NUMBER = f"{SECOND_NUMBER[:-1]}0"
RECORD = f"G{PUPIL_NUMBER}"
SENT = (PUPIL, PUPIL_NUMBER, PUPIL_PHONE, GUARDIAN, GUARDIAN_PHONE, SECOND, SECOND_NUMBER, WRONG_NUMBER)
HEADINGS = ("姓名", "身份证号", "联系电话")


async def clerk(town: Town, openid: str, kind: Kind) -> Caller:
    """Someone signed in who is the clerk of a verified school."""
    signed_in = await SignedIn.at(town.client, town.standin, openid)
    school = await make_organisation(kind, name=f"示例学校{openid}", region="340802")
    await make_member(school, Role.CLERK, await Person.get(id=signed_in.id))
    return Caller(town.client, town.answers, signed_in.headers)


async def open_year(reviewer: Caller, year: int) -> None:
    days = {"opens_on": f"{year}-01-01", "closes_on": f"{year}-12-31", "enters_on": f"{year}-01-01"}
    days |= {"census_on": f"{year}-12-31", "match_by": f"{year}-12-31"}
    dates = {"autumn": days, "spring": days, "ends_on": f"{year + 1}-08-31", **REASON}
    await reviewer.ask(200, "PUT", f"/api/v1/referral-years/{year}", json=dates, headers={"If-Match": "*"})


def sheet(*rows: tuple[str, ...]) -> bytes:
    data = io.BytesIO()
    with Workbook(data) as book:
        page = book.add_worksheet()
        for number, row in enumerate((HEADINGS, *rows)):
            page.write_row(number, 0, row)
    return data.getvalue()


async def send(town: Town) -> None:
    """Claim, dispute, decide, list, import, and look at all of it in every way there is."""
    year, api = clock.today().year, "/api/v1"
    reviewer = await town.caller("reviewer-of-the-canary")
    first, second = [await clerk(town, f"clerk-of-the-canary-{n}", Kind.FEEDER_SCHOOL) for n in "ab"]
    registrar = await clerk(town, "registrar-of-the-canary", Kind.VOCATIONAL_SCHOOL)
    await open_year(reviewer, year)
    said = {"year": year, "intake": "autumn", "student": {"name": PUPIL, "id_number": PUPIL_NUMBER}}
    more = {"phone": PUPIL_PHONE, "guardian_name": GUARDIAN, "guardian_phone": GUARDIAN_PHONE}
    more |= {"guardian_consent_on": clock.today().isoformat()}
    wrong = {"student": {"name": PUPIL_NUMBER, "id_number": WRONG_NUMBER}, "phone": PUPIL_NUMBER}
    await first.ask(422, "POST", f"{api}/referrals", json={**said, **wrong})
    await first.ask(422, "POST", f"{api}/referrals", json={**said, "class_name": PUPIL_NUMBER})
    claim = await first.ask(201, "POST", f"{api}/referrals", json={**said, **more})
    await first.ask(409, "POST", f"{api}/referrals", json={**said, **more})
    lost = await second.ask(201, "POST", f"{api}/referrals", json={**said, **more})
    assert lost["state"] == "disputed"
    listed = {**said, "level": "secondary", "record_number": RECORD}
    await registrar.ask(422, "POST", f"{api}/enrolments", json={**listed, "record_number": f"G{SECOND_NUMBER}"})
    enrolment = await registrar.ask(201, "POST", f"{api}/enrolments", json=listed)
    await bring_in(first, year)
    path, right = f"{api}/referrals/{claim['id']}", {"name": SECOND, "id_number": WRONG_NUMBER, **REASON}
    await first.ask(422, "POST", f"{path}/correct", json=right)
    await first.ask(422, "POST", f"{path}/withdraw", json={"reason": f"写错了{PUPIL_NUMBER}"})
    for caller in (first, reviewer):
        await look_about(caller, path, f"?year={year}")
    for what in (f"{api}/enrolments?year={year}", f"{api}/enrolments/{enrolment['id']}"):
        await registrar.ask(200, "GET", what)
    await registrar.ask(200, "GET", f"{api}/enrolments?year={year}&format=csv")
    student = claim["student"]["id"]
    await reviewer.ask(200, "GET", f"{api}/students/{student}/timeline")
    for same in ("student", "phone"):
        await reviewer.ask(200, "GET", f"{api}/referrals/duplicates?year={year}&same={same}")
    await reviewer.ask(422, "GET", f"{api}/referrals?q={PUPIL_NUMBER}")
    seen = {"subject": f"referral:{claim['id']}", "fields": ["id_number", "phone", "guardian_name"], **REASON}
    await first.ask(201, "POST", f"{api}/reveals", PUPIL_NUMBER, PUPIL_PHONE, GUARDIAN, json=seen)
    await second.ask(404, "POST", f"{api}/reveals", json=seen)
    kept = {"subject": f"enrolment:{enrolment['id']}", "fields": ["record_number"], **REASON}
    await registrar.ask(201, "POST", f"{api}/reveals", RECORD, json=kept)


async def look_about(caller: Caller, path: str, year: str) -> None:
    for what in ("", "/history", "/evidence"):
        await caller.ask(200, "GET", f"{path}{what}")
    for form in ("", "&format=csv", "&format=xlsx"):
        await caller.ask(200, "GET", f"/api/v1/referrals{year}{form}")


async def bring_in(caller: Caller, year: int) -> None:
    """Import a good and a bad row, and take the bad one back."""
    path = "/api/v1/referrals/imports"
    form = aiohttp.FormData({"year": str(year), "intake": "autumn"})
    rows = sheet((SECOND, SECOND_NUMBER, PUPIL_PHONE), (SECOND, WRONG_NUMBER, PUPIL_PHONE))
    form.add_field("file", rows, filename=f"{PUPIL}{PUPIL_NUMBER}.xlsx", content_type="application/octet-stream")
    taken: dict[str, Any] = await caller.ask(202, "POST", path, data=form)
    while taken["state"] not in {"done", "failed"}:
        await asyncio.sleep(0.05)
        taken = await caller.ask(200, "GET", f"{path}/{taken['id']}")
    assert (taken["state"], taken["total"]) == ("done", 2), taken
    await caller.ask(200, "GET", f"{path}/{taken['id']}/rows")
    kept = len(caller.answers)
    await caller.ask(200, "GET", f"{path}/{taken['id']}/failed.xlsx")
    del caller.answers[kept:]  # given in full, to be mended
