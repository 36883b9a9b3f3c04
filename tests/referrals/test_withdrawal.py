"""A school takes its claim back; what is beside it waits for a reviewer and never lives by itself."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from server.kernel import clock
from server.kernel.audit import AuditEntry
from server.kernel.errors import DomainError
from server.kernel.outbox import Event
from server.organisations.models import Organisation, OrganisationState
from server.people.service import Decider
from server.referrals import evidence, service
from server.referrals.decisions import decide
from server.referrals.flags import Flag
from server.referrals.models import Referral, ReferralState, Verdict
from server.referrals.withdrawal import withdraw
from tests.factories import make_organisation
from tests.harness.referring import make_claim
from tests.referrals.disputing import BEGAN, Dispute, after_evidence, disputed, reviewer
from tests.referrals.registering import BORN, OPEN, claim, feeder
from tests.students.numbers import number_of

pytestmark = pytest.mark.usefixtures("database")
REGISTERED, DISPUTED = ReferralState.REGISTERED, ReferralState.DISPUTED
REJECTED, WITHDRAWN, LAPSED = ReferralState.REJECTED, ReferralState.WITHDRAWN, ReferralState.LAPSED
MATCHED, CONFIRMED = ReferralState.MATCHED, ReferralState.CONFIRMED


async def flagged(dispute: Dispute, place: int) -> bool:
    claim = await dispute.claim(place)
    assert claim.needs_check == (Flag.OTHER_WITHDREW in claim.flags)
    return claim.needs_check


@pytest.mark.parametrize("state", [REGISTERED, MATCHED, CONFIRMED, DISPUTED, LAPSED])
async def test_whatever_came_of_a_claim_it_is_taken_back(state: ReferralState) -> None:
    clock.move_to(BEGAN)
    dispute = await disputed(state)
    by = dispute.of_clerk(0)
    claim = await withdraw(dispute.claims[0].id, by, version=1)
    assert (claim.state, claim.enrolment_id, claim.winner_id, claim.needs_check) == (WITHDRAWN, None, None, False)
    [entry] = await AuditEntry.filter(subject=f"referral:{claim.id}")
    assert (entry.action, entry.actor_id, entry.before, entry.after, entry.reason) == (
        "referral.withdrawn", by.person_id, state, WITHDRAWN, by.reason,
    )  # fmt: skip
    with pytest.raises(DomainError, match="referral_state"):
        await withdraw(claim.id, by)


@pytest.mark.parametrize("place", [0, 1])
async def test_the_claim_beside_it_waits_for_a_reviewer(place: int) -> None:
    clock.move_to(BEGAN)
    dispute, other = await disputed(), 1 - place
    await withdraw(dispute.claims[place].id, dispute.of_clerk(place))
    states = await dispute.states()
    assert (states[place], states[other]) == ("withdrawn", ["registered", "disputed"][other])
    assert await flagged(dispute, other)
    [entry] = await AuditEntry.filter(subject=f"referral:{dispute.claims[other].id}")
    assert (entry.action, entry.reason) == ("referral.other_withdrew", "")
    [event] = await Event.filter(subject=f"referral:{dispute.claims[other].id}")
    assert event.people == [str(dispute.clerks[other].person_id)]
    upheld = await decide(dispute.claims[other].id, Verdict.UPHOLD, await reviewer())
    assert (upheld.state, upheld.flags, upheld.needs_check) == (REGISTERED, [], False)


async def test_of_three_the_two_that_are_left_go_on() -> None:
    dispute = await disputed(REGISTERED, DISPUTED, DISPUTED)
    after_evidence()
    await withdraw(dispute.claims[0].id, dispute.of_clerk(0))
    assert await dispute.states() == ["withdrawn", "disputed", "disputed"]
    assert await flagged(dispute, 1)
    assert await flagged(dispute, 2)
    await withdraw(dispute.claims[2].id, dispute.of_clerk(2))
    assert await dispute.states() == ["withdrawn", "disputed", "withdrawn"]
    await decide(dispute.claims[1].id, Verdict.UPHOLD, await reviewer())
    assert await dispute.states() == ["withdrawn", "registered", "withdrawn"]


@pytest.mark.parametrize("verdict", Verdict)
async def test_a_claim_that_had_lost_to_it_is_looked_at_again(verdict: Verdict) -> None:
    dispute, first, second = await disputed(), await reviewer(), await reviewer()
    after_evidence()
    await decide(dispute.claims[0].id, Verdict.UPHOLD, first)
    await withdraw(dispute.claims[0].id, dispute.of_clerk(0))
    assert await dispute.states() == ["withdrawn", "rejected"]
    assert await flagged(dispute, 1)
    decided = await decide(dispute.claims[1].id, verdict, second)
    assert decided.state is (REGISTERED if verdict is Verdict.UPHOLD else REJECTED)
    assert not await flagged(dispute, 1)


async def test_one_that_had_lost_does_not_oust_a_claim_that_was_made_since() -> None:
    dispute, by = await disputed(), await reviewer()
    after_evidence()
    await decide(dispute.claims[0].id, Verdict.UPHOLD, by)
    await withdraw(dispute.claims[0].id, dispute.of_clerk(0))
    since = await make_claim(await make_organisation(), dispute.student)
    with pytest.raises(DomainError, match="referral_state"):
        await decide(dispute.claims[1].id, Verdict.UPHOLD, by)
    rejected = await decide(dispute.claims[1].id, Verdict.REJECT, by)
    assert (rejected.state, rejected.winner_id, rejected.needs_check) == (REJECTED, since.id, False)
    assert (await Referral.get(id=since.id)).state is REGISTERED


async def test_a_school_that_withdrew_registers_again_beside_whoever_claims_meanwhile() -> None:
    clock.move_to(OPEN)
    (first, clerk), (second, other) = await feeder("甲校（示例）"), await feeder("乙校（示例）")
    said = claim(number_of(BORN))
    live = await service.register(first.id, said, by=clerk)
    beside = await service.register(second.id, said, by=other)
    assert live.referral_id
    assert beside.referral_id
    await withdraw(live.referral_id, Decider(clerk, "登记有误"))
    again = await service.register(first.id, said, by=clerk)
    assert again.referral_id not in {live.referral_id, None}
    found = [await Referral.get(id=one.referral_id) for one in (live, beside, again)]
    assert [one.state for one in found] == [WITHDRAWN, DISPUTED, DISPUTED]
    clock.move_to(OPEN + timedelta(days=11))
    await decide(beside.referral_id, Verdict.UPHOLD, await reviewer())
    found = [await Referral.get(id=one.referral_id) for one in (live, beside, again)]
    assert [one.state for one in found] == [WITHDRAWN, REGISTERED, REJECTED]
    assert found[2].winner_id == beside.referral_id
    assert not found[1].needs_check


async def test_who_had_lost_is_heard_where_the_winner_withdraws_and_registers_again() -> None:
    clock.move_to(OPEN)
    (first, clerk), (second, other) = await feeder("甲校（示例）"), await feeder("乙校（示例）")
    said = claim(number_of(BORN))
    won = await service.register(first.id, said, by=clerk)
    lost = await service.register(second.id, said, by=other)
    assert won.referral_id
    assert lost.referral_id
    clock.move_to(OPEN + timedelta(days=11))
    await decide(won.referral_id, Verdict.UPHOLD, await reviewer())
    await withdraw(won.referral_id, Decider(clerk, "登记有误"))
    again = await service.register(first.id, said, by=clerk)
    assert again.referral_id
    found = [await Referral.get(id=one.referral_id) for one in (lost, again)]
    assert [(one.state, one.winner_id) for one in found] == [(DISPUTED, None)] * 2
    assert {one.evidence_until for one in found} == {(OPEN + timedelta(days=21)).date()}
    last = await AuditEntry.filter(subject=f"referral:{lost.referral_id}").order_by("-id").first()
    assert last
    assert (last.action, last.before, last.after, last.actor_id) == ("referral.disputed", REJECTED, DISPUTED, None)
    for one, by in ((lost, other), (again, clerk)):
        assert one.referral_id
        await evidence.add(one.referral_id, "见志愿表", None, by=by)
    assert (await decide(lost.referral_id, Verdict.UPHOLD, await reviewer())).state is REGISTERED


async def test_nobody_gains_time_by_withdrawing_and_registering_again() -> None:
    clock.move_to(OPEN)
    (first, clerk), (second, other) = await feeder("甲校（示例）"), await feeder("乙校（示例）")
    said = claim(number_of(BORN))
    live = await service.register(first.id, said, by=clerk)
    for days in (0, 9, 18):
        clock.move_to(OPEN + timedelta(days=days))
        beside = await service.register(second.id, said, by=other)
        assert beside.referral_id
        found = [await Referral.get(id=one.referral_id) for one in (live, beside)]
        assert {one.evidence_until for one in found} == {(OPEN + timedelta(days=10)).date()}
        await withdraw(beside.referral_id, Decider(other, "登记有误"))


async def test_what_is_in_no_dispute_is_left_alone() -> None:
    clock.move_to(BEGAN)
    dispute = await disputed(WITHDRAWN, REJECTED, REGISTERED)
    await withdraw(dispute.claims[2].id, dispute.of_clerk(2))
    assert await dispute.states() == ["withdrawn", "rejected", "withdrawn"]
    assert not await flagged(dispute, 1)
    assert await dispute.actions(1) == []


async def test_what_was_rejected_or_whose_school_or_year_is_over_stays() -> None:
    clock.move_to(BEGAN)
    dispute = await disputed(REJECTED, REGISTERED)
    with pytest.raises(DomainError, match="referral_state") as refused:
        await withdraw(dispute.claims[0].id, dispute.of_clerk(0))
    assert refused.value.facts == {"state": "referral_rejected"}
    with pytest.raises(DomainError, match="stale_version"):
        await withdraw(dispute.claims[1].id, dispute.of_clerk(1), version=7)
    clock.move_to(datetime(2027, 8, 31, 16, tzinfo=UTC))
    with pytest.raises(DomainError, match="year_closed"):
        await withdraw(dispute.claims[1].id, dispute.of_clerk(1))
    clock.move_to(datetime(2027, 8, 31, 15, 59, tzinfo=UTC))
    await Organisation.filter(id=dispute.schools[1].id).update(state=OrganisationState.SUSPENDED)
    with pytest.raises(DomainError, match="organisation_state"):
        await withdraw(dispute.claims[1].id, dispute.of_clerk(1))
    await Organisation.filter(id=dispute.schools[1].id).update(state=OrganisationState.VERIFIED)
    await withdraw(dispute.claims[1].id, dispute.of_clerk(1))


async def test_a_decision_and_a_withdrawal_at_once_leave_no_two_that_live() -> None:
    after_evidence()
    for _ in range(6):
        dispute, by = await disputed(REGISTERED, DISPUTED, DISPUTED), await reviewer()
        outcomes = await asyncio.gather(
            decide(dispute.claims[1].id, Verdict.UPHOLD, by),
            withdraw(dispute.claims[1].id, dispute.of_clerk(1)),
            withdraw(dispute.claims[0].id, dispute.of_clerk(0)),
            return_exceptions=True,
        )
        assert all(isinstance(outcome, Referral | DomainError) for outcome in outcomes)
        assert await dispute.lives_once()
        assert (await dispute.states())[1] in {"withdrawn", "registered"}
