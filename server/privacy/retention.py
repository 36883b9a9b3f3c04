"""Whatever is past its period goes, every day, in parts that hold nobody up."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from tortoise.expressions import Q
from tortoise.queryset import QuerySet

from server.consents.models import Consent
from server.engagements import leaving
from server.imports.models import ImportRow
from server.kernel import audit, clock
from server.kernel.sensitive import VaultError
from server.kernel.sweeping import Sweep
from server.kernel.transactions import transaction
from server.labour import offers
from server.privacy import awarded, deletion, hearing, papers
from server.privacy.rules import Kept, Retention
from server.referrals.models import Evidence, Referral, ReferralState
from server.students.models import LinkState, Student, StudentLink
from server.students.sealed import identity

CHUNK = 500
OF_AGE = 18
WAITING = (ReferralState.REGISTERED, ReferralState.DISPUTED)
"""Claims whose student somebody may still have to reach."""
CAME_TO_NOTHING = (ReferralState.WITHDRAWN, ReferralState.REJECTED, ReferralState.LAPSED)
MINOR, ADULT, UNREAD = "minor", "adult", "unread"
"""What the history says of a student who was deleted, for the yearly report."""


async def retain(retention: Retention) -> dict[str, int]:
    """Carry out the deletions that are due, delete what is past its period, and return how much of each."""
    sweep = Sweep()
    result = await deletion.carry_out(retention, sweep)
    now = clock.now()
    steps = {
        Kept.AWARD: awarded.forget,
        Kept.STUDENT_LINK: _links,
        Kept.STUDENT_LINK_UNCONFIRMED: _unconfirmed_links,
        Kept.CONSENT: _consents,
        Kept.IMPORT_ROW: _import_rows,
        Kept.REFERRAL_CONTACT: _reach,
        Kept.REFERRAL: _claims,
        Kept.STUDENT: _students,
        Kept.ORGANISATION_CONTACT: papers.contacts,
        Kept.LICENCE_REJECTED: papers.rejected_licences,
        Kept.LICENCE_CLOSED: papers.closed_licences,
        Kept.PAYEE_ACCOUNT_UNUSED: papers.unused_accounts,
        Kept.PAYEE_ACCOUNT: papers.past_accounts,
        Kept.POSTING: offers.forget,
        Kept.ENGAGEMENT: leaving.forget,
        Kept.DELIVERY: hearing.forget_pushes,
        Kept.NOTICE: hearing.forget_notices,
        Kept.BROADCAST: hearing.forget_broadcasts,
    }
    for kept, step in steps.items():
        limit = retention.limit(kept, now)
        result[kept.value] = 0
        while done := await sweep.do(step, limit):
            result[kept.value] += done
    sweep.end()
    return result


@transaction
async def _links(before: datetime) -> int:
    over = StudentLink.filter(ended_at__lt=before, state=LinkState.CONFIRMED)
    waiting = await awarded.running([one.student_id for one in await over.only("id", "student_id")])
    return await _delete(over.exclude(student_id__in=list(waiting)) if waiting else over)


@transaction
async def _unconfirmed_links(before: datetime) -> int:
    rejected = StudentLink.filter(ended_at=None, state=LinkState.REJECTED, decided_at__lt=before)
    return await _delete(rejected) or await _delete(
        StudentLink.filter(ended_at__lt=before).exclude(state=LinkState.CONFIRMED)
    )


@transaction
async def _consents(before: datetime) -> int:
    return await _delete(Consent.filter(withdrawn_at__lt=before))


@transaction
async def _import_rows(before: datetime) -> int:
    return await _delete(ImportRow.filter(source__created_at__lt=before))


@transaction
async def _reach(before: datetime) -> int:
    """Clear how to reach the student and the guardian of claims that have stood as they do for long."""
    given = Q(phone_sealed__isnull=False) | Q(guardian_name_sealed__isnull=False)
    given |= Q(guardian_phone_sealed__isnull=False)
    settled = Referral.filter(given, state_since__lt=before).exclude(state__in=WAITING)
    held = await _held(settled)
    nothing = dict.fromkeys(("phone_sealed", "phone_index", "guardian_name_sealed", "guardian_phone_sealed"))
    return await Referral.filter(id__in=held).update(**nothing) if held else 0


@transaction
async def _claims(before: datetime) -> int:
    """Delete claims that came to nothing, and what was put forward for them; decisions never go, nor what they name.

    Nor does what an award follows from, as long as that is kept.
    """
    over = Referral.filter(state__in=CAME_TO_NOTHING, state_since__lt=before, awards__isnull=True)
    past = Evidence.filter(referral__state__in=CAME_TO_NOTHING, referral__state_since__lt=before)
    if done := await _delete(past.filter(referral__awards__isnull=True)):
        return done
    return await _delete(over.filter(decisions__isnull=True, losers__isnull=True, evidence__isnull=True))


@transaction
async def _students(before: datetime) -> int:
    """Delete students to whom nothing refers, whatever kinds of things come to refer to one."""
    # Tortoise keeps the relations there
    nothing = {f"{relation}__isnull": True for relation in Student._meta.backward_fk_fields}  # noqa: SLF001
    unused = Student.filter(created_at__lt=before, **nothing)
    today, students = clock.today(), await unused.filter(id__in=await _held(unused))
    for student in students:
        before_it = _age(student, today)
        await audit.note(f"student:{student.id}", "student.deleted", actor_id=None, before=before_it, after="deleted")
        await student.delete()
    return len(students)


def _age(student: Student, today: date) -> str:
    """Return what the history says of a student; also of one whose number does not open, which goes all the same."""
    try:
        return MINOR if identity(student).age_on(today) < OF_AGE else ADULT
    except VaultError:
        return UNREAD


async def _delete(rows: QuerySet[Any]) -> int:
    ids = await _held(rows)
    return await rows.model.filter(id__in=ids).delete() if ids else 0


async def _held(rows: QuerySet[Any]) -> list[UUID]:
    """Return the next of some rows, held, that are among them even then; what somebody just changes waits a day."""
    ids = await rows.limit(CHUNK).values_list("id", flat=True)
    free = rows.model.filter(id__in=ids).order_by("id").select_for_update(skip_locked=True).only("id")
    held = [row.id for row in await free] if ids else []
    return await rows.filter(id__in=held).values_list("id", flat=True) if held else []  # type: ignore[return-value]
