"""Which links there are, and what they say of a person's age."""

from uuid import UUID

from server.kernel.errors import found
from server.kernel.paging import Page, Sort, page
from server.students import service
from server.students.id_number import IdNumber
from server.students.models import LinkState, Relation, StudentLink

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


async def self_link(person_id: UUID) -> StudentLink | None:
    """Return the lasting, confirmed link that says which student a person is, with the student."""
    mine = StudentLink.filter(
        person_id=person_id, relation=Relation.SELF, state=LinkState.CONFIRMED, ended_at=None
    ).select_related("student")
    return await mine.get_or_none()


async def ages(person_id: UUID) -> list[IdNumber]:
    """Return the numbers by which a person's age is judged, none where nothing is known of it.

    The confirmed one; without it those that the person gives as their own and that wait for the check; without these
    what was confirmed before and taken back, so that nobody grows older by taking a link back.
    """
    mine = StudentLink.filter(person_id=person_id, relation=Relation.SELF).exclude(state=LinkState.REJECTED)
    known = await mine.select_related("student").order_by("-id")
    lasting = [one for one in known if one.ended_at is None]
    checked = [one for one in known if one.state is LinkState.CONFIRMED]
    ranked = [one for one in lasting if one.state is LinkState.CONFIRMED] or lasting or checked[:1]
    return [service.identity(one.student) for one in ranked]
