"""Money that was claimed back wrongly: proposed as a new award, which goes through all hands as any other.

Nobody pays out alone: whoever lifts a clawback proposes only.
"""

from server.awards import making, runs
from server.awards.facts import Found
from server.awards.making import Candidate
from server.awards.models import Award, Clawback, RunKind
from server.awards.runs import Part
from server.people.service import Decider

WHY = "追回的异议成立，按已经退回或者抵扣的金额重新办理"
"""The reason for which such an award stands beside the one that was paid."""


async def propose(award: Award, clawback: Clawback, fen: int, by: Decider) -> None:
    """Propose an award of what came back by a held clawback, like the one that it was paid for; joins the transaction.

    Its facts and what the rules said of them are as they were; it follows from no claim, but from that decision.
    """
    chosen = {"programme": award.programme, "year": award.year, "clawback": str(clawback.id)}
    run = await runs.begin(RunKind.PROPOSE, chosen, 1, by)
    candidate = Candidate(
        subject_id=clawback.id,
        payee_id=award.payee_id,
        entered_on=award.entered_on,
        facts=award.facts,
        found=Found("", award.verdict, fen),
        student_id=award.student_id,
        matter=award.matter,
        exception=WHY,
    )
    made = await making.make(run, award.programme, award.year, [candidate])
    await runs.keep(run, Part(made, None, more=False))
