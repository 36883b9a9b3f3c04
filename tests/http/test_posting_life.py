"""A posting's life over HTTP: drafted, refused, mended, returned, published, changed, reported, removed, appealed."""

import asyncio
import csv
import io
from datetime import timedelta
from typing import Any

import aiohttp
import pytest

from server.kernel import clock
from server.kernel.audit import AuditEntry
from server.kernel.outbox import Event
from server.labour import sweeps
from server.labour.models import Posting, PostingVersion
from server.organisations.models import Membership, Organisation, OrganisationState
from server.organisations.roles import Kind, Role
from tests.factories import make_organisation
from tests.harness.callers import Caller, caller, member, staff
from tests.labour.posting import CONTACT, decided, drafted, published, submitted, vacancy

pytestmark = pytest.mark.usefixtures("database")
REASON = {"reason": "已核实，收取押金"}


@pytest.fixture(scope="module")
async def poster(client: aiohttp.ClientSession, firm: Organisation) -> Caller:
    return await member(client, firm, Role.CLERK)


@pytest.fixture(scope="module")
async def other(client: aiohttp.ClientSession) -> Caller:
    return await member(client, await make_organisation(Kind.ENTERPRISE, name="他社（示例）"), Role.MANAGER)


async def events(posting: str) -> list[str]:
    return [event.name for event in await Event.filter(subject=f"posting:{posting}").order_by("id")]


async def line_of(staff_: Caller, path: str, id_: str) -> list[str]:
    """The row that ends with an id, of a list as a file."""
    status, file, _ = await staff_.ask("GET", f"{path}?format=csv")
    assert status == 200, file
    [line] = [row for row in csv.reader(io.StringIO(file.decode("utf-8-sig"))) if row[-1] == id_]
    return line


async def test_a_posting_is_returned_once_mended_published_and_read(
    client: aiohttp.ClientSession, poster: Caller, reviewer: Caller, other: Caller
) -> None:
    made = await submitted(poster)
    path = f"/postings/{made['id']}"
    assert (made["state"], made["version"]) == ("in_review", 2)
    # who has not opened the mini-program of late is not read by WeChat, and a reviewer has to
    assert ("description", "text_doubtful", "review") in {
        (one["field"], one["code"], one["level"]) for one in made["findings"]
    }
    for stranger in (other, await caller(client)):
        assert await stranger.status("GET", path) == 404
        assert await stranger.status("PATCH", path, {"title": "改"}, If_Match="2") == 404
    async with client.get(f"/api/v1{path}") as answer:
        assert answer.status == 404
    _, queue, _ = await reviewer.ask("GET", "/postings/review?limit=100")
    assert made["id"] in [one["id"] for one in queue["items"]]
    line = await line_of(reviewer, "/postings/review", made["id"])
    assert {made["title"], "招工", "审核中"} <= set(line)
    assert "0000" not in "".join(line[:-1])  # no way to reach anybody
    seen = (await reviewer.ask("GET", path))[1]
    assert seen["contact"]["phone"] == "*******0000"

    assert await reviewer.status("POST", f"{path}/decision", {"verdict": "publish"}) == 428
    assert await reviewer.status("POST", f"{path}/decision", {"verdict": "publish"}, If_Match="1") == 412
    body = {"verdict": "return", "reasons": []}
    status, problem, _ = await reviewer.ask("POST", f"{path}/decision", body, If_Match="2")
    assert (status, problem["errors"][0]["pointer"]) == (422, "/reasons")
    reason = {"field": "description", "text": "请写明中午休息地点"}
    returned = await decided(reviewer, made["id"], "return", reason)
    assert (returned["state"], returned["reasons"]) == ("returned", [reason])
    _, mended, headers = await poster.ask("PATCH", path, {"description": "茶园内有休息室。"}, If_Match="3")
    assert (mended["version"], headers["ETag"], mended["state"]) == (4, '"4"', "draft")
    assert (await poster.ask("POST", f"{path}/submit", If_Match="3"))[1]["code"] == "stale_version"
    assert (await poster.ask("POST", f"{path}/submit", If_Match="4"))[1]["state"] == "in_review"
    live = await decided(reviewer, made["id"], "publish")
    assert (live["state"], live["reasons"]) == ("live", [])

    async with client.get(f"/api/v1{path}") as answer:
        shown = await answer.json()
        assert (answer.status, answer.headers["ETag"]) == (200, '"6"')
    assert (shown["description"], shown["organisation"]["name"]) == ("茶园内有休息室。", "澄江茶业有限公司（示例）")
    assert shown["contact"] is shown["pending_revision"] is None
    assert CONTACT["name"] not in str(shown)
    assert (await (await caller(client)).ask("GET", path))[1]["contact"] == CONTACT
    assert await events(made["id"]) == [
        *("posting.drafted", "posting.submitted", "posting.returned", "posting.changed"),
        *("posting.submitted", "posting.published"),
    ]
    [version] = await PostingVersion.filter(posting_id=made["id"])
    assert version.content["description"] == "茶园内有休息室。"
    assert "contact" not in str(version.content)
    again = await reviewer.ask("POST", f"{path}/decision", {"verdict": "publish"}, If_Match="6")
    assert again[1]["code"] == "posting_not_waiting"


