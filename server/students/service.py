"""A person's word that they are a student or its guardian, and the secretariat's check of it.

Every change holds the person, then the number, the student and the link, in this order: of simultaneous requests for
the same pair one stands, and of simultaneous confirmations of one student by two people as well.
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from uuid import UUID

from server.kernel import audit, clock, outbox, sensitive
from server.kernel.audit import AuditEntry
from server.kernel.errors import DomainError, FieldFault, found, invalid
from server.kernel.ids import new_id
from server.kernel.sensitive import Kind, Sensitive
from server.kernel.transactions import transaction
from server.people import names
from server.people.deletion import hold as hold_person
from server.people.service import Decider
from server.students import id_number, registry
from server.students.id_number import IdNumber, Reason, Regions
from server.students.models import LinkState, Relation, Student, StudentLink
from server.students.sealed import cell, correct_name

MOST_A_DAY, DAY = 10, timedelta(days=1)
"""Each request tells whether a number is well-formed and has the secretariat look: nobody needs more in a day."""
ENDED, REJECTED = "ended", "student_link.rejected"
"""What a link's history says after its person took it back, and what it calls its rejection."""


class Verdict(StrEnum):
    """What a reviewer says of a link."""

    CONFIRM = "confirm"
    REJECT = "reject"


_STATES = {Verdict.CONFIRM: LinkState.CONFIRMED, Verdict.REJECT: LinkState.REJECTED}


@dataclass(frozen=True, slots=True)
class Claim:
    """What someone says of a student and of themselves, once it is well-formed."""

    name: Sensitive
    number: IdNumber
    relation: Relation


def claim(name: str, number: str, relation: Relation, regions: Regions) -> Claim:
    """Return what was said in its normal form; raises DomainError 422 with all that is wrong with it."""
    spelt, checked = names.normalised(name), id_number.check(number, regions, clock.today())
    faults = [] if spelt is not None else [FieldFault("/name", "person_name", {"most": names.LONGEST})]
    if isinstance(checked, Reason):
        raise invalid(*faults, FieldFault("/id_number", checked))
    if spelt is None:
        raise invalid(*faults)
    return Claim(Sensitive(Kind.NAME, spelt), checked, relation)


@transaction
async def request(person_id: UUID, said: Claim) -> StudentLink:
    """Keep a person's claim for the secretariat to check, and return it with its student.

    A rejected link to the same student gives way. Raises DomainError 409 for one that lasts, 429 past `MOST_A_DAY`.
    """
    await hold_person(person_id)
    await _require_leave(person_id)
    [student] = await registry.held([said])
    await _clear_way(person_id, student)
    link_id = new_id()
    link = await StudentLink.create(
        id=link_id,
        person_id=person_id,
        student=student,
        relation=said.relation,
        name_sealed=sensitive.seal(cell(StudentLink, "name_sealed", link_id), said.name),
        created_at=clock.now(),
    )
    await _tell(link, "student_link.requested", "", LinkState.REQUESTED, person_id)
    return link


@transaction
async def decide(link_id: UUID, verdict: Verdict, by: Decider) -> StudentLink:
    """Confirm or reject what was requested, and return it with its student and person.

    The name given becomes the student's where no other link that is confirmed and lasts disagrees. Raises DomainError
    404; 403 for who is linked to the student themselves; 409 where it is decided or taken back, another person is
    confirmed as this student, or this person as another.
    """
    return await _settle(link_id, LinkState.REQUESTED, _STATES[verdict], by)


@transaction
async def overturn(link_id: UUID, by: Decider) -> StudentLink:
    """Confirm what was rejected, after an appeal; raises DomainError as `decide` does."""
    return await _settle(link_id, LinkState.REJECTED, LinkState.CONFIRMED, by)


@transaction
async def standing_refusal(link_id: UUID) -> AuditEntry | None:
    """Hold a link until the transaction ends and return its rejection, None where none stands."""
    if not await StudentLink.exists(id=link_id):
        return None
    link = await _hold(link_id)
    if link.state is not LinkState.REJECTED or link.ended_at:
        return None
    return await AuditEntry.filter(subject=_subject(link_id), action=REJECTED).order_by("-id").first()


