"""Lists of engagements: of a posting, of somebody's own, and all for staff."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from tortoise.expressions import Q
from tortoise.functions import Count
from tortoise.queryset import QuerySet

from server.engagements.models import ContestState, Engagement, EngagementState, EngagementStep
from server.kernel.errors import found
from server.kernel.paging import Page, Sort, page
from server.labour.models import Posting, PostingVersion, Side

FIRST_FIRST, LAST_FIRST = Sort("created_at", descending=False), Sort("created_at")
LONGEST_FIRST = Sort("state_since", descending=False)
_BESIDE = ("posting__organisation", "supply__organisation", "person", "student")


@dataclass(frozen=True, slots=True)
class Places:
    """How many places a posting has, how many are held, and how many engagements are in each state."""

    headcount: int
    filled: int
    states: dict[EngagementState, int]


async def engagement(engagement_id: UUID) -> Engagement:
    """Return an engagement with its posting, supply, person and student; raises DomainError 404."""
    return found(await Engagement.get_or_none(id=engagement_id).select_related(*_BESIDE), "engagement")


async def of_posting(
    posting_id: UUID, state: EngagementState | None, limit: int, cursor: str | None
) -> Page[Engagement]:
    """Return a page of a posting's engagements, of an offer those that came from it; the first made come first."""
    return await page(_in(Engagement.filter(_of(posting_id)), state), FIRST_FIRST, limit, cursor)


async def of_person(
    person_id: UUID, schools: Collection[UUID], state: EngagementState | None, limit: int, cursor: str | None
) -> Page[Engagement]:
    """Return a page of a person's own and of those of the classes of `schools`, the last first."""
    own = Q(person_id=person_id, student_id__isnull=False)
    if schools:
        classes = Posting.filter(organisation_id__in=list(schools), side=Side.SUPPLY)
        own |= Q(supply_id__in=await classes.values_list("id", flat=True))
    return await page(_in(Engagement.filter(own), state), LAST_FIRST, limit, cursor)


async def everybodys(
    state: EngagementState | None, contest: ContestState | None, limit: int, cursor: str | None
) -> Page[Engagement]:
    """Return a page of all engagements, those first that have stood as they do for longest."""
    query = Engagement.filter(contest=contest) if contest else Engagement.all()
    return await page(_in(query, state), LONGEST_FIRST, limit, cursor)


async def places(posting_id: UUID) -> Places:
    """Return how the places of a posting stand; two queries. Raises DomainError 404."""
    posting = found(await Posting.get_or_none(id=posting_id).only("id", "headcount", "filled"), "posting")
    grouped = Engagement.filter(_of(posting_id)).annotate(number=Count("id")).group_by("state")
    counted = {row["state"]: row["number"] for row in await grouped.values("state", "number")}
    states = {state: counted[state] for state in EngagementState if state in counted}
    return Places(posting.headcount or 0, posting.filled, states)


async def steps(engagement_id: UUID) -> Sequence[EngagementStep]:
    """Return what happened to an engagement, the first step first."""
    return await EngagementStep.filter(engagement_id=engagement_id).order_by("id")


async def ahead_of(row: Engagement) -> int | None:
    """Return how many on the wait-list move up before this one, None for one that does not wait."""
    if row.state is not EngagementState.WAITING:
        return None
    waiting = Engagement.filter(posting_id=row.posting_id, state=EngagementState.WAITING)
    earlier = Q(created_at__lt=row.created_at) | Q(created_at=row.created_at, id__lt=row.id)
    if row.approved_at is None:
        return await waiting.filter(Q(approved_at__isnull=False) | earlier).count()
    return await waiting.filter(approved_at__isnull=False).filter(earlier).count()


async def changed_terms(rows: Sequence[Engagement]) -> set[UUID]:
    """Return which of some engagements were agreed on terms that are no longer the newest; one query."""
    agreed = [row for row in rows if row.terms_id]
    postings = {row.posting_id for row in agreed}
    versions = PostingVersion.filter(posting_id__in=postings).order_by("id") if agreed else None
    newest = dict(await versions.values_list("posting_id", "id")) if versions else {}
    return {row.id for row in agreed if newest.get(row.posting_id) != row.terms_id}


def _of(posting_id: UUID) -> Q:
    return Q(posting_id=posting_id) | Q(supply_id=posting_id)


def _in(query: QuerySet[Engagement], state: EngagementState | None) -> QuerySet[Engagement]:
    query = query.select_related(*_BESIDE)
    return query.filter(state=state) if state else query
