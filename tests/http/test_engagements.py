"""Engagements over HTTP: what each side sees of the other and when, lists and files, and what is refused where."""

import csv
import io
from datetime import datetime, time, timedelta
from typing import Any

import aiohttp
import pytest
from tortoise.backends.base.client import BaseDBAsyncClient

from server.consents import documents
from server.consents import service as consent
from server.consents.models import Consent
from server.consents.service import Wanted
from server.engagements import contacts, listing, nexts
from server.engagements.models import Engagement, EngagementState
from server.kernel import clock, sensitive
from server.kernel.audit import AuditEntry
from server.kernel.sensitive import Cell, Sensitive
from server.kernel.sensitive import Kind as Datum
from server.labour.contacts import Contact, write
from server.labour.models import ContactShown, Posting, PostingState
from server.organisations.models import Organisation
from server.organisations.roles import Kind, Role
from server.people.models import Person
from server.settings import ROOT
from server.students.models import Relation, StudentLink
from tests.engagements.filling import Firm, consents, first_day, make_firm, make_worker, offers, offers_class
from tests.factories import make_engagement, make_member
from tests.harness import statements
from tests.harness.callers import Caller, caller, staff
from tests.harness.referring import make_listed

pytestmark = pytest.mark.usefixtures("database")
DOCUMENTS = documents.load(ROOT / "content")
NAME, MASKED = "欧阳鸢尾", "***尾"
"""What `make_student` calls everybody."""
POSTERS = ("孙立行", "13800000001")
DAY = timedelta(days=1)


@pytest.fixture(scope="module")
async def firm(database: BaseDBAsyncClient) -> Firm:
    assert database
    return await make_firm()


@pytest.fixture(scope="module")
async def poster(client: aiohttp.ClientSession, firm: Firm) -> Caller:
    return await caller(client, firm.clerk)


async def seeks(firm: Firm, headcount: int = 1, **values: Any) -> Posting:
    """A demand whose contact is told once both agreed."""
    made = await firm.seeks(headcount, **values)
    write(made, _contact(*POSTERS))
    await made.save()
    return made


def _contact(name: str, phone: str) -> Contact:
    return Contact(Sensitive(Datum.NAME, name), Sensitive(Datum.PHONE, phone), ContactShown.AFTER_ACCEPTANCE)


async def worker(client: aiohttp.ClientSession, years: int = 20, phone: str = "") -> Caller:
    person_id = await make_worker(years)
    if phone:
        sealed = sensitive.vault().seal(Cell("person", "phone_sealed", person_id), phone)
        await Person.filter(id=person_id).update(phone_sealed=sealed)
    return await caller(client, person_id)


async def applied(who: Caller, posting: Posting, **said: Any) -> dict[str, Any]:
    status, made, _ = await who.ask("POST", f"/postings/{posting.id}/engagements", said or None)
    assert status == 201, made
    assert isinstance(made, dict)
    return made


async def deed(who: Caller, one: dict[str, Any], verb: str, **said: Any) -> dict[str, Any]:
    status, found, _ = await who.ask("POST", f"/engagements/{one['id']}/{verb}", said or None)
    assert status == 200, found
    assert isinstance(found, dict)
    return found


async def seen(who: Caller, one: dict[str, Any]) -> dict[str, Any]:
    found = (await who.ask("GET", f"/engagements/{one['id']}"))[1]
    assert isinstance(found, dict)
    return found


async def refusal(who: Caller, method: str, path: str, body: Any = None) -> tuple[int, str]:
    status, problem, _ = await who.ask(method, path, body)
    return status, problem["errors"][0]["pointer"] if problem["errors"] else problem["code"]


