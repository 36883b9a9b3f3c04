"""What saved searches have found since their person last heard of it: at most one notice a day, and none of nothing."""

from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from server.engagements.matching.answering import searches_answered
from server.engagements.models import SavedSearch
from server.kernel import clock
from server.kernel.statements import change
from server.kernel.sweeping import Sweep
from server.kernel.transactions import transaction
from server.labour.models import Posting, PostingState
from server.notices import catalogue, facts, putting, quiet
from server.notices.models import Notice, Priority
from server.notices.shown import Shown, shown
from server.people.deletion import hold as hold_person
from server.people.models import PersonState
from server.reference.service import Reference

EVENT = "search.answered"
PART = 200
_CAUGHT_UP = "UPDATE saved_search SET told_until = $1 WHERE told_until < $1 AND NOT (person_id = ANY($2))"
"""Searches that found nothing have been looked at all the same; who has had enough today hears tomorrow."""

Found = Mapping[UUID, Mapping[UUID, Shown]]
"""By a search's id: the postings that it shows, and since when each is there."""


async def tell(reference: Reference) -> Mapping[str, int]:
    """Tell everyone what is new for them; may be done again. What comes while this runs is told the next time.

    Whom something was kept back from, because it could not be done, has their searches looked at again.
    """
    until, sweep, told = clock.now(), Sweep(), dict[UUID, int | None]()
    by_person, whole = await _found(until, reference, sweep)

    async def one(person_id: UUID) -> int:
        told[person_id] = await _tell(person_id, by_person[person_id], until)
        return 1

    await sweep.each(one, by_person)
    if whole:
        await change(_CAUGHT_UP, until, [person_id for person_id in by_person if told.get(person_id) is None])
    sweep.end()
    return {"told": sum(1 for number in told.values() if number)}


async def _found(until: datetime, reference: Reference, sweep: Sweep) -> tuple[Mapping[UUID, Found], bool]:
    """Return by person what their searches have found lately, and whether all was looked at.

    One's own posting is no find.
    """
    found: defaultdict[UUID, defaultdict[UUID, dict[UUID, Shown]]] = defaultdict(lambda: defaultdict(dict))
    whole = True

    async def find(posting: Posting, there: Mapping[UUID, Shown]) -> int:
        for search in await searches_answered(posting, reference):
            if search.person_id != posting.person_id:
                found[search.person_id][search.id][posting.id] = there[posting.id]
        return 1

    async for some in _fresh(until):
        there = await shown(some)
        whole = all([await sweep.do(find, posting, there) for posting in some]) and whole
    return found, whole


async def _fresh(until: datetime) -> AsyncIterator[Sequence[Posting]]:
    """Yield what became live, also anew, since the search that has waited for longest was told, and not long ago."""
    oldest = await SavedSearch.all().order_by("told_until").only("id", "told_until").first()
    if oldest is None:
        return
    since, last = max(oldest.told_until, until - timedelta(days=quiet.in_force().digest.days_back)), UUID(int=0)
    live = Posting.filter(state=PostingState.LIVE, state_since__gt=since, state_since__lte=until)
    while rows := await live.filter(id__gt=last).order_by("id").limit(PART):
        yield rows
        last = rows[-1].id


@transaction
async def _tell(person_id: UUID, found: Found, until: datetime) -> int | None:
    """Tell one person, who is held, of how much is new for them; None where they are to hear of it another day."""
    person = await hold_person(person_id)
    searches = await SavedSearch.filter(id__in=list(found), person_id=person_id, told_until__lt=until).order_by("id")
    news = {search: _news(search, found) for search in searches}
    answered = [search for search, ids in news.items() if ids]
    if person.state is not PersonState.ACTIVE or not answered:
        return 0
    if await _had_enough(person_id, until):
        return None
    count = len(frozenset[UUID]().union(*news.values()))
    [kind] = catalogue.in_force().kinds[EVENT].values()
    most = max(answered, key=lambda search: len(news[search]))
    said = facts.message(
        kind,
        person_id,
        {"name": most.name, "searches": len(answered), "count": count},
        until,
        subject=f"person:{person_id}",
    )
    await putting.put([said])
    await SavedSearch.filter(id__in=[search.id for search in searches]).update(told_until=until)
    return count


def _news(search: SavedSearch, found: Found) -> frozenset[UUID]:
    shows = found[search.id].items()
    return frozenset(posting for posting, one in shows if one.is_new(search.created_at, search.told_until))


async def _had_enough(person_id: UUID, now: datetime) -> bool:
    """Whether a person has had as many digests today as they are to have in a day."""
    since = clock.midnight(now.astimezone(clock.SHANGHAI).date())
    today = Notice.filter(person_id=person_id, created_at__gte=since, priority=Priority.DIGEST)
    return await today.count() >= quiet.in_force().digest.most_a_day
