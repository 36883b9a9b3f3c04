"""Permissions from the tap to the push: asked for, told by WeChat, used up, told of again."""

from typing import Any
from uuid import UUID

import aiohttp
import pytest

from server.notices import permissions
from server.notices.models import Delivery, DeliveryState, Priority, PushPermission
from tests.factories import make_delivery, make_notice
from tests.harness.callers import Caller, caller
from tests.harness.people import SignedIn
from tests.harness.standin import StandIn
from tests.harness.waiting import until
from tests.notices.ledgering import credit

pytestmark = [pytest.mark.once, pytest.mark.usefixtures("database")]
PATH = "/subscriptions"
TEMPLATE = "standin-application"
DATA = {"thing1": "采茶工（示例）", "phrase2": "已录用", "time3": "2026-09-01 10:00", "thing4": "请按时到岗"}


@pytest.fixture
async def somebody(client: aiohttp.ClientSession) -> Caller:
    return await caller(client)


async def of_template(who: Caller | SignedIn, template: str = TEMPLATE) -> dict[str, Any]:
    found = (await who.ask("GET", PATH))[1]["items"]
    return next(one for one in found if one["template_id"] == template)


async def left(who: Caller | SignedIn) -> tuple[int, int]:
    found = await of_template(who)
    return found["left"], found["expected"]


async def test_which_templates_to_ask_for_at_a_tap(somebody: Caller) -> None:
    status, every, _ = await somebody.ask("GET", PATH)
    assert status == 200
    taps = {tap for one in every["items"] for tap in one["taps"]}
    for tap in taps:
        found = (await somebody.ask("GET", f"{PATH}?tap={tap}"))[1]["items"]
        assert found == [one for one in every["items"] if tap in one["taps"]]
        assert 1 <= len(found) <= 3
    assert await of_template(somebody) == {
        "name": "application", "template_id": TEMPLATE, "long_term": False, "taps": ["apply", "answer_offer"],
        "left": 0, "expected": 0, "unlimited": False,
    }  # fmt: skip
    assert not [one for one in every["items"] if "service" in one["template_id"]]


async def test_the_clients_word_is_expected_and_no_more(somebody: Caller) -> None:
    said = {TEMPLATE: "accept", "standin-work": "reject", "standin-search": "filter"}
    status, found, _ = await somebody.ask("POST", PATH, {"results": said})
    assert status == 200
    assert {one["template_id"]: one["expected"] for one in found["items"]} == {
        TEMPLATE: 1, "standin-work": 0, "standin-search": 0
    }  # fmt: skip
    assert await left(somebody) == (0, 1)
    await credit(somebody.person_id, template_id=TEMPLATE)
    assert await left(somebody) == (1, 0)


@pytest.mark.parametrize(
    ("body", "at"),
    [
        ({}, ["/results"]),
        ({"results": {}}, ["/results"]),
        ({"results": ["accept"]}, ["/results"]),
        ({"results": {TEMPLATE: "yes"}}, [f"/results/{TEMPLATE}"]),
        ({"results": {"unknown-1": "accept", TEMPLATE: "accept"}}, ["/results/unknown-1"]),
        ({"results": {f"t{number}": "accept" for number in range(11)}}, ["/results"]),
        ({"results": {TEMPLATE: "accept"}, "openid": "o-1"}, ["/openid"]),
    ],
)
async def test_what_is_wrong_with_an_answer_is_said(somebody: Caller, body: Any, at: list[str]) -> None:
    status, problem, _ = await somebody.ask("POST", PATH, body)
    assert (status, [fault["pointer"] for fault in problem["errors"]]) == (422, at)
    assert await permissions.left(somebody.person_id) == {}


async def test_an_unknown_tap_is_refused(somebody: Caller) -> None:
    assert await somebody.status("GET", f"{PATH}?tap=nothing") == 422


async def test_what_wechat_tells_is_left_is_used_up_and_is_told_of(
    client: aiohttp.ClientSession, standin: StandIn
) -> None:
    """From the tap to the receipt: a push that waited for a permission goes when one comes, and arrives."""
    who = await SignedIn.at(client, standin, "o-subscriptions")
    notice = await make_notice(UUID(who.id), text="您已被录用。", page="pages/engagement/detail?id=1")
    held: Any = {"state": DeliveryState.HELD, "due_at": None, "priority": Priority.URGENT}  # the rest sleeps at night
    waiting = await make_delivery(notice, TEMPLATE, template="application", data=DATA, **held)
    standin.allow("o-subscriptions", TEMPLATE, 3)

    async def arrived() -> bool:
        await waiting.refresh_from_db()
        return waiting.state is DeliveryState.DELIVERED and await left(who) == (2, 0)

    await until(arrived)
    [message] = standin.messages("o-subscriptions")
    assert {key: one["value"] for key, one in message["data"].items()} == DATA
    assert waiting.message_id == str(message["id"])
    assert waiting.delivered_at

    standin.do("permissions", openid="o-subscriptions", template_id=TEMPLATE, results="reject", in_settings=True)

    async def withdrawn() -> bool:
        return await left(who) == (0, 0)

    await until(withdrawn)


async def test_what_wechat_does_not_give_is_not_counted(client: aiohttp.ClientSession, standin: StandIn) -> None:
    who = await SignedIn.at(client, standin, "o-refusing")
    results = {TEMPLATE: "reject", "standin-work": "accept", "standin-search": "filter", "some-other": "accept"}
    standin.do("permissions", openid="o-refusing", results=results)
    standin.allow("o-somebody-else", TEMPLATE)

    async def told() -> bool:
        return await PushPermission.filter(person_id=who.id).count() == 2

    await until(told)
    assert await left(who) == (0, 0)
    assert (await of_template(who, "standin-work"))["left"] == 1


async def test_a_follower_hears_by_the_service_account_and_its_receipt_counts(
    client: aiohttp.ClientSession, standin: StandIn
) -> None:
    who = await SignedIn.at(client, standin, "o-following")
    standin.follower("s-following", unionid="union-o-following")
    notice = await make_notice(UUID(who.id))
    data = {**DATA, "phrase2": "已通过"}
    push = await make_delivery(
        notice, "standin-service-progress", service="service_account", template="service_progress", data=data,
        priority=Priority.URGENT, page="pages/index/index",
    )  # fmt: skip

    async def arrived() -> bool:
        found = await Delivery.get(id=push.id)
        return found.state is DeliveryState.DELIVERED

    await until(arrived)
    assert len(standin.messages("s-following")) == 1
