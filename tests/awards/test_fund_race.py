"""A programme leaves its fund while somebody approves: who holds the budget second sees what the first did."""

import asyncio

import pytest

from server.awards import book, life, refunding
from server.awards.models import AwardState, RunKind
from server.funds.models import Fund
from server.funds.service import Change
from server.kernel.transactions import transaction
from server.people.service import Decider
from tests.awards.deciding import now, refused, world

pytestmark = pytest.mark.usefixtures("database")


async def test_a_programme_that_leaves_its_fund_takes_no_more_of_its_money() -> None:
    here = await world(3)
    [award] = await here.ready()
    left, go = asyncio.Event(), asyncio.Event()
    seen = await Fund.get(id=here.fund.id)

    @transaction
    async def leaves() -> None:
        await refunding.change(seen.id, Change(programmes=[]), book.in_force(), here.finance, seen.version)
        left.set()
        await go.wait()

    leaving = asyncio.create_task(leaves())
    await left.wait()
    approving = asyncio.create_task(life.decide_one(award.id, RunKind.APPROVE, Decider(here.approver, "齐全")))
    await asyncio.sleep(0.3)  # by now it waits for the budget, or for whoever else changes the fund
    go.set()
    await leaving
    assert await refused(approving) == ("fund_missing", 409)
    assert ((await now(award)).state, await here.money()) == (AwardState.PUBLICISED, (3, 0))
