"""Places that are held, come free, and go to who waits: in order, by itself, never more than there are."""

import asyncio
from uuid import UUID

import pytest

from server.engagements import places, service
from server.engagements.models import Engagement, EngagementState
from server.kernel import clock
from server.kernel.errors import DomainError
from server.kernel.outbox import Event
from server.kernel.transactions import transaction
from server.labour import keeping, life
from server.labour.models import Posting, PostingState
from tests.engagements.filling import (
    DAY,
    SOON,
    Firm,
    consents,
    counted,
    make_worker,
    make_workers,
    offers,
    refused,
    state_of,
    story,
    taken,
    worker_of,
)
from tests.harness.statements import sent

pytestmark = pytest.mark.usefixtures("database")
ACCEPTED, WAITING, APPLIED = EngagementState.ACCEPTED, EngagementState.WAITING, EngagementState.APPLIED


async def applied(posting: Posting, *workers: UUID) -> list[Engagement]:
    return [await service.apply(posting.id, by=worker) for worker in workers]


async def left(held: Engagement) -> None:
    await service.withdraw(held.id, worker_of(held.person_id), "有事")


async def told(name: str, held: Engagement) -> int:
    return await Event.filter(name=f"engagement.{name}", subject=f"engagement:{held.id}").count()


async def test_the_last_place_puts_everyone_else_on_the_list_and_the_first_of_it_moves_up(firm: Firm) -> None:
    posting = await firm.seeks()
    first, second, third = await applied(posting, *await make_workers(3))
    await service.accept(first.id, firm.actor)
    found = await counted(posting)
    assert (found.state, found.filled, found.version) == (PostingState.FILLED, 1, posting.version + 1)
    assert found.filled_at
    assert [await state_of(one) for one in (second, third)] == [WAITING, WAITING]
    late = (await applied(posting, await make_worker()))[0]
    assert late.state is WAITING
    await left(first)
    assert [await state_of(one) for one in (second, third, late)] == [ACCEPTED, WAITING, WAITING]
    assert (await counted(posting)).state is PostingState.FILLED
    assert await story(second) == ["apply", "wait", "move_up"]
    assert [await told("waiting", second), await told("moved_up", second), await told("moved_up", third)] == [1, 1, 0]
    for one in (second, third):
        await left(one)
    await left(late)
    found = await counted(posting)
    assert (found.state, found.filled) == (PostingState.LIVE, 0)
    assert found.filled_at
    names = [event.name for event in await Event.filter(subject=f"posting:{posting.id}").order_by("id")]
    assert names == ["posting.filled", "posting.reopened"]


async def test_who_was_said_yes_to_comes_first(firm: Firm) -> None:
    posting = await firm.seeks()
    first, second, third = await applied(posting, *await make_workers(3))
    await service.accept(first.id, firm.actor)
    waits = await service.accept(third.id, firm.actor)
    assert (waits.state, bool(waits.approved_at)) == (WAITING, True)
    assert await refused(service.accept(third.id, firm.actor)) == (409, "state_already")
    await left(first)
    assert [await state_of(one) for one in (second, third)] == [WAITING, ACCEPTED]


async def test_an_offer_that_is_accepted_too_late_waits_before_the_others(firm: Firm) -> None:
    posting, workers = await firm.seeks(), await make_workers(3)
    offered = await service.offer(posting.id, (await offers(workers[0])).id, by=firm.clerk)
    first, second = await applied(posting, *workers[1:])
    await service.accept(first.id, firm.actor)
    assert await state_of(offered) is EngagementState.OFFERED
    assert (await service.accept(offered.id, worker_of(workers[0]))).state is WAITING
    await left(first)
    assert [await state_of(one) for one in (offered, second)] == [ACCEPTED, WAITING]


async def test_a_team_waits_until_there_are_enough_places_and_keeps_nobody_from_one(firm: Firm) -> None:
    posting, speaker = await firm.seeks(3), await make_worker()
    ones = await applied(posting, *await make_workers(3))
    team = await offers(speaker, 2)
    whole = await service.apply(posting.id, by=speaker, size=2, supply_id=team.id)
    for one in ones[:2]:
        await service.accept(one.id, firm.actor)
    assert (await service.accept(whole.id, firm.actor)).state is WAITING
    assert (await counted(posting)).state is PostingState.LIVE
    assert (await service.accept(ones[2].id, firm.actor)).state is ACCEPTED
    await left(ones[0])
    assert (await counted(posting)).state is PostingState.LIVE
    assert await state_of(whole) is WAITING
    alone = (await applied(posting, await make_worker()))[0]
    assert alone.state is APPLIED
    await left(ones[1])
    assert await state_of(whole) is ACCEPTED
    assert ((await counted(posting)).filled, await state_of(alone)) == (3, WAITING)