async def test_names_and_numbers_open_with_acceptance_and_close_with_withdrawal(
    client: aiohttp.ClientSession, firm: Firm, poster: Caller
) -> None:
    somebody, posting = await worker(client, phone="13912345678"), await seeks(firm)
    student = await StudentLink.get(person_id=somebody.person_id).select_related("student")
    made = await applied(somebody, posting)
    before = await seen(poster, made)
    assert (before["worker"], before["contact"]) == ({"name": MASKED, "school": None, "ages": None}, None)
    accepted = await deed(poster, made, "accept")
    assert accepted["worker"]["name"] == NAME
    assert accepted["contact"] == {"name": NAME, "phone": "13912345678"}
    mine = await seen(somebody, made)
    assert (mine["worker"], mine["contact"]) == (None, dict(zip(("name", "phone"), POSTERS, strict=True)))
    staffs = await seen(await staff(client, Role.EDITOR), made)
    assert (staffs["side"], staffs["worker"]["name"], staffs["contact"], staffs["next"]) == (None, MASKED, None, None)
    await deed(somebody, made, "withdraw", reason="家里有事")
    for who in (poster, somebody):
        assert (await seen(who, made))["contact"] is None
    assert (await seen(poster, made))["worker"]["name"] == MASKED
    assert str(student.student_id) not in str(before)


async def test_of_whom_a_place_is_offered_the_poster_reads_nothing_before_they_say_yes(
    client: aiohttp.ClientSession, firm: Firm, poster: Caller
) -> None:
    posting, reviewer = await seeks(firm, 2), await staff(client, Role.REVIEWER)
    for answer, name in (("accept", NAME), ("decline", None)):
        who = await worker(client)
        _, made, _ = await poster.ask(
            "POST", f"/postings/{posting.id}/offers", {"supply": str((await offers(who.person_id)).id)}
        )
        assert made["worker"] == {"name": None, "school": None, "ages": None}
        assert (await seen(reviewer, made))["worker"]["name"] == MASKED
        await deed(who, made, answer)
        assert (await seen(poster, made))["worker"]["name"] == name


async def test_school_and_age_band_are_told_with_consent_alone(
    client: aiohttp.ClientSession, firm: Firm, poster: Caller
) -> None:
    somebody, posting = await worker(client), await seeks(firm)
    made = await applied(somebody, posting)
    link = await StudentLink.get(person_id=somebody.person_id)
    school = await Organisation.create(
        kind=Kind.VOCATIONAL_SCHOOL, name="滨江职校（示例）", state="verified", created_at=clock.now()
    )
    await make_listed(school, student_id=link.student_id, state="registered")
    assert (await seen(poster, made))["worker"]["school"] is None
    given = await consent.give(somebody.person_id, Wanted("student", "1", "labour"), DOCUMENTS)
    told = (await seen(poster, made))["worker"]
    assert (told["school"], told["ages"]) == ("滨江职校（示例）", "18-24")
    await consent.withdraw(given.id)
    assert (await seen(poster, made))["worker"]["ages"] is None


async def test_a_minor_is_reached_by_the_school_unless_a_guardian_consents(
    client: aiohttp.ClientSession, firm: Firm, poster: Caller
) -> None:
    somebody, posting = await worker(client, 17, "13912345678"), await seeks(firm, age_min=16)
    assert await refusal(somebody, "POST", f"/postings/{posting.id}/engagements") == (422, "/person")
    guardian = await consents(somebody.person_id)
    made = await applied(somebody, posting)
    accepted = await deed(poster, made, "accept")
    assert (accepted["contact"], accepted["through_school"]) == (None, True)
    own = {"document": "student", "version": "1", "scope": "contact"}
    assert await somebody.status("POST", "/me/consents", own) == 201  # of sixteen, and not enough
    assert (await seen(poster, made))["contact"] is None
    await Consent.create(
        person_id=guardian.person_id, student_id=guardian.student_id, capacity="guardian", document="student",
        document_version="1", scope="contact", given_at=clock.now(),
    )  # fmt: skip
    found = await seen(poster, made)
    assert (found["contact"]["phone"], found["through_school"]) == ("13912345678", False)


async def test_a_class_is_its_schools_to_speak_for(client: aiohttp.ClientSession, firm: Firm, poster: Caller) -> None:
    posting = await seeks(firm, 40, kind="internship")
    supply, other_id = await offers_class(30)
    write(supply, _contact("江晚舟", "13800000002"))
    await supply.save()
    colleague = await caller(client, other_id)
    status, made, _ = await poster.ask("POST", f"/postings/{posting.id}/offers", {"supply": str(supply.id)})
    assert (status, made["state"], made["size"], made["worker"]["school"]) == (201, "offered", 30, "滨江职校（示例）")
    assert await refusal(poster, "POST", f"/engagements/{made['id']}/accept") == (403, "engagement_not_yours")
    assert [one["id"] for one in (await colleague.ask("GET", "/me/engagements"))[1]["items"]] == [made["id"]]
    accepted = await deed(colleague, made, "accept")
    assert (accepted["state"], accepted["side"], accepted["posting"]["filled"]) == ("accepted", "worker", 30)
    found = await seen(poster, made)
    assert (found["contact"]["phone"], found["worker"]["name"]) == ("13800000002", None)
    assert [one["id"] for one in (await colleague.ask("GET", f"/postings/{supply.id}/engagements"))[1]["items"]] == [
        made["id"]
    ]


