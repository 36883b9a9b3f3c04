"""What becomes of the postings of a closed organisation: what carries it on has them, else they end."""

from uuid import UUID

from tortoise.expressions import Q
from tortoise.queryset import QuerySet

from server.kernel.errors import DomainError
from server.kernel.transactions import transaction
from server.labour import keeping, life, posters
from server.labour.keeping import Change
from server.labour.models import Posting, PostingState
from server.labour.offers import UNENDED
from server.organisations.models import Organisation, OrganisationState
from server.organisations.service import carrying_on

PASSED_ON, DISSOLVED = "passed_on", "dissolved"


def of_closed() -> QuerySet[Posting]:
    """Return what `settle` has to do with: all of who has a successor, also what ended, since people work by it."""
    left = Q(organisation__successor_id__isnull=False) | Q(state__in=UNENDED)
    return Posting.filter(left, organisation__state=OrganisationState.CLOSED)


@transaction
async def settle(posting_id: UUID) -> bool:
    """Give a posting to what carries its organisation on; end it where nothing does, or that may not post such a thing.

    Return whether there was anything to do.
    """
    held = await keeping.hold(posting_id)
    if held.organisation_id is None:
        return False
    last = await carrying_on(held.organisation_id)
    passes = last.id != held.organisation_id
    ends = held.state in UNENDED and (last.state is OrganisationState.CLOSED or not _fits(held, last))
    if passes:
        held.organisation_id = last.id
        await keeping.keep(held, _passed(held), None if held.state in UNENDED and not ends else [])
    if ends:
        await life.end(held, PostingState.CLOSED, Change(DISSOLVED, held.state, None))
    return passes or ends


def _passed(held: Posting) -> Change:
    return Change(PASSED_ON, held.state, None, fields=("organisation",))


def _fits(held: Posting, poster: Organisation) -> bool:
    if poster.kind not in posters.kinds(held.side, held.supplier):
        return False
    try:
        posters.require_fitting(held.side, held.kind, held.supplier, poster.kind)
    except DomainError:
        return False
    return True