async def test_who_waits_and_does_not_fit_stays_and_the_next_one_moves_up(firm: Firm) -> None:
    posting, elsewhere = await firm.seeks(), await firm.seeks()
    workers = [await make_worker(), await make_worker(), await make_worker(17), await make_worker()]
    given = await consents(workers[2])
    first, busy, minor, fits = await applied(posting, *workers)
    await service.accept(first.id, firm.actor)
    other = await taken(firm, elsewhere, workers[1])
    given.withdrawn_at = clock.now()
    await given.save()
    await left(first)
    assert [await state_of(one) for one in (busy, minor, fits)] == [WAITING, WAITING, ACCEPTED]
    await left(fits)
    assert [await state_of(one) for one in (busy, minor)] == [WAITING, WAITING]
    assert (await counted(posting)).state is PostingState.LIVE
    await left(other)
    await consents(workers[2])
    assert await places.refill_all() == 1
    assert [await state_of(one) for one in (busy, minor)] == [ACCEPTED, WAITING]


async def test_one_person_gets_one_of_two_places_that_come_free_at_one_time(firm: Firm) -> None:
    """A team's speaker waits alone and with the team: what was given counts for what is given next."""
    posting, speaker = await firm.seeks(3), await make_worker()
    whole = await taken(firm, posting, (await make_workers(1))[0])
    others = [await taken(firm, posting, one) for one in await make_workers(2)]
    alone = await service.apply(posting.id, by=speaker)
    team = await offers(speaker, 2)
    both = await service.apply(posting.id, by=speaker, size=2, supply_id=team.id)
    for one in (whole, others[0]):
        await left(one)
    assert [await state_of(one) for one in (alone, both)] == [ACCEPTED, WAITING]
    await left(others[1])
    assert [await state_of(one) for one in (alone, both)] == [ACCEPTED, WAITING]
    await left(alone)
    assert await state_of(both) is ACCEPTED
    await counted(posting)


async def test_nobody_moves_up_where_the_posting_is_paused_or_over(firm: Firm) -> None:
    posting = await firm.seeks()
    first, second = await applied(posting, *await make_workers(2))
    await service.accept(first.id, firm.actor)
    await life.pause(posting.id, by=firm.clerk)
    await left(first)
    found = await counted(posting)
    assert (found.filled, found.state, await state_of(second)) == (0, PostingState.PAUSED, WAITING)
    await Posting.filter(id=posting.id).update(state=PostingState.LIVE, ends_on=clock.today() - DAY)
    assert await places.refill_all() == 0
    await Posting.filter(id=posting.id).update(ends_on=clock.today() + SOON * DAY)
    assert await places.refill_all() == 1


async def test_a_raised_head_count_gives_places_to_many_by_few_statements(firm: Firm) -> None:
    posting = await firm.seeks()
    made = await applied(posting, *await make_workers(12))
    await service.accept(made[0].id, firm.actor)

    @transaction
    async def raised(by: int) -> int:
        held = await keeping.hold(posting.id)
        held.headcount = (held.headcount or 0) + by
        await held.save()
        return await places.refill(held)

    assert await raised(1) == 1
    with sent() as few:
        assert await raised(2) == 2
    with sent() as many:
        assert await raised(7) == 7
    assert len(many) <= len(few) + 7
    assert [await state_of(one) for one in made] == [ACCEPTED] * 11 + [WAITING]
    assert (await counted(posting)).state is PostingState.FILLED
    assert await told("moved_up", made[10]) == 1


async def test_simultaneous_acceptances_give_every_place_once(firm: Firm) -> None:
    """As many as want at one moment, with teams among them, and as many leave again meanwhile."""
    posting, speaker = await firm.seeks(5), await make_worker()
    made = await applied(posting, *await make_workers(14))
    team = await offers(speaker, 2)
    made.append(await service.apply(posting.id, by=speaker, size=2, supply_id=team.id))
    await asyncio.gather(*[service.accept(one.id, firm.actor) for one in made])
    assert (await counted(posting)).filled == 5
    held = [one for one in await Engagement.filter(posting_id=posting.id, holds_place=True) if one.size == 1]
    waiting = await Engagement.filter(posting_id=posting.id, state=WAITING)
    leaving = [left(one) for one in held[:3]]
    giving_up = [service.withdraw(one.id, worker_of(one.person_id)) for one in waiting[:3]]
    done = await asyncio.gather(*leaving, *giving_up, return_exceptions=True)
    assert {type(one) for one in done} <= {Engagement, type(None), DomainError}
    assert (await counted(posting)).filled == 5


async def test_one_person_is_accepted_at_one_of_two_postings_at_one_moment(firm: Firm) -> None:
    for _ in range(5):
        worker, both = await make_worker(), [await firm.seeks(), await firm.seeks()]
        made = [await service.apply(one.id, by=worker) for one in both]
        done = await asyncio.gather(*[service.accept(one.id, firm.actor) for one in made], return_exceptions=True)
        assert sorted(getattr(one, "slug", "accepted") for one in done) == ["accepted", "worker_busy"]
        assert sum([(await counted(one)).filled for one in both]) == 1
