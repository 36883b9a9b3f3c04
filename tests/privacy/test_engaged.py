"""What somebody worked is theirs to see; it keeps them as long as it must, and goes when its time is over."""

from datetime import timedelta
from typing import Any

import pytest

from server.engagements import contests, leaving, searches, service, working
from server.engagements.models import Engagement, EngagementState, EngagementStep, SavedSearch
from server.kernel import clock
from server.labour.filters import Filters
from server.people.models import Person, PersonState
from server.people.service import Decider
from server.privacy import deletion, retention, rules
from server.privacy.export import export
from server.privacy.pages import export_page
from server.privacy.rules import Kept
from server.students.models import Student
from tests.engagements.filling import (
    DAY,
    SOON,
    counted,
    done,
    later,
    make_firm,
    make_worker,
    offers,
    state_of,
    taken,
    worker_of,
)
from tests.factories import make_person
from tests.policy.shelf import CONTENT

pytestmark = pytest.mark.usefixtures("database")
S = EngagementState
RULES = rules.load(CONTENT)
WEEK, YEARS = timedelta(days=7, minutes=1), timedelta(days=1095)


async def person_state(held: Engagement) -> PersonState:
    return (await Person.get(id=held.person_id)).state


async def test_an_export_has_ones_engagements_with_what_was_said_and_ones_searches() -> None:
    firm = await make_firm()
    held = await done(firm)
    await searches.keep(held.person_id, "周末的活", Filters(region="340828"))
    found = await export(held.person_id)
    assert [(one.id, one.state, one.title) for one in found.engagements] == [(held.id, S.COMPLETED, "采茶工（示例）")]
    one = found.engagements[0]
    assert one.completed_by["worker"]["minutes"] == 2460
    assert [step.verb for step in one.steps] == ["apply", "accept", "attend", "complete", "complete"]
    assert "engagement.accept" in {act.action for act in found.history}
    assert [search.name for search in found.saved_searches] == ["周末的活"]
    page = export_page(found, [])
    assert "采茶工（示例）" in page
    assert "周末的活" in page
    assert str(firm.clerk) not in str(one)
    assert (await export(firm.clerk)).engagements == []


async def test_who_goes_takes_back_what_has_not_begun_and_makes_room() -> None:
    firm, worker = await make_firm(), await make_worker()
    posting = await firm.seeks()
    accepted = await taken(firm, posting, worker)
    waiting = await service.apply(posting.id, by=await make_worker())
    autumn: dict[str, Any] = {"starts_on": clock.today() + 40 * DAY, "ends_on": clock.today() + 45 * DAY}
    applied = await service.apply((await firm.seeks(**autumn)).id, by=worker)
    own = await offers(worker)
    offered = await service.offer((await firm.seeks(**autumn)).id, own.id, by=firm.clerk)
    await searches.keep(worker, "", Filters())
    asked = await deletion.request(worker, RULES)
    assert Kept.ENGAGEMENT in {one.kept for one in asked.kept}
    later(WEEK)
    await retention.retain(RULES)
    states = [await state_of(one) for one in (accepted, applied, offered, waiting)]
    assert states == [S.WITHDRAWN, S.WITHDRAWN, S.DECLINED, S.ACCEPTED]
    assert await person_state(accepted) is PersonState.RESTRICTED
    assert not await SavedSearch.exists(person_id=worker)
    rows = [await Engagement.get(id=one.id) for one in (accepted, applied, offered)]
    assert [row.student_id is None for row in rows] == [False, True, True]
    assert (await counted(posting)).filled == 1


async def test_who_comes_back_in_time_has_lost_nothing() -> None:
    firm = await make_firm()
    held = await taken(firm, await firm.seeks(), await make_worker())
    await deletion.request(held.person_id, RULES)
    later(timedelta(days=6))
    await retention.retain(RULES)
    assert await state_of(held) is S.ACCEPTED


