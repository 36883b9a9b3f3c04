"""Confirmed claims of a year, as candidates for an award."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from server.awards import book, owing, places, soundness
from server.awards.facts import Facts, Found, Sent, judged, of_claim
from server.awards.making import PAYEE_KIND, Candidate, code_beside, excepted
from server.awards.models import Award
from server.awards.rules import Source
from server.awards.soundness import IN_DISPUTE, OF_RECEIVER, RECEIVER, TO_CHECK, UNCONFIRMED
from server.kernel.statements import identity, returned, select
from server.organisations import heirs
from server.organisations.models import Organisation
from server.referrals import attendance
from server.referrals.models import Referral
from server.students.models import Student

_BEHIND = "year = $1 AND id > $2 AND NOT state <> 'confirmed' ORDER BY id LIMIT $3"
"""The double negative keeps SQLite on the index that is in the order of the ids."""
_ABOUT = "(student_id = ANY($1) OR referral_id = ANY($2)) AND NOT programme <> $3"
"""So that it goes by students and claims, of which there are few, and not by the programme."""
_CLAIMS = f"""
SELECT claim.id, claim.student_id, claim.school_id, claim.year, claim.intake, claim.enrolment_id, claim.needs_check,
  school.region, enrolment.entered_on, enrolment.level, {OF_RECEIVER},
  EXISTS (SELECT 1 FROM referral rival WHERE rival.student_id = claim.student_id AND rival.year = claim.year
    AND rival.state = 'disputed') AS rivalled
FROM referral claim
JOIN organisation school ON school.id = claim.school_id
JOIN enrolment ON enrolment.id = claim.enrolment_id
JOIN organisation receiver ON receiver.id = enrolment.school_id
WHERE claim.id = ANY($1)
ORDER BY claim.id"""  # noqa: S608 -- our own texts


async def behind(year: int, reached: UUID, most: int) -> list[Referral]:
    """Return the next confirmed claims of a year, by their ids; of each only its id and its student's."""
    return await select(Referral, _BEHIND, year, reached, most, only=("id", "student_id"))


async def candidates(
    claims: Sequence[Referral], programme: str, source: Source, exceptions: Mapping[UUID, str]
) -> list[Candidate]:
    """Return what comes of claims that are confirmed still, with their students held until the transaction ends.

    A settled number of statements. Whoever changes a claim or stores another beside it holds the student, too.
    """
    students = sorted({claim.student_id for claim in claims})
    await select(Student, "id = ANY($1) ORDER BY id", students, only=("id",), hold=True)
    confirmed = "id = ANY($1) AND state = 'confirmed' ORDER BY id"
    held = await select(Referral, confirmed, [claim.id for claim in claims], only=("id",), hold=True)
    rows = await returned(_CLAIMS, [claim.id for claim in held])
    payees = await _payees({identity(row["school_id"]) for row in rows})
    known = await _awards(students, [claim.id for claim in held], programme)
    back = await owing.come_back([award for awards in known.values() for award in awards])
    absent = await attendance.absent([soundness.confirmed(row) for row in rows])
    judge = _Judge(programme)
    made = [_candidate(row, payees, _Known(known, back), exceptions, source, judge) for row in rows]
    return [
        replace(one, code=UNCONFIRMED) if one.subject_id in absent and not (one.code or one.found.code) else one
        for one in made
    ]


class _Judge:
    """The rules of one programme, asked once for all claims of which the data says the same."""

    def __init__(self, programme: str) -> None:
        self._programme = programme
        self._city = places.in_force()[book.in_force().programmes[programme].jurisdiction]
        self._known: dict[Sent, tuple[Facts, Found]] = {}

    def __call__(self, sent: Sent) -> tuple[Facts, Found]:
        if sent not in self._known:
            facts = of_claim(sent, self._city)
            self._known[sent] = facts, judged(book.in_force(), self._programme, facts, sent.entered_on)
        return self._known[sent]


@dataclass(frozen=True, slots=True)
class _Known:
    """The awards by student and by claim, and which of them came back whole."""

    awards: Mapping[UUID, Collection[Award]]
    back: Collection[UUID]

    def about(self, claim_id: UUID, student_id: UUID) -> tuple[list[Award], list[Award]]:
        """Return the awards of a claim, and the others of its student.

        What came back whole is as another one, beside which an exception stands.
        """
        every = {award.id: award for one in (claim_id, student_id) for award in self.awards.get(one, ())}.values()
        own = [award for award in every if award.referral_id == claim_id and award.id not in self.back]
        return own, [award for award in every if award not in own]


def _candidate(  # noqa: PLR0913, PLR0917 -- a claim, and all that is known of its kind
    row: Mapping[str, Any],
    payees: Mapping[UUID, Organisation],
    known: _Known,
    exceptions: Mapping[UUID, str],
    source: Source,
    judge: _Judge,
) -> Candidate:
    claim_id, student_id = identity(row["id"]), identity(row["student_id"])
    sent = soundness.sent(row)
    payee, exception = payees[identity(row["school_id"])], exceptions.get(claim_id, "")
    own, others = known.about(claim_id, student_id)
    facts, found = judge(sent)
    return Candidate(
        subject_id=claim_id,
        payee_id=payee.id,
        entered_on=sent.entered_on,
        facts=facts,
        found=found,
        referral_id=claim_id,
        student_id=student_id,
        exception=excepted(others, exception),
        code=code_beside(own, others, exception) or _trouble(row) or ("" if payee.kind is source.payee else PAYEE_KIND),
    )


def _trouble(row: Mapping[str, Any]) -> str:
    """Return what has to be settled about a claim before anything follows from it, empty where nothing has."""
    if row["rivalled"]:
        return IN_DISPUTE
    if row["needs_check"]:
        return TO_CHECK
    return RECEIVER if row["receiver_suspect"] else ""


async def _payees(schools: Collection[UUID]) -> dict[UUID, Organisation]:
    """Return by school who is paid in its place: itself, or what carries a closed one on."""
    standing = await heirs.heirs(schools)
    rows = await select(Organisation, "id = ANY($1)", sorted(set(standing.values())), only=("id", "kind"))
    found = {row.id: row for row in rows}
    return {school: found[heir] for school, heir in standing.items()}


async def _awards(students: Sequence[UUID], claims: Sequence[UUID], programme: str) -> Mapping[UUID, Collection[Award]]:
    """Return the awards by student and by claim: a claim may have become another student's since."""
    only = ("id", "student_id", "referral_id", "state", "amount_fen")
    known: defaultdict[UUID, list[Award]] = defaultdict(list)
    for award in await select(Award, _ABOUT, list(students), list(claims), programme, only=only):
        for about in filter(None, (award.student_id, award.referral_id)):
            known[about].append(award)
    return known
