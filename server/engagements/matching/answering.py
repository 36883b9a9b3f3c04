"""Whose kept searches a posting answers: as the list of postings would show it to them, asked the other way round."""

from collections.abc import AsyncIterator
from math import cos, radians, sqrt
from uuid import UUID

from tortoise.expressions import Q
from tortoise.queryset import QuerySet

from server.engagements import searches
from server.engagements.models import SavedSearch
from server.kernel import clock
from server.labour import posters, tokens
from server.labour.keeping import readable
from server.labour.listing import METRES_PER_DEGREE
from server.labour.models import Posting, PostingState
from server.labour.wanted import Near, Wanted
from server.reference.service import Reference

CHUNK = 1000


async def searches_answered(posting: Posting, reference: Reference) -> AsyncIterator[list[SavedSearch]]:
    """Yield, some at a time and in the order of their ids, the searches that show a posting today."""
    today, last = clock.today(), UUID(int=0)
    shown = posting.state is PostingState.LIVE and readable(posting) and await posters.stands(posting)
    text = tokens.folded(posting.title, posting.address, posting.requirements, posting.description)
    while shown:
        rows = await _asked(posting, reference).filter(id__gt=last).order_by("id").limit(CHUNK)
        if answering := [row for row in rows if answers(posting, text, searches.wanted_of(row, reference, today))]:
            yield answering
        if len(rows) < CHUNK:
            return
        last = rows[-1].id


async def count(posting: Posting, reference: Reference) -> int:
    """Return how many kept searches show a posting today."""
    return sum([len(found) async for found in searches_answered(posting, reference)])


def answers(posting: Posting, text: str, wanted: Wanted) -> bool:
    """Whether a posting that anyone may read is among what is wanted; `text` is what it says, folded."""
    said = (
        wanted.side in {None, posting.side},
        wanted.kind in {None, posting.kind},
        not wanted.regions or posting.region in wanted.regions,
        wanted.occupation in {None, posting.occupation},
        wanted.ends is None or (posting.starts_on is not None and posting.starts_on <= wanted.ends),
        wanted.starts is None or posting.ends_on is None or posting.ends_on >= wanted.starts,
        wanted.hourly_min_fen is None
        or (posting.hourly_fen is not None and posting.hourly_fen >= wanted.hourly_min_fen),
        wanted.meals in {None, posting.meals},
        wanted.lodging in {None, posting.lodging},
        wanted.transport in {None, posting.transport},
        wanted.near is None or _within(posting, wanted.near),
    )
    return all(said) and all(phrase in text for phrase in wanted.phrases)


def _asked(posting: Posting, reference: Reference) -> QuerySet[SavedSearch]:
    """Return the searches that ask for such work in such a place at such a time, by an index of the first two."""
    city = next((one.city for one in reference.regions if one.code == posting.region), None)
    work, places = {posting.occupation, None}, {posting.region, city, None}
    either = [Q(occupation=occupation, region=region) for occupation in work for region in places]
    asked = SavedSearch.filter(Q(*either, join_type=Q.OR), Q(ends_on=None) | Q(ends_on__gte=posting.starts_on))
    if posting.ends_on:
        asked = asked.filter(Q(starts_on=None) | Q(starts_on__lte=posting.ends_on))
    return asked.filter(side=posting.side)


def _pays(posting: Posting, least: int) -> bool:
    return posting.hourly_fen is not None and posting.hourly_fen >= least


def _within(posting: Posting, near: Near) -> bool:
    """Whether it is as near as that, reckoned as the list does."""
    if posting.latitude is None or posting.longitude is None:
        return False
    north = (posting.latitude - near.latitude) * METRES_PER_DEGREE
    east = (posting.longitude - near.longitude) * METRES_PER_DEGREE * cos(radians(near.latitude))
    inside = max(abs(north), abs(east)) <= near.metres
    return inside and round(sqrt(north * north + east * east)) <= near.metres
