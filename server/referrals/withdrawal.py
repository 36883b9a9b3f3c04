"""A school takes its claim back; what is left of a dispute then waits for a reviewer."""

from uuid import UUID

from server.kernel.transactions import transaction
from server.people.service import Decider
from server.referrals import flags, holding, matching, verdicts
from server.referrals.flags import Flag
from server.referrals.holding import Held
from server.referrals.models import Referral, ReferralState
from server.referrals.verdicts import OPEN, Standing


@transaction
async def withdraw(referral_id: UUID, by: Decider, version: int | None = None) -> Referral:
    """Take a claim back, whatever came of it already, but not one that was rejected; return it.

    The claims beside it in a dispute, and those that had lost to it, wait for a reviewer: none lives by itself. Raises
    DomainError 404, 409 for a school that is not verified, after the year, and in any other state; 412 as `decide`.
    """
    held = await holding.hold(referral_id, version)
    await holding.require_acting(held.claim)
    if held.claim.state not in OPEN:
        raise holding.wrong_state(held.claim)
    before = held.standings
    after = {referral_id: _withdrawn(before[referral_id]), **left_over(held)}
    for one in await holding.put(held, after):
        event, said = ("withdrawn", by) if one == referral_id else ("other_withdrew", Decider(by.person_id, ""))
        await holding.tell(held.claims[one], event, before[one].state, said)
    await matching.reconsider([held.claim.student_id], held.claim.year, actor_id=by.person_id)
    return await holding.referral(referral_id)


def _withdrawn(claim: Standing) -> Standing:
    return Standing(ReferralState.WITHDRAWN, None, tuple(flags.changed(claim.flags, drop=flags.NEEDS_CHECK)))


def left_over(held: Held) -> dict[UUID, Standing]:
    """Return the others of the dispute, and those that a dispute lost to the claim, each to be looked at."""
    standings, withdrawn_id = held.standings, held.claim.id
    others = {one for one in verdicts.contested(withdrawn_id, standings) if one != withdrawn_id}
    others |= {
        one
        for one, standing in standings.items()
        if standing.winner_id == withdrawn_id and standing.state is ReferralState.REJECTED
    }
    return {
        one: standings[one]._replace(flags=tuple(flags.changed(standings[one].flags, add=[Flag.OTHER_WITHDREW])))
        for one in sorted(others)
    }
