"""A reviewer's verdict on a claim: which of several stands, or whether a flagged one does."""

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from tortoise.queryset import QuerySet

from server.kernel import audit, bulk, clock, outbox
from server.kernel.audit import AuditEntry
from server.kernel.errors import DomainError
from server.kernel.outbox import Occurrence
from server.kernel.transactions import transaction
from server.organisations import current
from server.people.service import Decider
from server.referrals import holding, matching, service, verdicts
from server.referrals.holding import Held
from server.referrals.models import Evidence, Referral, ReferralDecision, ReferralState, Verdict
from server.referrals.verdicts import Standing

REFUSALS = ("referral.rejected", "referral.decision_undone")
"""Entries after which a claim may stand rejected."""
OPENINGS = (service.DISPUTED, "referral.decision_undone")
"""Entries with which a dispute begins, or begins anew: what was put forward earlier was about another one."""


@transaction
async def decide(referral_id: UUID, verdict: Verdict, by: Decider, version: int | None = None) -> Referral:
    """Uphold or reject a claim that is in dispute or flagged; return it.

    Of a dispute one claim comes out that lives, and the others are lost to it. Raises DomainError 403 for who has to
    do with a claiming school or the student, 404, 409 where nothing is to be decided, the schools may still put
    evidence forward, or it must be said which of several lives; 412 where `version` is given and is not the one.
    """
    held = await holding.hold(referral_id, version)
    await holding.require_outsider(held, by.person_id)
    if not verdicts.to_decide(referral_id, held.standings):
        raise DomainError("referral_undisputed", 409)
    if verdict is Verdict.UPHOLD and _would_oust(held):
        raise holding.wrong_state(held.claim)
    await _require_heard(held)
    return await _settle(held, verdict, by)


@transaction
async def overturn(referral_id: UUID, by: Decider) -> Referral:
    """Uphold a rejected claim, after an appeal; raises DomainError 404, 409 where it is not rejected any more.

    Beside a claim whose school was never heard of it, it is in dispute again, and all may put evidence forward.
    """
    held = await holding.hold(referral_id)
    if held.claim.state is not ReferralState.REJECTED:
        raise DomainError("nothing_refused", 409)
    return await (_dispute_again(held, by) if _unheard(held) else _settle(held, Verdict.UPHOLD, by))


@transaction
async def standing_refusal(referral_id: UUID) -> AuditEntry | None:
    """Hold a claim until the transaction ends and return the entry of its rejection, None where none stands."""
    if not await Referral.exists(id=referral_id):
        return None
    claim = (await holding.hold(referral_id)).claim
    if claim.state is not ReferralState.REJECTED:
        return None
    entries = AuditEntry.filter(subject=holding.subject_of(referral_id), action__in=REFUSALS)
    return await entries.filter(after=ReferralState.REJECTED).order_by("-id").first()


@transaction
async def require_outsider(referral_id: UUID, person_id: UUID) -> None:
    """Raise DomainError 403 for who has to do with a school that claims the student, or with the student."""
    await holding.require_outsider(await holding.hold(referral_id), person_id)


async def concerned(referral_id: UUID) -> list[UUID]:
    """Return who acts for the school of a claim; raises DomainError 404."""
    school_id = (await holding.referral(referral_id)).school_id
    return (await current.acting([school_id]))[school_id]


async def _settle(held: Held, verdict: Verdict, by: Decider) -> Referral:
    before, claim_id = held.standings, held.claim.id
    after = (verdicts.upheld if verdict is Verdict.UPHOLD else verdicts.rejected)(claim_id, before)
    if after is None:
        raise DomainError("uphold_one", 409)
    changes = verdicts.changes(before, after)
    if not changes:
        raise DomainError("referral_undisputed", 409)
    await holding.put(held, after)
    await ReferralDecision.create(
        referral_id=claim_id, verdict=verdict, changes=changes, reason=by.reason, actor_id=by.person_id,
        made_at=clock.now(),
    )  # fmt: skip
    await _tell(held, before, after, by)
    return await _reconsidered(held, by)


