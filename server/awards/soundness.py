"""Whether what an award follows from still holds: its claim is confirmed, undisputed, and says the same."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any
from uuid import UUID

from server.awards import book, places
from server.awards.facts import Sent, of_claim
from server.awards.models import Award, AwardState
from server.enrolments.models import Intake, Level
from server.kernel.statements import day, identity, returned, select
from server.organisations.group import Period
from server.referrals import attendance
from server.referrals.attendance import Confirmed
from server.referrals.models import Referral, ReferralState

UNCONFIRMED, MOVED, CHANGED = "referral_unconfirmed", "referral_moved", "referral_changed"
IN_DISPUTE, TO_CHECK, RECEIVER = "referral_in_dispute", "referral_to_check", "receiver_not_verified"
DOUBTS = frozenset({UNCONFIRMED, MOVED, CHANGED, IN_DISPUTE, TO_CHECK, RECEIVER})
"""Why what follows from a claim may hold no more."""

OF_RECEIVER = """receiver.member_since, receiver.member_until, (receiver.state NOT IN ('verified', 'closed')
    OR (receiver.state = 'closed' AND EXISTS (SELECT 1 FROM audit_entry closing
      WHERE closing.subject = 'organisation:' || CAST(receiver.id AS text)
      AND closing.action = 'organisation.closed' AND closing.before = 'suspended'))) AS receiver_suspect"""
"""What is asked of the school that has a student: its word is not taken while it is suspended.

Nor is it ever of one that was closed so: who finds it in order restores it first.
"""
_CLAIMS = f"""
SELECT claim.id, claim.student_id, claim.year, claim.intake, claim.enrolment_id, claim.state, claim.needs_check,
  school.region, enrolment.entered_on, enrolment.level, {OF_RECEIVER}
FROM referral claim
JOIN organisation school ON school.id = claim.school_id
LEFT JOIN enrolment ON enrolment.id = claim.enrolment_id
LEFT JOIN organisation receiver ON receiver.id = enrolment.school_id
WHERE claim.id = ANY($1)"""  # noqa: S608 -- our own texts
_OF_STUDENTS = "student_id = ANY($1) ORDER BY student_id, id"


async def doubts(awards: Iterable[Award]) -> Mapping[UUID, str]:
    """Return, of those awards whose claim is not sound now, why; a settled number of statements, however many.

    Whoever changes a claim has the awards looked at afterwards: what is said here of held awards stays true of them.
    """
    following = [one for one in awards if one.referral_id]
    if not following:
        return {}
    rows = await returned(_CLAIMS, [one.referral_id for one in following])
    claims = {identity(row["id"]): row for row in rows}
    students = sorted({identity(row["student_id"]) for row in rows})
    beside = await select(Referral, _OF_STUDENTS, students, only=("id", "student_id", "year", "state"))
    disputed = {(row.student_id, row.year) for row in beside if row.state is ReferralState.DISPUTED}
    absent = await attendance.absent([confirmed(row) for row in rows if row["enrolment_id"]])
    found = {one.id: _doubt(one, claims[one.referral_id], disputed, absent) for one in following if one.referral_id}
    return {award_id: code for award_id, code in found.items() if code}


async def now(awards: Iterable[Award]) -> Mapping[UUID, str]:
    """Return, of those awards of which something is doubtful now, what: of one without a claim, what was noted."""
    known = list(awards)
    found = await doubts(known)
    return {**found} | {one.id: one.doubt for one in known if one.doubt and not one.referral_id}


def confirmed(row: Mapping[str, Any]) -> Confirmed:
    """Return the claim of a row with its enrolment."""
    student_id, enrolment_id = identity(row["student_id"]), identity(row["enrolment_id"])
    return Confirmed(identity(row["id"]), student_id, row["year"], Intake(row["intake"]), enrolment_id)


def sent(row: Mapping[str, Any]) -> Sent:
    """Return the claim of a row, as far as the rules ask."""
    entered_on = day(row["entered_on"])
    member = Period(*(day(row[name]) if row[name] else None for name in ("member_since", "member_until")))
    return Sent(row["region"], member.covers(entered_on), Level(row["level"]), entered_on)


def _doubt(
    award: Award, claim: Mapping[str, Any], disputed: Collection[tuple[UUID, int]], absent: Collection[UUID]
) -> str:
    student_id = identity(claim["student_id"])
    if student_id != award.student_id:
        return MOVED
    if claim["state"] != ReferralState.CONFIRMED or claim["level"] is None or award.referral_id in absent:
        return UNCONFIRMED
    if (student_id, claim["year"]) in disputed:
        return IN_DISPUTE
    if claim["needs_check"]:
        return TO_CHECK
    if claim["receiver_suspect"] and (award.state is not AwardState.PAID or award.doubt == RECEIVER):
        return RECEIVER  # of what was paid before it is not asked back: nothing came up about its students
    return CHANGED if _changed(award, claim) else ""


def _changed(award: Award, claim: Mapping[str, Any]) -> bool:
    """Whether the data says something else by now than what the rules were asked with.

    Then what is to be paid, if anything, is for the rules to say again: the award is cancelled and proposed anew.
    """
    if not award.facts:
        return False
    now, city = sent(claim), places.in_force()[book.in_force().programmes[award.programme].jurisdiction]
    facts = of_claim(now, city)
    return now.entered_on != award.entered_on or any(facts.get(name) != value for name, value in award.facts.items())
