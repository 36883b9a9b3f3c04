"""Of several schools that claim a student one comes out, by a reviewer's word, and no two ever live."""

import asyncio
from datetime import timedelta

import pytest

from server.kernel import clock
from server.kernel.errors import DomainError
from server.kernel.outbox import Event
from server.kernel.sensitive import Kind
from server.organisations.roles import Role
from server.people.service import Decider
from server.referrals.decisions import decide
from server.referrals.flags import Flag
from server.referrals.models import Referral, ReferralDecision, ReferralState, Verdict
from server.referrals.undoing import undo
from server.students.models import Relation, StudentLink
from tests.factories import make_member, make_organisation
from tests.harness.referring import sealed
from tests.referrals.disputing import BEGAN, REASON, after_evidence, disputed, reviewer

pytestmark = pytest.mark.usefixtures("database")
UPHOLD, REJECT = Verdict.UPHOLD, Verdict.REJECT
REGISTERED, DISPUTED = ReferralState.REGISTERED, ReferralState.DISPUTED
REJECTED, WITHDRAWN, LAPSED = ReferralState.REJECTED, ReferralState.WITHDRAWN, ReferralState.LAPSED
CONFIRMED = ReferralState.CONFIRMED


@pytest.mark.parametrize(
    ("before", "place", "verdict", "after", "winners"),
    [
        ([REGISTERED, DISPUTED], 0, UPHOLD, [REGISTERED, REJECTED], [None, 0]),
        ([REGISTERED, DISPUTED], 1, UPHOLD, [REJECTED, REGISTERED], [1, None]),
        ([REGISTERED, DISPUTED], 0, REJECT, [REJECTED, REGISTERED], [1, None]),
        ([REGISTERED, DISPUTED], 1, REJECT, [REGISTERED, REJECTED], [None, 0]),
        ([REGISTERED, DISPUTED, DISPUTED], 2, UPHOLD, [REJECTED, REJECTED, REGISTERED], [2, 2, None]),
        ([REGISTERED, DISPUTED, DISPUTED], 1, REJECT, [REGISTERED, REJECTED, DISPUTED], [None, 0, None]),
        ([WITHDRAWN, DISPUTED], 1, UPHOLD, [WITHDRAWN, REGISTERED], [None, None]),
        ([WITHDRAWN, DISPUTED], 1, REJECT, [WITHDRAWN, REJECTED], [None, None]),
        ([WITHDRAWN, DISPUTED, DISPUTED], 1, REJECT, [WITHDRAWN, REJECTED, REGISTERED], [None, 2, None]),
        ([REJECTED, REGISTERED, DISPUTED], 2, UPHOLD, [REJECTED, REJECTED, REGISTERED], [None, 2, None]),
        ([LAPSED, DISPUTED], 1, UPHOLD, [REJECTED, REGISTERED], [1, None]),
    ],
)
async def test_what_a_verdict_makes_of_the_claims(
    before: list[ReferralState],
    place: int,
    verdict: Verdict,
    after: list[ReferralState],
    winners: list[int | None],
) -> None:
    dispute, by = await disputed(*before), await reviewer()
    after_evidence()
    decided = await decide(dispute.claims[place].id, verdict, by)
    assert (decided.id, decided.state) == (dispute.claims[place].id, after[place])
    assert await dispute.states() == after
    ids = [claim.id for claim in dispute.claims]
    rows = [await dispute.claim(one) for one in range(len(ids))]
    assert [ids.index(row.winner_id) if row.winner_id else None for row in rows] == winners
    [decision] = await ReferralDecision.filter(referral_id=decided.id)
    assert (decision.verdict, decision.actor_id, decision.reason, decision.undoes_id) == (
        verdict, by.person_id, REASON, None,
    )  # fmt: skip
    changed = [one for one, row in enumerate(rows) if row.version > 1]
    assert {change[0] for change in decision.changes} == {str(ids[one]) for one in changed}
    for one in {*changed, place}:
        expected = "rejected" if after[one] is REJECTED else "upheld"
        assert (await dispute.actions(one)) == [expected]
        [event] = await Event.filter(subject=f"referral:{ids[one]}")
        assert (event.name, event.people) == (f"referral.{expected}", [str(dispute.clerks[one].person_id)])


