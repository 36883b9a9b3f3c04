"""Whatever is past its period goes, every day, in parts that hold nobody up."""

from datetime import datetime
from typing import Any

from tortoise.queryset import QuerySet

from server.consents.models import Consent
from server.kernel import audit, clock
from server.kernel.audit import AuditEntry
from server.kernel.transactions import transaction
from server.labour import offers
from server.organisations.models import Organisation, OrganisationState
from server.privacy import deletion
from server.privacy.rules import Kept, Retention
from server.students.models import LinkState, Student, StudentLink
from server.students.sealed import identity

CHUNK = 500
OF_AGE = 18
MINOR, ADULT = "minor", "adult"
"""What the history says of a student who was deleted, for the yearly report."""


async def retain(retention: Retention) -> dict[str, int]:
    """Carry out the deletions that are due, delete what is past its period, and return how much of each."""
    result = await deletion.carry_out(retention)
    now = clock.now()
    steps = {
        Kept.STUDENT_LINK: _links,
        Kept.STUDENT_LINK_UNCONFIRMED: _unconfirmed_links,
        Kept.CONSENT: _consents,
        Kept.STUDENT: _students,
        Kept.ORGANISATION_CONTACT: _contacts,
        Kept.POSTING: offers.forget,
    }
    for kept, step in steps.items():
        limit = retention.limit(kept, now)
        result[kept.value] = 0
        while done := await step(limit):
            result[kept.value] += done
    return result


@transaction
async def _links(before: datetime) -> int:
    return await _delete(StudentLink.filter(ended_at__lt=before, state=LinkState.CONFIRMED))


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
async def _students(before: datetime) -> int:
    """Delete students to whom nothing refers, whatever kinds of things come to refer to one."""
    # Tortoise keeps the relations there
    nothing = {f"{relation}__isnull": True for relation in Student._meta.backward_fk_fields}  # noqa: SLF001
    unused = Student.filter(created_at__lt=before, **nothing)
    ids = await unused.limit(CHUNK).values_list("id", flat=True)
    await Student.filter(id__in=ids).select_for_update(skip_locked=True).order_by("id")
    today, students = clock.today(), await unused.filter(id__in=ids)  # asked again: somebody may just have named one
    for student in students:
        age = identity(student).age_on(today)
        before_it = MINOR if age < OF_AGE else ADULT
        await audit.note(f"student:{student.id}", "student.deleted", actor_id=None, before=before_it, after="deleted")
        await student.delete()
    return len(students)


@transaction
async def _contacts(before: datetime) -> int:
    """Clear who handled the application of an organisation that came to nothing or to its end."""
    gone = Organisation.filter(state__in=[OrganisationState.REJECTED, OrganisationState.CLOSED], created_at__lt=before)
    cleared = 0
    for organisation in await gone.filter(contact_name_sealed__isnull=False):
        if not await AuditEntry.exists(subject=f"organisation:{organisation.id}", made_at__gte=before):
            await Organisation.filter(id=organisation.id).update(contact_name_sealed=None)
            cleared += 1
    return cleared


async def _delete(rows: QuerySet[Any]) -> int:
    ids = await rows.limit(CHUNK).values_list("id", flat=True)
    return await rows.model.filter(id__in=ids).delete() if ids else 0