async def test_a_change_of_pay_waits_while_the_published_one_stands(
    client: aiohttp.ClientSession, poster: Caller, reviewer: Caller
) -> None:
    live = await published(poster, reviewer)
    path, tag = f"/postings/{live['id']}", str(live["version"])
    assert await poster.status("PATCH", path, {"pay_fen": 2500}) == 428
    assert await poster.status("PATCH", path, {"pay_fen": 2500}, If_Match="1") == 412
    change = {"pay_fen": 2500, "headcount": 15, "hours": {"6": [["22:00", "06:00"]]}}
    status, changed, _ = await poster.ask("PATCH", path, change, If_Match=tag)
    assert status == 200, changed
    assert (changed["pay_fen"], changed["headcount"], changed["state"]) == (2200, 15, "live")
    assert changed["pending_revision"]["fields"] == {"pay_fen": 2500, "hours": {"6": [["22:00", "06:00"]]}}
    async with client.get(f"/api/v1{path}") as answer:
        shown = await answer.json()
    assert (shown["pay_fen"], shown["pending_revision"]) == (2200, None)
    _, more, _ = await poster.ask("PATCH", path, {"title": "春茶采摘熟练工"}, If_Match=str(changed["version"]))
    assert set(more["pending_revision"]["fields"]) == {"pay_fen", "hours", "title"}
    returned = await decided(reviewer, live["id"], "return", {"field": "pay_fen", "text": "请附说明"})
    assert (returned["state"], returned["pay_fen"]) == ("live", 2200)
    assert returned["pending_revision"]["refused"]
    assert returned["pending_revision"]["reasons"] == [{"field": "pay_fen", "text": "请附说明"}]
    tag = str(returned["version"])
    _, again, _ = await poster.ask("PATCH", path, {"pay_fen": 2400}, If_Match=tag)
    assert again["pending_revision"]["fields"] == {"pay_fen": 2400}
    taken = await decided(reviewer, live["id"], "publish")
    assert (taken["pay_fen"], taken["pending_revision"], taken["title"]) == (2400, None, "春茶采摘工")
    assert await PostingVersion.filter(posting_id=live["id"]).count() == 2
    undone = await poster.ask("PATCH", path, {"pay_fen": 2400}, If_Match=str(taken["version"]))
    assert undone[1]["version"] == taken["version"]


