"""Offers of students, teams and classes: who may make them, what they show, and what becomes of them."""

from datetime import timedelta
from typing import Any

import aiohttp
import pytest

from server.kernel import clock
from server.labour import sweeps
from server.labour.models import Posting, PostingVersion
from server.organisations.roles import Kind, Role
from server.people.models import Person, PersonState
from server.people.service import Decider
from server.privacy import deletion, retention, rules
from server.settings import ROOT
from server.students import service as students
from server.students.models import Relation, StudentLink
from server.students.service import Verdict
from tests.factories import make_organisation, make_person, make_posting
from tests.harness.callers import Caller, caller, member
from tests.labour.posting import CONTACT, decided, drafted, published, vacancy
from tests.students.numbers import claim, number_of

pytestmark = pytest.mark.usefixtures("database")
RETENTION = rules.load(ROOT / "content")
HOME = {"address": "示例小区1号", "latitude": 30.5, "longitude": 117.0}


async def student(client: aiohttp.ClientSession, age: int, *, confirmed: bool = True) -> Caller:
    """Somebody of that many years since yesterday, checked by the secretariat or not yet."""
    somebody, today = await caller(client), clock.today()
    born = today.replace(year=today.year - age) - timedelta(days=1)
    link = await students.request(somebody.person_id, claim(number_of(born), relation=Relation.SELF))
    if confirmed:
        await students.decide(link.id, Verdict.CONFIRM, Decider((await make_person()).id, "核对无误"))
    return somebody


def offer(**values: Any) -> dict[str, Any]:
    """What is said of an offer; everything else of a vacancy is left out."""
    unsaid = dict.fromkeys(("ends_on", "pay_fen", "pay_unit", "settlement", "age_min", "age_max", "contact"))
    said = {"side": "supply", "supplier": "student", "headcount": 1, "occupation": "tea-picker"}
    return {**unsaid, **said, "address": "", "insurance": "", "description": "暑假有空，会采茶。", **values}


async def test_a_student_offers_without_being_told_who_it_is(client: aiohttp.ClientSession, reviewer: Caller) -> None:
    somebody = await student(client, 18)
    status, several, _ = await somebody.ask("POST", "/postings", vacancy(**offer(headcount=5)))
    assert (status, several["errors"][0]["pointer"]) == (422, "/headcount")
    live = await published(somebody, reviewer, **offer(contact=CONTACT))
    assert (live["state"], live["organisation"]) == ("live", None)
    async with client.get(f"/api/v1/postings/{live['id']}") as answer:
        text = await answer.text()
    assert answer.status == 200
    for personal in (CONTACT["name"], CONTACT["phone"], str(somebody.person_id)):
        assert personal not in text
    [version] = await PostingVersion.filter(posting_id=live["id"])
    assert not {"title", "description", "requirements", "address", "latitude"} & version.content.keys()
    status, problem, _ = await somebody.ask("PATCH", f"/postings/{live['id']}", HOME, If_Match="*")
    assert (status, {fault["pointer"] for fault in problem["errors"]}) == (422, {f"/{name}" for name in HOME})
    assert await somebody.status("POST", "/postings", vacancy(**offer(**HOME))) == 422
    stranger = (await (await caller(client)).ask("GET", f"/postings/{live['id']}"))[1]
    assert stranger["contact"] is None  # whatever was asked for: an offer's contact waits for acceptance
    own = (await somebody.ask("GET", f"/postings/{live['id']}"))[1]
    assert own["contact"] == {**CONTACT, "shown": "after_acceptance"}
    assert await (await caller(client)).status("POST", f"/postings/{live['id']}/close") == 404
    assert (await somebody.ask("POST", f"/postings/{live['id']}/close"))[1]["state"] == "closed"


@pytest.mark.parametrize(
    ("age", "confirmed", "code"), [(15, True, "supplier_too_young"), (18, False, "supplier_unknown")]
)
async def test_who_is_too_young_or_unchecked_offers_nothing(
    client: aiohttp.ClientSession,
    age: int,
    *,
    confirmed: bool,
    code: str,
) -> None:
    somebody = await student(client, age, confirmed=confirmed)
    status, problem, _ = await somebody.ask("POST", "/postings", {**offer(), "kind": "short_term", "title": "求职"})
    assert (status, problem["code"]) == (409, code)


async def test_a_minor_offers_neither_nights_nor_dangerous_work(
    client: aiohttp.ClientSession, reviewer: Caller
) -> None:
    somebody = await student(client, 16)
    made = await drafted(somebody, **offer())
    path = f"/postings/{made['id']}"
    assert made["age_min"] is None  # how old they are is nobody's to read
    answer = await somebody.ask("PATCH", path, {"occupation": "welder"}, If_Match="*")
    assert (answer[0], answer[1]["errors"][0]["pointer"]) == (422, "/occupation")
    answer = await somebody.ask("PATCH", path, {"hours": {"1": [["20:00", "23:00"]]}}, If_Match="*")
    assert (answer[0], answer[1]["errors"][0]["pointer"].split("/")[1]) == (422, "hours")
    assert (await somebody.ask("POST", f"{path}/submit"))[1]["state"] == "in_review"
    assert (await decided(reviewer, made["id"], "publish"))["state"] == "live"
    grown = await student(client, 18)
    assert (await grown.ask("POST", "/postings", {**offer(), "kind": "short_term", "occupation": "welder"}))[0] == 201


