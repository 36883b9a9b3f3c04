"""What may be revealed: for each kind of subject its fields, the roles that may look, and whom it concerns."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from server.enrolments import sealed as enrolments
from server.enrolments.models import Enrolment
from server.kernel.errors import FieldFault, found, invalid
from server.kernel.ids import parse_id
from server.kernel.sensitive import Sensitive
from server.organisations import applications, current, heirs, payee_accounts
from server.organisations import service as organisations
from server.organisations.models import Membership, MembershipState, Organisation, PayeeAccount
from server.organisations.roles import Role
from server.people import service as people
from server.people.models import Person
from server.referrals import sealed as referrals
from server.referrals.models import Referral
from server.students import links
from server.students import sealed as students
from server.students.models import Student, StudentLink


@dataclass(frozen=True, slots=True)
class Concern:
    """Whose data it is: they see who looked. People for themselves, organisations through their managers."""

    people: frozenset[UUID] = frozenset()
    organisations: frozenset[UUID] = frozenset()


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of subject. `load` raises DomainError 404; `biased` says whether a person must not look at a row.

    `school` tells whose row it is where a school's own clerks look as well; it comes with the row.
    """

    name: str
    roles: tuple[Role, ...]
    fields: Mapping[str, Callable[[Any], Sensitive | None]]
    load: Callable[[UUID], Awaitable[Any]]
    concern: Callable[[Any], Awaitable[Concern]]
    biased: Callable[[Any, UUID], Awaitable[bool]]
    school: Callable[[Any], Organisation] | None = None


@dataclass(frozen=True, slots=True)
class Subject:
    """A thing that may hold personal data, by kind and id."""

    kind: Kind
    id: UUID

    def __str__(self) -> str:
        return f"{self.kind.name}:{self.id}"


def parse(text: str, pointer: str) -> Subject:
    """Return the subject that `text`, as `kind:id`, names; raises DomainError 422 at `pointer`."""
    name, _, rest = text.partition(":")
    subject_id = parse_id(rest)
    if name not in KINDS or subject_id is None:
        raise invalid(FieldFault(pointer, "reveal_subject", {"kinds": "、".join(KINDS)}))
    return Subject(KINDS[name], subject_id)


async def _person_concern(person: Person) -> Concern:
    return Concern(people=frozenset({person.id}))


async def _knows_person(person: Person, by: UUID) -> bool:
    """Whether it is oneself, or who is or ever was a colleague.

    What the person merely asked to join does not count: that would keep a whole organisation from looking.
    """
    joined = Membership.filter(person_id=person.id, state=MembershipState.ACTIVE)
    shared = list(await joined.values_list("organisation_id", flat=True))
    return person.id == by or await Membership.exists(organisation_id__in=shared, person_id=by)


async def _student(student_id: UUID) -> Student:
    return found(await Student.get_or_none(id=student_id), "student")


async def _student_concern(student: Student) -> Concern:
    return Concern(people=await links.speaking(student.id))


async def _knows_student(student: Student, by: UUID) -> bool:
    """Whether someone said that they are the student, or its guardian, checked or not."""
    return await StudentLink.exists(student=student, person_id=by)


async def _link_concern(link: StudentLink) -> Concern:
    return Concern(people=frozenset({link.person_id}))


async def _knows_link(link: StudentLink, by: UUID) -> bool:
    return await _knows_student(link.student, by)


async def _account_concern(account: PayeeAccount) -> Concern:
    return Concern(organisations=frozenset({account.organisation_id}))


async def _belongs_to_payee(account: PayeeAccount, by: UUID) -> bool:
    return account.named_by_id == by or await _belonged(account.organisation_id, by)


async def _organisation_concern(organisation: Organisation) -> Concern:
    return Concern(organisations=frozenset({organisation.id}))


async def _belongs(organisation: Organisation, by: UUID) -> bool:
    return await _belonged(organisation.id, by)


async def _belonged(organisation_id: UUID, by: UUID) -> bool:
    """Whether someone belongs to an organisation, ever did, or asked to."""
    theirs = (await heirs.onward([organisation_id]))[organisation_id]
    return await Membership.exists(organisation_id__in=list(theirs), person_id=by)


def _school(row: Referral | Enrolment) -> Organisation:
    return row.school


def _number(row: Referral | Enrolment) -> Sensitive:
    return students.number_of(row.student)


async def _referral(referral_id: UUID) -> Referral:
    known = Referral.get_or_none(id=referral_id).select_related("student", "school")
    return found(await known, "referral")


async def _enrolment(enrolment_id: UUID) -> Enrolment:
    known = Enrolment.get_or_none(id=enrolment_id).select_related("student", "school")
    return found(await known, "enrolment")


async def _school_concern(row: Referral | Enrolment) -> Concern:
    people = (await _student_concern(row.student)).people
    return Concern(people, frozenset({row.school_id}))


async def _knows_pupil(row: Referral | Enrolment, by: UUID) -> bool:
    """Whether someone said to be the student or its guardian, or once belonged to the school and no longer does."""
    left = await _belonged(row.school_id, by) and by not in (await current.acting([row.school_id]))[row.school_id]
    return left or await _knows_student(row.student, by)


KINDS = {
    kind.name: kind
    for kind in (
        Kind(
            "person",
            (Role.REVIEWER, Role.ADMIN),
            {"name": people.name_of, "phone": people.phone_of},
            people.person,
            _person_concern,
            _knows_person,
        ),
        Kind(
            "student",
            (Role.REVIEWER,),
            {"name": students.name_of, "id_number": students.number_of},
            _student,
            _student_concern,
            _knows_student,
        ),
        Kind(
            "student_link",
            (Role.REVIEWER,),
            {"name": students.given_name},
            links.made,
            _link_concern,
            _knows_link,
        ),
        Kind(
            "payee_account",
            (Role.FINANCE,),
            {"number": payee_accounts.number_of},
            payee_accounts.account,
            _account_concern,
            _belongs_to_payee,
        ),
        Kind(
            "organisation",
            (Role.REVIEWER,),
            {"contact_name": applications.contact_of},
            organisations.organisation,
            _organisation_concern,
            _belongs,
        ),
        Kind(
            "referral",
            (Role.REVIEWER,),
            {
                "name": referrals.name_of,
                "id_number": _number,
                "phone": referrals.phone_of,
                "guardian_name": referrals.guardian_name_of,
                "guardian_phone": referrals.guardian_phone_of,
            },
            _referral,
            _school_concern,
            _knows_pupil,
            _school,
        ),
        Kind(
            "enrolment",
            (Role.REVIEWER,),
            {"name": enrolments.name_of, "id_number": _number, "record_number": enrolments.record_number_of},
            _enrolment,
            _school_concern,
            _knows_pupil,
            _school,
        ),
    )
}
