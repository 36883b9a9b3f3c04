"""A school whose claim was rejected appeals once, to another reviewer, and may get it back."""

import asyncio
from datetime import timedelta

import pytest

from server.access.rules import Caller, Post
from server.appeals import service
from server.appeals.models import Appeal, AppealState
from server.kernel import clock
from server.kernel.audit import AuditEntry
from server.kernel.errors import DomainError
from server.kernel.ids import new_id
from server.kernel.outbox import Event
from server.organisations.roles import Kind, Role
from server.people.service import Decider
from server.referrals import rules
from server.referrals.decisions import decide
from server.referrals.models import Referral, ReferralState, Verdict
from server.referrals.undoing import undo
from server.referrals.withdrawal import withdraw
from tests.factories import make_member
from tests.referrals.disputing import Dispute, after_evidence, disputed, judge, reviewer

pytestmark = pytest.mark.usefixtures("database")
UPHELD, OVERTURNED = service.Verdict.UPHOLD, service.Verdict.OVERTURN


async def manager(dispute: Dispute, place: int, role: Role = Role.MANAGER) -> Caller:
    membership = await make_member(dispute.schools[place], role)
    post = Post(dispute.schools[place].id, Kind.FEEDER_SCHOOL, role)
    return Caller(membership.person_id, new_id(), (post,))


async def appealed() -> tuple[Dispute, Decider, Appeal]:
    """The first claim was rejected, and its school appeals."""
    dispute, by = await disputed(), await reviewer()
    after_evidence()
    await decide(dispute.claims[1].id, Verdict.UPHOLD, by)
    appeal = await service.appeal(f"referral:{dispute.claims[0].id}", "志愿表可以证明", await manager(dispute, 0))
    return dispute, by, appeal


async def test_an_appeal_that_is_overturned_gives_the_claim_back() -> None:
    dispute, refusing, appeal = await appealed()
    assert appeal.refused_by_id == refusing.person_id
    assert (await AuditEntry.get(id=appeal.refusal_id)).action == "referral.rejected"
    by = await reviewer("志愿表可信")
    await judge(appeal.id, OVERTURNED, by)
    assert await dispute.states() == ["registered", "rejected"]
    assert [(await dispute.claim(one)).winner_id for one in (0, 1)] == [None, dispute.claims[0].id]
    assert await dispute.actions(0) == ["rejected", "appeal.made", "upheld", "appeal.overturned"]
    [told] = await Event.filter(name="referral.rejected", subject=f"referral:{dispute.claims[1].id}")
    assert told.people == [str(dispute.clerks[1].person_id)]
    other = await service.appeal(f"referral:{dispute.claims[1].id}", "不服", await manager(dispute, 1))
    with pytest.raises(DomainError, match="another_person"):
        await judge(other.id, OVERTURNED, by)


async def test_an_appeal_that_is_upheld_changes_nothing() -> None:
    dispute, _, appeal = await appealed()
    assert (await judge(appeal.id, UPHELD, await reviewer())).state is AppealState.UPHELD
    assert await dispute.states() == ["rejected", "registered"]
    with pytest.raises(DomainError, match="already_appealed"):
        await service.appeal(appeal.subject, "再说一次", await manager(dispute, 0))


async def test_only_managers_of_its_school_appeal_and_only_what_was_rejected() -> None:
    dispute, _, _ = await appealed()
    subjects = [f"referral:{claim.id}" for claim in dispute.claims]
    for subject, who, slug, status in (
        (subjects[0], await manager(dispute, 0, Role.CLERK), "not_yours_to_do", 403),
        (subjects[0], await manager(dispute, 1), "not_found", 404),
        (subjects[1], await manager(dispute, 1), "nothing_refused", 409),
        (f"referral:{new_id()}", await manager(dispute, 1), "not_found", 404),
    ):
        with pytest.raises(DomainError) as refused:
            await service.appeal(subject, "理由", who)
        assert (refused.value.slug, refused.value.status) == (slug, status)


async def test_who_rejected_and_who_has_to_do_with_either_school_do_not_decide() -> None:
    dispute, refusing, appeal = await appealed()
    for place in (0, 1):
        insider = Decider((await manager(dispute, place)).person_id, "理由")
        with pytest.raises(DomainError, match="decides_for_own"):
            await judge(appeal.id, OVERTURNED, insider)
    with pytest.raises(DomainError, match="another_person"):
        await judge(appeal.id, OVERTURNED, refusing)
    assert await dispute.states() == ["rejected", "registered"]


