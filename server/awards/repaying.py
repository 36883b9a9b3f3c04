"""Money that was claimed back wrongly: proposed as a new award, which goes through all hands as any other.

Nobody pays out alone: whoever lifts a clawback proposes only.
"""

from server.awards import making, runs
from server.awards.facts import Found
from server.awards.making import Candidate
from server.awards.models import ENDED, Award, AwardState, Clawback, RunKind
from server.awards.runs import Part
from server.kernel.errors import DomainError
from server.people.service import Decider

WHY = "追回的异议成立，按已经退回或者抵扣的金额重新办理"
"""The reason for which such an award stands beside the one that was paid."""


async def propose(award: Award, clawback: Clawback, fen: int, by: Decider) -> None:
    """Propose an award of what came back by a held clawback, like the one that it was paid for; joins the transaction.

    Its facts and what the rules said of them are as they were; it follows from the same claim, and is held and
    asked about with it. Raises DomainError 409 where an earlier one of that claim is not paid yet.
    """
    await require_none_waits(award)
    chosen = {"programme": award.programme, "year": award.year, "clawback": str(clawback.id)}
    run = await runs.begin(RunKind.PROPOSE, chosen, 1, by)
    candidate = Candidate(
        subject_id=clawback.id,
        payee_id=award.payee_id,
        entered_on=award.entered_on,
        facts=award.facts,
        found=Found("", award.verdict, fen),
        referral_id=award.referral_id,
        student_id=award.student_id,
        matter=award.matter,
        exception=WHY,
    )
    made = await making.make(run, award.programme, award.year, [candidate])
    await runs.keep(run, Part(made, None, more=False))


async def require_none_waits(award: Award) -> None:
    """Raise DomainError 409 where another one of the same claim is not paid yet: there is one at a time."""
    same = Award.filter(referral_id=award.referral_id, programme=award.programme).exclude(id=award.id)
    if award.referral_id and await same.exclude(state__in=[AwardState.PAID, *ENDED]).exists():
        raise DomainError("awarded_otherwise", 409)