async def _dispute_again(held: Held, by: Decider) -> Referral:
    """Put a rejected claim beside those that live or are in dispute, as if it came now."""
    before, claim = held.standings, held.claim
    rivals = [held.claims[one] for one in verdicts.contested(claim.id, before) if one != claim.id]
    notes = service.contest(claim, rivals, again=False)
    claim.state_since, claim.winner_id, claim.version = clock.now(), None, claim.version + 1
    await bulk.write([claim, *rivals], service.CONTESTED)
    await ReferralDecision.create(
        referral_id=claim.id, verdict=Verdict.UPHOLD, changes=verdicts.changes(before, held.standings),
        reason=by.reason, actor_id=by.person_id, made_at=clock.now(),
    )  # fmt: skip
    await audit.note_many(notes)
    await holding.tell(claim, "disputed", before[claim.id].state, by)
    people = await current.acting({one.school_id for one in rivals})
    await outbox.record_many(
        Occurrence(service.DISPUTED, holding.subject_of(one.id), people[one.school_id]) for one in rivals
    )
    return await _reconsidered(held, by)


async def _reconsidered(held: Held, by: Decider) -> Referral:
    claim = held.claim
    await matching.reconsider([claim.student_id], claim.year, actor_id=by.person_id, reason=by.reason, decided=True)
    return await holding.referral(claim.id)


async def _tell(held: Held, before: Mapping[UUID, Standing], concerned: Collection[UUID], by: Decider) -> None:
    for one in sorted(concerned):
        claim = held.claims[one]
        event = "rejected" if claim.state is ReferralState.REJECTED else "upheld"
        cleared = [flag for flag in before[one].flags if flag not in claim.flags]
        await holding.tell(claim, event, before[one].state, by, *cleared)


def _would_oust(held: Held) -> bool:
    """Whether a rejected claim would come before one that was made since, whose school was never heard of it."""
    return held.claim.state is ReferralState.REJECTED and bool(verdicts.contested(held.claim.id, held.standings))


def _unheard(held: Held) -> bool:
    """Whether a rejected claim would come before one with which it was in no dispute."""
    rivals = (held.claims[one] for one in verdicts.contested(held.claim.id, held.standings) if one != held.claim.id)
    return any(not _disputed(held.claim, rival) for rival in rivals)


def _disputed(rejected: Referral, rival: Referral) -> bool:
    """Whether a rejected claim was decided on beside a rival: it lost to it, or both had had the same days before."""
    until, day = rejected.evidence_until, rejected.state_since.astimezone(clock.SHANGHAI).date()
    together = until is not None and until == rival.evidence_until and until < day
    return rejected.winner_id == rival.id or (together and rival.created_at <= rejected.state_since)


async def _require_heard(held: Held) -> None:
    """Raise DomainError 409 while a school of a dispute may still put evidence forward, and has not."""
    parties = verdicts.contested(held.claim.id, held.standings)
    until = holding.evidence_until(held, parties)
    if until is None or clock.today() > until:
        return
    if not (await _heard(parties)).issuperset(parties):
        raise DomainError("evidence_still_open", 409, until=until.isoformat())


async def _heard(parties: Collection[UUID]) -> set[Any]:
    """Return those of some claims for which something was put forward since their dispute began."""
    return set(await (await since_opened(parties)).values_list("referral_id", flat=True))


async def since_opened(parties: Collection[UUID]) -> QuerySet[Evidence]:
    """Return, to be asked for, what was put forward for some claims since their dispute began, or began anew."""
    said = Evidence.filter(referral_id__in=list(parties))
    began = AuditEntry.filter(subject__in=[*map(holding.subject_of, parties)], action__in=OPENINGS)
    if last := await began.order_by("-made_at").first():
        said = said.filter(created_at__gte=last.made_at)
    return said
