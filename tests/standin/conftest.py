from collections.abc import AsyncIterator

import aiohttp
import pytest

from tests.harness.standin import StandIn
from tests.standin.calling import WeChat


@pytest.fixture
async def wechat(standin: StandIn) -> AsyncIterator[WeChat]:
    """Calls to a stand-in that has just been made new, and whose events go nowhere."""
    standin.reset()
    standin.callback_mode(mode="off")
    async with aiohttp.ClientSession(standin.base) as session:
        yield WeChat(standin, session)
    standin.reset()
