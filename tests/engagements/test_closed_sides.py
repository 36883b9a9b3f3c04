"""What becomes of postings and places when an organisation of one side is closed, merged, or suspended."""

import pytest

from server.engagements import service, sweeps, working
from server.engagements.models import Engagement, EngagementState
from server.kernel import clock
from server.kernel.audit import AuditEntry
from server.labour import keeping, life
from server.labour import sweeps as postings
from server.labour.models import Posting, PostingKind, PostingState
from server.organisations import standing
from server.organisations.roles import Kind
from server.people.service import Decider
from tests.engagements.deciding import reviewer
from tests.engagements.filling import (
    DAY,
    SOON,
    Firm,
    counted,
    later,
    make_firm,
    make_worker,
    make_workers,
    offers,
    offers_class,
    refused,
    state_of,
    story,
    taken,
    worker_of,
)
from tests.notices.hearing import listen

pytestmark = pytest.mark.usefixtures("database", "qualified")
S = EngagementState


async def merged(firm: Firm, kind: Kind = Kind.ENTERPRISE) -> Firm:
    """What carries on a firm that is closed now."""
    heir = await make_firm(kind)
    await standing.close(firm.id, await reviewer("合并"), heir.id)
    return heir


async def test_closed_for_good_its_postings_end_and_whoever_has_not_begun_is_told() -> None:
    firm = await make_firm()
    begun, posting, expired = await firm.seeks(starts_on=clock.today()), await firm.seeks(), await firm.seeks()
    working_on = await taken(firm, begun, (await make_workers(1))[0])
    later(DAY)
    await working.attend(working_on.id, firm.actor)
    accepted = await taken(firm, posting, await make_worker())
    waiting = await service.apply(posting.id, by=await make_worker())
    later_on = await taken(firm, expired, await make_worker())
    await life.close(expired.id, by=firm.clerk)
    ear = await listen()
    await standing.close(firm.id, await reviewer("已注销"))
    await postings.watch()
    await sweeps.watch()
    assert [(await Posting.get(id=one.id)).state for one in (begun, posting)] == [PostingState.CLOSED] * 2
    states = [await state_of(one) for one in (working_on, accepted, waiting, later_on)]
    assert states == [S.ATTENDED, S.CANCELLED_BY_EMPLOYER, S.UNANSWERED, S.CANCELLED_BY_EMPLOYER]
    assert ((await counted(posting)).filled, (await counted(expired)).filled) == (0, 0)
    told = await ear.told(accepted.person_id, waiting.person_id, later_on.person_id)
    cancelled = ("engagement.cancelled.worker",)
    assert list(told) == [cancelled, ("engagement.unanswered.worker",), cancelled]
    assert (await postings.watch())["of_closed"] == (await sweeps.watch())["orphaned"] == 0
    await working.complete(working_on.id, worker_of(working_on.person_id))  # the silence of nobody counts, as ever
    later(60 * DAY)
    await sweeps.watch()
    assert await state_of(working_on) is S.COMPLETED


async def test_what_carries_a_firm_on_has_its_postings_and_its_people() -> None:
    firm = await make_firm()
    posting, ended = await firm.seeks(2), await firm.seeks()
    accepted = await taken(firm, posting, await make_worker())
    applied = await service.apply(posting.id, by=await make_worker())
    unpaid = await taken(firm, ended, await make_worker())
    await life.close(ended.id, by=firm.clerk)
    middle = await merged(firm)
    heir = await merged(middle)
    ear = await listen()
    assert (await postings.watch())["of_closed"] == 2
    assert (await postings.watch())["of_closed"] == 0
    rows = [await Posting.get(id=one.id) for one in (posting, ended)]
    assert [(one.organisation_id, one.state) for one in rows] == [
        (heir.id, PostingState.LIVE),
        (heir.id, PostingState.CLOSED),
    ]
    told = await ear.told(accepted.person_id, applied.person_id, unpaid.person_id)
    assert list(told) == [("engagement.employer_changed.worker",)] * 3
    [entry] = await AuditEntry.filter(subject=keeping.subject_of(posting.id), action="posting.passed_on")
    assert (entry.before, entry.after, entry.actor_id) == ("live", "live", None)
    await service.accept(applied.id, heir.actor)
    later((SOON + 1) * DAY)
    await working.attend(unpaid.id, heir.actor)
    await sweeps.watch()
    states = [await state_of(one) for one in (accepted, applied, unpaid)]
    assert states == [S.ACCEPTED, S.ACCEPTED, S.ATTENDED]


async def test_an_agency_does_not_carry_internships_on() -> None:
    firm = await make_firm()
    posting = await firm.seeks(kind=PostingKind.INTERNSHIP)
    held = await taken(firm, posting, await make_worker())
    agency = await merged(firm, Kind.AGENCY)
    await postings.watch()
    found = await counted(posting)
    assert (found.organisation_id, found.state, found.filled) == (agency.id, PostingState.CLOSED, 0)
    assert await state_of(held) is S.CANCELLED_BY_EMPLOYER


async def test_a_class_whose_school_is_closed_makes_room(firm: Firm) -> None:
    supply, clerk = await offers_class(2)
    assert supply.organisation_id
    posting = await firm.seeks(2, kind=PostingKind.INTERNSHIP)
    held = await taken(firm, posting, clerk, size=2, supply_id=supply.id)
    waiting = await service.apply(posting.id, by=await make_worker())
    await standing.close(supply.organisation_id, await reviewer("已撤并"))
    await postings.watch()
    assert (await sweeps.watch())["orphaned"] == 1
    assert (await Posting.get(id=supply.id)).state is PostingState.CLOSED
    assert [await state_of(one) for one in (held, waiting)] == [S.WITHDRAWN, S.ACCEPTED]
    assert (await story(held))[-1] == "end"
    assert (await counted(posting)).filled == 1


async def test_who_was_suspended_takes_nobody_on_before_the_clock_comes_round() -> None:
    firm, by = await make_firm(), await reviewer("涉嫌虚假招工")
    posting = await firm.seeks()
    first, second = await make_workers(2)
    held, waiting = await taken(firm, posting, first), await service.apply(posting.id, by=second)
    other = await firm.seeks()
    applied = await service.apply(other.id, by=await make_worker())
    offered = await service.offer(other.id, (await offers(await make_worker())).id, by=firm.clerk)
    await standing.suspend(firm.id, by)
    paused = (409, "posting_state")
    assert await refused(service.apply(other.id, by=await make_worker())) == paused
    assert await refused(service.accept(applied.id, firm.actor)) == paused
    assert await refused(service.accept(offered.id, worker_of(offered.person_id))) == paused
    await service.withdraw(held.id, worker_of(first), "有事")
    assert await state_of(waiting) is S.WAITING
    await standing.restore(firm.id, Decider(by.person_id, "查清了"))
    await sweeps.watch()
    assert await state_of(waiting) is S.ACCEPTED
    assert (await Engagement.get(id=waiting.id)).holds_place
