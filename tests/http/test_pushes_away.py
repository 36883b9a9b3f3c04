"""WeChat takes no pushes: every page works, the operator sees it, and afterwards all goes out."""

import aiohttp
import pytest

from server.notices import putting
from server.notices.models import Delivery, DeliveryState
from tests.harness.app import TOKEN, Server
from tests.harness.standin import StandIn
from tests.harness.waiting import until
from tests.notices.carrying import DECIDED, PUSH, allow, message, reachable

pytestmark = pytest.mark.usefixtures("database")
PEOPLE = 12


async def metrics(client: aiohttp.ClientSession) -> str:
    async with client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}) as answer:
        assert answer.status == 200
        return await answer.text()


async def ready(client: aiohttp.ClientSession) -> str:
    async with client.get("/health/ready") as answer:
        assert answer.status == 200
        return str((await answer.json())["checks"]["wechat"])


async def test_while_pushes_cannot_be_sent_all_else_works(
    server: Server, client: aiohttp.ClientSession, standin: StandIn
) -> None:
    assert server.base
    standin.callback_mode(mode="off")
    standin.fault(PUSH, status=502)
    people = [await reachable(standin) for _ in range(PEOPLE)]
    await putting.put([message(person) for person in people])

    async def degraded() -> bool:
        return await ready(client) == "degraded"

    await until(degraded)
    for path in ("/", "/api/v1/guide/2026", "/api/v1/postings?side=demand", "/health/live"):
        async with client.get(path) as answer:
            assert answer.status == 200, path
    assert 'yizhitong_deliveries{state="retrying"}' in await metrics(client)
    standin.reset()
    standin.callback_mode(mode="off")
    for person in people:
        standin.allow(person.openid, DECIDED)

    async def all_sent() -> bool:
        return await Delivery.filter(state=DeliveryState.SENT).count() == PEOPLE

    await until(all_sent, 30)
    assert await ready(client) == "ok"
    assert len(standin.messages()) == PEOPLE


async def test_a_push_is_on_its_way_within_seconds(server: Server, standin: StandIn) -> None:
    assert server.base
    person = await reachable(standin)
    await allow(standin, person)
    await putting.put([message(person)])

    async def sent() -> bool:
        return await Delivery.filter(person_id=person.id, handed_over_at__isnull=False).exists()

    await until(sent, 10)
