"""Broadcasts, deliveries and their counts over HTTP: by whom, what they show, and what they keep to themselves."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import aiohttp
import pytest

from server.kernel import clock, sensitive
from server.kernel.ids import new_id
from server.kernel.sensitive import Cell, Sensitive
from server.kernel.sensitive import Kind as Value
from server.notices.models import Delivery, DeliveryState, Notice, Service
from server.organisations.models import Membership
from server.organisations.roles import Kind, Role
from tests.factories import make_member, make_organisation, make_person
from tests.harness.app import TOKEN
from tests.harness.callers import Caller, caller, staff

pytestmark = [pytest.mark.once, pytest.mark.usefixtures("database")]
TEXT = {"title": "停电通知", "text": "本周六停电，\n报名系统照常。"}
REASON = {"reason": "内容属实"}
NAME = "欧阳鸢尾"


@pytest.fixture(scope="module")
async def editor(client: aiohttp.ClientSession) -> Caller:
    return await staff(client, Role.EDITOR)


@pytest.fixture(scope="module")
async def approver(client: aiohttp.ClientSession) -> Caller:
    return await staff(client, Role.APPROVER)


@pytest.fixture(scope="module")
async def admin(client: aiohttp.ClientSession) -> Caller:
    return await staff(client, Role.ADMIN)


async def school(number: int) -> tuple[str, list[UUID]]:
    made = await make_organisation(Kind.FEEDER_SCHOOL, region="340828")
    return str(made.id), [(await make_member(made, Role.CLERK)).person_id for _ in range(number)]


async def write(editor: Caller, **audience: Any) -> dict[str, Any]:
    status, found, _ = await editor.ask(
        "POST", "/broadcasts", {**TEXT, "audience": audience}, Idempotency_Key=str(new_id())
    )
    assert status == 201, found
    return dict(found)


async def ended(editor: Caller, broadcast: str) -> dict[str, Any]:
    for _ in range(200):
        _, found, _ = await editor.ask("GET", f"/broadcasts/{broadcast}")
        if found["state"] != "running":
            return dict(found)
        await asyncio.sleep(0.05)
    raise AssertionError(found)


async def push(**values: Any) -> Delivery:
    now, person_id = clock.now(), new_id()
    sealed = sensitive.seal(Cell("person", "name_sealed", person_id), Sensitive(Value.NAME, NAME))
    person = await make_person(id=person_id, name_sealed=sealed)
    notice = await Notice.create(
        person=person, event_id=new_id(), kind="posting.returned.poster", version="1", title="信息退回了",
        text="请改好再提交。", expires_at=now + timedelta(days=1), created_at=now,
    )  # fmt: skip
    row: dict[str, Any] = {
        "service": Service.MINI_PROGRAM,
        "template": "hiring",
        "template_id": "old",
        "data": {"thing1": "采茶工"},
    }
    row |= {"state_since": now, "expires_at": now + timedelta(days=1), "created_at": now}
    return await Delivery.create(notice=notice, person_id=person.id, **{**row, **values})


async def test_a_broadcast_from_its_writing_to_the_inboxes(editor: Caller, approver: Caller) -> None:
    where, people = await school(3)
    made = await write(editor, school=where)
    assert (made["state"], made["counted"], made["text"]) == ("waiting", 3, TEXT["text"])
    key = {"Idempotency_Key": "approved-once"}
    status, found, _ = await approver.ask("POST", f"/broadcasts/{made['id']}/approve", REASON, **key)
    assert (status, found["approved_by_id"]) == (200, str(approver.person_id))
    assert await approver.status("POST", f"/broadcasts/{made['id']}/approve", REASON, **key) == 200
    assert await approver.status("POST", f"/broadcasts/{made['id']}/approve", REASON) == 409
    done = await ended(editor, made["id"])
    assert (done["state"], done["made"]) == ("done", 3)
    notices = await Notice.filter(broadcast_id=made["id"])
    assert {(one.person_id, one.title, one.text) for one in notices} == {(one, *TEXT.values()) for one in people}
    status, found, _ = await editor.ask("GET", f"/deliveries?broadcast={made['id']}")
    assert (status, {one["title"] for one in found["items"]}) == (200, {TEXT["title"]})
    assert len(found["items"]) == 3
    _, found, _ = await editor.ask("GET", "/broadcasts?state=done")
    assert made["id"] in [one["id"] for one in found["items"]]
    status, raw, _ = await editor.ask("GET", "/broadcasts?state=done&format=csv")
    assert (status, "停电通知,本周六停电" in raw.decode("utf-8-sig").replace('"', "")) == (200, True)


async def test_nobody_approves_what_they_wrote_whatever_they_have_become(client: aiohttp.ClientSession) -> None:
    writer = await staff(client, Role.EDITOR)
    made = await write(writer, school=(await school(1))[0])
    await Membership.filter(person_id=writer.person_id).update(role=Role.APPROVER)
    promoted = await caller(client, writer.person_id)
    status, found, _ = await promoted.ask("POST", f"/broadcasts/{made['id']}/approve", REASON)
    assert (status, found["code"]) == (403, "broadcast_own")
    status, found, _ = await promoted.ask("POST", f"/broadcasts/{made['id']}/cancel", {"reason": "写错了"})
    assert (status, found["state"], found["reason"]) == (200, "cancelled", "写错了")
    assert (await promoted.ask("POST", f"/broadcasts/{made['id']}/cancel", REASON))[0] == 409


async def test_what_is_wrong_with_a_broadcast_is_listed(editor: Caller) -> None:
    body = {"title": "一" * 21, "text": "电话13855613702", "page": "https://a.example", "audience": {"county": "11"}}
    status, found, _ = await editor.ask("POST", "/broadcasts", body)
    assert status == 422
    assert {one["pointer"] for one in found["errors"]} == {"/title", "/text", "/page", "/audience/county"}
    body = {**TEXT, "audience": {"role": "clerk", "year": 2026, "county": "110101", "school": str(new_id())}}
    status, found, _ = await editor.ask("POST", "/broadcasts", body)
    assert status == 422
    assert {one["pointer"] for one in found["errors"]} == {"/audience/year", "/audience/county", "/audience/school"}


async def test_pushes_are_shown_without_what_they_say_or_to_whom_in_full(admin: Caller) -> None:
    made = await push(state=DeliveryState.FAILED_TECHNICAL, refusal="unknown_template")
    status, found, _ = await admin.ask("GET", "/deliveries?state=failed_technical&template=hiring")
    [shown] = [one for one in found["items"] if one["id"] == str(made.id)]
    assert (status, shown["refusal"], shown["title"]) == (200, "unknown_template", "信息退回了")
    assert shown["person"]["name"] not in {None, NAME}
    assert "data" not in shown
    assert "采茶工" not in str(found)
    status, raw, _ = await admin.ask("GET", "/deliveries?format=csv&state=failed_technical")
    text = raw.decode("utf-8-sig")
    assert status == 200
    assert "微信没有这个模板" in text
    assert NAME not in text
    for query in ("state=lost", "template=%20", "day=2026-13-01", "who=1"):
        assert await admin.status("GET", f"/deliveries?{query}") == 422


async def test_a_push_is_sent_once_more(admin: Caller) -> None:
    made = await push(state=DeliveryState.EXPIRED)
    path, key = f"/deliveries/{made.id}/resend", {"Idempotency_Key": str(made.id)}
    status, again, _ = await admin.ask("POST", path, **key)
    assert (status, again["notice_id"], again["template"]) == (201, str(made.notice_id), "hiring")
    assert (await admin.ask("POST", path, **key))[1]["id"] == again["id"]
    assert await admin.status("POST", path) == 409
    assert await admin.status("POST", f"/deliveries/{new_id()}/resend") == 404


async def test_the_counts(admin: Caller) -> None:
    await push(state=DeliveryState.SENT, template="import", ready_at=clock.now(), handed_over_at=clock.now())
    status, found, _ = await admin.ask("GET", "/statistics/notices")
    assert status == 200
    [row] = [one for one in found["rows"] if one["template"] == "import"]
    assert row == {
        "day": clock.today().isoformat(), "template": "import", "service": "mini_program", "state": "sent",
        "priority": "usual", "deliveries": 1, "handed_over": 1, "within_10s": 1,
    }  # fmt: skip
    assert found["share_within_10s"] > 0
    assert await admin.status("GET", "/statistics/notices?since=2026-01-01&until=2026-12-31") == 422
    assert await admin.status("GET", "/statistics/notices?since=2026-02-01&until=2026-01-31") == 422


async def test_the_operator_reads_of_pushes(client: aiohttp.ClientSession) -> None:
    async with client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}) as answer:
        told = await answer.text()
    assert answer.status == 200
    assert 'yizhitong_deliveries{state="expired"}' in told
    assert 'yizhitong_deliveries_late_seconds{priority="urgent"}' in told
