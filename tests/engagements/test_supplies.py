"""An offer that ends, or has fewer heads, and what was taken by it; and nobody waits for each other over it."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from asyncpg import DeadlockDetectedError
from tortoise.connection import get_connection

from miniprogram_api.problem import ProblemHandler, Problems
from server.app import CONTENT_DIR
from server.engagements import service, supplies, sweeps
from server.engagements.models import Engagement, EngagementState
from server.kernel.errors import DomainError
from server.kernel.transactions import transaction
from server.labour import keeping, life, review
from server.labour.keeping import Change
from server.labour.models import Posting, PostingState
from server.people.service import Decider
from tests.engagements.filling import (
    DAY,
    Firm,
    first_day,
    make_worker,
    offers,
    offers_class,
    refused,
    state_of,
    story,
    taken,
)
from tests.factories import make_person

pytestmark = pytest.mark.usefixtures("database")
S = EngagementState


@transaction
async def lowered(supply: Posting, headcount: int, event: str = "changed") -> None:
    """As a change of an offer is made."""
    held = await keeping.hold(supply.id)
    held.headcount = headcount
    await keeping.keep(held, Change(event, held.state, None, fields=("headcount",)))


async def test_what_an_offer_that_ended_was_to_get_ends_even_where_the_server_stopped_before(
    firm: Firm, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = await make_worker()
    supply = await offers(worker)
    offered = await service.offer((await firm.seeks()).id, supply.id, by=firm.clerk)
    applied = await service.apply((await firm.seeks()).id, by=worker, supply_id=supply.id)
    with monkeypatch.context() as patch:

        async def away(_rows: object) -> int:
            raise ConnectionError

        patch.setattr(supplies, "_end_all", away)
        await life.close(supply.id, by=worker)
    assert (await Posting.get(id=supply.id)).state is PostingState.CLOSED
    assert await state_of(offered) is S.OFFERED
    assert (await sweeps.watch())["left"] == 1
    assert [await state_of(one) for one in (offered, applied)] == [S.UNANSWERED, S.APPLIED]
    assert (await story(offered))[-1] == "end"
    assert (await sweeps.watch())["left"] == 0
    await review.remove(supply.id, Decider((await make_person()).id, "虚假信息"))
    assert await state_of(applied) is S.UNANSWERED


async def test_an_offer_that_ends_and_its_acceptance_never_wait_for_each_other(firm: Firm) -> None:
    """Whoever comes first, the engagement has one end, and no transaction is given up."""
    for _ in range(8):
        worker = await make_worker()
        supply, demands = await offers(worker, 9), [await firm.seeks(3) for _ in range(3)]
        made = [await service.offer(one.id, supply.id, by=firm.clerk) for one in demands]
        ending = [life.close(supply.id, by=worker)]
        closing = [life.close(one.id, by=firm.clerk) for one in demands[:2]]
        applying = [service.apply((await firm.seeks(3)).id, by=worker, size=1, supply_id=supply.id)]
        done = await asyncio.gather(*ending, *closing, *applying, return_exceptions=True)
        assert all(not isinstance(one, BaseException) or isinstance(one, DomainError) for one in done), done
        assert [await state_of(one) for one in made] == [S.UNANSWERED] * 3
        assert [(await story(one)).count("end") for one in made] == [1, 1, 1]


async def test_a_team_is_not_made_smaller_than_are_at_work_by_it(firm: Firm) -> None:
    speaker = await make_worker()
    team = await offers(speaker, 6)
    times = {"starts_on": first_day(), "ends_on": first_day()}
    await taken(firm, await firm.seeks(5, **times), speaker, size=3, supply_id=team.id)
    await taken(firm, await firm.seeks(5, **times), speaker, size=2, supply_id=team.id)
    after = {"starts_on": first_day() + DAY, "ends_on": first_day() + DAY}
    await taken(firm, await firm.seeks(5, **after), speaker, size=4, supply_id=team.id)
    assert await refused(lowered(team, 4)) == (422, "/headcount headcount_below_filled")
    assert await refused(lowered(team, 4, "revision_published")) == (409, "headcount_below_filled")
    assert (await Posting.get(id=team.id)).headcount == 6
    await lowered(team, 5)


async def test_a_class_that_nobody_has_taken_may_be_any_size(firm: Firm) -> None:
    offer, _ = await offers_class(30)
    demand = await firm.seeks(40, kind="internship")
    held = await service.apply(demand.id, by=offer.person_id, size=20, supply_id=offer.id)
    await lowered(offer, 10)
    assert (await Engagement.get(id=held.id)).state is S.APPLIED


async def test_of_two_that_wait_for_each_other_one_is_given_up_whole() -> None:
    """In SQLite nobody waits for a row."""
    one, other = await make_person(), await make_person()
    posting = await offers(one.id)
    if get_connection("default").capabilities.dialect == "sqlite":
        return
    theirs, holding = await offers(other.id), asyncio.Barrier(2)

    @transaction
    async def cross(first: Posting, second: Posting) -> None:
        held = await keeping.hold(first.id)
        held.headcount = 7
        await held.save(update_fields=["headcount"])
        await holding.wait()
        await keeping.hold(second.id)

    done = await asyncio.gather(cross(posting, theirs), cross(theirs, posting), return_exceptions=True)
    [lost] = [one for one in done if one]
    assert isinstance(lost, DeadlockDetectedError)
    asked: Any = SimpleNamespace(method="POST", path="/api/v1/postings", request_id="r")
    answer = ProblemHandler(Problems.load(CONTENT_DIR)).response(asked, lost)
    assert (answer.status, answer.headers["retry-after"]) == (503, "5")
    assert b"contended" in (answer.body or b"")
    assert sorted([(await Posting.get(id=row.id)).headcount or 0 for row in (posting, theirs)]) == [1, 7]
