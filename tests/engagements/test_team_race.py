"""A team that loses hands while somebody takes it on: the places are as many as its hands, and nobody deadlocks."""

import asyncio
from typing import Any

import pytest

from server.engagements import service
from server.kernel.errors import DomainError
from server.kernel.transactions import transaction
from server.labour import keeping
from server.labour.keeping import Change
from server.labour.models import Posting
from tests.engagements.filling import make_firm, make_worker, offers
from tests.harness.waiting import allowed

pytestmark = pytest.mark.usefixtures("database")


@transaction
async def lowers(supply: Posting, held: asyncio.Event, go: asyncio.Event) -> None:
    """Let a team of four be three, once it is told to `go`."""
    posting = await keeping.hold(supply.id)
    held.set()
    posting.headcount = 3
    await keeping.keep(posting, Change("changed", posting.state, None, fields=("headcount",)))
    await go.wait()


async def test_a_team_that_has_just_lost_a_hand_is_not_accepted_whole() -> None:
    firm, worker = await make_firm(), await make_worker()
    supply, demand = await offers(worker, 4), await firm.seeks(4)
    applied = await service.apply(demand.id, by=worker, size=4, supply_id=supply.id)
    held, go = asyncio.Event(), asyncio.Event()
    lowering = asyncio.create_task(lowers(supply, held, go))
    await held.wait()
    accepting = asyncio.create_task(service.accept(applied.id, firm.actor))
    await asyncio.sleep(0.3)  # by now it waits for the team's speaker
    go.set()
    await lowering
    with pytest.raises(DomainError, match="engagement_unfit"):
        await accepting
    assert (await Posting.get(id=demand.id)).filled == 0


@pytest.mark.only("postgres")
async def test_an_offer_to_a_team_that_loses_a_hand_and_that_never_wait_for_each_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    firm, worker = await make_firm(), await make_worker()
    supply, demand = await offers(worker, 4), await firm.seeks(4)
    people_held, supply_held, go, made = asyncio.Event(), asyncio.Event(), asyncio.Event(), service._made  # noqa: SLF001
    go.set()

    async def slowly(*said: Any) -> Any:
        found = await made(*said)
        people_held.set()
        await supply_held.wait()
        await asyncio.sleep(0.3)  # by now the other waits for the team's speaker
        return found

    async def lowering() -> None:
        await people_held.wait()
        await lowers(supply, supply_held, go)

    monkeypatch.setattr(service, "_made", slowly)
    async with asyncio.timeout(allowed(20)), asyncio.TaskGroup() as both:
        both.create_task(service.offer(demand.id, supply.id, by=firm.clerk))
        both.create_task(lowering())
