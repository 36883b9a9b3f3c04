"""Whether what an award follows from still holds: its claim is confirmed, its student's, and nobody disputes it."""

from collections.abc import Iterable, Mapping
from uuid import UUID

from server.awards.models import Award
from server.kernel.statements import select
from server.referrals.models import Referral, ReferralState

UNCONFIRMED, MOVED = "referral_unconfirmed", "referral_moved"
IN_DISPUTE, TO_CHECK = "referral_in_dispute", "referral_to_check"

_OF_STUDENTS = "student_id = ANY($1) ORDER BY student_id, id"
_COLUMNS = ("id", "student_id", "year", "state", "needs_check")


async def doubts(awards: Iterable[Award]) -> Mapping[UUID, str]:
    """Return, of those awards whose claim is not sound now, why; two statements at most, however many.

    Whoever changes a claim has the awards looked at afterwards: what is said here of held awards stays true of them.
    """
    of_claims = {one.id: one for one in awards if one.referral_id}
    if not of_claims:
        return {}
    ids = [one.referral_id for one in of_claims.values()]
    claims = {row.id: row for row in await select(Referral, "id = ANY($1)", ids, only=_COLUMNS)}
    students = sorted({row.student_id for row in claims.values()})
    beside = await select(Referral, _OF_STUDENTS, students, only=_COLUMNS)
    disputed = {(row.student_id, row.year) for row in beside if row.state is ReferralState.DISPUTED}
    found = {one.id: _doubt(one, claims[one.referral_id], disputed) for one in of_claims.values() if one.referral_id}
    return {award_id: code for award_id, code in found.items() if code}


def _doubt(award: Award, claim: Referral, disputed: set[tuple[UUID, int]]) -> str:
    if claim.student_id != award.student_id:
        return MOVED
    if claim.state is not ReferralState.CONFIRMED:
        return UNCONFIRMED
    if (claim.student_id, claim.year) in disputed:
        return IN_DISPUTE
    return TO_CHECK if claim.needs_check else ""