async def test_lists_are_each_ones_own(client: aiohttp.ClientSession, firm: Firm, poster: Caller) -> None:
    posting, first, second = await seeks(firm, 3), await worker(client), await worker(client)
    made = [await applied(who, posting) for who in (first, second)]
    await deed(poster, made[1], "accept")
    path = f"/postings/{posting.id}/engagements"
    _, places, _ = await poster.ask("GET", f"{path}?state=applied")
    assert [one["id"] for one in places["items"]] == [made[0]["id"]]
    assert (places["headcount"], places["filled"]) == (3, 1)
    assert places["states"] == {"applied": 1, "accepted": 1}
    _, page, _ = await poster.ask("GET", f"{path}?limit=1")
    _, rest, _ = await poster.ask("GET", f"{path}?limit=1&cursor={page['next_cursor']}")
    assert [one["id"] for one in (*page["items"], *rest["items"])] == [one["id"] for one in made]
    for stranger in (first, await caller(client, (await make_firm()).clerk)):
        assert await stranger.status("GET", path) == 404
    other = (await first.ask("GET", "/me/engagements"))[1]["items"]
    assert [one["id"] for one in other] == [made[0]["id"]]
    assert await second.status("GET", f"/engagements/{made[0]['id']}") == 404
    assert await refusal(poster, "GET", f"{path}?colour=red") == (422, "?colour")
    assert (await poster.ask("GET", "/engagements"))[0] == 403
    reviewer = await staff(client, Role.REVIEWER)
    listed = (await reviewer.ask("GET", f"{path}"))[1]["items"]
    assert [(one["worker"]["name"], one["contact"]) for one in listed] == [(MASKED, None)] * 2


async def test_files_show_what_the_list_shows_and_say_who_took_them(
    client: aiohttp.ClientSession, firm: Firm, poster: Caller
) -> None:
    posting, first, second = await seeks(firm, 3), await worker(client, phone="13912345678"), await worker(client)
    await deed(poster, await applied(first, posting), "accept")
    await applied(second, posting)
    path = f"/postings/{posting.id}/engagements?format=csv"
    _, file, _ = await poster.ask("GET", path)
    mark, headings, *rows = csv.reader(io.StringIO(file.decode("utf-8-sig")))
    assert "皖江工坊（示例）" in mark[0]
    shown = [dict(zip(headings, row, strict=True)) for row in rows]
    assert [(row["姓名"], row["联系电话"], row["状态"]) for row in shown] == [
        (NAME, "13912345678", "已录用"),
        (MASKED, "", "已报名"),
    ]
    assert await AuditEntry.filter(action="list.exported", actor_id=poster.person_id).count() == 1
    reviewer = await staff(client, Role.REVIEWER)
    for place in (path, "/engagements?format=csv"):
        text = (await reviewer.ask("GET", place))[1].decode()
        assert NAME not in text
        assert "13912345678" not in text
    assert (await poster.ask("GET", path.replace("csv", "xlsx")))[1][:2] == b"PK"


async def test_one_place_is_taken_once_whatever_is_sent_twice(
    client: aiohttp.ClientSession, firm: Firm, poster: Caller
) -> None:
    posting, somebody = await seeks(firm), await worker(client)
    path = f"/postings/{posting.id}/engagements"
    first = await somebody.ask("POST", path, Idempotency_Key="k")
    assert (await somebody.ask("POST", path, Idempotency_Key="k"))[:2] == (201, first[1])
    assert await refusal(somebody, "POST", path) == (409, "engaged_already")
    accept = f"/engagements/{first[1]['id']}/accept"
    assert await refusal(somebody, "POST", accept) == (403, "engagement_not_yours")
    assert await poster.status("POST", accept, Idempotency_Key="a") == 200
    assert await poster.status("POST", accept, Idempotency_Key="a") == 200
    assert await refusal(poster, "POST", accept) == (409, "engagement_state")
    assert (await Posting.get(id=posting.id)).filled == 1