async def test_head_count_never_falls_below_who_is_engaged(poster: Caller, reviewer: Caller) -> None:
    live = await published(poster, reviewer)
    path = f"/postings/{live['id']}"
    await Posting.filter(id=live["id"]).update(filled=3)
    status, problem, _ = await poster.ask("PATCH", path, {"headcount": 2}, If_Match="*")
    assert (status, problem["errors"][0]["pointer"]) == (422, "/headcount")
    assert (await poster.ask("PATCH", path, {"headcount": 3}, If_Match="*"))[1]["state"] == "filled"
    assert (await poster.ask("PATCH", path, {"headcount": 4}, If_Match="*"))[1]["state"] == "live"


async def test_every_missing_field_is_said_at_once(poster: Caller) -> None:
    status, made, _ = await poster.ask("POST", "/postings", {"side": "demand", "kind": "short_term"})
    assert (status, made["state"]) == (201, "draft")
    status, problem, _ = await poster.ask("POST", f"/postings/{made['id']}/submit")
    assert status == 422
    assert {fault["pointer"] for fault in problem["errors"]} >= {
        *("/title", "/region", "/headcount", "/starts_on", "/ends_on", "/valid_until", "/occupation", "/address"),
        *("/description", "/pay_fen", "/pay_unit", "/settlement", "/contact"),
    }


async def test_what_cannot_be_kept_is_refused_at_its_field_all_at_once(poster: Caller) -> None:
    bad: dict[str, Any] = {
        "title": "换\n行",
        "occupation": "no-such-trade",
        "region": "999999",
        "headcount": 0,
        "starts_on": "2026-02-30",
        "pay_fen": -1,
        "description": "字" * 10_001,
        "requirements": "看\u202e不见",
        "address": "响\x07铃",
        "latitude": 91,
        "age_min": 200,
        "nonsense": 1,
    }
    status, problem, _ = await poster.ask("POST", "/postings", vacancy(**bad, hours={"1": [["00:00", "25:00"]]}))
    assert status == 422
    expected = {f"/{name}" for name in bad} | {"/hours/1/0/1"}
    assert {fault["pointer"] for fault in problem["errors"]} == expected
    bad_hours: list[Any] = [{"8": []}, {"1": [["08:00"]]}, {"1": [["8:00", "9:00"]]}, [1]]
    for hours in bad_hours:
        assert await poster.status("POST", "/postings", vacancy(hours=hours)) == 422


@pytest.mark.parametrize(
    "text",
    [
        "👨‍👩‍👧‍👦 全家都能来 🍵",
        "𠮷野茶场，䶮字号",
        "<b>加粗</b><script>alert(1)</script> & 'x' \\n {{7*7}}",
        "一\n二\r\n三\t四",
        "茶" * 10_000,
        "  首尾空格  ",
    ],
)
async def test_texts_are_kept_as_they_were_written(poster: Caller, text: str) -> None:
    made = await drafted(poster, description=text)
    assert (await poster.ask("GET", f"/postings/{made['id']}"))[1]["description"] == text


async def test_who_has_nothing_to_do_with_it_decides_and_only_once(
    client: aiohttp.ClientSession, firm: Organisation, poster: Caller, reviewer: Caller
) -> None:
    made = await submitted(poster, title="夏茶采摘工")
    path, body, seen = f"/postings/{made['id']}/decision", {"verdict": "publish"}, {"If_Match": str(made["version"])}
    insider = await staff(client, Role.REVIEWER)
    await Membership.create(
        organisation=firm, person_id=insider.person_id, role=Role.CLERK, created_at=clock.now(), ended_at=clock.now()
    )
    assert (await insider.ask("POST", path, body, **seen))[1]["code"] == "decides_for_own"
    for role in (Role.EDITOR, Role.ADMIN):
        assert await (await staff(client, role)).status("POST", path, body, **seen) == 403
    assert await poster.status("POST", path, body, **seen) == 403
    second = await staff(client, Role.REVIEWER)
    people = (reviewer, second, reviewer, second)
    answers = await asyncio.gather(*(one.status("POST", path, body, **seen) for one in people))
    assert sorted(answers) == [200, 412, 412, 412]
    assert await PostingVersion.filter(posting_id=made["id"]).count() == 1


