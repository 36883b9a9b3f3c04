"""Nobody is bound for ever, and no place is lost: without consent, without an end, or to who waits for too many."""

from datetime import timedelta
from typing import Any

import pytest

from server.appeals import service as appeals
from server.consents.models import Consent
from server.engagements import contests, rules, service, sweeps, working
from server.engagements.contests import Verdict
from server.engagements.models import Engagement, EngagementState, Party
from server.engagements.nexts import Cue
from server.kernel import clock
from server.labour.models import Posting, PostingKind, PostingState
from server.students.models import Relation, StudentLink
from tests.engagements.deciding import judge, oneself, reviewer
from tests.engagements.filling import (
    DAY,
    SOON,
    Firm,
    consents,
    counted,
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
from tests.engagements.test_terms import NIGHTS, cue_of
from tests.factories import make_person
from tests.notices.hearing import listen

pytestmark = pytest.mark.usefixtures("database")
S = EngagementState


async def withdraw(given: Consent, how: str) -> None:
    """A guardian's consent ends: it is withdrawn, or who gave it is no guardian any more."""
    if how == "withdrawn":
        await Consent.filter(id=given.id).update(withdrawn_at=clock.now())
    else:
        link = StudentLink.filter(student_id=given.student_id, relation=Relation.GUARDIAN)
        await link.filter(person_id=given.person_id).update(ended_at=clock.now())


async def to_the_first_day(held: Engagement) -> None:
    assert held.accepted_at
    clock.move_to(held.accepted_at + (SOON + 1) * DAY)


@pytest.mark.parametrize("how", ["withdrawn", "unlinked"])
async def test_without_a_guardian_who_has_not_come_is_let_go(how: str) -> None:
    firm, worker = await make_firm(), await make_worker(17)
    given, posting = await consents(worker), await firm.seeks()
    held = await taken(firm, posting, worker)
    waiting = await service.apply(posting.id, by=await make_worker())
    assert (await sweeps.watch())["unguarded"] == 0
    await withdraw(given, how)
    ear = await listen()
    assert (await sweeps.watch())["unguarded"] == 1
    assert [await state_of(one) for one in (held, waiting)] == [S.WITHDRAWN, S.ACCEPTED]
    assert (await story(held))[-1] == "consent_ended"
    own, posters = await ear.told(worker, firm.clerk)
    assert own == ("engagement.withdrawn.worker",)
    assert "engagement.withdrawn.poster" in posters
    assert (await sweeps.watch())["unguarded"] == 0


async def test_who_says_that_it_was_done_is_not_let_go_for_want_of_a_guardian() -> None:
    firm, worker = await make_firm(), await make_worker(17)
    given = await consents(worker)
    held = await taken(firm, await firm.seeks(), worker)
    clock.move_to(clock.now() + (SOON + 11) * DAY)
    await working.complete(held.id, worker_of(worker), 480)
    await withdraw(given, "withdrawn")
    await sweeps.watch()
    assert await state_of(held) is S.ACCEPTED
    clock.move_to(clock.now() + rules.in_force().completion.time)
    await sweeps.watch()
    assert await state_of(held) is S.COMPLETED


async def test_a_second_guardian_and_coming_of_age_keep_the_place() -> None:
    firm, pair, grown = await make_firm(), await make_worker(17), await make_worker(17)
    both, alone = [await consents(pair), await consents(pair)], await consents(grown)
    posting = await firm.seeks(2)
    held = [await taken(firm, posting, one) for one in (pair, grown)]
    await withdraw(both[0], "withdrawn")
    clock.move_to(clock.now() + timedelta(days=366))
    await Posting.filter(id=posting.id).update(starts_on=clock.today(), ends_on=clock.today())
    await withdraw(alone, "withdrawn")
    assert (await sweeps.watch())["unguarded"] == 0
    assert [await state_of(one) for one in held] == [S.ACCEPTED, S.ACCEPTED]


async def test_of_who_has_begun_both_sides_hear_once_and_the_place_stays() -> None:
    firm, worker = await make_firm(), await make_worker(17)
    given, posting = await consents(worker), await firm.seeks()
    held = await taken(firm, posting, worker)
    await to_the_first_day(held)
    await working.attend(held.id, firm.actor)
    await withdraw(given, "withdrawn")
    ear = await listen()
    for _ in range(2):
        await sweeps.watch()
    told = await ear.told(worker, firm.clerk)
    assert told == [("engagement.consent_missing.worker",), ("engagement.consent_missing.poster",)]
    assert (await state_of(held), (await counted(posting)).filled) == (S.ATTENDED, 1)
    assert [await cue_of(held, party) for party in Party] == [Cue.CONSENT_ENDED] * 2
    await consents(worker)
    assert [await cue_of(held, party) for party in Party] == [Cue.ATTENDED] * 2


async def test_who_never_comes_to_work_without_an_end_is_bound_for_the_time_of_silence() -> None:
    firm, (never, came) = await make_firm(), await make_workers(2)
    posting = await firm.seeks(2, ends_on=None)
    silent, attended = await taken(firm, posting, never), await taken(firm, posting, came)
    begins = rules.first_shift(posting.starts_on, None, posting.hours, silent.accepted_at)  # type: ignore[arg-type]
    clock.move_to(begins)
    await working.attend(attended.id, firm.actor)
    clock.move_to(begins + rules.in_force().silence.time - timedelta(minutes=1))
    await sweeps.watch()
    assert await state_of(silent) is S.ACCEPTED
    clock.move_to(begins + rules.in_force().silence.time)
    await sweeps.watch()
    assert [await state_of(one) for one in (silent, attended)] == [S.UNANSWERED, S.ATTENDED]
    assert (await counted(posting)).filled == 1
    elsewhere = await firm.seeks(starts_on=clock.today() + DAY, ends_on=clock.today() + 2 * DAY)
    assert (await taken(firm, elsewhere, never)).state is S.ACCEPTED


@pytest.mark.parametrize(
    ("ages", "values", "fault"),
    [
        ((16, 17), {"age_min": 18, "age_max": 60}, "worker_too_young"),
        ((None, 17), {"age_min": 18}, "worker_too_young"),
        ((15, 20), {}, "worker_too_young"), ((18, 40), {"age_max": 35}, "worker_too_old"),
        ((17, 20), {"hours": NIGHTS}, "worker_night"), ((17, None), {"occupation": "welder"}, "worker_hazard"),
        ((18, 30), {"hours": NIGHTS, "age_min": 18, "age_max": 30}, None), ((None, None), {"hours": NIGHTS}, None),
    ],
)  # fmt: skip
async def test_a_team_and_a_class_are_judged_by_the_ages_they_state(
    ages: tuple[int | None, int | None], values: dict[str, Any], fault: str | None
) -> None:
    firm, speaker = await make_firm(), await make_worker(20)
    said = {"age_min": ages[0], "age_max": ages[1]}
    team, (group, clerk) = await offers(speaker, 3, **said), await offers_class()
    await Posting.filter(id=group.id).update(**said)
    posting = await firm.seeks(5, **values)
    asks = service.apply(posting.id, by=speaker, size=3, supply_id=team.id)
    if fault is None:
        assert (await asks).state is S.APPLIED
        return
    assert await refused(asks) == (422, f"/supply {fault}")
    assert await refused(service.offer(posting.id, team.id, by=firm.clerk)) == (409, "engagement_unfit")
    if fault != "worker_night":  # an internship has rules of its own for the night
        practice = await firm.seeks(40, kind=PostingKind.INTERNSHIP, **values)
        asks = service.apply(practice.id, by=clerk, size=30, supply_id=group.id)
        assert await refused(asks) == (422, f"/supply {fault}")


async def test_a_lifted_mark_clears_what_was_said_of_the_wages_so_far() -> None:
    firm = await make_firm()
    held = await taken(firm, await firm.seeks(), await make_worker())
    worker = worker_of(held.person_id)
    await to_the_first_day(held)
    await working.attend(held.id, worker)
    await working.leave_early(held.id, firm.actor, "走了")
    for actor in (firm.actor, worker):
        await working.confirm_paid(held.id, actor, 100)
    await contests.contest(held.id, worker, "没有走")
    lifted = await contests.decide(held.id, Verdict.LIFTED, await reviewer())
    assert (lifted.state, lifted.paid_at, lifted.paid_by) == (S.ATTENDED, None, {})
    for actor in (firm.actor, worker):
        await working.complete(held.id, actor)
    assert (await working.report_unpaid(held.id, worker, "后面的没付")).state is S.WAGE_DISPUTE


async def missed(firm: Firm, posting: Posting, worker: Any) -> Engagement:
    """Somebody whose place went to who waited, and who turns out to have come."""
    held = await taken(firm, posting, worker)
    await to_the_first_day(held)
    await working.no_show(held.id, firm.actor, "没来")
    waiting = await taken(firm, posting, await make_worker())
    await contests.contest(held.id, worker_of(worker), "来了")
    await contests.decide(held.id, Verdict.STANDS, await reviewer())
    assert await state_of(waiting) is S.ACCEPTED
    appeal = await appeals.appeal(f"engagement:{held.id}", "来了", oneself(held))
    await appeals.judge(appeal.id, appeals.Verdict.OVERTURN, judge((await make_person()).id), "查实")
    assert not (await Engagement.get(id=held.id)).holds_place
    return waiting


async def test_who_works_without_a_place_has_the_next_before_who_waits() -> None:
    firm = await make_firm()
    posting, worker = await firm.seeks(), await make_worker()
    second = await missed(firm, posting, worker)
    third = await taken(firm, posting, await make_worker())
    await working.cancel(second.id, firm.actor, "不用来了")
    held = await Engagement.get(posting_id=posting.id, person_id=worker)
    assert (held.state, held.holds_place) == (S.ATTENDED, True)
    assert (await state_of(third), (await counted(posting)).state) == (S.WAITING, PostingState.FILLED)


async def test_who_wants_more_places_than_there_are_by_now_is_refused_and_does_not_wait() -> None:
    firm, speaker, other = await make_firm(), *await make_workers(2)
    posting = await firm.seeks(5)
    offered = await service.offer(posting.id, (await offers(speaker, 4)).id, by=firm.clerk)
    applied = await service.apply(posting.id, by=other, size=3, supply_id=(await offers(other, 3)).id)
    await Posting.filter(id=posting.id).update(headcount=2)
    for held, actor in ((offered, worker_of(speaker)), (applied, firm.actor)):
        assert await refused(service.accept(held.id, actor)) == (409, "engagement_oversize")
    assert [await state_of(one) for one in (offered, applied)] == [S.OFFERED, S.APPLIED]


async def test_nobody_applies_and_withdraws_all_day() -> None:
    firm, worker = await make_firm(), await make_worker()
    posting, other = await firm.seeks(), await firm.seeks()
    for _ in range(5):
        await service.withdraw((await service.apply(posting.id, by=worker)).id, worker_of(worker))
    assert await refused(service.apply(posting.id, by=worker)) == (429, "too_many_requests")
    assert (await service.apply(other.id, by=worker)).state is S.APPLIED
    clock.move_to(clock.now() + DAY + timedelta(minutes=1))
    assert (await service.apply(posting.id, by=worker)).state is S.APPLIED
