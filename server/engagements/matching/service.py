"""The best matches of a posting, and how many kept searches it answers."""

from dataclasses import dataclass

from tortoise.expressions import Q

from server.engagements.matching import answering, candidates
from server.engagements.matching.book import Book
from server.engagements.matching.candidates import Best, Known
from server.engagements.matching.score import Item, apart, reasons
from server.engagements.models import Engagement
from server.kernel import clock
from server.labour import keeping
from server.labour.models import Posting
from server.organisations.models import Membership
from server.reference.service import Reference


@dataclass(frozen=True, slots=True)
class Match:
    """A posting of the other side, how well it suits, 0 to 100, why, in Chinese; `metres` where places are known."""

    posting: Posting
    score: int
    reasons: list[str]
    metres: int | None


@dataclass(frozen=True, slots=True)
class Matches:
    """The best first; `searches` is how many kept searches show the posting."""

    items: list[Match]
    searches: int


async def matches(posting: Posting, book: Book, reference: Reference, limit: int) -> Matches:
    """Return the `limit` best of the other side; none where the posting is full or its validity has ended.

    Left out is what is its poster's own, and who has had to do with it already, however that ended. Raises DomainError
    409 for a posting that is not published.
    """
    keeping.require(posting, *keeping.PUBLIC)
    today = clock.today()
    asking = await candidates.item(posting.id, today)
    if asking is None:
        return Matches([], 0)
    found = await candidates.best(asking, book, today, limit, await _known(asking))
    ids = [one.item.id for one in found]
    rows = {str(row.id): row for row in await Posting.filter(id__in=ids).select_related("organisation")} if ids else {}
    items = [_match(asking, one, rows[one.item.id], book) for one in found if one.item.id in rows]
    return Matches(items, await answering.count(posting, reference))


def _match(asking: Item, one: Best, posting: Posting, book: Book) -> Match:
    pair = (asking, one.item) if asking.demand else (one.item, asking)
    return Match(posting, one.points, reasons(*pair, one.judged, book), apart(*pair))


async def _known(asking: Item) -> Known:
    """Return what tells the postings that nothing more can come of: one's own, and those engaged already."""
    postings, people = await (_engaged_on(asking) if asking.demand else _engaged_for(asking))
    own = await _own(asking)

    def known(one: Item) -> bool:
        alone = one.organisation_id is None and one.person_id in people
        return one.id in postings or alone or one.person_id in own or one.organisation_id in own

    return known


async def _engaged_on(demand: Item) -> tuple[set[str], set[str]]:
    """Return the offers that were engaged on a demand, and who was by themselves."""
    rows = await Engagement.filter(posting_id=demand.id).only("id", "supply_id", "person_id")
    return {str(row.supply_id) for row in rows if row.supply_id}, {str(row.person_id) for row in rows}


async def _engaged_for(supply: Item) -> tuple[set[str], set[str]]:
    """Return the demands on which an offer was engaged, or who makes it for themselves."""
    theirs = (
        Q(supply_id=supply.id) if supply.organisation_id else Q(supply_id=supply.id) | Q(person_id=supply.person_id)
    )
    rows = await Engagement.filter(theirs).only("id", "posting_id")
    return {str(row.posting_id) for row in rows}, set()


async def _own(asking: Item) -> set[str]:
    """Return the organisations and people that stand on both sides: nobody takes a place that is theirs to give."""
    both = Q(organisation_id=asking.organisation_id) if asking.demand else Q(person_id=asking.person_id)
    rows = await Membership.filter(both, ended_at=None).only("id", "organisation_id", "person_id")
    others = {str(row.person_id if asking.demand else row.organisation_id) for row in rows}
    return {*others, asking.person_id, *filter(None, [asking.organisation_id])}
