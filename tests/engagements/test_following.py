"""What happens to a posting happens to those engaged on it: they are told, freed, moved up."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from server.engagements import service, working
from server.engagements.models import Engagement, EngagementState
from server.kernel import clock
from server.kernel.audit import AuditEntry
from server.kernel.outbox import Event
from server.labour import keeping, life, review
from server.labour import service as labour
from server.labour import sweeps as postings
from server.labour.checks import Finding, Rules
from server.labour.drafts import Draft
from server.labour.keeping import Change
from server.labour.models import PayUnit, Posting, PostingState, Settlement
from server.labour.review import Verdict
from server.labour.service import Given
from server.people.service import Decider
from tests.engagements.filling import (
    DAY,
    SOON,
    Firm,
    counted,
    later,
    make_firm,
    make_worker,
    make_workers,
    names,
    offers,
    refused,
    state_of,
    story,
    taken,
    worker_of,
)
from tests.factories import make_person

pytestmark = pytest.mark.usefixtures("database", "qualified")
S = EngagementState
SAID: dict[str, Any] = {
    "occupation": "tea-picker", "address": "示例路1号", "description": "采摘明前茶。", "pay_fen": 2200,
    "pay_unit": PayUnit.HOUR, "settlement": Settlement.WEEKLY, "contact_name_sealed": "x", "contact_phone_sealed": "x",
}  # fmt: skip
"""What a posting needs besides to be changed."""


class Anything:
    """Rules that find nothing."""

    def findings(self, draft: Draft) -> Sequence[Finding]:
        assert draft
        return []

    def hourly_fen(self, draft: Draft) -> int | None:
        assert draft
        return None


async def changed(posting: Posting, firm: Firm, **fields: Any) -> Posting:
    rules: Rules = Anything()
    unread: Any = None  # WeChat reads nothing where no text changes
    return await labour.edit(posting.id, Given(fields), by=firm.clerk, version=None, rules=rules, texts=unread)


async def published(posting: Posting) -> Posting:
    by = (await make_person()).id
    return await review.decide(posting.id, Verdict.PUBLISH, (), by=by, version=None)


async def on_all_hands(firm: Firm) -> tuple[Posting, dict[EngagementState, Engagement]]:
    """A full demand, and somebody on it in each state that may be ended."""
    posting = await firm.seeks(2)
    offered = await service.offer(posting.id, (await offers(await make_worker())).id, by=firm.clerk)
    attended, accepted = [await taken(firm, posting, one) for one in await make_workers(2)]
    waiting = await service.apply(posting.id, by=await make_worker())
    later((SOON + 1) * DAY)
    await working.attend(attended.id, firm.actor)
    return posting, {S.OFFERED: offered, S.ATTENDED: attended, S.ACCEPTED: accepted, S.WAITING: waiting}


async def test_the_end_of_a_posting_answers_who_waits_and_leaves_who_works() -> None:
    firm = await make_firm()
    for end in ("close", "expire"):
        posting, held = await on_all_hands(firm)
        if end == "close":
            await life.close(posting.id, by=firm.clerk)
        else:
            await Posting.filter(id=posting.id).update(valid_until=clock.today() - DAY)
            await postings.watch()
        found = {before: await state_of(one) for before, one in held.items()}
        over = dict.fromkeys((S.OFFERED, S.WAITING), S.UNANSWERED)
        assert found == {**over, S.ATTENDED: S.ATTENDED, S.ACCEPTED: S.ACCEPTED}, end
        assert (await names(held[S.WAITING]))[-1] == "engagement.unanswered"
        assert (await counted(posting)).filled == 2


async def test_removal_tells_and_frees_everyone() -> None:
    firm = await make_firm()
    posting, held = await on_all_hands(firm)
    await review.remove(posting.id, Decider((await make_person()).id, "虚假招聘"))
    found = {before: await state_of(one) for before, one in held.items()}
    over = dict.fromkeys((S.OFFERED, S.WAITING), S.UNANSWERED)
    assert found == {**over, **dict.fromkeys((S.ATTENDED, S.ACCEPTED), S.CANCELLED_BY_EMPLOYER)}
    for one in held.values():
        people = (await Event.filter(subject=f"engagement:{one.id}").order_by("-id").limit(1))[0].people
        assert str(one.person_id) in people
        assert (await story(one))[-1] == "end"
        entry = await AuditEntry.get(subject=f"engagement:{one.id}", action="engagement.end")
        assert entry.actor_id is None
    assert (await counted(posting)).filled == 0
    elsewhere = await firm.seeks(starts_on=clock.today() + DAY, ends_on=clock.today() + 2 * DAY)
    assert (await taken(firm, elsewhere, held[S.ACCEPTED].person_id)).state is S.ACCEPTED
    disputed = await working.report_unpaid(held[S.ATTENDED].id, worker_of(held[S.ATTENDED].person_id))
    assert disputed.state is S.WAGE_DISPUTE


async def test_many_who_wait_are_answered_by_few_statements() -> None:
    firm = await make_firm()
    posting = await firm.seeks()
    waiting = [await service.apply(posting.id, by=one) for one in await make_workers(8)]
    await life.close(posting.id, by=firm.clerk)
    assert {await state_of(one) for one in waiting} == {S.UNANSWERED}
    assert all([(await story(one)) == ["apply", "end"] for one in waiting])
    assert all(["engagement.unanswered" in await names(one) for one in waiting])


async def test_other_terms_are_told_to_everyone_who_then_may_leave_at_any_time() -> None:
    firm = await make_firm()
    posting = await firm.seeks(2, **SAID)
    accepted, applied = (
        await taken(firm, posting, await make_worker()),
        await service.apply(posting.id, by=await make_worker()),
    )
    declined = await service.apply(posting.id, by=await make_worker())
    await service.decline(declined.id, firm.actor)
    later((SOON - 1) * DAY + timedelta(hours=15))
    await changed(posting, firm, pay_fen=2000)
    assert "engagement.terms_changed" not in await names(accepted)
    late = service.withdraw(accepted.id, worker_of(accepted.person_id), "不去了")
    assert await refused(late) == (409, "withdrawal_late")
    await published(posting)
    for one, told in ((accepted, True), (applied, True), (declined, False)):
        assert ("engagement.terms_changed" in await names(one)) is told
    left = await service.withdraw(accepted.id, worker_of(accepted.person_id), "工资比说好的少")
    assert left.state is S.WITHDRAWN


async def test_more_places_are_given_to_who_waits_and_fewer_end_the_applying() -> None:
    firm = await make_firm()
    posting = await firm.seeks(**SAID)
    held = [await service.apply(posting.id, by=one) for one in await make_workers(4)]
    await service.accept(held[0].id, firm.actor)
    assert [await state_of(one) for one in held] == [S.ACCEPTED, S.WAITING, S.WAITING, S.WAITING]
    more = await changed(posting, firm, headcount=3)
    assert (more.state, more.filled) == (PostingState.FILLED, 3)
    assert [await state_of(one) for one in held] == [S.ACCEPTED, S.ACCEPTED, S.ACCEPTED, S.WAITING]
    assert await refused(changed(posting, firm, headcount=2)) == (422, "/headcount headcount_below_filled")
    assert (await changed(posting, firm, headcount=9)).state is PostingState.LIVE
    newcomer = await service.apply(posting.id, by=await make_worker())
    assert newcomer.state is S.APPLIED
    assert (await changed(posting, firm, headcount=4)).state is PostingState.FILLED
    assert [await state_of(one) for one in (*held, newcomer)] == [S.ACCEPTED] * 4 + [S.WAITING]
    assert (await counted(posting)).filled == 4


async def test_nobody_moves_up_while_a_posting_is_paused_but_when_it_is_resumed() -> None:
    firm = await make_firm()
    posting = await firm.seeks()
    first = await taken(firm, posting, await make_worker())
    waiting = await service.apply(posting.id, by=await make_worker())
    await life.pause(posting.id, by=firm.clerk)
    await service.withdraw(first.id, worker_of(first.person_id), "有事")
    assert await state_of(waiting) is S.WAITING
    await life.resume(posting.id, by=firm.clerk)
    assert await state_of(waiting) is S.ACCEPTED
    assert (await counted(posting)).state is PostingState.FILLED


async def test_an_offer_that_ends_takes_nothing_any_more_and_one_that_is_removed_waits_for_nothing() -> None:
    firm, worker = await make_firm(), await make_worker()
    team = await offers(worker, 3)
    posting, other = await firm.seeks(5), await firm.seeks(5)
    applied = await service.apply(other.id, by=worker, size=2, supply_id=team.id)
    offered = await service.offer(posting.id, team.id, by=firm.clerk)
    await life.close(team.id, by=worker)
    assert [await state_of(one) for one in (applied, offered)] == [S.APPLIED, S.UNANSWERED]
    assert (await names(offered))[-1] == "engagement.unanswered"
    await Posting.filter(id=team.id).update(state=PostingState.LIVE)
    await review.remove(team.id, Decider((await make_person()).id, "虚假信息"))
    assert await state_of(applied) is S.UNANSWERED


async def test_what_does_not_concern_them_is_not_told() -> None:
    firm = await make_firm()
    posting = await firm.seeks(2)
    held = await service.apply(posting.id, by=await make_worker())
    before = await names(held)
    row = await keeping.hold(posting.id)
    await keeping.keep(row, Change("revision_published", row.state, None, fields=("headcount",)))
    assert await names(held) == before