async def test_a_class_is_offered_by_its_school_for_internships_only(
    client: aiohttp.ClientSession, reviewer: Caller
) -> None:
    school = await member(client, await make_organisation(Kind.VOCATIONAL_SCHOOL, name="职校（示例）"), Role.CLERK)
    body = offer(supplier="school_class", major="electronics", headcount=40)
    answer = await school.ask("POST", "/postings", {**body, "kind": "short_term"})
    assert (answer[0], answer[1]["errors"][0]["pointer"]) == (422, "/kind")
    live = await published(school, reviewer, **body, kind="internship")
    assert (live["state"], live["organisation"]["name"]) == ("live", "职校（示例）")
    for kind in (Kind.ENTERPRISE, Kind.FEEDER_SCHOOL):
        other = await member(client, await make_organisation(kind), Role.CLERK)
        answer = await other.ask("POST", "/postings", {**body, "kind": "internship"})
        assert (answer[0], answer[1]["errors"][0]["pointer"]) == (422, "/organisation")
    answer = await school.ask("POST", "/postings", {**body, "kind": "internship", "supplier": None})
    assert (answer[0], answer[1]["errors"][0]["pointer"]) == (422, "/supplier")


async def test_an_offer_rests_while_its_student_may_not_act_and_ends_with_the_account(
    client: aiohttp.ClientSession, reviewer: Caller
) -> None:
    somebody = await student(client, 18)
    live = await published(somebody, reviewer, **offer(contact=CONTACT))
    await Person.filter(id=somebody.person_id).update(state=PersonState.SUSPENDED)
    async with client.get(f"/api/v1/postings/{live['id']}") as answer:
        assert answer.status == 404
    await sweeps.watch()
    assert (await Posting.get(id=live["id"])).paused_for == "standing"
    await Person.filter(id=somebody.person_id).update(state=PersonState.ACTIVE)
    await sweeps.watch()
    assert (await Posting.get(id=live["id"])).state == "live"
    export = (await somebody.ask("GET", "/me/export"))[1]
    assert [one["contact_phone"] for one in export["postings"]] == [CONTACT["phone"]]
    await deletion.request(somebody.person_id, RETENTION)
    clock.move_to(clock.now() + timedelta(days=8))
    await retention.retain(RETENTION)
    gone = await Posting.get(id=live["id"])
    assert (gone.state, gone.contact_name_sealed, gone.contact_phone_sealed) == ("closed", None, None)


async def test_an_offer_rests_once_nobody_is_confirmed_as_its_student(
    client: aiohttp.ClientSession, reviewer: Caller
) -> None:
    somebody = await student(client, 18)
    live = await published(somebody, reviewer, **offer())
    link = await StudentLink.get(person_id=somebody.person_id, ended_at=None)
    assert await somebody.status("DELETE", f"/me/students/{link.id}") == 204
    found = await Posting.get(id=live["id"])
    assert (found.state, found.paused_for) == ("paused", "standing")
    assert (await somebody.ask("POST", f"/postings/{live['id']}/resume"))[1]["code"] == "poster_not_verified"
    await StudentLink.filter(id=link.id).update(ended_at=None)
    await sweeps.watch()
    assert (await Posting.get(id=live["id"])).state == "live"
    await students.unlink(link.id, somebody.person_id)  # as where the server stopped before the offer was paused
    async with client.get(f"/api/v1/postings/{live['id']}") as answer:
        assert answer.status == 404
    assert (await sweeps.watch())["paused"] == 1
    assert (await Posting.get(id=live["id"])).paused_for == "standing"


async def test_three_years_after_its_end_contacts_and_own_words_go() -> None:
    firm = await make_organisation(Kind.ENTERPRISE)
    person = await make_person()
    sealed = {"contact_name_sealed": "x", "contact_phone_sealed": "y", "state": "closed"}
    ours = await make_posting(organisation=firm, person=person, description="采茶", **sealed)
    said = {"source": "群里", "latitude": 30.5, "longitude": 117.0, "findings": [{"facts": {"words": "茶"}}]}
    theirs = await make_posting(
        side="supply", supplier="student", person=person, description="会采茶", **sealed, **said
    )
    clock.move_to(clock.now() + timedelta(days=1094))
    await retention.retain(RETENTION)
    assert (await Posting.get(id=ours.id)).contact_name_sealed == "x"
    clock.move_to(clock.now() + timedelta(days=2))
    assert (await retention.retain(RETENTION))["posting"] >= 2
    ours, theirs = await Posting.get(id=ours.id), await Posting.get(id=theirs.id)
    assert ours.contact_name_sealed is theirs.contact_phone_sealed is None
    assert (ours.description, theirs.description, theirs.title) == ("采茶", "", "")
    assert (theirs.source, theirs.latitude, theirs.longitude, theirs.findings) == ("", None, None, [])
    assert (await retention.retain(RETENTION))["posting"] == 0
