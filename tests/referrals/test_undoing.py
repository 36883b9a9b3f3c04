"""A decision is turned round by another one, where the claims still are as it left them."""

import asyncio
from datetime import date

import pytest

from server.kernel import clock
from server.kernel.errors import DomainError
from server.organisations.roles import Kind
from server.people.service import Decider
from server.referrals.decisions import decide, overturn
from server.referrals.flags import Flag
from server.referrals.models import Referral, ReferralDecision, ReferralState, Verdict
from server.referrals.undoing import undo
from server.referrals.withdrawal import withdraw
from tests.factories import make_member, make_organisation
from tests.harness.referring import make_listed
from tests.referrals.disputing import BEGAN, Dispute, after_evidence, disputed, reviewer

pytestmark = pytest.mark.usefixtures("database")
UPHOLD, REJECT = Verdict.UPHOLD, Verdict.REJECT
REGISTERED, DISPUTED = ReferralState.REGISTERED, ReferralState.DISPUTED
REJECTED, WITHDRAWN, LAPSED = ReferralState.REJECTED, ReferralState.WITHDRAWN, ReferralState.LAPSED
MATCHED, CONFIRMED = ReferralState.MATCHED, ReferralState.CONFIRMED


async def decided(*states: ReferralState, place: int = 1, verdict: Verdict = UPHOLD) -> tuple[Dispute, Decider]:
    dispute, by = await disputed(*states), await reviewer()
    after_evidence()
    await decide(dispute.claims[place].id, verdict, by)
    return dispute, by


@pytest.mark.parametrize(
    ("states", "place", "verdict"),
    [
        ([REGISTERED, DISPUTED], 0, UPHOLD),
        ([REGISTERED, DISPUTED], 1, UPHOLD),
        ([REGISTERED, DISPUTED], 0, REJECT),
        ([REGISTERED, DISPUTED], 1, REJECT),
        ([REGISTERED, DISPUTED, DISPUTED], 1, REJECT),
        ([WITHDRAWN, DISPUTED, DISPUTED], 2, UPHOLD),
        ([LAPSED, DISPUTED], 1, UPHOLD),
    ],
)
async def test_everything_comes_back_and_the_schools_are_heard_again(
    states: list[ReferralState], place: int, verdict: Verdict
) -> None:
    dispute, by = await decided(*states, place=place, verdict=verdict)
    [decision] = await ReferralDecision.filter(actor_id=by.person_id)
    undone = await undo(dispute.claims[place].id, Decider(by.person_id, "看错了学校"))
    assert (undone.id, undone.winner_id) == (dispute.claims[place].id, None)
    # the last day for matching has not come, so a claim that had lapsed lives again
    assert await dispute.states() == [REGISTERED if state is LAPSED else state for state in states]
    [entry] = await ReferralDecision.filter(undoes=decision)
    assert (entry.reason, entry.verdict) == ("看错了学校", verdict)
    assert [(c[1], c[2]) for c in entry.changes] == [(c[2], c[1]) for c in decision.changes]
    for one, state in enumerate(states):
        claim = await dispute.claim(one)
        assert claim.winner_id is None
        assert claim.evidence_until == (
            dispute.claims[one].evidence_until if state is WITHDRAWN else date(2026, 10, 31)
        )
    assert (await dispute.actions(place))[-1] == "decision_undone"
    with pytest.raises(DomainError, match="evidence_still_open"):
        await decide(dispute.claims[place].id, UPHOLD, by)
    with pytest.raises(DomainError, match="nothing_to_undo"):
        await undo(dispute.claims[place].id, by)
    after_evidence(11)
    other = next(one for one, state in enumerate(states) if state is DISPUTED)
    await decide(dispute.claims[other].id, UPHOLD, await reviewer())
    assert (await dispute.states())[other] == "registered"
    assert await dispute.lives_once()


async def test_it_is_undone_from_whichever_claim_it_changed() -> None:
    dispute, _ = await decided()
    await undo(dispute.claims[0].id, await reviewer())
    assert await dispute.states() == ["registered", "disputed"]


async def test_earlier_decisions_are_undone_after_later_ones() -> None:
    dispute, by = await decided(REGISTERED, DISPUTED, DISPUTED, place=1, verdict=REJECT)
    await decide(dispute.claims[2].id, UPHOLD, by)
    assert await dispute.states() == ["rejected", "rejected", "registered"]
    await undo(dispute.claims[2].id, by)
    assert await dispute.states() == ["registered", "rejected", "disputed"]
    await undo(dispute.claims[1].id, by)
    assert await dispute.states() == ["registered", "disputed", "disputed"]


@pytest.mark.parametrize("state", [MATCHED, CONFIRMED, LAPSED])
async def test_what_came_of_the_claim_that_lives_does_not_keep_it_from_being_undone(state: ReferralState) -> None:
    dispute, by = await decided()
    await Referral.filter(id=dispute.claims[1].id).update(state=state)
    await undo(dispute.claims[1].id, by)
    assert await dispute.states() == ["registered", "disputed"]


