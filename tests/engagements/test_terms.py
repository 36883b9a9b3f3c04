"""A revision looks again at who has a place: what is no longer for their age goes, what meets other work is told."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from server.engagements import listing, nexts, service, working
from server.engagements.models import Engagement, EngagementState, Party
from server.engagements.nexts import Cue
from server.kernel import clock
from server.kernel.outbox import Event
from server.labour import review
from server.labour.models import Posting, PostingState, PostingVersion, Shift
from server.labour.review import Verdict
from tests.engagements.filling import (
    DAY,
    SOON,
    consents,
    counted,
    first_day,
    make_firm,
    make_worker,
    make_workers,
    names,
    offers,
    state_of,
    story,
    taken,
    worker_of,
)
from tests.factories import make_person
from tests.notices.hearing import listen

pytestmark = pytest.mark.usefixtures("database", "qualified")
S = EngagementState
MORNINGS = {str(day): [["08:00", "12:00"]] for day in range(1, 8)}
AFTERNOONS = {str(day): [["13:00", "17:00"]] for day in range(1, 8)}
NIGHTS = {str(day): [["22:00", "05:00"]] for day in range(1, 8)}


async def revised(posting: Posting, **fields: Any) -> Posting:
    """A posting as it is once a reviewer has published a change of it."""
    waits: dict[str, Any] = {"fields": fields, "findings": [], "hourly_fen": None}
    await Posting.filter(id=posting.id).update(pending=waits, submitted_at=clock.now())
    by = (await make_person()).id
    return await review.decide(posting.id, Verdict.PUBLISH, [], by=by, version=None)


async def minor(years: int = 17) -> UUID:
    worker = await make_worker(years)
    await consents(worker)
    return worker


async def cue_of(held: Engagement, party: Party = Party.WORKER) -> Cue:
    row = await listing.engagement(held.id)
    return nexts.cue(row, party, await nexts.facts([row]))


@pytest.mark.parametrize(
    "fields", [{"hours": NIGHTS}, {"shift": Shift.NIGHT}, {"occupation": "welder"}, {"age_min": 18, "age_max": 60}]
)
async def test_what_is_no_longer_for_minors_cancels_them_and_gives_their_place_to_who_waits(
    fields: dict[str, Any],
) -> None:
    firm = await make_firm()
    posting = await firm.seeks(2)
    young, grown = await taken(firm, posting, await minor()), await taken(firm, posting, await make_worker())
    other = await service.apply(posting.id, by=await minor())
    waiting = await service.apply(posting.id, by=await make_worker())
    ear = await listen()
    await revised(posting, **fields)
    found = [await state_of(one) for one in (young, grown, other, waiting)]
    assert found == [S.CANCELLED_BY_EMPLOYER, S.ACCEPTED, S.WAITING, S.ACCEPTED]
    assert (await story(young))[-1] == "unfit"
    assert "engagement.terms_changed" not in await names(young)
    assert "engagement.terms_changed" in await names(grown)
    posters, told = await ear.told(firm.clerk, young.person_id)
    assert told == ("engagement.cancelled.worker",)
    assert posters.count("engagement.cancelled.poster") == 1
    now = await counted(posting)
    assert (now.state, now.filled) == (PostingState.FILLED, 2)


async def test_who_has_begun_is_cancelled_too_and_may_still_be_owed_wages() -> None:
    firm = await make_firm()
    posting = await firm.seeks()
    held = await taken(firm, posting, await minor())
    clock.move_to(clock.now() + (SOON + 1) * DAY)
    await working.attend(held.id, firm.actor)
    await revised(posting, hours=NIGHTS)
    assert await state_of(held) is S.CANCELLED_BY_EMPLOYER
    assert (await counted(posting)).state is PostingState.LIVE
    assert (await working.report_unpaid(held.id, worker_of(held.person_id))).state is S.WAGE_DISPUTE


async def test_who_says_that_it_was_done_is_not_cancelled_by_other_terms() -> None:
    firm = await make_firm()
    posting = await firm.seeks()
    held = await taken(firm, posting, await minor())
    clock.move_to(clock.now() + (SOON + 1) * DAY)
    await working.attend(held.id, firm.actor)
    await working.complete(held.id, worker_of(held.person_id))
    await revised(posting, hours=NIGHTS)
    assert await state_of(held) is S.ATTENDED


async def test_a_team_that_states_its_ages_goes_as_well() -> None:
    firm, speaker = await make_firm(), await make_worker(20)
    team = await offers(speaker, 3, age_min=16, age_max=19)
    posting = await firm.seeks(5)
    held = await taken(firm, posting, speaker, size=3, supply_id=team.id)
    await revised(posting, hours=NIGHTS)
    assert await state_of(held) is S.CANCELLED_BY_EMPLOYER


async def test_who_has_grown_older_since_is_too_old_only_by_another_limit() -> None:
    firm = await make_firm()
    begins = first_day()
    posting = await firm.seeks(age_min=18, age_max=30)
    held = await taken(firm, posting, await make_worker(born=begins.replace(year=begins.year - 31) + DAY))
    clock.move_to(clock.now() + (SOON + 2) * DAY)
    await revised(posting, hours=MORNINGS)
    assert await state_of(held) is S.ACCEPTED
    await revised(posting, age_max=29)
    assert await state_of(held) is S.CANCELLED_BY_EMPLOYER


async def test_other_times_that_meet_other_work_leave_both_and_say_so_to_the_worker_alone() -> None:
    firm, worker = await make_firm(), await make_worker()
    first, second = await firm.seeks(hours=MORNINGS), await firm.seeks(hours=AFTERNOONS)
    await PostingVersion.create(posting_id=second.id, content={}, made_at=clock.now())
    one, other = await taken(firm, first, worker), await taken(firm, second, worker)
    await revised(second, hours=MORNINGS)
    assert [await state_of(held) for held in (one, other)] == [S.ACCEPTED, S.ACCEPTED]
    assert (await names(other))[-1] == "engagement.terms_clash"
    assert "engagement.terms_changed" not in await names(other)
    assert await cue_of(one) is Cue.ACCEPTED
    assert (await cue_of(other), await cue_of(other, Party.POSTER)) == (Cue.CLASHES, Cue.TERMS_CHANGED)
    clock.move_to(clock.now() + (SOON - 1) * DAY)
    await service.withdraw(other.id, worker_of(worker), "另一份工作时间重叠")
    assert await state_of(one) is S.ACCEPTED


async def test_who_has_a_place_does_not_meet_their_own_work() -> None:
    firm = await make_firm()
    posting = await firm.seeks(2)
    held = await taken(firm, posting, await make_worker())
    await revised(posting, hours=MORNINGS)
    assert (await names(held))[-1] == "engagement.terms_changed"


async def test_two_revisions_and_new_places_at_one_moment() -> None:
    firm, workers = await make_firm(), await make_workers(4)
    first, second = await firm.seeks(9, hours=MORNINGS), await firm.seeks(9, hours=AFTERNOONS)
    for posting, some in ((first, workers), (second, reversed(workers))):
        held = [await taken(firm, posting, one) for one in some]
    asked = [await service.apply(one.id, by=await make_worker()) for one in (first, second, first, second)]
    meets = {"hours": {str(day): [["11:00", "15:00"]] for day in range(1, 8)}}
    both = [revised(first, **meets), revised(second, **meets)]
    await asyncio.gather(*both, *[service.accept(one.id, firm.actor) for one in asked])
    told = [
        event for event in await Event.filter(name="engagement.terms_clash") if str(held[0].person_id) in event.people
    ]
    assert told
    assert [(await counted(posting)).filled for posting in (first, second)] == [6, 6]
