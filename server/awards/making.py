"""Awards as they come into being: each with what the rules said, and why there is none where they said no."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from server.awards import holding
from server.awards.facts import Facts, Found
from server.awards.models import ENDED, Award, AwardRun, AwardState
from server.awards.runs import Made
from server.awards.soundness import IN_DISPUTE, RECEIVER, TO_CHECK, UNCONFIRMED
from server.funds import service as funds
from server.kernel import audit, bulk, clock
from server.kernel.audit import Note
from server.kernel.ids import new_id

ALREADY_AWARDED, AWARD_REFUSED, AWARDED_OTHERWISE = "already_awarded", "award_refused", "awarded_otherwise"
PAYEE_KIND = "payee_kind"
INELIGIBLE, NEEDS_INFORMATION, AMOUNT_UNSTATED = "ineligible", "needs_information", "amount_unstated"
REASONS = (
    *(ALREADY_AWARDED, AWARD_REFUSED, AWARDED_OTHERWISE),
    *(IN_DISPUTE, TO_CHECK, UNCONFIRMED, RECEIVER, PAYEE_KIND),
    *(INELIGIBLE, NEEDS_INFORMATION, AMOUNT_UNSTATED),
)
"""Why nothing may come of what was looked at."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """What an award may come of: a claim, or a stated case; `subject_id` is its own id.

    `payee_id` is to be paid. `exception` says why it may stand beside another award for the same. `code` says why
    nothing comes of it, whatever the rules say.
    """

    subject_id: UUID
    payee_id: UUID
    entered_on: date
    facts: Facts
    found: Found
    referral_id: UUID | None = None
    student_id: UUID | None = None
    matter: str = ""
    exception: str = ""
    code: str = ""


def code_beside(own: Iterable[Award], others: Iterable[Award], exception: str) -> str:
    """Return why nothing more is awarded, empty where something may be.

    `own` are awards of the very same claim or matter; `others` those of the same student, beside which only an
    exception stands. What was refused comes back by undoing or by an appeal, never by proposing it again.
    """
    states = {award.state for award in own}
    if states - set(ENDED):
        return ALREADY_AWARDED
    if AwardState.REFUSED in states:
        return AWARD_REFUSED
    return AWARDED_OTHERWISE if not exception and _live(others) else ""


def excepted(others: Iterable[Award], exception: str) -> str:
    """Return the reason of an exception where one is needed: without another award the database minds as ever."""
    return exception if _live(others) else ""


async def make(run: AwardRun, programme: str, year: int, candidates: Sequence[Candidate]) -> list[Made]:
    """Make the awards that come of candidates, by a settled number of statements; return what became of each."""
    fund, now = await funds.fund_of(programme), clock.now()
    said = {"programme": programme, "year": year, "run_id": run.id, "fund_id": fund.id if fund else None}
    awards = {one.subject_id: _award(one, said, now) for one in candidates if not one.code and not one.found.code}
    made, by = list(awards.values()), run.actor_id
    await bulk.insert(made)
    await audit.note_many(Note(holding.subject_of(one.id), "award.proposed", by, after=one.state) for one in made)
    return [_made(one, awards.get(one.subject_id)) for one in candidates]


def _live(awards: Iterable[Award]) -> bool:
    return any(award.state not in ENDED for award in awards)


def _award(one: Candidate, said: Mapping[str, Any], now: datetime) -> Award:
    return bulk.fresh(
        Award,
        id=new_id(),
        referral_id=one.referral_id,
        student_id=one.student_id,
        payee_id=one.payee_id,
        matter=one.matter,
        amount_fen=one.found.amount_fen,
        entered_on=one.entered_on,
        rule_version=one.found.verdict["version"],
        facts=one.facts,
        verdict=one.found.verdict,
        exception_reason=one.exception,
        created_at=now,
        state_since=now,
        **said,
    )


def _made(one: Candidate, award: Award | None) -> Made:
    if award:
        return Made(one.subject_id, award.id, AwardState.PROPOSED)
    said = {} if one.code else dict(one.found.verdict)
    case = {} if one.referral_id else {"case": {"payee": str(one.payee_id), "matter": one.matter}}
    return Made(one.subject_id, code=one.code or one.found.code, verdict={**said, **case} or None)
