"""A school puts right what it said of a student it sent, and above all who that student is."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from server.kernel import audit, bulk, clock, outbox
from server.kernel.errors import DomainError, FieldFault, invalid
from server.kernel.outbox import Occurrence
from server.kernel.sensitive import Sensitive
from server.kernel.transactions import transaction
from server.organisations import current, heirs
from server.people.service import Decider
from server.referrals import claims, flags, holding, matching, rules, sealed, service, withdrawal, years
from server.referrals.flags import Flag
from server.referrals.holding import Held, subject_of
from server.referrals.models import Referral, ReferralState
from server.referrals.verdicts import OPEN
from server.students import links, registry
from server.students.id_number import IdNumber
from server.students.models import Student
from server.students.sealed import identity, name_of

_OF_IDENTITY = (Flag.NAME_UNLIKE_KNOWN, Flag.AGE_UNUSUAL)
_MOVED = ("student_id", "name_sealed", "state", "state_since", "flags", "needs_check", "evidence_until",
    "enrolment_id", "winner_id", "version",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Right:
    """Who the student of a claim really is; without a name the claim's own stays."""

    number: IdNumber
    name: Sensitive | None = None


@dataclass(frozen=True, slots=True)
class _Said:
    name: Sensitive
    number: IdNumber


@transaction
async def amend(referral_id: UUID, said: Mapping[str, Any], version: int | None, by: UUID) -> Referral:
    """Change what `said` holds, as `claims.amended` gives it; return the claim.

    Raises DomainError 404, 409 for a school that is not verified, after the year, and for a claim that is over; 412
    where it has another version by now; 422 where a guardian's consent would be missing.
    """
    held = await holding.hold(referral_id, version)
    claim = held.claim
    await _require_open(claim)
    await _require_guardian(claim, await Student.get(id=claim.student_id), said)
    written = {name: value for name, value in said.items() if name not in sealed.PERSONAL}
    written |= sealed.columns(claim.id, said)
    if not written:
        return claim
    claim.update_from_dict({**written, "version": claim.version + 1})
    await claim.save(update_fields=[*written, "version"])
    changed = [name.removesuffix("_id") for name in said]
    await holding.tell(claim, "amended", claim.state, Decider(by, ""), *changed)
    await matching.reconsider([claim.student_id], claim.year, actor_id=by)
    return await holding.referral(referral_id)


@transaction
async def correct(referral_id: UUID, right: Right, by: Decider, version: int | None = None) -> Referral:
    """Give a claim the student whose number is right, as if it had been registered so; return it.

    It may thereby come into a dispute, and what it was in a dispute with waits for a reviewer. Raises DomainError as
    `amend` does; 403 for a student of one's own and for who decides about a school of their own; 409 where the school
    has registered that student, or may register nobody today unless a reviewer corrects it; 422 where the number cannot
    be or is the same.
    """
    held, student = await _hold(referral_id, right, version)
    claim, before = held.claim, held.claim.state
    await _require_open(claim, without_school=True)
    await _require_may(held, student, by)
    enters_on = await _require_fit(claim, student, right)
    old_id, fields = claim.student_id, ["name"] if right.name else []
    _name(claim, student, right, enters_on)
    if student.id != old_id:
        fields.insert(0, "id_number")
        await _move(held, student, by)
    claim.version += 1
    await claim.save(update_fields=_MOVED)
    await holding.tell(claim, "corrected", before, by, *fields)
    await matching.reconsider({old_id, student.id}, claim.year, actor_id=by.person_id)
    return await holding.referral(referral_id)


async def _hold(referral_id: UUID, right: Right, version: int | None) -> tuple[Held, Student]:
    """Hold the student of a claim and the right one, then the claims on both; return them and the right student."""
    seen = await holding.referral(referral_id)
    said = _Said(right.name or sealed.name_of(seen), right.number)
    [student] = await registry.held([said], beside=[seen.student_id])
    rows = await Referral.filter(student_id__in={seen.student_id, student.id}).order_by("id").select_for_update()
    claim = next((row for row in rows if row.id == referral_id), None)
    if claim is None or claim.student_id != seen.student_id or version not in {None, claim.version}:
        raise DomainError("stale_version", 412)
    return Held(claim, {row.id: row for row in rows if row.year == claim.year}), student


async def _require_open(claim: Referral, *, without_school: bool = False) -> None:
    await holding.require_acting(claim, without_school=without_school)
    if claim.state not in OPEN:
        raise holding.wrong_state(claim)


