"""What people find in their inbox, whether or not WeChat delivered it."""

from uuid import UUID

from server.access.rules import Owner
from server.kernel import clock
from server.kernel.errors import found
from server.kernel.paging import Page, Sort, page
from server.kernel.transactions import transaction
from server.notices.models import Delivery, Notice

NEWEST_FIRST = Sort("created_at")


async def of_person(person_id: UUID, limit: int, cursor: str | None, *, unread: bool | None = None) -> Page[Notice]:
    """Return a page of a person's notices, the newest first: all, or those that are `unread`, or those that are not."""
    notices = Notice.filter(person_id=person_id)
    if unread is not None:
        notices = notices.filter(read_at__isnull=unread)
    return await page(notices, NEWEST_FIRST, limit, cursor)


async def unread(person_id: UUID) -> int:
    """Return how many notices a person has not read."""
    return await Notice.filter(person_id=person_id, read_at=None).count()


async def notice(notice_id: UUID) -> Notice:
    """Return a notice; raises DomainError 404."""
    return found(await Notice.get_or_none(id=notice_id), "notice")


async def owner(notice_id: UUID) -> Owner:
    """Return the owner of a notice: whom it tells; raises DomainError 404."""
    return Owner("notice", person_id=(await notice(notice_id)).person_id)


@transaction
async def read(notice_id: UUID) -> Notice:
    """Note that a notice was read, the first time it was, and return it; raises DomainError 404."""
    await Notice.filter(id=notice_id, read_at=None).update(read_at=clock.now())
    return await notice(notice_id)


@transaction
async def read_all(person_id: UUID) -> int:
    """Note that a person has read all that is there, and return how many that were."""
    return await Notice.filter(person_id=person_id, read_at=None).update(read_at=clock.now())


@transaction
async def forget(person_id: UUID) -> None:
    """Delete what somebody who goes was told, and what there was to push of it."""
    await Delivery.filter(notice_id__in=await Notice.filter(person_id=person_id).values_list("id", flat=True)).delete()
    await Notice.filter(person_id=person_id).delete()
