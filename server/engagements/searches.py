"""Searches of postings that somebody keeps, to hear of what is new."""

from datetime import date
from uuid import UUID

from server.engagements.models import SavedSearch
from server.kernel import clock
from server.kernel.errors import DomainError, found
from server.kernel.paging import Page, Sort, page
from server.kernel.transactions import transaction
from server.labour.filters import Filters
from server.labour.models import Side
from server.labour.wanted import Wanted
from server.people.deletion import hold as hold_person
from server.reference.service import Reference, around

MOST = 20
NEWEST_FIRST = Sort("created_at")


@transaction
async def keep(person_id: UUID, name: str, filters: Filters) -> SavedSearch:
    """Keep a search, of demands unless it says offers; raises DomainError 409 past `MOST` of one person."""
    await hold_person(person_id)
    if await SavedSearch.filter(person_id=person_id).count() >= MOST:
        raise DomainError("too_many_searches", 409, most=MOST)
    filters = filters.model_copy(update={"side": filters.side or Side.DEMAND})
    now = clock.now()
    return await SavedSearch.create(
        person_id=person_id,
        name=name,
        side=filters.side,
        region=filters.region,
        occupation=filters.occupation,
        starts_on=filters.starts_from,
        ends_on=filters.starts_to,
        wanted=filters.kept(),
        told_until=now,
        created_at=now,
    )


async def of_person(person_id: UUID, limit: int, cursor: str | None) -> Page[SavedSearch]:
    """Return a page of a person's searches, the newest first."""
    return await page(SavedSearch.filter(person_id=person_id), NEWEST_FIRST, limit, cursor)


async def search(search_id: UUID) -> SavedSearch:
    """Return a search; raises DomainError 404."""
    return found(await SavedSearch.get_or_none(id=search_id), "saved_search")


async def forget(search_id: UUID) -> None:
    """Keep a search no longer; one that is gone already stays so."""
    await SavedSearch.filter(id=search_id).delete()


def filters_of(saved: SavedSearch) -> Filters:
    """Return the filters as they were asked."""
    return Filters.model_validate(saved.wanted)


def wanted_of(saved: SavedSearch, reference: Reference, today: date) -> Wanted:
    """Return what a search asks of the postings that anyone may read today, as the list of postings takes it."""
    filters = filters_of(saved)
    return filters.wanted(around(reference, filters.region) if filters.region else (), today)