async def test_of_several_it_must_be_said_which_lives() -> None:
    by = await reviewer()
    for states, place in (
        ([REGISTERED, DISPUTED, DISPUTED], 0),
        ([WITHDRAWN, DISPUTED, DISPUTED, DISPUTED], 1),
        ([LAPSED, DISPUTED, DISPUTED], 1),
    ):
        dispute = await disputed(*states)
        after_evidence()
        with pytest.raises(DomainError, match="uphold_one"):
            await decide(dispute.claims[place].id, REJECT, by)
        assert await dispute.states() == states


async def test_nothing_is_decided_before_the_schools_were_heard() -> None:
    clock.move_to(BEGAN)
    dispute, by = await disputed(), await reviewer()
    for place in (0, 1):
        with pytest.raises(DomainError, match="evidence_still_open") as refused:
            await decide(dispute.claims[0].id, UPHOLD, by)
        assert refused.value.facts == {"until": "2026-10-20"}
        await dispute.put_forward(place)
    assert (await decide(dispute.claims[1].id, UPHOLD, by)).state is REGISTERED


async def test_the_last_day_for_evidence_is_a_whole_day_and_the_latest_one_counts() -> None:
    dispute, by = await disputed(), await reviewer()
    await Referral.filter(id=dispute.claims[0].id).update(evidence_until="2026-10-15")
    clock.move_to(BEGAN.replace(day=20, hour=15, minute=59))
    with pytest.raises(DomainError, match="evidence_still_open"):
        await decide(dispute.claims[0].id, UPHOLD, by)
    clock.move_to(BEGAN.replace(day=20, hour=16))
    await decide(dispute.claims[0].id, UPHOLD, by)


async def test_what_was_put_forward_before_a_dispute_began_anew_is_not_being_heard() -> None:
    clock.move_to(BEGAN)
    dispute, by = await disputed(), await reviewer()
    await dispute.put_forward(0)
    await dispute.put_forward(1)
    await decide(dispute.claims[0].id, UPHOLD, by)
    clock.move_to(BEGAN + timedelta(hours=1))
    await undo(dispute.claims[0].id, by)
    for place in (0, 1):
        with pytest.raises(DomainError, match="evidence_still_open"):
            await decide(dispute.claims[1].id, UPHOLD, by)
        await dispute.put_forward(place)
    assert (await decide(dispute.claims[1].id, UPHOLD, by)).state is REGISTERED


async def test_where_no_other_school_is_left_nobody_need_be_heard() -> None:
    clock.move_to(BEGAN)
    dispute = await disputed(WITHDRAWN, DISPUTED)
    assert (await decide(dispute.claims[1].id, UPHOLD, await reviewer())).state is REGISTERED


async def test_what_is_in_no_dispute_is_not_decided() -> None:
    by = await reviewer()
    after_evidence()
    for state in (REGISTERED, CONFIRMED, REJECTED, WITHDRAWN, LAPSED):
        dispute = await disputed(state)
        for verdict in Verdict:
            with pytest.raises(DomainError, match="referral_undisputed"):
                await decide(dispute.claims[0].id, verdict, by)
    other_year = await disputed(REGISTERED, DISPUTED)
    await Referral.filter(id=other_year.claims[1].id).update(year=2025, state=REGISTERED)
    with pytest.raises(DomainError, match="referral_undisputed"):
        await decide(other_year.claims[0].id, UPHOLD, by)


