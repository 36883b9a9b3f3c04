"""Who follows the service account while WeChat cannot be asked who it is, is known once it can."""

from datetime import timedelta
from functools import partial
from typing import Any, cast

import pytest

from server import schedules
from server.callbacks import service
from server.kernel import clock
from server.kernel.jobs import queue, worker
from server.people.models import Follower
from tests.callbacks.test_service import Somewhere, empty_tables, follow

pytestmark = pytest.mark.usefixtures("database")
__all__ = ["empty_tables"]


async def test_a_follower_is_known_though_wechat_was_away_for_an_hour() -> None:
    wechat = Somewhere({"o-1": "u-1"}, away=True)
    await follow("o-1")
    for _ in range(6):
        await work(wechat)
        clock.move_to(clock.now() + timedelta(minutes=10))
    wechat.away = False
    [again] = [one for one in schedules.SCHEDULES if one.name == "tell_again"]
    await again.handler({})
    await work(wechat)
    assert (await Follower.get(openid="o-1")).unionid == "u-1"


async def work(wechat: Somewhere) -> None:
    handler = partial(service.work, service_account=cast("Any", wechat))
    for job in await queue.claim("w", [service.KIND], timedelta(seconds=30), 20):
        await worker._attempt(job, handler)  # noqa: SLF001 -- one attempt, without the loop
