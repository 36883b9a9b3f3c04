"""What a reviewer does to a demand by which people already have places."""

from typing import Any

import pytest

from server.appeals import service as appeals
from server.engagements import service, working
from server.engagements.models import EngagementState
from server.kernel import clock
from server.labour import life, review
from server.labour.models import Posting, PostingState
from server.labour.review import Verdict
from server.people.service import Decider
from tests.engagements.deciding import judge, manager
from tests.engagements.filling import DAY, SOON, Firm, counted, later, make_firm, make_workers, refused, state_of, taken
from tests.factories import make_person, make_posting

pytestmark = pytest.mark.usefixtures("database", "qualified")
S = EngagementState


async def fewer_places_wait(posting: Posting, headcount: int) -> None:
    """A change of the head-count that the rules want judged, as it lies beside the posting."""
    pending: dict[str, Any] = {"fields": {"headcount": headcount}, "findings": [], "hourly_fen": None}
    await Posting.filter(id=posting.id).update(pending=pending, submitted_at=clock.now())


async def test_fewer_places_than_were_given_meanwhile_are_not_published(firm: Firm) -> None:
    posting = await firm.seeks(4)
    await fewer_places_wait(posting, 2)
    held = [await taken(firm, posting, one) for one in await make_workers(3)]
    by = (await make_person()).id
    publish = review.decide(posting.id, Verdict.PUBLISH, (), by=by, version=None)
    assert await refused(publish) == (409, "headcount_below_filled")
    assert (await counted(posting)).headcount == 4
    await review.decide(posting.id, Verdict.RETURN, (review.Reason("已有三人"),), by=by, version=None)
    appeal = await appeals.appeal(f"posting:{posting.id}", "只要两人", manager(firm))
    judged = (appeal.id, appeals.Verdict.OVERTURN, judge((await make_person()).id), "x")
    assert await refused(appeals.judge(*judged)) == (409, "headcount_below_filled")
    await working.cancel(held[0].id, firm.actor, "订单取消")
    await appeals.judge(*judged)
    found = await counted(posting)
    assert (found.headcount, found.filled, found.state) == (2, 2, PostingState.FILLED)


async def test_a_closed_demand_is_removed_with_its_places_and_comes_back_closed(firm: Firm) -> None:
    posting = await firm.seeks(3)
    accepted, attended = [await taken(firm, posting, one) for one in await make_workers(2)]
    later((SOON + 1) * DAY)
    await working.attend(attended.id, firm.actor)
    await life.close(posting.id, by=firm.clerk)
    assert [await state_of(one) for one in (accepted, attended)] == [S.ACCEPTED, S.ATTENDED]
    await review.remove(posting.id, Decider((await make_person()).id, "收取押金"))
    assert [await state_of(one) for one in (accepted, attended)] == [S.CANCELLED_BY_EMPLOYER] * 2
    assert (await counted(posting)).filled == 0
    appeal = await appeals.appeal(f"posting:{posting.id}", "没有收取", manager(firm))
    await appeals.judge(appeal.id, appeals.Verdict.OVERTURN, judge((await make_person()).id), "属实")
    assert (await counted(posting)).state is PostingState.CLOSED
    assert await refused(service.apply(posting.id, by=accepted.person_id)) == (409, "posting_state")


async def test_a_draft_that_was_closed_is_not_removed(firm: Firm) -> None:
    draft = await make_posting(
        organisation_id=firm.id, person_id=firm.clerk, state=PostingState.CLOSED, published_at=None
    )
    by = Decider((await make_person()).id, "x")
    assert await refused(review.remove(draft.id, by)) == (409, "posting_state")


async def test_a_poster_hears_that_somebody_is_busy_and_not_on_which_day(firm: Firm) -> None:
    [worker] = await make_workers(1)
    other = await make_firm()
    made = [await service.apply((await one.seeks()).id, by=worker) for one in (firm, other)]
    await service.accept(made[0].id, firm.actor)
    assert await refused(service.accept(made[1].id, other.actor)) == (409, "worker_busy")