async def test_a_poster_who_lapses_cannot_publish_and_is_paused_until_verified(
    client: aiohttp.ClientSession, reviewer: Caller
) -> None:
    firm = await make_organisation(Kind.ENTERPRISE, name="将失效（示例）")
    poster = await member(client, firm, Role.CLERK)
    live, waits, draft = await published(poster, reviewer), await submitted(poster), await drafted(poster)
    await Organisation.filter(id=firm.id).update(state=OrganisationState.LAPSED)
    async with client.get(f"/api/v1/postings/{live['id']}") as answer:
        assert answer.status == 404  # at once, not only when the job comes round
    assert (await poster.ask("POST", f"/postings/{draft['id']}/submit"))[1]["code"] == "poster_not_verified"
    decision = f"/postings/{waits['id']}/decision"
    status, problem, _ = await reviewer.ask("POST", decision, {"verdict": "publish"}, If_Match="*")
    assert (status, problem["code"]) == (409, "poster_not_verified")
    assert (await sweeps.watch())["paused"] == 1
    assert (await sweeps.watch())["paused"] == 0
    shown = (await poster.ask("GET", f"/postings/{live['id']}"))[1]
    assert (shown["state"], shown["paused_for"]) == ("paused", "standing")
    assert (await poster.ask("POST", f"/postings/{live['id']}/resume"))[1]["code"] == "poster_not_verified"
    await Organisation.filter(id=firm.id).update(state=OrganisationState.VERIFIED)
    assert (await sweeps.watch())["resumed"] == 1
    assert (await poster.ask("GET", f"/postings/{live['id']}"))[1]["state"] == "live"
    assert (await events(live["id"]))[-2:] == ["posting.paused", "posting.resumed"]


async def test_a_posting_is_reminded_expires_and_is_renewed(poster: Caller, reviewer: Caller) -> None:
    live = await published(poster, reviewer)
    path = f"/postings/{live['id']}"
    start = clock.now()
    seen = []
    for days in (16, 17, 18, 20, 21, 22):
        clock.move_to(start + timedelta(days=days))
        await sweeps.watch()
        seen.append(((await events(live["id"])).count("posting.expiry_near"), (await Posting.get(id=live["id"])).state))
    assert seen == [(0, "live"), (1, "live"), (1, "live"), (1, "live"), (1, "expired"), (1, "expired")]
    clock.move_to(None)
    status, renewed, _ = await poster.ask("POST", f"{path}/renew")
    assert (status, renewed["state"]) == (200, "live")
    assert renewed["valid_until"] == (clock.today() + timedelta(days=30)).isoformat()  # when the work ends
    status, copied, _ = await poster.ask("POST", f"{path}/copy")
    assert (status, copied["state"], copied["title"], copied["valid_until"]) == (201, "draft", live["title"], None)
    assert copied["contact"] == CONTACT


async def test_pausing_resuming_and_closing(client: aiohttp.ClientSession, poster: Caller, reviewer: Caller) -> None:
    live = await published(poster, reviewer)
    path = f"/postings/{live['id']}"
    assert (await poster.ask("POST", f"{path}/pause"))[1]["paused_for"] == "poster"
    async with client.get(f"/api/v1{path}") as answer:
        assert answer.status == 404
    await sweeps.watch()
    status, problem, _ = await poster.ask("POST", f"{path}/pause")
    assert (status, problem["detail"]) == (409, "这条信息现在是“已暂停”，不能这样操作。")
    assert (await poster.ask("POST", f"{path}/resume"))[1]["state"] == "live"
    key = {"Idempotency_Key": "close-it"}
    assert (await poster.ask("POST", f"{path}/close", **key))[1]["state"] == "closed"
    assert (await poster.ask("POST", f"{path}/close", **key))[0] == 200
    assert await poster.status("POST", f"{path}/close") == 409
    for verb in ("submit", "pause", "resume", "renew"):
        assert await poster.status("POST", f"{path}/{verb}") == 409


