"""Undoing a decision: what it changed is turned round, and the schools may put evidence forward again."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from server.kernel import clock
from server.kernel.errors import DomainError
from server.kernel.transactions import transaction
from server.people.service import Decider
from server.referrals import holding, matching, rules, verdicts
from server.referrals.holding import Held
from server.referrals.models import Referral, ReferralDecision, ReferralState


@transaction
async def undo(referral_id: UUID, by: Decider, version: int | None = None) -> Referral:
    """Undo the last decision that changed a claim and stands; return the claim.

    Raises DomainError 403 for who has to do with a claiming school or the student, and for whose own rejection was
    overturned by it; 404; 409 where there is none, or a claim is not as it left it; 412 as `decide` does.
    """
    held = await holding.hold(referral_id, version)
    await holding.require_outsider(held, by.person_id)
    made = await ReferralDecision.filter(referral_id__in=list(held.claims)).order_by("-id")
    undone = _last(made, referral_id)
    if undone is None:
        raise DomainError("nothing_to_undo", 409)
    _require_other_than_refused(undone, made, by)
    return await _turn_round(held, undone, by)


def _last(made: Sequence[ReferralDecision], referral_id: UUID) -> ReferralDecision | None:
    gone = {decision.undoes_id for decision in made}
    standing = (decision for decision in made if decision.undoes_id is None and decision.id not in gone)
    return next((decision for decision in standing if _touches(decision, referral_id)), None)


def _touches(decision: ReferralDecision, referral_id: UUID) -> bool:
    return decision.referral_id == referral_id or any(change[0] == str(referral_id) for change in decision.changes)


def _require_other_than_refused(undone: ReferralDecision, made: Sequence[ReferralDecision], by: Decider) -> None:
    """Raise DomainError 403 for who rejected a claim that another person then let live: the appeal would be in vain."""
    revived = [UUID(change[0]) for change in undone.changes if change[1] == ReferralState.REJECTED != change[2]]
    earlier = [decision for decision in made if decision.id < undone.id]
    refusals = (next((one for one in earlier if _rejects(one, claim_id)), None) for claim_id in revived)
    if any(one.actor_id == by.person_id for one in refusals if one):
        raise DomainError("another_person", 403)


def _rejects(decision: ReferralDecision, referral_id: UUID) -> bool:
    return any(change[0] == str(referral_id) and change[2] == ReferralState.REJECTED for change in decision.changes)


async def _turn_round(held: Held, undone: ReferralDecision, by: Decider) -> Referral:
    before, claim = held.standings, held.claim
    after = verdicts.turned_back(undone.changes, before)
    if after is None:
        raise DomainError("changed_since", 409)
    changed = await holding.put(held, after)
    await ReferralDecision.create(
        referral_id=claim.id, verdict=undone.verdict, undoes=undone, changes=verdicts.changes(before, after),
        reason=by.reason, actor_id=by.person_id, made_at=clock.now(),
    )  # fmt: skip
    parties = await _reopen_evidence(held)
    for one in sorted({claim.id, *changed, *parties}):
        await holding.tell(held.claims[one], "decision_undone", before[one].state, by)
    await matching.reconsider([claim.student_id], claim.year, actor_id=by.person_id, reason=by.reason, decided=True)
    return await holding.referral(claim.id)


async def _reopen_evidence(held: Held) -> list[UUID]:
    """Give the schools of a dispute that is open again as long as at first; return their claims."""
    standings = held.standings
    disputed = next((one for one, claim in standings.items() if claim.state is ReferralState.DISPUTED), None)
    parties = verdicts.contested(disputed, standings) if disputed else []
    until = clock.today() + timedelta(days=rules.in_force().evidence.days)
    for claim in (held.claims[one] for one in parties):
        claim.evidence_until, claim.version = until, claim.version + 1
        await claim.save(update_fields=["evidence_until", "version"])
    return parties
