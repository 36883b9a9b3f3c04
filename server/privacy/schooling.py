"""What schools keep of the students for whom a person speaks, as it goes into an export."""

from collections import defaultdict
from collections.abc import Collection
from uuid import UUID

from server.enrolments import sealed as enrolments
from server.enrolments.models import Enrolment, EnrolmentStatus
from server.privacy.parts import EnrolmentPart, ReferralPart, StatusPart
from server.referrals import sealed as referrals
from server.referrals.models import Referral


async def of_students(students: Collection[UUID]) -> tuple[list[ReferralPart], list[EnrolmentPart]]:
    """Return every claim on these students and every enrolment of theirs, those first that came first."""
    claims = Referral.filter(student_id__in=list(students)).select_related("school", "named_school").order_by("id")
    enrolled = Enrolment.filter(student_id__in=list(students)).select_related("school").order_by("id")
    statuses = EnrolmentStatus.filter(enrolment__student_id__in=list(students)).order_by("id")
    said = defaultdict[UUID, list[StatusPart]](list)
    for one in await statuses:
        part = StatusPart(state=one.state, effective_on=one.effective_on, made_at=one.made_at)
        said[one.enrolment_id].append(part)
    return [_referral(one) for one in await claims], [_enrolment(one, said[one.id]) for one in await enrolled]


def _referral(one: Referral) -> ReferralPart:
    phone = referrals.phone_of(one)
    return ReferralPart(
        id=one.id,
        student=one.student_id,
        number=one.number,
        year=one.year,
        intake=one.intake,
        school=one.school.name,
        named_school=one.named_school.name if one.named_school else None,
        level=one.level,
        name=referrals.name_of(one).reveal(),
        phone=phone.reveal() if phone else None,
        guardian_name=referrals.guardian_name_of(one),
        guardian_phone=referrals.guardian_phone_of(one),
        guardian_consent_on=one.guardian_consent_on,
        class_name=one.class_name,
        state=one.state,
        created_at=one.created_at,
        state_since=one.state_since,
    )


def _enrolment(one: Enrolment, statuses: list[StatusPart]) -> EnrolmentPart:
    number = enrolments.record_number_of(one)
    return EnrolmentPart(
        id=one.id,
        student=one.student_id,
        year=one.year,
        intake=one.intake,
        school=one.school.name,
        level=one.level,
        name=enrolments.name_of(one).reveal(),
        major=one.major,
        entered_on=one.entered_on,
        repeating=one.repeating,
        record_number=number.reveal() if number else None,
        record_document=one.record_document,
        state=one.state,
        statuses=statuses,
        created_at=one.created_at,
    )
