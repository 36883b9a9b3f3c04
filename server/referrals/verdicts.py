"""What a verdict on one of several claims makes of all of them, and what undoing it does: values in, values out."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from server.referrals import flags
from server.referrals.flags import NEEDS_CHECK, Flag
from server.referrals.models import LIVE, ReferralState

OPEN = frozenset({*LIVE, ReferralState.DISPUTED, ReferralState.LAPSED})
"""A claim that may still come to something; a lapsed one lives again once a school has the student."""
CLEARED = frozenset({Flag.OTHER_WITHDREW, Flag.NAME_UNLIKE_KNOWN, Flag.AGE_UNUSUAL})
"""What a reviewer has looked at who upholds a claim; whether two names are one person's is asked of each pair."""


class Standing(NamedTuple):
    """How a claim stands, which one it lost to, and what somebody should look at."""

    state: ReferralState
    winner_id: UUID | None = None
    flags: tuple[str, ...] = ()


Standings = Mapping[UUID, Standing]
"""Of the claims on one student and year, by their ids."""


def contested(claim_id: UUID, standings: Standings) -> list[UUID]:
    """Return the claims of the dispute that a verdict on one would end, itself among them; none where there is none."""
    ids = [one for one, standing in standings.items() if one == claim_id or standing.state in OPEN]
    disputed = any(standings[one].state not in {*LIVE, ReferralState.LAPSED} for one in ids)
    return ids if disputed and len(ids) > 1 else []


def to_decide(claim_id: UUID, standings: Standings) -> bool:
    """Whether a verdict on a claim is called for: it is in dispute, or left over from one, or flagged."""
    claim = standings[claim_id]
    if claim.state is ReferralState.DISPUTED or not CLEARED.isdisjoint(claim.flags):
        return claim.state is not ReferralState.WITHDRAWN
    return claim.state in OPEN and bool(contested(claim_id, standings))


def upheld(claim_id: UUID, standings: Standings) -> dict[UUID, Standing]:
    """Return the claims as they stand where one is upheld: it lives, and the others of its dispute are lost to it."""
    claim = standings[claim_id]
    lost = {one: _lost(standings[one], claim_id) for one in contested(claim_id, standings) if one != claim_id}
    return {**lost, claim_id: Standing(_standing_up(claim.state), None, _without(claim.flags, CLEARED))}


def rejected(claim_id: UUID, standings: Standings) -> dict[UUID, Standing] | None:
    """Return the claims as they stand where one is rejected, None where it must be said first which of several lives.

    The one that lives beside it wins; where none does, the only one that is left.
    """
    claim, others = standings[claim_id], [one for one in contested(claim_id, standings) if one != claim_id]
    winners = [one for one in others if standings[one].state in LIVE] or others
    if len(winners) > 1:
        return None
    found = {claim_id: _lost(claim, winners[0] if winners else claim.winner_id)}
    for winner in winners if len(others) == 1 else []:
        left = standings[winner]
        found[winner] = Standing(_standing_up(left.state), None, _without(left.flags, {Flag.OTHER_WITHDREW}))
    return found


def changes(before: Standings, after: Standings) -> list[list[Any]]:
    """Return what becomes different, as a decision keeps it."""
    return [
        [str(one), old.state, new.state, _text(old.winner_id), _text(new.winner_id), list(old.flags), list(new.flags)]
        for one, new in after.items()
        if (old := before[one]) != new
    ]


def turned_back(made: Iterable[Sequence[Any]], standings: Standings) -> dict[UUID, Standing] | None:
    """Return the claims as they stand where what a decision changed is turned round; None where that cannot be.

    It cannot where a claim is not as the decision left it, or two would live; whatever became of one that the decision
    let live, other than its being decided or withdrawn, does not matter.
    """
    found: dict[UUID, Standing] = {}
    for text, state_before, state_after, winner_before, winner_after, flags_before, flags_after in made:
        claim = standings.get(UUID(text))
        if claim is None or _kind(claim.state) != _kind(state_after) or _text(claim.winner_id) != winner_after:
            return None
        state = claim.state if _kind(state_before) == _kind(state_after) else _again(state_before)
        again = flags.changed(claim.flags, add=[Flag(flag) for flag in flags_before if flag not in flags_after])
        found[UUID(text)] = Standing(state, UUID(winner_before) if winner_before else None, tuple(again))
    lives = [one for one in {**standings, **found}.values() if one.state in LIVE]
    return found if len(lives) <= 1 else None


def _lost(claim: Standing, winner_id: UUID | None) -> Standing:
    return Standing(ReferralState.REJECTED, winner_id, _without(claim.flags, NEEDS_CHECK))


def _without(found: Iterable[str], gone: Iterable[Flag]) -> tuple[str, ...]:
    return tuple(flags.changed(found, drop=gone))


def _standing_up(state: ReferralState) -> ReferralState:
    """Return the state of a claim that is upheld: what schools have of the student decides on everything further."""
    return state if state in {*LIVE, ReferralState.LAPSED} else ReferralState.REGISTERED


def _again(state: str) -> ReferralState:
    """Return the state of a claim that comes back to what it was."""
    return ReferralState.REGISTERED if state in LIVE else ReferralState(state)


def _kind(state: str) -> str:
    return "standing" if state in {*LIVE, ReferralState.LAPSED} else state


def _text(claim_id: UUID | None) -> str | None:
    return str(claim_id) if claim_id else None
