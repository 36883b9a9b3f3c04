"""Consent: given, withdrawn, and asked for by whoever is about to use what it allows."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from tortoise.expressions import Q

from server.consents.documents import Document, Documents
from server.consents.models import Capacity, Consent
from server.kernel import audit, clock, outbox
from server.kernel.errors import DomainError, FieldFault, found, invalid
from server.kernel.paging import Page, Sort, page
from server.kernel.transactions import transaction
from server.people.models import Person
from server.students import links
from server.students.id_number import IdNumber
from server.students.models import LinkState, Relation, Student, StudentLink
from server.students.sealed import identity

OWN_CONSENT, OF_AGE = 14, links.OF_AGE
"""Years of life from which one consents for oneself, and from which nobody else does any more."""
NEWEST_FIRST = Sort("given_at")


@dataclass(frozen=True, slots=True)
class Wanted:
    """To what someone consents, and for which student; None is for themselves."""

    document: str
    version: str
    scope: str
    student_id: UUID | None = None


@transaction
async def give(person_id: UUID, wanted: Wanted, documents: Documents) -> Consent:
    """Note a consent, and return it with its student; one that stands already is returned as it is.

    Raises DomainError 422 for what is not in force, or a student to whom the person has no confirmed link; 403 for
    those under 14, and for guardians of those of age.
    """
    _require_in_force(wanted, documents)
    await Person.filter(id=person_id).select_for_update().get()
    capacity, student_id = await _capacity(person_id, wanted.student_id)
    what: dict[str, Any] = {"document": wanted.document, "document_version": wanted.version, "scope": wanted.scope}
    mine = Consent.filter(person_id=person_id, student_id=student_id, capacity=capacity, withdrawn_at=None, **what)
    if standing := await mine.select_related("student").first():
        return standing
    given = await Consent.create(
        person_id=person_id, student_id=student_id, capacity=capacity, given_at=clock.now(), **what
    )
    await _tell(given, "given", "", person_id)
    return await consent(given.id)


@transaction
async def withdraw(consent_id: UUID) -> None:
    """Withdraw a consent; what was done under it stays lawful. Once more changes nothing; raises DomainError 404."""
    one = found(await Consent.filter(id=consent_id).select_for_update().get_or_none(), "consent")
    await _withdraw(one)


@transaction
async def withdraw_all(person_id: UUID) -> None:
    """Withdraw every consent of a person who goes for good."""
    for one in await Consent.filter(person_id=person_id, withdrawn_at=None).select_for_update().order_by("id"):
        await _withdraw(one)


async def consent(consent_id: UUID) -> Consent:
    """Return a consent with its student; raises DomainError 404."""
    return found(await Consent.get_or_none(id=consent_id).select_related("student"), "consent")


async def of_person(person_id: UUID, limit: int, cursor: str | None) -> Page[Consent]:
    """Return a page of what a person consented to, withdrawn or not, the newest first, with the students."""
    return await page(Consent.filter(person_id=person_id).select_related("student"), NEWEST_FIRST, limit, cursor)


async def stands(subject: Person | Student, wanted: tuple[str, str], on: date, documents: Documents) -> bool:
    """Tell whether there is consent for `subject` on day `on` to `wanted`, a document's id and a scope's.

    Only to the version in force that day: given by the student from 14 on, or by a guardian whose link is confirmed
    and lasts, until the student is 18. Of a person who is no known student, their own counts, unless they say they are
    younger.
    """
    document = documents.find(wanted[0], on)
    if document is None or document.scope(wanted[1]) is None:
        return False
    if isinstance(subject, Student):
        return await _stands_for_student(subject, document, wanted[1], on)
    if link := await links.self_link(subject.id):
        return await _stands_for_student(link.student, document, wanted[1], on)
    known = await links.ages(subject.id)
    own = await _about(document, wanted[1], Q(person_id=subject.id, student_id=None))
    return any(_covers(one, on) and _may(known, one, on) for one in own)


async def standing(
    students: Collection[Student], wanted: tuple[str, str], on: date, documents: Documents, by: Capacity | None = None
) -> set[UUID]:
    """Return those of some students for whom there is such consent, as `stands` has it; `by` None is by anyone.

    Three queries, however many they are.
    """
    document = documents.find(wanted[0], on)
    if document is None or document.scope(wanted[1]) is None or not students:
        return set()
    return await _standing({student.id: student for student in students}, document, wanted[1], on, by)


async def ended(students: Collection[UUID], wanted: tuple[str, str], by: Capacity) -> set[UUID]:
    """Return those of some students for whom there was such consent, of whichever version, and is none any more.

    Whoever gave it withdrew it, or their link has ended; a version that is no longer in force ends none. Two queries.
    """
    about = Consent.filter(student_id__in=list(students), document=wanted[0], scope=wanted[1], capacity=by)
    given = await about if students else []
    if not given:
        return set()
    links_ = StudentLink.filter(student_id__in=list(students), relation=by.value, state=LinkState.CONFIRMED)
    lasting = {(link.student_id, link.person_id) for link in await links_.filter(ended_at=None)}
    still = {one.student_id for one in given if not one.withdrawn_at and (one.student_id, one.person_id) in lasting}
    return {one.student_id for one in given if one.student_id} - still


async def _stands_for_student(student: Student, document: Document, scope: str, on: date) -> bool:
    return bool(await _standing({student.id: student}, document, scope, on, None))


async def _standing(
    students: Mapping[UUID, Student], document: Document, scope: str, on: date, by: Capacity | None
) -> set[UUID]:
    confirmed = await StudentLink.filter(student_id__in=list(students), state=LinkState.CONFIRMED)
    lasting = [link for link in confirmed if link.ended_at is None or _day(link.ended_at) > on]
    speakers = {(link.student_id, link.person_id, Capacity(link.relation)) for link in lasting}
    selves = {link.person_id: link.student_id for link in lasting if link.relation is Relation.SELF}
    who = Q(student_id__in=list(students)) | Q(student_id=None, person_id__in=list(selves))
    given = await _about(document, scope, who) if lasting else []
    whose = [(one, one.student_id or selves[one.person_id]) for one in given if _covers(one, on)]
    return {
        student_id
        for one, student_id in whose
        if by in {None, one.capacity}
        and (student_id, one.person_id, one.capacity) in speakers
        and _may([identity(students[student_id])], one, on)
    }


async def _about(document: Document, scope: str, who: Q) -> Collection[Consent]:
    return await Consent.filter(who, document=document.id, document_version=document.version, scope=scope)


def _covers(one: Consent, on: date) -> bool:
    return _day(one.given_at) <= on and (one.withdrawn_at is None or _day(one.withdrawn_at) > on)


def _may(known: Collection[IdNumber], one: Consent, on: date) -> bool:
    """Whether who gave it was the one to give it, by the student's age then; a guardian's ends at 18."""
    given = _day(one.given_at)
    if one.capacity is Capacity.GUARDIAN:
        return all(number.age_on(max(given, on)) < OF_AGE for number in known)
    return all(number.age_on(given) >= OWN_CONSENT for number in known)


def _require_in_force(wanted: Wanted, documents: Documents) -> None:
    document = documents.find(wanted.document, clock.today())
    if document is None:
        raise invalid(FieldFault("/document", "consent_document"))
    faults = []
    if wanted.version != document.version:
        faults.append(FieldFault("/version", "consent_version", {"version": document.version}))
    if document.scope(wanted.scope) is None:
        scopes = "、".join(scope.id for scope in document.scopes)
        faults.append(FieldFault("/scope", "consent_scope", {"scopes": scopes}))
    if faults:
        raise invalid(*faults)


async def _capacity(person_id: UUID, student_id: UUID | None) -> tuple[Capacity, UUID | None]:
    """Return in which capacity a person may consent, and for which student that is."""
    link = await links.confirmed(person_id, student_id) if student_id else await links.self_link(person_id)
    if student_id and link is None:
        raise invalid(FieldFault("/student", "student_not_linked"))
    today = clock.today()
    if link and link.relation is Relation.GUARDIAN:
        if identity(link.student).age_on(today) >= OF_AGE:
            raise DomainError("of_age", 403, years=OF_AGE)
        return Capacity.GUARDIAN, link.student_id
    if any(number.age_on(today) < OWN_CONSENT for number in await links.ages(person_id)):
        raise DomainError("guardian_needed", 403, years=OWN_CONSENT)
    return Capacity.SELF, link.student_id if link else None


async def _withdraw(one: Consent) -> None:
    if one.withdrawn_at:
        return
    one.withdrawn_at = clock.now()
    await one.save(update_fields=["withdrawn_at"])
    await _tell(one, "withdrawn", "given", one.person_id)


async def _tell(one: Consent, after: str, before: str, actor_id: UUID) -> None:
    subject, action = f"consent:{one.id}", f"consent.{after}"
    what = [f"{one.document}-{one.document_version}", one.scope]
    await audit.note(subject, action, actor_id=actor_id, before=before, after=after, fields=what)
    await outbox.record(action, subject, [one.person_id])


def _day(moment: datetime) -> date:
    return moment.astimezone(clock.SHANGHAI).date()
