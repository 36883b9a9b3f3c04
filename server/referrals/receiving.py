"""What a receiving school does with its list, and what follows for the claims on its students."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from server.enrolments import amending, life, service
from server.enrolments.life import Move, Shown, Step
from server.enrolments.listing import LASTING, Listed, Terms
from server.enrolments.models import Enrolment, EnrolmentState, Intake, Level, MatchVerdict
from server.enrolments.sealed import name_of as enrolled_as
from server.enrolments.service import MOST_AT_ONCE, Result
from server.imports.models import Outcome
from server.imports.remarks import Remark
from server.kernel import audit, clock, outbox
from server.kernel.errors import DomainError, FieldFault, invalid
from server.kernel.transactions import transaction
from server.organisations import current, keeping
from server.people.service import Decider
from server.referrals import matching, years
from server.referrals.models import LIVE, Referral, ReferralState
from server.referrals.sealed import name_of
from server.referrals.years import Calendar
from server.students import registry
from server.students.models import StudentLink


async def terms(year: int, intake: Intake, level: Level | None = None, *, over: bool = False) -> Terms:
    """Return what holds for a list of a year and intake; raises DomainError 409 for a year that is over, 422 for none.

    Students enter from the first day on which they may be claimed to the last of the year. The year may be `over` where
    `list_one` sees to that.
    """
    today = clock.today()
    if not years.possible(year, today):
        between = {"first": years.FIRST_YEAR, "last": today.year + years.YEARS_AHEAD}
        raise invalid(FieldFault("/year", "year_impossible", between))
    calendar = await years.calendar(year)
    if calendar.over_on(today) and not over:
        raise _closed(year, calendar)
    days = calendar.of(intake)
    return Terms(year, intake, level, days.enters_on, days.opens_on, calendar.ends_on)


@transaction
async def list_one(school_id: UUID, line: Listed, *, by: UUID) -> UUID:
    """Put one student on a school's list and return the enrolment's id.

    Raises DomainError as `list_many` does, 409 for one who is on it, or who is registered elsewhere, 422 for what
    goes against what the school said before. One whose record was declared void is listed anew, and after the end of
    the year no other: then 409 too.
    """
    [result] = await list_many(school_id, [line], by=by, anew=True)
    if result.enrolment_id is None:
        raise _refusal(result.remarks)
    if result.outcome is Outcome.REPEATED:
        raise DomainError("enrolled_already", 409, subject=service.subject_of(result.enrolment_id))
    await _require_year(result.enrolment_id)
    return result.enrolment_id


@transaction
async def list_many(school_id: UUID, lines: Sequence[Listed], *, by: UUID | None, anew: bool = False) -> list[Result]:
    """Put students of one year on a school's list, at most `MOST_AT_ONCE`; return what became of each, in their order.

    A number of statements that does not depend on how many they are. Raises DomainError 409 for a school that is not
    verified. `anew` as `service.list_many` has it.
    """
    if len({line.year for line in lines}) != 1 or len(lines) > MOST_AT_ONCE:
        raise ValueError("lines of one year, not too many at once")
    await life.require_acting(school_id)
    holders = await registry.held(lines)
    results = await service.list_many(school_id, lines, holders, by=by, anew=anew)
    touched = {
        student.id
        for student, result in zip(holders, results, strict=True)
        if result.outcome in {Outcome.ACCEPTED, Outcome.WARNING}
    }
    if touched:
        await matching.reconsider(touched, lines[0].year, actor_id=by)
    return results


@transaction
async def amend(enrolment_id: UUID, said: Mapping[str, Any], version: int | None, by: UUID) -> Enrolment:
    """Put right what a school mistyped of a listed student; raises DomainError as `amending.amend` does."""
    return await _followed(await amending.amend(enrolment_id, said, version, by), Move(by))


@transaction
async def step(enrolment_id: UUID, what: Step, move: Move) -> Enrolment:
    """Let a school say what became of its student; raises DomainError as `life.step` does."""
    return await _followed(await life.step(enrolment_id, what, move), move)


@transaction
async def register(enrolment_id: UUID, shown: Shown, move: Move) -> Enrolment:
    """Give the evidence on which a listed student is registered; raises DomainError as `life.register` does."""
    return await _followed(await life.register(enrolment_id, shown, move), move)


@transaction
async def transfer(enrolment_id: UUID, to: UUID | None, move: Move) -> Enrolment:
    """Let a student go to another school, or out of the group; raises DomainError as `life.transfer` does."""
    return await _followed(await life.transfer(enrolment_id, to, move), move)


@transaction
async def judge(enrolment_id: UUID, referral_id: UUID, verdict: MatchVerdict, by: Decider) -> Enrolment:
    """Say whether a claim and an enrolment that name the student differently mean the same one; another word undoes it.

    Raises DomainError 404, 403 for who has to do with one of the schools or the student, 409 where the names agree and
    nobody told the two apart, or the claim neither lives nor has lapsed, or another lives by the word that stands; 422
    for a claim on another student or year. An enrolment keeps the last word alone: of a claim that has come back since,
    it is asked again.
    """
    enrolment, _student = await life.hold(enrolment_id)
    claim = await _claim(enrolment, referral_id)
    for school_id in sorted({enrolment.school_id, claim.school_id}):
        await keeping.require_outsider(school_id, by.person_id)
    if await StudentLink.exists(student_id=enrolment.student_id, person_id=by.person_id):
        raise DomainError("link_of_your_own", 403)
    told_apart = (enrolment.match_referral_id, enrolment.match_verdict) == (referral_id, MatchVerdict.DIFFERENT)
    if name_of(claim) == enrolled_as(enrolment) and not told_apart:  # by names that were put right since
        raise DomainError("names_agree", 409)
    await _require_unused(enrolment, referral_id)
    before = enrolment.match_verdict if enrolment.match_referral_id == referral_id else None
    enrolment.match_referral_id, enrolment.match_verdict = referral_id, verdict
    enrolment.version += 1
    await enrolment.save(update_fields=["match_referral_id", "match_verdict", "version"])
    await _tell(enrolment, claim, before or "", by)
    students, year = [enrolment.student_id], enrolment.year
    await matching.reconsider(students, year, actor_id=by.person_id, reason=by.reason, decided=True)
    return enrolment


async def _require_year(enrolment_id: UUID) -> None:
    """Raise DomainError 409 for what was made after the end of its year, unless it had been void as it is now."""
    made = await Enrolment.get(id=enrolment_id)
    calendar = await years.calendar(made.year)
    if not calendar.over_on(clock.today()):
        return
    void = Enrolment.filter(school_id=made.school_id, student_id=made.student_id, state=EnrolmentState.VOID)
    if not any(all(getattr(made, name) == getattr(row, name) for name in ("year", *LASTING)) for row in await void):
        raise _closed(made.year, calendar)


def _closed(year: int, calendar: Calendar) -> DomainError:
    return DomainError("year_closed", 409, year=year, ends_on=calendar.ends_on.isoformat())


def _refusal(remarks: Sequence[Remark]) -> DomainError:
    if any(one.code == "registered_elsewhere" for one in remarks):
        return DomainError("registered_elsewhere", 409)
    return invalid(*(FieldFault(f"/{one.field}", one.code, dict(one.facts)) for one in remarks))


async def _followed(enrolment: Enrolment, move: Move) -> Enrolment:
    students, year = [enrolment.student_id], enrolment.year
    await matching.reconsider(students, year, actor_id=move.by, reason=move.reason)
    return enrolment


async def _claim(enrolment: Enrolment, referral_id: UUID) -> Referral:
    claim = await Referral.filter(id=referral_id).select_for_update().get_or_none()
    if claim is None or (claim.student_id, claim.year) != (enrolment.student_id, enrolment.year):
        raise invalid(FieldFault("/referral", "claim_of_another"))
    if claim.state not in {*LIVE, ReferralState.LAPSED}:
        raise DomainError("referral_state", 409, state=f"referral_{claim.state}")
    return claim


async def _require_unused(enrolment: Enrolment, referral_id: UUID) -> None:
    """Raise DomainError 409 where a new word would take from another claim the one by which it is matched."""
    other = enrolment.match_referral_id
    if other in {None, referral_id} or enrolment.match_verdict is not MatchVerdict.SAME:
        return
    matched = [ReferralState.MATCHED, ReferralState.CONFIRMED]
    if await Referral.exists(id=other, enrolment_id=enrolment.id, state__in=matched):
        raise DomainError("match_in_use", 409)


async def _tell(enrolment: Enrolment, claim: Referral, before: str, by: Decider) -> None:
    subject, action, after = service.subject_of(enrolment.id), "enrolment.match_decided", str(enrolment.match_verdict)
    await audit.note(subject, action, actor_id=by.person_id, before=before, after=after, reason=by.reason)
    schools = await current.acting({enrolment.school_id, claim.school_id})
    await outbox.record(action, subject, [person for people in schools.values() for person in people])