async def test_a_reported_posting_is_removed_and_comes_back_on_appeal(
    client: aiohttp.ClientSession, firm: Organisation, poster: Caller, reviewer: Caller
) -> None:
    live = await published(poster, reviewer)
    path, reporter = f"/postings/{live['id']}", await caller(client)
    body = {"what": "fee", "note": "面试时要交服装费"}
    status, made, _ = await reporter.ask("POST", f"{path}/reports", body)
    assert (status, made["state"]) == (201, "open")
    assert (await reporter.ask("POST", f"{path}/reports", body))[1]["code"] == "already_reported"
    assert await poster.status("GET", "/reports") == 403
    _, listed, _ = await reviewer.ask("GET", "/reports?state=open")
    assert [one["posting"]["id"] for one in listed["items"]] == [live["id"]]
    assert str(reporter.person_id) not in str(listed)
    line = await line_of(reviewer, "/reports", live["id"])
    assert {live["title"], "待处理", body["note"]} <= set(line)
    assert str(reporter.person_id) not in line
    decision = f"/reports/{made['id']}/decision"
    status, upheld, _ = await reviewer.ask("POST", decision, {"verdict": "uphold", **REASON})
    assert (status, upheld["state"], upheld["posting"]["state"]) == (200, "upheld", "removed")
    [told] = (await reporter.ask("GET", "/me/reports"))[1]["items"]
    assert (told["id"], told["state"], told["answer"]) == (made["id"], "upheld", REASON["reason"])
    assert (await poster.ask("GET", "/me/reports"))[1]["items"] == []
    assert (await reviewer.ask("POST", decision, {"verdict": "dismiss", **REASON}))[1]["code"] == "report_decided"
    async with client.get(f"/api/v1{path}") as answer:
        assert answer.status == 404
    removed = await Event.filter(subject=f"posting:{live['id']}", name="posting.removed").get()
    assert str(reporter.person_id) in removed.people
    own = (await poster.ask("GET", path))[1]
    assert own["reasons"] == [{"field": "", "text": REASON["reason"]}]

    manager = await member(client, firm, Role.MANAGER)
    status, appeal, _ = await manager.ask("POST", "/appeals", {"subject": f"posting:{live['id']}", "reason": "误会"})
    assert status == 201, appeal
    verdict = {"verdict": "overturn", "reason": "查明并非本单位收费"}
    assert (await reviewer.ask("POST", f"/appeals/{appeal['id']}/decision", verdict))[1]["code"] == "another_person"
    second = await staff(client, Role.REVIEWER)
    assert await second.status("POST", f"/appeals/{appeal['id']}/decision", verdict) == 200
    async with client.get(f"/api/v1{path}") as answer:
        assert (answer.status, (await answer.json())["state"]) == (200, "live")
    history = await AuditEntry.filter(subject=f"posting:{live['id']}").order_by("id")
    assert [entry.action.partition(".")[2] for entry in history][-5:] == [
        *("removed", "report_upheld", "made", "restored", "overturned"),
    ]


async def test_a_returned_posting_is_published_on_appeal(client: aiohttp.ClientSession, reviewer: Caller) -> None:
    manager = await member(client, await make_organisation(Kind.ENTERPRISE), Role.MANAGER)
    made = await submitted(manager)
    await decided(reviewer, made["id"], "return", {"text": "信息不实"})
    appeal = (await manager.ask("POST", "/appeals", {"subject": f"posting:{made['id']}", "reason": "有营业执照"}))[1]
    second = await staff(client, Role.REVIEWER)
    body = {"verdict": "overturn", "reason": "属实"}
    assert await second.status("POST", f"/appeals/{appeal['id']}/decision", body) == 200
    assert (await manager.ask("GET", f"/postings/{made['id']}"))[1]["state"] == "live"


