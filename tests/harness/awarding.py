"""Confirmed claims, and awards that follow from them, as those who made them left them."""

from datetime import date
from typing import Any
from uuid import UUID

from server.awards import proposing, runs, working
from server.awards.models import Award, AwardRun, AwardRunRow, AwardState, Clawback, ClawbackState, RunKind, RunState
from server.awards.proposing import Wanted
from server.enrolments.models import EnrolmentState, EnrolmentStatus
from server.kernel import clock
from server.kernel.ids import new_id
from server.kernel.outbox import Event
from server.organisations.models import Organisation
from server.organisations.roles import Kind
from server.people.service import Decider
from server.referrals.models import Referral, ReferralState
from tests.factories import make_organisation
from tests.harness.referring import make_claim, make_listed, make_student

PROGRAMME, AMOUNT_FEN = "feeder-referral", 50000


async def make_confirmed(school: Organisation, college: Organisation, year: int, **values: Any) -> Referral:
    """A claim that is confirmed by an enrolment; `enrolled` are values of that, the others of the claim."""
    enrolled: dict[str, Any] = values.pop("enrolled", {})
    student = values.pop("student", None) or await make_student()
    row = {"year": year, "state": EnrolmentState.REGISTERED, "entered_on": date(year, 9, 1), **enrolled}
    enrolment = await make_listed(college, student, **row)
    since = min(enrolment.entered_on, date(year, 9, 1))
    await EnrolmentStatus.create(enrolment=enrolment, state=enrolment.state, effective_on=since, made_at=clock.now())
    made = {"year": year, "state": ReferralState.CONFIRMED, "enrolment": enrolment, **values}
    return await make_claim(school, student, **made)


async def make_college() -> Organisation:
    return await make_organisation(Kind.VOCATIONAL_SCHOOL, name="滨江职校（示例）", region="340803")


async def make_school(region: str | None = "340802", **values: Any) -> Organisation:
    return await make_organisation(region=region, **values)


async def proposed(wanted: Wanted, by: UUID | None = None) -> AwardRun:
    """Propose, and work the run off in this process."""
    run = await proposing.propose(wanted, Decider(by or new_id(), ""))
    return await worked_off(run.id)


async def worked_off(run_id: UUID) -> AwardRun:
    while (await working.work({"run": str(run_id)}))["more"]:
        pass
    return await runs.run(run_id)


async def outcomes(run: AwardRun) -> dict[UUID, str]:
    """What became of each thing of a run, by its id."""
    return {row.subject_id: row.code for row in await AwardRunRow.filter(run_id=run.id)}


async def events_of(run: AwardRun) -> list[Event]:
    """What the schools were told of a run: of each one event, by the first row about it."""
    rows = {f"award_run_row:{row.id}" for row in await AwardRunRow.filter(run=run).only("id")}
    told = await Event.filter(name__startswith="awards.").order_by("id")
    return [event for event in told if event.subject in rows]


async def make_award(claim: Referral, **values: Any) -> Award:
    """An award of a claim, as far as it has come; the claim's run is one of its own."""
    now = clock.now()
    run = values.pop("run", None) or await AwardRun.create(
        kind=RunKind.PROPOSE, chosen={}, actor_id=new_id(), state=RunState.DONE, counts={}, created_at=now
    )
    verdict = {"version": "2024", "verdict": "eligible", "checks": [], "warnings": []}
    row = {
        "programme": PROGRAMME,
        "year": claim.year,
        "referral_id": claim.id,
        "student_id": claim.student_id,
        "payee_id": claim.school_id,
        "amount_fen": AMOUNT_FEN,
        "state": AwardState.PROPOSED,
        "entered_on": date(claim.year, 9, 1),
        "rule_version": "2024",
        "facts": {},
        "verdict": verdict,
        "run": run,
        "created_at": now,
        "state_since": now,
    }
    return await Award.create(**{**row, **values})


async def make_clawback(award: Award, **values: Any) -> Clawback:
    """The claiming back of all of an award, demanded unless `state` says otherwise, whatever there is to it."""
    now = clock.now()
    row = {"payee_id": award.payee_id, "amount_fen": award.amount_fen, "reason": "学籍注销"}
    row |= {"state": ClawbackState.DEMANDED, "demanded_at": now, "created_at": now, "state_since": now}
    return await Clawback.create(award=award, **{**row, **values})
