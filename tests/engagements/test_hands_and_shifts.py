"""Places that nobody could fill: too few hands, too young ones, and shifts that are over."""

from datetime import timedelta

import pytest

from server.engagements import service, working
from server.engagements.models import EngagementState
from server.kernel import clock
from server.kernel.transactions import transaction
from server.labour import keeping
from server.labour.keeping import Change
from server.labour.models import Posting
from tests.engagements.filling import DAY, WEEKDAYS, Firm, make_worker, make_workers, offers, refused, state_of, taken

pytestmark = pytest.mark.usefixtures("database", "qualified")
NIGHT = {str(day): [["22:00", "04:00"]] for day in range(1, 8)}


@transaction
async def said(supply: Posting, event: str, **values: int) -> None:
    """Let an offer say something else, and what follows from that come."""
    held = await keeping.hold(supply.id)
    held.update_from_dict(values)
    await keeping.keep(held, Change(event, held.state, None, fields=tuple(values)))


async def test_nobody_moves_up_once_the_last_shift_has_begun(firm: Firm) -> None:
    day = clock.today() + 3 * DAY
    demand = await firm.seeks(1, starts_on=day, ends_on=day, hours=WEEKDAYS, valid_until=day)
    first, second = await make_workers(2)
    held = await taken(firm, demand, first)
    waits = await service.apply(demand.id, by=second)
    clock.move_to(clock.midnight(day) + timedelta(hours=9))
    await working.attend(held.id, firm.actor)
    clock.move_to(clock.midnight(day) + timedelta(hours=18))
    await working.leave_early(held.id, firm.actor, "提前离开")
    assert await state_of(waits) is EngagementState.WAITING


async def test_a_team_keeps_the_hands_for_which_its_speaker_is_away(firm: Firm) -> None:
    speaker = await make_worker()
    team = await offers(speaker, 4)
    await taken(firm, await firm.seeks(2), speaker, size=2, supply_id=team.id)
    await taken(firm, await firm.seeks(1), speaker)
    assert await refused(said(team, "changed", headcount=2)) == (422, "/headcount headcount_below_filled")
    await said(team, "changed", headcount=3)


async def test_a_team_that_says_it_is_younger_loses_work_by_night(firm: Firm) -> None:
    speaker = await make_worker()
    team = await offers(speaker, 3, age_min=18, age_max=30)
    by_night = await taken(firm, await firm.seeks(3, hours=NIGHT, age_min=16), speaker, size=3, supply_id=team.id)
    by_day = await taken(firm, await firm.seeks(3, age_min=16), speaker, size=3, supply_id=team.id)
    await said(team, "revision_published", age_min=16)
    assert await state_of(by_night) is EngagementState.CANCELLED_BY_EMPLOYER
    assert await state_of(by_day) is EngagementState.ACCEPTED


@pytest.mark.parametrize(("hours", "open_at", "over_at"), [(WEEKDAYS, 17, 18), (NIGHT, 23, 28), ({}, 23, 24)])
async def test_nobody_is_taken_once_the_last_shift_is_over(
    firm: Firm, hours: dict[str, list[list[str]]], open_at: int, over_at: int
) -> None:
    day = clock.today() + 3 * DAY
    demand = await firm.seeks(2, starts_on=day, ends_on=day, hours=hours, valid_until=day + DAY)
    first, second = await make_workers(2)
    clock.move_to(clock.midnight(day) + timedelta(hours=open_at))
    await service.apply(demand.id, by=first)
    clock.move_to(clock.midnight(day) + timedelta(hours=over_at))
    assert await refused(service.apply(demand.id, by=second)) == (409, "posting_state")


async def test_a_team_that_became_smaller_is_told_so_and_not_that_it_is_busy(firm: Firm) -> None:
    speaker = await make_worker()
    team = await offers(speaker, 3)
    asks = await service.apply((await firm.seeks(3)).id, by=speaker, size=3, supply_id=team.id)
    await said(team, "changed", headcount=2)
    assert await refused(service.accept(asks.id, firm.actor)) == (409, "engagement_unfit")