@pytest.mark.parametrize(
    ("body", "at"),
    [({"size": 0}, "/size"), ({"size": "2"}, "/size"), ({"size": 2}, "/size"), ({"supply": "x"}, "/supply"),
     ({"colour": 1}, "/colour")],
)  # fmt: skip
async def test_what_is_wrong_with_an_application_is_said_at_its_field(
    client: aiohttp.ClientSession, firm: Firm, body: dict[str, Any], at: str
) -> None:
    posting = await seeks(firm, 5)
    assert await refusal(await worker(client), "POST", f"/postings/{posting.id}/engagements", body) == (422, at)


async def test_nobody_applies_to_what_is_not_there_to_be_had(
    client: aiohttp.ClientSession, firm: Firm, poster: Caller
) -> None:
    somebody = await worker(client)
    draft = await seeks(firm, state=PostingState.DRAFT, published_at=None)
    closed, over = await seeks(firm, state=PostingState.CLOSED), await seeks(firm, valid_until=clock.today() - DAY)
    assert await refusal(somebody, "POST", f"/postings/{draft.id}/engagements") == (404, "not_found")
    for gone in (closed, over):
        assert await refusal(somebody, "POST", f"/postings/{gone.id}/engagements") == (409, "posting_state")
    assert await refusal(poster, "POST", f"/postings/{(await seeks(firm)).id}/engagements") == (409, "own_posting")
    unknown = await caller(client)
    live = await seeks(firm)
    assert await refusal(unknown, "POST", f"/postings/{live.id}/engagements") == (409, "worker_unknown")
    stranger = await caller(client, (await make_firm()).clerk)
    supply = await offers(somebody.person_id)
    body = {"supply": str(supply.id)}
    assert await refusal(stranger, "POST", f"/postings/{live.id}/offers", body) == (404, "not_found")


async def test_reasons_name_nobody_and_figures_stay_within_bounds(
    client: aiohttp.ClientSession, firm: Firm, poster: Caller
) -> None:
    made = await applied(await worker(client), await seeks(firm))
    path = f"/engagements/{made['id']}"
    assert await refusal(poster, "POST", f"{path}/decline", {"reason": "找 13900001111"}) == (422, "/reason")
    for said in ({"minutes": -1}, {"minutes": 10**9}, {"minutes": 1.5}):
        assert await refusal(poster, "POST", f"{path}/complete", said) == (422, "/minutes")
    assert await refusal(poster, "POST", f"{path}/confirm-paid", {"fen": 3 * 10**9}) == (422, "/fen")
    assert await refusal(poster, "POST", f"{path}/attend", {"reason": "x"}) == (422, "/reason")


async def test_who_stands_on_both_sides_acts_on_neither(
    client: aiohttp.ClientSession, firm: Firm, poster: Caller
) -> None:
    somebody, posting = await worker(client), await seeks(firm)
    made = await applied(somebody, posting)
    await make_member(await Organisation.get(id=firm.id), Role.CLERK, await Person.get(id=somebody.person_id))
    again = await caller(client, somebody.person_id)
    for verb in ("accept", "withdraw"):
        assert await refusal(again, "POST", f"/engagements/{made['id']}/{verb}") == (403, "engagement_not_yours")
    assert (await seen(again, made))["side"] == "worker"
    assert (await deed(poster, made, "accept"))["state"] == "accepted"