@pytest.mark.parametrize("overtaken", ["undone", "decided again"])
async def test_an_appeal_that_was_overtaken_can_only_be_closed(overtaken: str) -> None:
    dispute, refusing, appeal = await appealed()
    await undo(dispute.claims[1].id, refusing)
    if overtaken == "decided again":
        after_evidence(20)
        await decide(dispute.claims[1].id, Verdict.UPHOLD, refusing)
    before = await dispute.states()
    with pytest.raises(DomainError, match="nothing_refused"):
        await judge(appeal.id, OVERTURNED, await reviewer())
    assert (await judge(appeal.id, UPHELD, await reviewer())).state is AppealState.UPHELD
    assert await dispute.states() == before


async def test_a_rejection_that_comes_back_by_undoing_is_a_new_one() -> None:
    dispute, _, appeal = await appealed()
    by = await reviewer()
    await judge(appeal.id, OVERTURNED, by)
    await undo(dispute.claims[0].id, by)
    assert await dispute.states() == ["rejected", "registered"]
    again = await service.appeal(appeal.subject, "再次申诉", await manager(dispute, 0))
    assert again.refused_by_id == by.person_id


async def test_it_is_overturned_though_the_other_school_has_withdrawn() -> None:
    dispute, _, appeal = await appealed()
    await withdraw(dispute.claims[1].id, dispute.of_clerk(1))
    await judge(appeal.id, OVERTURNED, await reviewer())
    assert await dispute.states() == ["registered", "withdrawn"]
    assert (await dispute.claim(0)).needs_check is False


async def test_a_claim_that_came_since_is_heard_before_it_is_ousted() -> None:
    """The first was rejected for what stood out in it; then another school, which knows nothing of that, registered."""
    dispute, refusing, by = await disputed(ReferralState.REGISTERED, until=None), await reviewer(), await reviewer()
    await Referral.filter(id=dispute.claims[0].id).update(flags=["age_unusual"])
    after_evidence(1)
    await decide(dispute.claims[0].id, Verdict.REJECT, refusing)
    subject = f"referral:{dispute.claims[0].id}"
    appeal = await service.appeal(subject, "号码无误", await manager(dispute, 0))
    after_evidence(2)
    await dispute.joined()
    await judge(appeal.id, OVERTURNED, by)
    assert await dispute.states() == ["disputed", "registered"]
    until = {(await dispute.claim(place)).evidence_until for place in (0, 1)}
    assert until == {clock.today() + timedelta(days=rules.in_force().evidence.days)}
    assert await dispute.actions(0) == ["rejected", "appeal.made", "disputed", "appeal.overturned"]
    assert await dispute.actions(1) == ["disputed"]
    told = await Event.filter(name="referral.disputed", subject=f"referral:{dispute.claims[1].id}")
    assert [one.people for one in told] == [[str(dispute.clerks[1].person_id)]]
    with pytest.raises(DomainError, match="evidence_still_open"):
        await decide(dispute.claims[0].id, Verdict.UPHOLD, by)
    with pytest.raises(DomainError, match="another_person"):
        await undo(dispute.claims[0].id, refusing)
    await undo(dispute.claims[0].id, by)
    assert await dispute.states() == ["rejected", "registered"]
    again = await service.appeal(subject, "再次申诉", await manager(dispute, 0))
    await judge(again.id, OVERTURNED, await reviewer())
    after_evidence(40)
    await decide(dispute.claims[0].id, Verdict.UPHOLD, by)
    assert await dispute.states() == ["registered", "rejected"]


async def test_an_appeal_and_an_undoing_at_once_leave_one_that_lives() -> None:
    for _ in range(4):
        dispute, _, appeal = await appealed()
        await asyncio.gather(
            judge(appeal.id, OVERTURNED, await reviewer()),
            undo(dispute.claims[1].id, await reviewer()),
            return_exceptions=True,
        )
        assert await dispute.lives_once()
        assert sorted(await dispute.states()) in (["disputed", "registered"], ["registered", "rejected"])
