"""A no-show that was marked of the wrong person is taken back by who marked it, while nobody has decided about it."""

import pytest

from server.engagements import contests, holding, listing, nexts, rules, service, sweeps, working
from server.engagements.contests import Verdict
from server.engagements.models import ContestState, Engagement, EngagementState, Party
from server.engagements.nexts import Cue
from server.engagements.states import Verb
from server.kernel import clock
from server.kernel.audit import AuditEntry
from tests.engagements.deciding import contested, missed, reviewer
from tests.engagements.filling import (
    DAY,
    counted,
    later,
    make_firm,
    make_worker,
    names,
    refused,
    state_of,
    story,
    taken,
    told,
    worker_of,
)

pytestmark = pytest.mark.usefixtures("database")
S = EngagementState


async def may(held: Engagement, party: Party) -> bool:
    row = await holding.engagement(held.id)
    return Verb.ATTEND in nexts.verbs(row, party, await nexts.facts([row]))


async def test_who_marked_the_wrong_person_takes_it_back_and_the_place_is_theirs_as_before() -> None:
    firm = await make_firm()
    held = await missed(firm)
    waiting = await service.apply(held.posting_id, by=await make_worker())
    assert (await may(held, Party.POSTER), await may(held, Party.WORKER)) == (True, False)
    assert await refused(working.attend(held.id, worker_of(held.person_id))) == (403, "engagement_not_yours")
    back = await working.attend(held.id, firm.actor)
    assert (back.state, back.holds_place, back.contest) == (S.ATTENDED, True, ContestState.NONE)
    assert (back.contest_until, back.due_at) == (None, None)
    assert ((await names(held))[-1], await told(held, "attended")) == ("engagement.attended", [str(held.person_id)])
    later(rules.in_force().contest.time)
    await sweeps.watch()
    assert [await state_of(one) for one in (held, waiting)] == [S.ATTENDED, S.WAITING]
    assert (await counted(held.posting)).filled == 1
    assert (await story(held))[-2:] == ["no_show", "attend"]


async def test_what_was_contested_ends_with_it_and_is_nobodys_to_decide_any_more() -> None:
    firm = await make_firm()
    held = await contested(firm)
    later(rules.in_force().contest.time * 2)
    assert await may(held, Party.POSTER)
    row = await working.attend(held.id, firm.actor)
    assert (row.state, row.contest) == (S.ATTENDED, ContestState.NONE)
    assert await refused(contests.decide(held.id, Verdict.STANDS, await reviewer())) == (409, "nothing_contested")
    assert held.id not in {one.id for one in (await listing.everybodys(None, ContestState.OPEN, 100, None)).items}
    row = await holding.engagement(held.id)
    assert nexts.cue(row, Party.WORKER, await nexts.facts([row])) is Cue.ATTENDED
    last = await AuditEntry.filter(subject=holding.subject_of(held.id)).order_by("-id").first()
    assert last
    assert (last.action, last.before, last.after) == ("engagement.attend", "no_show", "attended")


async def test_what_was_decided_or_is_past_its_time_stays() -> None:
    firm = await make_firm()
    decided, late, freed = await contested(firm), await contested(firm), await missed(firm)
    await contests.decide(decided.id, Verdict.STANDS, await reviewer())
    later(rules.in_force().contest.time)
    await sweeps.watch()
    assert (await Engagement.get(id=freed.id)).holds_place is False
    for held in (decided, freed):
        assert not await may(held, Party.POSTER)
        assert await refused(working.attend(held.id, firm.actor)) == (409, "no_show_final")
        assert await state_of(held) is S.NO_SHOW
    assert (await working.attend(late.id, firm.actor)).state is S.ATTENDED


async def test_the_time_to_contest_is_the_time_to_take_it_back_also_before_the_sweep() -> None:
    firm = await make_firm()
    held = await missed(firm)
    later(rules.in_force().contest.time)
    assert not await may(held, Party.POSTER)
    assert await refused(working.attend(held.id, firm.actor)) == (409, "no_show_final")


async def test_who_took_other_work_meanwhile_came_and_has_left_and_who_waits_gets_the_place() -> None:
    firm = await make_firm()
    held = await missed(firm)
    waiting = await service.apply(held.posting_id, by=await make_worker())
    other = await firm.seeks(starts_on=clock.today() + DAY, ends_on=clock.today() + 3 * DAY)
    await taken(firm, other, held.person_id)
    back = await working.attend(held.id, firm.actor)
    assert (back.state, back.holds_place, back.due_at) == (S.LEFT_EARLY, False, None)
    await service.accept(waiting.id, firm.actor)
    assert await state_of(waiting) is S.ACCEPTED
    assert (await counted(held.posting)).filled == 1


async def test_what_the_worker_had_said_of_the_work_counts_again() -> None:
    firm = await make_firm()
    held = await taken(firm, await firm.seeks(), await make_worker())
    later(30 * DAY)
    await working.complete(held.id, worker_of(held.person_id), 480)
    await working.no_show(held.id, firm.actor)
    back = await working.attend(held.id, firm.actor)
    assert set(back.completed_by) == {"worker"}
    assert back.due_at
    later(rules.in_force().completion.time)
    await sweeps.watch()
    assert await state_of(held) is S.COMPLETED
