"""Who asks for places, and whether they may ask: not on their own posting, not twice, not for more than they are."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from tortoise.expressions import Q

from server.engagements import rules
from server.engagements.models import Engagement, EngagementStep, Party
from server.engagements.states import GONE, Verb
from server.kernel import clock
from server.kernel.errors import DomainError, FieldFault, found, invalid
from server.labour import keeping, posters
from server.labour.keeping import PUBLIC
from server.labour.models import Posting, PostingKind, Side, Supplier
from server.organisations import current
from server.organisations.models import Membership, MembershipState

MOST_A_DAY = 5
"""How often somebody asks for a place on one posting, or is asked, in a day."""
_ALONE = Q(supply_id=None) | Q(supply__supplier=Supplier.STUDENT)


@dataclass(frozen=True, slots=True)
class Asked:
    """Who would take how many places, by which offer; for a class `person_id` is who posted that."""

    person_id: UUID
    size: int
    supply: Posting | None = None

    @property
    def school(self) -> bool:
        """Whether a school asks, for a class."""
        return self.supply is not None and self.supply.organisation_id is not None

    @property
    def group(self) -> bool:
        """Whether a team or a class asks, which may take several places."""
        return self.supply is not None and self.supply.supplier is not Supplier.STUDENT


async def open_demand(posting_id: UUID) -> Posting:
    """Hold a posting that takes people; raises DomainError 404, also for an offer and what was never published, 409."""
    posting = await keeping.hold(posting_id)
    found(posting if posting.side is Side.DEMAND and posting.published_at else None, "posting")
    await require_open(posting)
    return posting


async def require_open(posting: Posting) -> None:
    """Raise DomainError 409 for a posting that takes nobody.

    It is paused, has ended, its time or work is over, or who posted it has no standing today.
    """
    keeping.require(posting, *PUBLIC)
    if not takes(posting):
        raise DomainError("posting_state", 409, state="posting_expired")
    if not await posters.stands(posting):
        raise DomainError("posting_state", 409, state="posting_paused")


def takes(posting: Posting) -> bool:
    """Whether a posting itself gives places today, also before the job comes round that ends it."""
    if not keeping.readable(posting) or rules.over(posting.ends_on, clock.today()):
        return False
    return not rules.finished(posting.starts_on, posting.ends_on, posting.hours, clock.now())


async def for_oneself(posting: Posting, by: UUID, size: int, supply_id: UUID | None) -> Asked:
    """Return who asks, for themselves or by an offer of theirs; raises DomainError 409 for one's own posting, 422."""
    supply = await Posting.get_or_none(id=supply_id) if supply_id else None
    if supply_id and (supply is None or not await _theirs(supply, by)):
        raise invalid(FieldFault("/supply", "supply_not_yours"))
    asked = Asked(supply.person_id if supply else by, size, supply)
    await _require_other(posting, asked, {by, asked.person_id})
    if supply:
        _require_suitable(posting, supply)
    if size > 1 and not asked.group:
        raise invalid(FieldFault("/size", "size_alone"))
    if size > (posting.headcount or 0):
        raise invalid(FieldFault("/size", "size_over_headcount", {"most": posting.headcount or 0}))
    if supply and size > (supply.headcount or 1):
        raise invalid(FieldFault("/size", "size_over_team", {"most": supply.headcount or 1}))
    return asked


async def of_another(posting: Posting, supply_id: UUID) -> Asked:
    """Return who is asked by an offer that anyone may read; raises DomainError 409 for one's own, 422."""
    supply = await Posting.get_or_none(id=supply_id)
    if supply is None:
        raise invalid(FieldFault("/supply", "supply_unfit"))
    _require_suitable(posting, supply)
    group = supply.supplier is not Supplier.STUDENT
    asked = Asked(supply.person_id, min(supply.headcount or 1, posting.headcount or 1) if group else 1, supply)
    await _require_other(posting, asked, {asked.person_id})
    return asked


async def require_new(posting: Posting, asked: Asked, party: Party) -> None:
    """Raise DomainError 409 where they have a place there or wait for one, or the other party declined before.

    429 past `MOST_A_DAY`. The posting is held. Somebody alone asks once, with or without an offer; a team or class once
    with each.
    """
    same = Q(supply_id=asked.supply.id) if asked.supply and asked.group else _ALONE
    theirs = Engagement.filter(same, posting_id=posting.id, person_id=asked.person_id)
    earlier = await theirs.only("id", "state", "created_at")
    if any(one.state not in GONE for one in earlier):
        raise DomainError("engaged_already", 409)
    _require_seldom(earlier)
    other = Party.POSTER if party is Party.WORKER else Party.WORKER
    ids = [one.id for one in earlier]
    if ids and await EngagementStep.exists(engagement_id__in=ids, verb=Verb.DECLINE, party=other):
        raise DomainError("declined_before", 409)


def _require_seldom(earlier: Sequence[Engagement]) -> None:
    """Raise DomainError 429 past `MOST_A_DAY`: each time the other side is told."""
    since = clock.now() - rules.ONE_DAY
    recent = sorted(one.created_at for one in earlier if one.created_at > since)
    if len(recent) >= MOST_A_DAY:
        wait = recent[-MOST_A_DAY] - since
        raise DomainError("too_many_requests", 429, seconds=int(wait.total_seconds()) + 1)


async def _theirs(supply: Posting, by: UUID) -> bool:
    """Whether an offer is a person's own, or of a school for which they act."""
    if supply.organisation_id is None:
        return supply.person_id == by
    return by in (await current.acting([supply.organisation_id]))[supply.organisation_id]


async def _require_other(posting: Posting, asked: Asked, workers: set[UUID]) -> None:
    """Raise DomainError 409 where both sides are the same, or one of the workers' side belongs to the poster's."""
    own = posting.person_id in workers
    if organisation := posting.organisation_id:
        own |= asked.supply is not None and asked.supply.organisation_id == organisation
        belongs = Membership.filter(organisation_id=organisation, state=MembershipState.ACTIVE, ended_at=None)
        own = own or await belongs.filter(person_id__in=workers).exists()
    if own:
        raise DomainError("own_posting", 409)


def _require_suitable(posting: Posting, supply: Posting) -> None:
    """Raise DomainError 422 for what is no live offer, or one of another kind: internships are a kind of their own."""
    if supply.side is not Side.SUPPLY or not keeping.readable(supply):
        raise invalid(FieldFault("/supply", "supply_unfit"))
    if (supply.kind is PostingKind.INTERNSHIP) is not (posting.kind is PostingKind.INTERNSHIP):
        raise invalid(FieldFault("/supply", "supply_kind"))
