"""Whatever is said of whatever claims: one lives at most, a loser is tied to who won, and all can be turned round."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from server.referrals import verdicts
from server.referrals.flags import Flag
from server.referrals.models import LIVE, ReferralState
from server.referrals.verdicts import Standing

DEAD = [ReferralState.REJECTED, ReferralState.WITHDRAWN]
WAITING = [ReferralState.DISPUTED, ReferralState.LAPSED, *DEAD]


@st.composite
def situations(draw: st.DrawFn) -> tuple[UUID, dict[UUID, Standing]]:
    """Up to five claims of which one lives at most, and one of them of which something is said."""
    ids = [UUID(int=one) for one in range(1, draw(st.integers(1, 5)) + 1)]
    states = [draw(st.sampled_from(WAITING)) for _ in ids]
    if draw(st.booleans()):
        states[draw(st.integers(0, len(ids) - 1))] = draw(st.sampled_from(LIVE))
    flags = st.lists(st.sampled_from(list(Flag)), unique=True).map(
        lambda found: tuple(sorted(found, key=list(Flag).index))
    )
    standings = {one: Standing(state, None, draw(flags)) for one, state in zip(ids, states, strict=True)}
    return draw(st.sampled_from(ids)), standings


def living(standings: dict[UUID, Standing]) -> list[UUID]:
    return [one for one, claim in standings.items() if claim.state in LIVE]


@given(situations())
def test_of_what_is_upheld_nothing_open_is_left_beside_it(situation: tuple[UUID, dict[UUID, Standing]]) -> None:
    claim_id, before = situation
    if not verdicts.to_decide(claim_id, before):
        return
    after = {**before, **verdicts.upheld(claim_id, before)}
    assert len(living(after)) <= 1
    assert after[claim_id].state in {*LIVE, ReferralState.LAPSED}
    assert verdicts.contested(claim_id, after) == []
    for one, claim in after.items():
        if claim != before[one] and one != claim_id:
            assert (claim.state, claim.winner_id) == (ReferralState.REJECTED, claim_id)


@given(situations())
def test_what_is_rejected_loses_to_one_that_lives_on(situation: tuple[UUID, dict[UUID, Standing]]) -> None:
    claim_id, before = situation
    found = verdicts.rejected(claim_id, before) if verdicts.to_decide(claim_id, before) else None
    if found is None:
        return
    after = {**before, **found}
    assert len(living(after)) <= 1
    assert after[claim_id].state is ReferralState.REJECTED
    if winner := after[claim_id].winner_id:
        assert after[winner].state in {*LIVE, ReferralState.LAPSED}
    else:
        assert verdicts.contested(claim_id, before) == []


@given(situations(), st.sampled_from([verdicts.upheld, verdicts.rejected]))
def test_every_verdict_can_be_turned_round(situation: tuple[UUID, dict[UUID, Standing]], verdict: object) -> None:
    claim_id, before = situation
    found = verdict(claim_id, before) if verdicts.to_decide(claim_id, before) else None  # type: ignore[operator]
    if found is None:
        return
    after = {**before, **found}
    back = verdicts.turned_back(verdicts.changes(before, after), after)
    assert back is not None
    again = {**after, **back}
    # one that was matched begins anew, since what the schools have is looked at anew
    begun = {one: claim.state if claim.state not in LIVE else ReferralState.REGISTERED for one, claim in before.items()}
    for one, claim in again.items():
        assert claim.state in {before[one].state, begun[one]}
        assert (claim.winner_id, claim.flags) == (before[one].winner_id, before[one].flags)
    for one in (one for one in back if after[one].state is ReferralState.REJECTED):
        overtaken = {**after, one: after[one]._replace(state=ReferralState.WITHDRAWN)}
        assert verdicts.turned_back(verdicts.changes(before, after), overtaken) is None