async def test_an_appeal_publishes_no_words_that_nobody_refused(
    client: aiohttp.ClientSession, reviewer: Caller
) -> None:
    manager = await member(client, await make_organisation(Kind.ENTERPRISE), Role.MANAGER)
    made = await submitted(manager)
    path = f"/postings/{made['id']}"
    await decided(reviewer, made["id"], "return", {"text": "信息不实"})
    appeal = (await manager.ask("POST", "/appeals", {"subject": f"posting:{made['id']}", "reason": "属实"}))[1]
    change = {"description": "须交押金", "contact": None}
    assert (await manager.ask("PATCH", path, change, If_Match="*"))[1]["state"] == "draft"
    second = await staff(client, Role.REVIEWER)
    body = {"verdict": "overturn", "reason": "属实"}
    assert await second.status("POST", f"/appeals/{appeal['id']}/decision", body) == 409
    assert (await manager.ask("GET", path))[1]["state"] == "draft"


async def test_a_fraud_that_has_expired_is_removed_and_does_not_come_back(
    client: aiohttp.ClientSession, reviewer: Caller
) -> None:
    poster = await member(client, await make_organisation(Kind.ENTERPRISE), Role.CLERK)
    reported, found = await published(poster, reviewer), await published(poster, reviewer, title="夏茶采摘工")
    reporter = await caller(client)
    report = (await reporter.ask("POST", f"/postings/{reported['id']}/reports", {"what": "fraud"}))[1]
    await Posting.filter(id__in=[reported["id"], found["id"]]).update(valid_until=clock.today() - timedelta(days=1))
    async with client.get(f"/api/v1/postings/{found['id']}") as answer:
        assert answer.status == 404  # at once, not only when the job comes round
    await sweeps.watch()
    assert (await Posting.get(id=found["id"])).state == "expired"
    decision = {"verdict": "uphold", **REASON}
    upheld = (await reviewer.ask("POST", f"/reports/{report['id']}/decision", decision))[1]
    assert upheld["posting"]["state"] == "removed"
    assert (await reviewer.ask("POST", f"/postings/{found['id']}/remove", REASON))[1]["state"] == "removed"
    for one in (reported, found):
        assert await poster.status("POST", f"/postings/{one['id']}/renew") == 409
    copied = (await poster.ask("POST", f"/postings/{found['id']}/copy"))[1]["id"]
    until = {"valid_until": (clock.today() + timedelta(days=20)).isoformat()}
    assert await poster.status("PATCH", f"/postings/{copied}", until, If_Match="*") == 200
    again = (await poster.ask("POST", f"/postings/{copied}/submit"))[1]
    assert again["similar_to_id"] in {reported["id"], found["id"]}


async def test_for_which_organisation_must_be_clear(
    client: aiohttp.ClientSession, poster: Caller, firm: Organisation
) -> None:
    somebody = await caller(client)
    status, problem, _ = await somebody.ask("POST", "/postings", vacancy())
    assert (status, problem["errors"][0]["pointer"]) == (422, "/organisation")
    answer = await somebody.ask("POST", "/postings", vacancy(organisation=str(firm.id)))
    assert (answer[0], answer[1]["errors"][0]["pointer"]) == (422, "/organisation")
    assert await (await staff(client, Role.REVIEWER)).status("POST", "/postings", vacancy()) == 422
    assert await poster.status("POST", "/postings", vacancy(organisation=str(firm.id))) == 201
    agency = await member(client, await make_organisation(Kind.AGENCY), Role.CLERK)
    answer = await agency.ask("POST", "/postings", vacancy(kind="internship"))
    assert (answer[0], answer[1]["errors"][0]["pointer"]) == (422, "/kind")
