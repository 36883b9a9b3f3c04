"""A claim whose name does not open keeps no other claim from being settled, and what was given up is tried again."""

from datetime import date, timedelta
from typing import Any, cast

import pytest

from server import schedules
from server.kernel import clock
from server.kernel.jobs import queue, worker
from server.kernel.sweeping import PassedOverError
from server.people.service import Decider
from server.referrals import census, years
from server.referrals.models import Referral, ReferralYear
from tests.referrals.receiving_world import DOCUMENT, World, at, now
from tests.referrals.test_census import claimed, world

pytestmark = pytest.mark.usefixtures("database")
__all__ = ["world"]
NOBODY = cast("Any", None)


async def test_a_cell_that_does_not_open_keeps_nobody_else_from_being_confirmed(world: World) -> None:
    pairs = [await claimed(world) for _ in range(2)]
    for student, _ in pairs:
        await world.lists(world.named, student, evidence=DOCUMENT)
    bad, good = (claim for _, claim in pairs)
    await Referral.filter(id=bad.id).update(name_sealed=(await now(good)).name_sealed)
    at(11, 20)
    with pytest.raises(PassedOverError):
        await census.settle()
    assert [(await now(one)).state for one in (bad, good)] == ["matched", "confirmed"]


async def test_dates_that_were_changed_while_something_was_broken_are_looked_at_later(world: World) -> None:
    (student, good), (_, bad) = await claimed(world), await claimed(world)
    await world.lists(world.named, student, evidence=DOCUMENT)
    at(1, 1, 2027)
    await census.settle()
    usual, kept = years.default(2026), (await now(bad)).name_sealed
    autumn = usual.autumn.model_copy(update={"census_on": date(2027, 2, 20), "match_by": date(2027, 2, 28)})
    await years.set_dates(2026, usual.model_copy(update={"autumn": autumn}), None, Decider(world.clerk, "推迟"))
    await Referral.filter(id=bad.id).update(name_sealed=(await now(good)).name_sealed)
    await work(times=6)
    await Referral.filter(id=bad.id).update(name_sealed=kept)
    at(1, 2, 2027)
    [again] = [one for one in schedules.SCHEDULES if one.name == "tell_again"]
    await again.handler({})
    await work()
    assert [(await now(one)).state for one in (good, bad)] == ["matched", "registered"]
    await ReferralYear.all().delete()


async def work(times: int = 1) -> None:
    for _ in range(times):
        for job in await queue.claim("w", [years.CHANGED], timedelta(seconds=30), 20):
            await worker._attempt(job, schedules.handlers(NOBODY, NOBODY)[years.CHANGED])  # noqa: SLF001 -- one attempt
        clock.move_to(clock.now() + timedelta(seconds=60))