@pytest.mark.parametrize("changed", ["withdrawn", "of another student", "another lives"])
async def test_what_has_changed_since_is_not_turned_round(changed: str) -> None:
    dispute, by = await decided(DISPUTED if changed == "another lives" else REGISTERED, DISPUTED)
    if changed == "withdrawn":
        await withdraw(dispute.claims[1].id, dispute.of_clerk(1))
    elif changed == "of another student":
        await Referral.filter(id=dispute.claims[0].id).update(student=(await disputed(WITHDRAWN)).student)
    else:
        dispute, by = await decided(WITHDRAWN, DISPUTED, place=1, verdict=REJECT)
        await Referral.filter(id=dispute.claims[0].id).update(state=REGISTERED)
        await Referral.filter(id=dispute.claims[1].id).update(state=REJECTED)
        await ReferralDecision.create(
            referral=dispute.claims[1], verdict=UPHOLD, reason="", actor_id=by.person_id, made_at=clock.now(),
            changes=[[str(dispute.claims[1].id), "registered", "rejected", None, None, [], []]],
        )  # fmt: skip
    before = await dispute.states()
    with pytest.raises(DomainError, match="changed_since"):
        await undo(dispute.claims[1].id, by)
    assert await dispute.states() == before
    assert await dispute.lives_once()


@pytest.mark.parametrize("over", [False, True])
async def test_what_a_school_has_follows_the_claim_that_lives_also_after_the_year(*, over: bool) -> None:
    dispute, by = await disputed(MATCHED, DISPUTED), await reviewer()
    college = await make_organisation(Kind.VOCATIONAL_SCHOOL)
    listed = await make_listed(college, dispute.student)
    await Referral.filter(id=dispute.claims[0].id).update(enrolment=listed)
    after_evidence(400 if over else 0)
    decided = await decide(dispute.claims[1].id, UPHOLD, by)
    assert (decided.state, decided.enrolment_id) == (MATCHED, listed.id)
    lost = await dispute.claim(0)
    assert (lost.state, lost.enrolment_id) == (REJECTED, None)
    await undo(dispute.claims[1].id, by)
    back, beside = await dispute.claim(0), await dispute.claim(1)
    assert (back.state, back.enrolment_id) == (MATCHED, listed.id)
    assert (beside.state, beside.enrolment_id) == (DISPUTED, None)


async def test_flags_that_were_cleared_come_back() -> None:
    dispute, by = await disputed(REGISTERED), await reviewer()
    after_evidence()
    flagged = [Flag.OTHER_WITHDREW, Flag.NAME_UNLIKE_KNOWN]
    await Referral.filter(id=dispute.claims[0].id).update(flags=flagged, needs_check=True)
    assert (await decide(dispute.claims[0].id, UPHOLD, by)).flags == []
    undone = await undo(dispute.claims[0].id, by)
    assert (undone.flags, undone.needs_check, undone.state) == (flagged, True, REGISTERED)


async def test_whoever_has_to_do_with_a_school_undoes_nothing() -> None:
    dispute, _ = await decided()
    insider = await reviewer()
    membership = await make_member(await make_organisation(), dispute.clerks[0].role)
    await membership.update_from_dict({"person_id": insider.person_id, "organisation_id": dispute.schools[0].id}).save()
    with pytest.raises(DomainError, match="decides_for_own"):
        await undo(dispute.claims[1].id, insider)


async def test_who_rejected_a_claim_does_not_undo_its_being_upheld_by_appeal() -> None:
    dispute, refusing = await decided()
    other = await reviewer()
    await overturn(dispute.claims[0].id, other)
    assert await dispute.states() == ["registered", "rejected"]
    with pytest.raises(DomainError, match="another_person"):
        await undo(dispute.claims[0].id, refusing)
    await undo(dispute.claims[0].id, other)
    assert await dispute.states() == ["rejected", "registered"]
    assert (await dispute.claim(0)).winner_id == dispute.claims[1].id


async def test_of_many_who_undo_at_once_one_does() -> None:
    for _ in range(4):
        dispute, _ = await decided()
        reviewers = [await reviewer() for _ in range(4)]
        outcomes = await asyncio.gather(
            *(undo(dispute.claims[one % 2].id, by) for one, by in enumerate(reviewers)), return_exceptions=True
        )
        assert sum(isinstance(outcome, Referral) for outcome in outcomes) == 1
        assert {str(outcome) for outcome in outcomes if not isinstance(outcome, Referral)} == {"nothing_to_undo"}
        assert await dispute.states() == ["registered", "disputed"]


async def test_nothing_was_decided_nothing_is_undone() -> None:
    clock.move_to(BEGAN)
    dispute = await disputed()
    with pytest.raises(DomainError, match="nothing_to_undo"):
        await undo(dispute.claims[0].id, await reviewer())