async def test_what_begins_before_somebody_is_gone_is_given_up_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    firm, worker = await make_firm(), await make_worker()
    soon: dict[str, Any] = {"starts_on": clock.today() + 3 * DAY}
    near, far = await firm.seeks(**soon), await firm.seeks(starts_on=clock.today() + 30 * DAY, ends_on=None)
    accepted, kept = [await taken(firm, posting, worker) for posting in (near, far)]
    waiting = await service.apply(near.id, by=await make_worker())
    evening = {str(day): [["18:00", "21:00"]] for day in range(1, 8)}
    applied = await service.apply((await firm.seeks(starts_on=clock.today(), hours=evening)).id, by=worker)
    with monkeypatch.context() as patch:

        async def away(_person_id: object, _by: object = None) -> None:
            raise ConnectionError

        patch.setattr(leaving, "end_all", away)
        await deletion.request(worker, RULES)
    assert await state_of(accepted) is S.ACCEPTED
    await retention.retain(RULES)  # what the request could not do, the clock does
    states = [await state_of(one) for one in (accepted, applied, kept, waiting)]
    assert states == [S.WITHDRAWN, S.WITHDRAWN, S.ACCEPTED, S.ACCEPTED]
    other = await make_worker()
    held = await taken(firm, await firm.seeks(**soon), other)
    await deletion.request(other, RULES)
    assert await state_of(held) is S.WITHDRAWN
    assert (await counted(near)).filled == 1


async def test_running_work_and_an_open_contest_keep_somebody() -> None:
    firm = await make_firm()
    held = await done(firm)
    worker = worker_of(held.person_id)
    await working.report_unpaid(held.id, worker)
    autumn: dict[str, Any] = {"starts_on": clock.today() + 40 * DAY, "ends_on": None}
    next_one = await taken(firm, await firm.seeks(**autumn), held.person_id)
    await deletion.request(held.person_id, RULES)
    assert await state_of(next_one) is S.ACCEPTED
    later(WEEK)
    await retention.retain(RULES)
    assert await person_state(held) is PersonState.DELETION_REQUESTED
    assert await state_of(next_one) is S.WITHDRAWN
    await contests.decide(held.id, contests.Verdict.STANDS, Decider((await make_person()).id, "属实"))
    await retention.retain(RULES)
    assert await person_state(held) is PersonState.RESTRICTED
    later(YEARS - timedelta(days=1))
    await retention.retain(RULES)
    assert await person_state(held) is PersonState.RESTRICTED
    later(timedelta(days=2))
    await retention.retain(RULES)
    assert await person_state(held) is PersonState.ERASED


async def test_what_has_begun_is_not_taken_back() -> None:
    firm = await make_firm()
    held = await taken(firm, await firm.seeks(ends_on=None), await make_worker())
    later((SOON + 1) * DAY)
    await working.attend(held.id, firm.actor)
    await deletion.request(held.person_id, RULES)
    later(WEEK)
    for _ in range(2):
        await retention.retain(RULES)
        assert (await state_of(held), await person_state(held)) == (S.ATTENDED, PersonState.RESTRICTED)
        later(YEARS * 2)


async def test_three_years_after_its_end_it_says_no_more_whose_it_was() -> None:
    firm = await make_firm()
    held = await done(firm)
    for actor in (firm.actor, worker_of(held.person_id)):
        await working.confirm_paid(held.id, actor, 90000)
    running = await taken(firm, await firm.seeks(ends_on=None, starts_on=clock.today()), await make_worker())
    student_id = held.student_id
    later(YEARS - DAY)
    await retention.retain(RULES)
    kept = await Engagement.get(id=held.id)
    assert (kept.student_id, len(kept.paid_by)) == (student_id, 2)
    later(2 * DAY)
    assert (await retention.retain(RULES))["engagement"] == 1
    cleared = await Engagement.get(id=held.id)
    assert (cleared.student_id, cleared.completed_by, cleared.paid_by) == (None, {}, {})
    assert (cleared.state, bool(cleared.paid_at)) == (S.COMPLETED, True)
    assert await EngagementStep.filter(engagement_id=held.id).count() == 7
    assert (await Engagement.get(id=running.id)).student_id is not None
    assert await Student.exists(id=student_id)
    assert (await retention.retain(RULES))["engagement"] == 0
