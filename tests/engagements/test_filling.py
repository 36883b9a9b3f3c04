"""Who may ask for a place and who gets it: own postings, twice, both sides' yes, and leaving in time."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from server.engagements import rules, service
from server.engagements.models import Engagement, EngagementState, Party
from server.engagements.states import POSTER, TABLE, WORKER, Verb, open_to
from server.kernel import clock
from server.kernel.audit import AuditEntry
from server.kernel.ids import new_id
from server.kernel.outbox import Event
from server.labour.models import Posting, PostingKind, PostingState, PostingVersion
from server.organisations.models import Membership
from tests.engagements.filling import (
    DAY,
    Firm,
    counted,
    first_day,
    make_worker,
    offers,
    offers_class,
    refused,
    state_of,
    story,
    taken,
    worker_of,
)

pytestmark = pytest.mark.usefixtures("database")
GONE = new_id()


async def test_an_application_is_accepted_and_everything_is_kept(firm: Firm) -> None:
    posting, worker = await firm.seeks(2), await make_worker()
    made = await service.apply(posting.id, by=worker)
    assert (made.state, made.posting.id, made.holds_place) == ("applied", posting.id, False)
    assert made.student_id
    held = await service.accept(made.id, firm.actor)
    assert (held.state, held.holds_place, held.version) == (EngagementState.ACCEPTED, True, 2)
    assert held.approved_at
    assert held.accepted_at
    assert await story(made) == ["apply", "accept"]
    found = await counted(posting)
    assert (found.filled, found.state, found.version) == (1, PostingState.LIVE, posting.version)
    entries = await AuditEntry.filter(subject=f"engagement:{made.id}").order_by("id")
    assert [(one.action, one.before, one.after, one.actor_id) for one in entries] == [
        ("engagement.apply", "", "applied", worker),
        ("engagement.accept", "applied", "accepted", firm.clerk),
    ]
    events = await Event.filter(subject=f"engagement:{made.id}").order_by("id")
    assert [(one.name, one.people) for one in events] == [
        ("engagement.applied", [str(firm.clerk)]),
        ("engagement.accepted", [str(worker)]),
    ]


async def test_an_offer_is_accepted_by_who_offers_their_hands(firm: Firm) -> None:
    posting, worker = await firm.seeks(), await make_worker()
    supply = await offers(worker)
    made = await service.offer(posting.id, supply.id, by=firm.clerk)
    assert (made.state, made.person_id, made.supply_id) == ("offered", worker, supply.id)
    assert await refused(service.accept(made.id, firm.actor)) == (403, "engagement_not_yours")
    assert (await service.accept(made.id, worker_of(worker))).state is EngagementState.ACCEPTED
    assert (await counted(posting)).state is PostingState.FILLED
    assert await story(made) == ["offer", "accept"]


async def test_a_declined_one_does_not_ask_again_but_the_other_side_may(firm: Firm) -> None:
    posting, worker = await firm.seeks(), await make_worker()
    supply = await offers(worker)
    made = await service.apply(posting.id, by=worker)
    assert (await service.decline(made.id, firm.actor, "已经找到人")).state is EngagementState.DECLINED
    assert await refused(service.apply(posting.id, by=worker)) == (409, "declined_before")
    assert await refused(service.apply(posting.id, by=worker, supply_id=supply.id)) == (409, "declined_before")
    made = await service.offer(posting.id, supply.id, by=firm.clerk)
    await service.decline(made.id, worker_of(worker))
    assert await refused(service.offer(posting.id, supply.id, by=firm.clerk)) == (409, "declined_before")


async def test_who_withdrew_may_apply_again(firm: Firm) -> None:
    posting, worker = await firm.seeks(), await make_worker()
    made = await service.apply(posting.id, by=worker)
    await service.withdraw(made.id, worker_of(worker))
    assert (await service.apply(posting.id, by=worker)).id != made.id


async def test_nobody_asks_twice(firm: Firm) -> None:
    posting, worker = await firm.seeks(3), await make_worker()
    supply = await offers(worker)
    await service.apply(posting.id, by=worker)
    assert await refused(service.apply(posting.id, by=worker)) == (409, "engaged_already")
    assert await refused(service.apply(posting.id, by=worker, supply_id=supply.id)) == (409, "engaged_already")
    assert await refused(service.offer(posting.id, supply.id, by=firm.clerk)) == (409, "engaged_already")


async def test_nobody_applies_to_their_own_posting(firm: Firm) -> None:
    posting = await firm.seeks()
    worker = await make_worker()
    await Membership.create(organisation_id=firm.id, person_id=worker, role="clerk", created_at=clock.now())
    supply = await offers(worker)
    assert await refused(service.apply(posting.id, by=worker)) == (409, "own_posting")
    assert await refused(service.offer(posting.id, supply.id, by=firm.clerk)) == (409, "own_posting")
    assert await refused(service.apply(posting.id, by=firm.clerk)) == (409, "own_posting")
    school, other = await offers_class()
    assert school.organisation_id
    own = await Firm(school.organisation_id, school.person_id).seeks(40, kind=PostingKind.INTERNSHIP)
    assert await refused(service.apply(own.id, by=other, supply_id=school.id)) == (409, "own_posting")


async def test_who_has_come_to_belong_to_the_firm_does_not_accept_themselves(firm: Firm) -> None:
    posting, worker = await firm.seeks(), await make_worker()
    made = await service.apply(posting.id, by=worker)
    actor = firm.actor.__class__(worker, Party.POSTER)
    assert await refused(service.accept(made.id, actor)) == (403, "engagement_not_yours")


@pytest.mark.parametrize(
    ("state", "valid_days", "says"),
    [
        (PostingState.DRAFT, 5, "posting_state"), (PostingState.PAUSED, 5, "posting_state"),
        (PostingState.CLOSED, 5, "posting_state"), (PostingState.EXPIRED, -1, "posting_state"),
        (PostingState.REMOVED, 5, "posting_state"), (PostingState.LIVE, -1, "posting_state"),
    ],
)  # fmt: skip
async def test_a_posting_that_takes_nobody_takes_nobody(
    firm: Firm, state: PostingState, valid_days: int, says: str
) -> None:
    posting = await firm.seeks()
    worker, other = await make_worker(), await make_worker()
    supply = await offers(other)
    made = await service.apply(posting.id, by=worker)
    await Posting.filter(id=posting.id).update(state=state, valid_until=clock.today() + valid_days * DAY)
    assert await refused(service.apply(posting.id, by=other)) == (409, says)
    assert await refused(service.offer(posting.id, supply.id, by=firm.clerk)) == (409, says)
    assert await refused(service.accept(made.id, firm.actor)) == (409, says)
    assert (await service.withdraw(made.id, worker_of(worker))).state is EngagementState.WITHDRAWN


async def test_work_that_is_over_takes_nobody(firm: Firm) -> None:
    posting = await firm.seeks(starts_on=clock.today() - 9 * DAY, ends_on=clock.today() - DAY)
    assert await refused(service.apply(posting.id, by=await make_worker())) == (409, "posting_state")


async def test_what_is_no_demand_takes_no_application(firm: Firm) -> None:
    supply, worker = await offers(await make_worker()), await make_worker()
    assert await refused(service.apply(supply.id, by=worker)) == (404, "not_found")
    assert await refused(service.apply(GONE, by=worker)) == (404, "not_found")
    assert await refused(service.accept(GONE, firm.actor)) == (404, "not_found")


@pytest.mark.parametrize(
    ("size", "team_of", "fault"),
    [(2, None, "/size size_alone"), (2, 1, "/size size_alone"), (4, 3, "/size size_over_team"),
     (6, 9, "/size size_over_headcount")],
)  # fmt: skip
async def test_nobody_takes_more_than_they_are(firm: Firm, size: int, team_of: int | None, fault: str) -> None:
    posting, worker = await firm.seeks(5), await make_worker()
    supply = None if team_of is None else (await offers(worker, team_of)).id
    assert await refused(service.apply(posting.id, by=worker, size=size, supply_id=supply)) == (422, fault)


async def test_an_offer_to_a_team_is_for_as_many_as_there_are_places(firm: Firm) -> None:
    team = await offers(await make_worker(), 9)
    assert (await service.offer((await firm.seeks(5)).id, team.id, by=firm.clerk)).size == 5


async def test_only_ones_own_live_offer_of_the_same_kind_serves(firm: Firm) -> None:
    posting, worker = await firm.seeks(), await make_worker()
    foreign, closed = await offers(await make_worker()), await offers(worker, state=PostingState.CLOSED)
    outdated = await offers(worker, valid_until=clock.today() - DAY)
    other_kind = await offers(worker, kind=PostingKind.INTERNSHIP)
    for supply, fault in [
        (foreign.id, "supply_not_yours"), (GONE, "supply_not_yours"), (closed.id, "supply_unfit"),
        (outdated.id, "supply_unfit"), (other_kind.id, "supply_kind"),
    ]:  # fmt: skip
        assert await refused(service.apply(posting.id, by=worker, supply_id=supply)) == (422, f"/supply {fault}")
    for supply, fault in [(GONE, "supply_unfit"), (posting.id, "supply_unfit"), (closed.id, "supply_unfit")]:
        assert await refused(service.offer(posting.id, supply, by=firm.clerk)) == (422, f"/supply {fault}")


async def test_a_place_is_left_for_a_reason_and_in_time(firm: Firm) -> None:
    posting, worker = await firm.seeks(), await make_worker()
    held = await taken(firm, posting, worker)
    assert await refused(service.withdraw(held.id, worker_of(worker))) == (422, "/reason missing")
    begins = rules.first_shift(first_day(), None, posting.hours)
    clock.move_to(begins - rules.in_force().withdrawal.time)
    assert await refused(service.withdraw(held.id, worker_of(worker), "有事")) == (409, "withdrawal_late")
    clock.move_to(begins - rules.in_force().withdrawal.time - timedelta(minutes=1))
    assert (await service.withdraw(held.id, worker_of(worker), "有事")).state is EngagementState.WITHDRAWN
    assert (await counted(posting)).filled == 0


async def test_on_other_terms_one_may_leave_at_any_time(firm: Firm) -> None:
    posting, worker = await firm.seeks(), await make_worker()
    held = await taken(firm, posting, worker)
    clock.move_to(rules.first_shift(first_day(), None, posting.hours))
    assert await refused(service.withdraw(held.id, worker_of(worker), "有事")) == (409, "withdrawal_late")
    await PostingVersion.create(posting_id=posting.id, content={}, made_at=clock.now())
    assert (await service.withdraw(held.id, worker_of(worker), "工钱改了")).state is EngagementState.WITHDRAWN


async def test_who_is_accepted_at_the_last_moment_may_still_say_no(firm: Firm) -> None:
    posting, worker = await firm.seeks(), await make_worker()
    begins = rules.first_shift(first_day(), None, posting.hours)
    clock.move_to(begins - timedelta(hours=2))
    held = await taken(firm, posting, worker)
    clock.move_to(begins)
    assert await refused(service.withdraw(held.id, worker_of(worker), "有事")) == (409, "withdrawal_late")
    clock.move_to(begins - timedelta(minutes=1))
    assert (await service.withdraw(held.id, worker_of(worker), "有事")).state is EngagementState.WITHDRAWN


VERBS: dict[Verb, Callable[[UUID, Any], Any]] = {
    Verb.ACCEPT: service.accept,
    Verb.DECLINE: service.decline,
    Verb.WITHDRAW: lambda one, actor: service.withdraw(one, actor, "有事"),
}


@pytest.mark.parametrize("verb", VERBS)
async def test_nobody_jumps_from_state_to_state(firm: Firm, verb: Verb) -> None:
    posting, worker = await firm.seeks(1), await make_worker()
    made = await service.apply(posting.id, by=worker)
    for state in EngagementState:
        for party, actor in ((WORKER, worker_of(worker)), (POSTER, firm.actor)):
            await Engagement.filter(id=made.id).update(state=state)
            if verb in open_to(state, party):
                continue
            status, slug = await refused(VERBS[verb](made.id, actor))
            others = any(verb in open_to(state, other) for other in Party)
            theirs = party not in TABLE[verb].by or others
            assert (status, slug) == ((403, "engagement_not_yours") if theirs else (409, "engagement_state"))
            assert await state_of(made) is state
