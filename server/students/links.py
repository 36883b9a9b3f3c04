"""Which links there are, and what they say of a person's age."""

from collections.abc import Collection
from uuid import UUID

from tortoise.expressions import Q

from server.kernel import clock
from server.kernel.errors import found
from server.kernel.paging import Page, Sort, page
from server.kernel.sensitive import if_readable
from server.kernel.statements import select
from server.students.id_number import IdNumber
from server.students.models import LinkState, Relation, Student, StudentLink
from server.students.sealed import identity

OF_AGE = 18
"""Years of life from which nobody else speaks for somebody any more."""
NEWEST_FIRST, OLDEST_FIRST = Sort("created_at"), Sort("created_at", descending=False)


async def link(link_id: UUID) -> StudentLink:
    """Return a link that lasts, with its student and person; raises DomainError 404."""
    lasting = StudentLink.filter(id=link_id, ended_at=None).select_related("student", "person")
    return found(await lasting.get_or_none(), "student_link")


async def made(link_id: UUID) -> StudentLink:
    """Return a link whatever became of it, with its student and person; raises DomainError 404."""
    return found(await StudentLink.get_or_none(id=link_id).select_related("student", "person"), "student_link")


async def of_person(person_id: UUID, limit: int, cursor: str | None) -> Page[StudentLink]:
    """Return a page of a person's lasting links with their students, the newest first."""
    lasting = StudentLink.filter(person_id=person_id, ended_at=None).select_related("student")
    return await page(lasting, NEWEST_FIRST, limit, cursor)


async def listed(state: LinkState | None, limit: int, cursor: str | None) -> Page[StudentLink]:
    """Return a page of all lasting links, those first that have waited longest, with their students and people."""
    lasting = StudentLink.filter(ended_at=None).select_related("student", "person")
    return await page(lasting.filter(state=state) if state else lasting, OLDEST_FIRST, limit, cursor)


async def confirmed(person_id: UUID, student_id: UUID) -> StudentLink | None:
    """Return the lasting, confirmed link of a person to a student, with the student, where there is one."""
    mine = StudentLink.filter(person_id=person_id, student_id=student_id, state=LinkState.CONFIRMED, ended_at=None)
    return await mine.select_related("student").get_or_none()


async def speaking(student_id: UUID) -> frozenset[UUID]:
    """Return the people who are confirmed as a student, or as the guardian of one under age; raises DomainError 404.

    Of a guardian that is known only where the student's number can be read.
    """
    found(await Student.get_or_none(id=student_id), "student")
    lasting = StudentLink.filter(student_id=student_id, state=LinkState.CONFIRMED, ended_at=None)
    return frozenset([link.person_id for link in await lasting.select_related("student") if if_readable(speaks, link)])


def speaks(link: StudentLink) -> bool:
    """Whether a link, read with its student, lets its person speak for them: a guardian until they are of age."""
    if link.state is not LinkState.CONFIRMED or link.ended_at is not None:
        return False
    return link.relation is Relation.SELF or identity(link.student).age_on(clock.today()) < OF_AGE


async def spoken_for(person_id: UUID, student_ids: Collection[UUID]) -> set[UUID]:
    """Return those of some students who a person is, or whose guardian, by a confirmed link that lasts."""
    mine = "person_id = $1 AND state = $2 AND ended_at IS NULL AND student_id = ANY($3)"
    links = await select(StudentLink, mine, person_id, LinkState.CONFIRMED, list(student_ids))
    return {link.student_id for link in links}


async def self_link(person_id: UUID) -> StudentLink | None:
    """Return the lasting, confirmed link that says which student a person is, with the student."""
    mine = StudentLink.filter(
        person_id=person_id, relation=Relation.SELF, state=LinkState.CONFIRMED, ended_at=None
    ).select_related("student")
    return await mine.get_or_none()


async def ages(person_id: UUID) -> list[IdNumber]:
    """Return the numbers by which a person's age is judged, none where nothing is known of it.

    All that were ever confirmed, taken back or not, and what is claimed and waits for the check: the youngest counts,
    so that nobody grows older by taking a link back, or by claiming another number that nobody has checked.
    """
    mine = StudentLink.filter(person_id=person_id, relation=Relation.SELF).exclude(state=LinkState.REJECTED)
    counting = mine.filter(Q(state=LinkState.CONFIRMED) | Q(ended_at=None)).select_related("student")
    return [identity(one.student) for one in await counting.order_by("-id")]
