"""The claims on one student and year, held together, and how what is decided about them is written.

Everyone holds in one order: the student, then that student's claims by id.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from server.kernel import audit, clock, outbox
from server.kernel.audit import AuditEntry
from server.kernel.errors import DomainError, found
from server.kernel.statements import select
from server.organisations import current, keeping
from server.organisations.models import OrganisationState
from server.organisations.service import carrying_on
from server.people.service import Decider
from server.referrals import flags, years
from server.referrals.models import LIVE, Referral, ReferralState
from server.referrals.verdicts import Standing
from server.students import registry
from server.students.models import StudentLink

_MOVED_AWAY = "student.claim_moved_away"


@dataclass(frozen=True, slots=True)
class Held:
    """A claim, and every claim on its student and year, whatever its state, itself among them; by id."""

    claim: Referral
    claims: Mapping[UUID, Referral]

    @property
    def standings(self) -> Mapping[UUID, Standing]:
        """How they stand."""
        return {one.id: Standing(one.state, one.winner_id, tuple(one.flags)) for one in self.claims.values()}


def subject_of(referral_id: UUID) -> str:
    """Return what the audit calls a claim."""
    return f"referral:{referral_id}"


async def referral(referral_id: UUID) -> Referral:
    """Return a claim; raises DomainError 404."""
    return found(await Referral.get_or_none(id=referral_id), "referral")


async def all_of(referral_id: UUID) -> Held:
    """Return a claim with all on its student and year, held by nobody; raises DomainError 404."""
    claim = await referral(referral_id)
    rows = await select(Referral, registry.ABOUT, [claim.student_id])
    return Held(claim, {row.id: row for row in rows if row.year == claim.year})


async def hold(referral_id: UUID, version: int | None = None) -> Held:
    """Keep every other change of a claim, and of all on its student, waiting until the transaction ends.

    Raises DomainError 404, 412 where `version` is given and it has another by now, or it has become another student's.
    """
    student_id = (await referral(referral_id)).student_id
    await registry.hold(student_id)
    rows = await Referral.filter(student_id=student_id).order_by("id").select_for_update()
    claim = next((row for row in rows if row.id == referral_id), None)
    if claim is None or (version is not None and claim.version != version):
        raise DomainError("stale_version", 412)
    return Held(claim, {row.id: row for row in rows if row.year == claim.year})


async def require_outsider(held: Held, person_id: UUID) -> None:
    """Raise DomainError 403 for who has to do with a school that claims the student, or with the student."""
    for school_id in sorted({row.school_id for row in held.claims.values()}):
        await keeping.require_outsider(school_id, person_id)
    if await StudentLink.exists(student_id=held.claim.student_id, person_id=person_id):
        raise DomainError("link_of_your_own", 403)


async def require_acting(claim: Referral, *, without_school: bool = False, after_year: bool = False) -> None:
    """Raise DomainError 409 where a claim's school, or what carries it on, is not verified, or its year is over.

    `without_school` lets one pass that was closed and that nothing carries on: only the secretariat is left to act;
    `after_year` what a decision that was turned round later has opened again.
    """
    acting = {OrganisationState.VERIFIED, *([OrganisationState.CLOSED] if without_school else [])}
    if (await carrying_on(claim.school_id)).state not in acting:
        raise DomainError("organisation_state", 409)
    calendar = await years.calendar(claim.year)
    if calendar.over_on(clock.today()) and not after_year:
        raise DomainError("year_closed", 409, year=claim.year, ends_on=calendar.ends_on.isoformat())


def evidence_until(held: Held, parties: Iterable[UUID]) -> date | None:
    """Return the last day on which any of these claims may be given evidence, and so all of them may."""
    return max((day for one in parties if (day := held.claims[one].evidence_until)), default=None)


def wrong_state(claim: Referral) -> DomainError:
    """Return the 409 that names the state a claim is in."""
    return DomainError("referral_state", 409, state=f"referral_{claim.state}")


async def put(held: Held, after: Mapping[UUID, Standing]) -> list[UUID]:
    """Write how held claims stand now, those first that live no longer; return which became different."""
    before = held.standings
    changed = [one for one, standing in after.items() if before[one] != standing]
    for one in sorted(changed, key=lambda one: (after[one].state in LIVE, one)):
        await _write(held.claims[one], after[one])
    return changed


async def tell(claim: Referral, event: str, before: ReferralState, by: Decider, *fields: str) -> None:
    """Leave what happened to a claim in the audit, and in the outbox for its school's people."""
    subject, action = subject_of(claim.id), f"referral.{event}"
    await audit.note(
        subject, action, actor_id=by.person_id, before=before, after=claim.state, reason=by.reason, fields=fields
    )
    await outbox.record(action, subject, (await current.acting([claim.school_id]))[claim.school_id])


async def note_moved_away(claim: Referral, by: UUID) -> None:
    """Remember that a claim is no longer its student's: a school that comes back gains nothing by having been away."""
    year, school = str(claim.year), claim.school_id.hex
    await audit.note(f"student:{claim.student_id}", _MOVED_AWAY, actor_id=by, before=year, after=school)


async def moved_away(school_id: UUID, year: int, student_ids: Collection[UUID]) -> set[UUID]:
    """Return those of some students from whom a school once moved its claim for a year to another student."""
    subjects = {f"student:{one}": one for one in student_ids}
    left = AuditEntry.filter(subject__in=list(subjects), action=_MOVED_AWAY, before=str(year), after=school_id.hex)
    found: list[str] = await left.values_list("subject", flat=True)  # type: ignore[assignment]  # a list of one column
    return {subjects[subject] for subject in found}


async def _write(claim: Referral, standing: Standing) -> None:
    if claim.state is not standing.state:
        claim.state, claim.state_since = standing.state, clock.now()
    if standing.state not in {*LIVE, ReferralState.LAPSED}:
        claim.enrolment_id = None
    claim.winner_id, claim.flags = standing.winner_id, list(standing.flags)
    claim.needs_check = flags.needs_check(standing.flags)
    claim.version += 1
    written = ["state", "state_since", "enrolment_id", "winner_id", "flags", "needs_check", "version"]
    await claim.save(update_fields=written)