@transaction
async def require_outsider(link_id: UUID, person_id: UUID) -> None:
    """Raise DomainError 403 for who ever said to be a student or its guardian: they decide nothing about it."""
    link = await StudentLink.get_or_none(id=link_id)
    if link and await StudentLink.exists(student_id=link.student_id, person_id=person_id):
        raise DomainError("link_of_your_own", 403)


@transaction
async def unlink(link_id: UUID, person_id: UUID) -> None:
    """Take a link back; raises DomainError 404 where the person has none."""
    await hold_person(person_id)
    mine = StudentLink.filter(id=link_id, person_id=person_id, ended_at=None)
    await _end(found(await mine.select_for_update().get_or_none(), "student_link"), person_id)


@transaction
async def unlink_all(person_id: UUID) -> None:
    """Take back every link of a person who goes for good; what was never confirmed leaves no trace of a name."""
    await hold_person(person_id)
    for link in await StudentLink.filter(person_id=person_id, ended_at=None).order_by("id"):
        await _end(link, person_id)
    await StudentLink.filter(person_id=person_id).exclude(state=LinkState.CONFIRMED).delete()


async def _settle(link_id: UUID, expected: LinkState, after: LinkState, by: Decider) -> StudentLink:
    link = await _hold(link_id)
    if link.state is not expected or link.ended_at:
        raise DomainError("link_settled", 409)
    await require_outsider(link_id, by.person_id)
    if after is LinkState.CONFIRMED:
        await _make_room(link)
        await correct_name(link, by.person_id)
    link.state, link.reason = after, by.reason
    link.decided_by_id, link.decided_at = by.person_id, clock.now()
    await link.save(update_fields=["state", "reason", "decided_by_id", "decided_at"])
    await _tell(link, f"student_link.{after}", expected, after, by.person_id, by.reason)
    return link


async def _hold(link_id: UUID) -> StudentLink:
    """Return a link, its student and its person, all held in the order that everyone takes."""
    seen = found(await StudentLink.get_or_none(id=link_id), "student_link")
    person = await hold_person(seen.person_id)
    student = await Student.filter(id=seen.student_id).select_for_update().get()
    link = found(await StudentLink.filter(id=link_id).select_for_update().get_or_none(), "student_link")
    link.person, link.student = person, student
    return link


async def _require_leave(person_id: UUID) -> None:
    now = clock.now()
    made = await StudentLink.filter(person_id=person_id, created_at__gt=now - DAY).order_by("created_at")
    if len(made) >= MOST_A_DAY:
        wait = made[-MOST_A_DAY].created_at + DAY - now
        raise DomainError("too_many_requests", 429, seconds=int(wait.total_seconds()) + 1)


async def _clear_way(person_id: UUID, student: Student) -> None:
    lasting = await StudentLink.get_or_none(person_id=person_id, student=student, ended_at=None)
    if lasting and lasting.state is not LinkState.REJECTED:
        raise DomainError("already_linked", 409)
    if lasting:
        await _end(lasting, person_id)


async def _make_room(link: StudentLink) -> None:
    """See that nobody is two students and no student two people."""
    confirmed = StudentLink.filter(state=LinkState.CONFIRMED, ended_at=None)
    if link.relation is Relation.SELF:
        selves = confirmed.filter(relation=Relation.SELF)
        if await selves.filter(student_id=link.student_id).exists():
            raise DomainError("student_taken", 409)
        if await selves.filter(person_id=link.person_id).exists():
            raise DomainError("person_taken", 409)


async def _end(link: StudentLink, person_id: UUID) -> None:
    link.ended_at = clock.now()
    await link.save(update_fields=["ended_at"])
    await _tell(link, "student_link.ended", link.state, ENDED, person_id)


async def _tell(  # noqa: PLR0913, PLR0917 -- what a line of history has
    link: StudentLink, action: str, before: str, after: str, actor_id: UUID, reason: str = ""
) -> None:
    subject = _subject(link.id)
    await audit.note(subject, action, actor_id=actor_id, before=before, after=after, reason=reason)
    await outbox.record(action, subject, [link.person_id])


def _subject(link_id: UUID) -> str:
    return f"student_link:{link_id}"