async def _require_may(held: Held, student: Student, by: Decider) -> None:
    """Let the school's own people, and reviewers who have to do with none of the schools, correct a claim."""
    if await links.spoken_for(by.person_id, {held.claim.student_id, student.id}):
        raise DomainError("own_student", 403)
    school_id = held.claim.school_id
    if by.person_id not in (await current.acting([school_id]))[school_id]:
        await holding.require_outsider(held, by.person_id)
    elif student.id != held.claim.student_id:  # which is to register another student
        await service.require_open(await heirs.heir(school_id), held.claim.year, held.claim.intake)


async def _require_fit(claim: Referral, student: Student, right: Right) -> date:
    """Return when the student enters; raises DomainError 422 for a number that cannot be, or that changes nothing."""
    enters_on = (await years.calendar(claim.year)).of(claim.intake).enters_on
    wrong = claims.age_wrong(right.number, enters_on, rules.in_force())
    if wrong:
        raise invalid(*(FieldFault(f"/{one.field}", one.code, dict(one.facts)) for one in wrong))
    if student.id == claim.student_id and right.name in {None, sealed.name_of(claim)}:
        raise invalid(FieldFault("/id_number", "number_unchanged"))
    await _require_guardian(claim, student, {})
    return enters_on


async def _require_guardian(claim: Referral, student: Student, said: Mapping[str, Any]) -> None:
    """Raise DomainError 422 for everything missing of the guardian's consent of who was too young on the day."""
    day = claim.created_at.astimezone(clock.SHANGHAI).date()
    if not claims.too_young(identity(student), day, rules.in_force()):
        return
    known = {
        "guardian_name": claim.guardian_name_sealed,
        "guardian_phone": claim.guardian_phone_sealed,
        "guardian_consent_on": claim.guardian_consent_on,
    }
    if missing := list(claims.unnamed({**known, **said})):
        raise invalid(*(FieldFault(f"/{one.field}", one.code) for one in missing))


def _name(claim: Referral, student: Student, right: Right, enters_on: date) -> None:
    """Give a claim the right name, and see anew what stands out in it by itself."""
    name = right.name or sealed.name_of(claim)
    claim.update_from_dict(sealed.columns(claim.id, {"name": name}))
    unusual = rules.in_force().ages.unusual(right.number.age_on(enters_on))
    found = {Flag.NAME_UNLIKE_KNOWN: name_of(student) != name, Flag.AGE_UNUSUAL: unusual}
    others = flags.changed(claim.flags, drop=found)
    claim.flags = flags.changed(others, add=[flag for flag, stands in found.items() if stands])
    claim.needs_check = flags.needs_check(claim.flags)


async def _move(held: Held, student: Student, by: Decider) -> None:
    """Take a claim from among those on its student to those on another, as if it came there anew."""
    claim, old_id = held.claim, held.claim.student_id
    there = [row for row in held.claims.values() if row.student_id == student.id]
    schools = await heirs.whole(await heirs.heir(claim.school_id))  # what it carries on, or is carried on by, is one
    own = (row for row in there if row.school_id in schools and row.state is not ReferralState.WITHDRAWN)
    if met := next(own, None):
        raise DomainError("already_registered", 409, subject=subject_of(met.id))
    await _leave(Held(claim, {row.id: row for row in held.claims.values() if row.student_id == old_id}), by)
    await holding.note_moved_away(claim, by.person_id)
    claim.student_id, claim.enrolment_id, claim.winner_id, claim.evidence_until = student.id, None, None, None
    claim.flags = flags.changed(claim.flags, drop=set(Flag) - set(_OF_IDENTITY))
    claim.needs_check = flags.needs_check(claim.flags)
    claim.state, claim.state_since = ReferralState.REGISTERED, clock.now()
    if rivals := service.rivals_of(there):
        withdrew = any(row.school_id == claim.school_id for row in there)
        again = withdrew or bool(await holding.moved_away(claim.school_id, claim.year, [student.id]))
        notes = service.contest(claim, rivals, again=again)
        await bulk.write(rivals, service.CONTESTED)
        await audit.note_many(notes)
        people = await current.acting({row.school_id for row in (claim, *rivals)})
        disputed = (Occurrence(service.DISPUTED, subject_of(one.id), people[one.school_id]) for one in (claim, *rivals))
        await outbox.record_many(disputed)


async def _leave(held: Held, by: Decider) -> None:
    """Leave what a claim was in a dispute with, or had won against, to a reviewer."""
    before = held.standings
    for one in await holding.put(held, withdrawal.left_over(held)):
        await holding.tell(held.claims[one], "other_withdrew", before[one].state, Decider(by.person_id, ""))