async def test_a_list_takes_as_many_statements_however_long_it_is(firm: Firm) -> None:
    posting, counts = await seeks(firm, 50), []
    for size in (3, 12):
        for years in (17, 20, 30) * (size // 3):
            person_id = await make_worker(years)
            link = await StudentLink.get(person_id=person_id, relation=Relation.SELF)
            await make_engagement(posting, person_id, student_id=link.student_id, state=EngagementState.ACCEPTED)
        with statements.sent() as sent:
            rows = (await listing.of_posting(posting.id, None, 100, None)).items
            await contacts.workers(rows, DOCUMENTS)
            await nexts.facts(rows)
        counts.append(len(sent))
    assert len(rows) == 15
    assert counts[0] == counts[1] <= 8


async def test_nothing_is_owed_for_a_place_taken_away_before_anybody_came(
    client: aiohttp.ClientSession, firm: Firm, poster: Caller
) -> None:
    somebody, posting = await worker(client), await seeks(firm)
    made = await applied(somebody, posting)
    await deed(poster, made, "accept")
    assert await refusal(poster, "POST", f"/engagements/{made['id']}/cancel") == (422, "/reason")
    await deed(poster, made, "cancel", reason="订单取消")
    for who in (poster, somebody):
        found = await seen(who, made)
        assert (found["next"]["verbs"], found["contact"]) == ([], None)
        assert await refusal(who, "POST", f"/engagements/{made['id']}/confirm-paid") == (409, "engagement_state")


async def test_who_read_another_version_does_nothing(client: aiohttp.ClientSession, firm: Firm, poster: Caller) -> None:
    somebody, posting = await worker(client), await seeks(firm)
    made = await applied(somebody, posting)
    path = f"/engagements/{made['id']}"
    _, _, headers = await poster.ask("GET", path)
    read = headers["ETag"]
    await deed(poster, made, "accept")
    for verb in ("cancel", "attend"):
        status, problem, _ = await poster.ask(
            "POST", f"{path}/{verb}", {"reason": "x"} if verb == "cancel" else None, If_Match=read
        )
        assert (status, problem["code"]) == (412, "stale_version")
    reviewer = await staff(client, Role.REVIEWER)
    decision = {"verdict": "stands", "reason": "已核实"}
    assert await reviewer.status("POST", f"{path}/decision", decision, If_Match=read) == 412
    _, _, headers = await poster.ask("GET", path)
    assert await poster.status("POST", f"{path}/cancel", {"reason": "订单取消"}, If_Match=headers["ETag"]) == 200


async def test_every_deadline_is_told_as_a_moment_and_in_words(
    client: aiohttp.ClientSession, firm: Firm, poster: Caller
) -> None:
    somebody, posting = await worker(client), await seeks(firm)
    made = await applied(somebody, posting)
    assert (made["withdraw_until"], made["due_at"]) == (None, None)
    mine = [await deed(poster, made, "accept"), await seen(somebody, made)][1]
    begins = datetime.combine(first_day(), time(8), clock.SHANGHAI)
    assert datetime.fromisoformat(mine["withdraw_until"]) == begins - DAY
    assert f"{(begins - DAY).month}月{(begins - DAY).day}日08:00前" in mine["next"]["text"]
    await Posting.filter(id=posting.id).update(starts_on=clock.today() - DAY, ends_on=clock.today() + 5 * DAY)
    await deed(somebody, made, "attend")
    asked = await deed(somebody, made, "complete")
    due = datetime.fromisoformat(asked["due_at"]).astimezone(clock.SHANGHAI)
    assert f"{due.month}月{due.day}日{due:%H:%M}" in asked["next"]["text"]
    assert asked["withdraw_until"] is None


async def test_an_open_appeal_is_told_to_both(client: aiohttp.ClientSession, firm: Firm, poster: Caller) -> None:
    somebody, posting = await worker(client), await seeks(firm)
    made = await applied(somebody, posting)
    await deed(poster, made, "accept")
    await Posting.filter(id=posting.id).update(starts_on=clock.today() - DAY, hours={})
    await Engagement.filter(id=made["id"]).update(accepted_at=clock.now() - 2 * DAY)
    absent = await deed(poster, made, "no-show", reason="没有来")
    assert absent["due_at"] == absent["contest_until"]
    await deed(somebody, made, "contest", reason="来了")
    decision = {"verdict": "stands", "reason": "已核实"}
    await deed(await staff(client, Role.REVIEWER), made, "decision", **decision)
    over = (await seen(somebody, made))["next"]["text"]
    status, _, _ = await somebody.ask("POST", "/appeals", {"subject": f"engagement:{made['id']}", "reason": "有照片"})
    assert status == 201
    for who in (somebody, poster):
        told = (await seen(who, made))["next"]["text"]
        assert "申诉" in told
        assert told != over
