"""That one matter of one payee is awarded once: ever or, of programmes that say so, once a year.

The database holds it for the same words in the same year. What is written a little differently, and other years, are
asked here, by whoever holds the payee.
"""

from collections.abc import Collection
from uuid import UUID

from server.awards import rules
from server.awards.models import ENDED, Award
from server.kernel import codes
from server.kernel.errors import DomainError
from server.organisations.models import Organisation


def yearly(programme: str) -> bool:
    """Whether a programme pays for the same matter anew each year."""
    source = rules.in_force().sources.get(programme)
    return source is not None and source.yearly


def alike(one: str, other: str) -> bool:
    """Whether two matters are one, however they are written."""
    return codes.plain(one) == codes.plain(other)


def unnamed(award: Award) -> bool:
    """Whether an award named somebody once and, its time being over, does so no more: its id then ends its matter."""
    return award.student_id is None and award.matter.endswith(str(award.id))


async def hold(payee_ids: Collection[UUID]) -> None:
    """Keep others from asking the same of these payees until the transaction ends; their students are held after."""
    ids = sorted(set(payee_ids))
    await Organisation.filter(id__in=ids).order_by("id").only("id").select_for_update(no_key=True)


async def require_alone(award: Award) -> None:
    """Raise DomainError 409 where another live award, of which none is an exception, is for the same matter.

    Whoever calls holds the payee.
    """
    if award.student_id or award.exception_reason:
        return
    beside = Award.filter(payee_id=award.payee_id, programme=award.programme, student_id=None, exception_reason="")
    if yearly(award.programme):
        beside = beside.filter(year=award.year)
    live = await beside.exclude(state__in=ENDED).exclude(id=award.id).only("id", "matter")
    if any(alike(one.matter, award.matter) for one in live):
        raise DomainError("awarded_otherwise", 409)
