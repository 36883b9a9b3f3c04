"""Five hundred people are accepted at one moment at two processes, for twenty places: twenty have one."""

import asyncio
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from uuid import UUID

import aiohttp
import pytest

from server import db
from server.engagements import service
from server.engagements.models import Engagement, EngagementStep
from server.kernel.audit import AuditEntry
from server.kernel.outbox import Event
from server.labour.models import Posting, PostingState
from tests.engagements.filling import Firm, counted, make_firm, make_workers
from tests.factories import make_token
from tests.harness.app import Server

PLACES, PROCESSES, PATIENCE = 20, 2, 120
BUSY = {"unavailable", "contended", "overloaded", "request_running"}
DONE_BEFORE, DONE = {"state_already", "engagement_state"}, "done"
"""A try whose answer came too late was carried out all the same, and the next one is told so."""


async def everybody_has_applied(firm: Firm, people: int) -> tuple[Posting, list[UUID]]:
    posting = await firm.seeks(PLACES)
    return posting, [(await service.apply(posting.id, by=one)).id for one in await make_workers(people)]


async def accepted(client: aiohttp.ClientSession, server: Server, token: str, engagement: UUID) -> str:
    """Accept one, again where a busy server did not get to it or still does; return what was told at last."""
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": engagement.hex}
    while True:
        async with client.post(f"{server.base}/api/v1/engagements/{engagement}/accept", headers=headers) as answer:
            told = await answer.json()
        if answer.status == 200:
            return str(told["state"])
        if told["code"] in DONE_BEFORE:
            return DONE
        assert told["code"] in BUSY, told
        await asyncio.sleep(float(answer.headers["Retry-After"]))


async def simultaneous(servers: list[Server], token: str, engagements: list[UUID]) -> list[str]:
    everyone = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(PATIENCE), connector=everyone) as client:
        asked = [accepted(client, servers[n % len(servers)], token, one) for n, one in enumerate(engagements)]
        return await asyncio.gather(*asked)


@pytest.mark.drill
async def test_five_hundred_acceptances_at_once_give_twenty_places(own_url: str, tmp_path: Path) -> None:
    settings = {"YZT_DATABASE_URL": own_url, "YZT_DATA_DIR": str(tmp_path), "YZT_LOG_LEVEL": "WARNING"}
    async with db.opened(own_url, everywhere=True):
        firm = await make_firm()
        posting, engagements = await everybody_has_applied(firm, 500)
        token = await make_token(firm.clerk)
        with ExitStack() as stack:
            servers = [Server(tmp_path / f"log-{place}", settings) for place in range(PROCESSES)]
            for server in servers:
                server.start()
                stack.callback(server.kill)
                await asyncio.to_thread(server.wait_until_live, 60)
            began = time.monotonic()
            states = await simultaneous(servers, token, engagements)
            print(f"{dict(Counter(states))} in {time.monotonic() - began:.1f} s")  # noqa: T201
        assert set(states) <= {"accepted", "waiting", DONE}
        assert states.count("accepted") <= PLACES
        found = await counted(posting)
        assert (found.filled, found.state) == (PLACES, PostingState.FILLED)
        assert await Engagement.filter(posting_id=posting.id, approved_at=None).count() == 0
        steps = await EngagementStep.filter(engagement_id__in=engagements, verb="accept")
        assert Counter(step.after for step in steps) == {"accepted": PLACES, "waiting": len(engagements) - PLACES}
        assert await AuditEntry.filter(action="engagement.accept").count() == 500
        assert await Event.filter(name="posting.filled").count() == 1