async def test_a_flagged_claim_is_cleared_or_rejected() -> None:
    by = await reviewer()
    after_evidence()
    flagged = [Flag.OTHER_WITHDREW, Flag.NAME_UNLIKE_KNOWN, Flag.OTHER_SCHOOL]
    for verdict, state in ((UPHOLD, REGISTERED), (REJECT, REJECTED)):
        dispute = await disputed(REGISTERED)
        await Referral.filter(id=dispute.claims[0].id).update(flags=flagged, needs_check=True)
        decided = await decide(dispute.claims[0].id, verdict, by)
        # that the student is at another school follows from an enrolment, of which there is none
        left = set(decided.flags) - {Flag.OTHER_SCHOOL}
        assert (decided.state, left, decided.needs_check) == (state, set(), False)
    names = await disputed(REGISTERED)
    await Referral.filter(id=names.claims[0].id).update(flags=[Flag.NAME_DIFFERS], needs_check=True)
    with pytest.raises(DomainError, match="referral_undisputed"):  # that is asked of each enrolment
        await decide(names.claims[0].id, UPHOLD, by)


async def test_whoever_has_to_do_with_a_school_or_the_student_decides_nothing() -> None:
    dispute, insider, leaver, relative = await disputed(), await reviewer(), await reviewer(), await reviewer()
    third = await disputed(WITHDRAWN)
    await Referral.filter(id=third.claims[0].id).update(student=dispute.student)
    after_evidence()
    for by, school in ((insider, dispute.schools[1]), (leaver, third.schools[0])):
        membership = await make_member(school, Role.CLERK)
        await membership.update_from_dict({"person_id": by.person_id, "ended_at": clock.now()}).save()
    row_id = relative.person_id
    await StudentLink.create(
        id=row_id, person_id=row_id, student=dispute.student, relation=Relation.GUARDIAN, created_at=clock.now(),
        **sealed("student_link", row_id, "name", Kind.NAME, "欧阳青竹"),
    )  # fmt: skip
    for by, slug in ((insider, "decides_for_own"), (leaver, "decides_for_own"), (relative, "link_of_your_own")):
        for place in (0, 1):
            with pytest.raises(DomainError) as refused:
                await decide(dispute.claims[place].id, UPHOLD, by)
            assert (refused.value.slug, refused.value.status) == (slug, 403)
    assert await dispute.states() == [REGISTERED, DISPUTED]
    assert not await ReferralDecision.exists(actor_id__in=[insider.person_id, leaver.person_id, relative.person_id])


async def test_a_decision_is_on_what_was_looked_at() -> None:
    dispute, by = await disputed(), await reviewer()
    after_evidence()
    with pytest.raises(DomainError, match="stale_version"):
        await decide(dispute.claims[0].id, UPHOLD, by, version=2)
    await decide(dispute.claims[0].id, UPHOLD, by, version=1)
    other = await disputed()
    with pytest.raises(DomainError, match="not_found"):
        await decide(other.student.id, UPHOLD, by)


async def test_of_reviewers_who_decide_at_once_one_is_heard() -> None:
    after_evidence()
    for _ in range(4):
        dispute = await disputed(REGISTERED, DISPUTED, DISPUTED)
        reviewers = [await reviewer() for _ in range(6)]
        outcomes = await asyncio.gather(
            *(decide(dispute.claims[one % 3].id, UPHOLD, by) for one, by in enumerate(reviewers)),
            return_exceptions=True,
        )
        [won] = [outcome for outcome in outcomes if isinstance(outcome, Referral)]
        assert {str(outcome) for outcome in outcomes if outcome is not won} == {"referral_undisputed"}
        assert sorted(await dispute.states()) == ["registered", "rejected", "rejected"]
        assert await ReferralDecision.filter(referral_id__in=[claim.id for claim in dispute.claims]).count() == 1


async def test_an_outsider_of_another_school_decides() -> None:
    dispute, by = await disputed(), await reviewer()
    elsewhere = await make_member(await make_organisation(name="别处中学（示例）"), Role.CLERK)
    await elsewhere.update_from_dict({"person_id": by.person_id}).save()
    after_evidence()
    assert (await decide(dispute.claims[0].id, UPHOLD, Decider(by.person_id, REASON))).state is REGISTERED
