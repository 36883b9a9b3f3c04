"""What schools keep of the students for whom a person speaks, as it goes into an export."""

from collections import defaultdict
from collections.abc import Collection
from datetime import date, datetime
from uuid import UUID

from server.enrolments import sealed as enrolments
from server.enrolments.models import Enrolment, EnrolmentState, EnrolmentStatus, Intake, Level
from server.kernel.sensitive import Sensitive, if_readable
from server.privacy.parts import Part, full
from server.referrals import sealed as referrals
from server.referrals.models import Referral, ReferralState


class ReferralPart(Part):
    """A school's claim that it sent a student; who the guardian is stays masked, since it may be somebody else.

    `name` is null where it cannot be read, as whatever else lies sealed.
    """

    id: UUID
    student: UUID
    number: str
    year: int
    intake: Intake
    school: str
    named_school: str | None
    level: Level | None
    name: str | None
    phone: str | None
    guardian_name: Sensitive | None
    guardian_phone: Sensitive | None
    guardian_consent_on: date | None
    class_name: str
    state: ReferralState
    created_at: datetime
    state_since: datetime

    @property
    def subject(self) -> str:
        """What the audit calls it."""
        return f"referral:{self.id}"


class StatusPart(Part):
    """That an enrolment was in a state from a day on."""

    state: EnrolmentState
    effective_on: date
    made_at: datetime


class EnrolmentPart(Part):
    """A school's record of a student, with the states it went through; `name` is null where it cannot be read."""

    id: UUID
    student: UUID
    year: int
    intake: Intake
    school: str
    level: Level
    name: str | None
    major: str
    entered_on: date
    repeating: bool
    record_number: str | None
    record_document: str
    state: EnrolmentState
    statuses: list[StatusPart]
    created_at: datetime

    @property
    def subject(self) -> str:
        """What the audit calls it."""
        return f"enrolment:{self.id}"


async def of_students(students: Collection[UUID]) -> tuple[list[ReferralPart], list[EnrolmentPart]]:
    """Return every claim on these students and every enrolment of theirs, those first that came first."""
    claims = Referral.filter(student_id__in=list(students)).select_related("school", "named_school").order_by("id")
    enrolled = Enrolment.filter(student_id__in=list(students)).select_related("school").order_by("id")
    statuses = EnrolmentStatus.filter(enrolment__student_id__in=list(students)).order_by("id")
    said = defaultdict[UUID, list[StatusPart]](list)
    for one in await statuses:
        said[one.enrolment_id].append(StatusPart.of(one))
    return [_referral(one) for one in await claims], [_enrolment(one, said[one.id]) for one in await enrolled]


def _referral(one: Referral) -> ReferralPart:
    return ReferralPart.of(
        one,
        student=one.student_id,
        school=one.school.name,
        named_school=one.named_school.name if one.named_school else None,
        name=full(referrals.name_of, one),
        phone=full(referrals.phone_of, one),
        guardian_name=if_readable(referrals.guardian_name_of, one),
        guardian_phone=if_readable(referrals.guardian_phone_of, one),
    )


def _enrolment(one: Enrolment, statuses: list[StatusPart]) -> EnrolmentPart:
    return EnrolmentPart.of(
        one,
        student=one.student_id,
        school=one.school.name,
        name=full(enrolments.name_of, one),
        record_number=full(enrolments.record_number_of, one),
        statuses=statuses,
    )
