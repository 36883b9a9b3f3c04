"""Which referrals there are, and which of them somebody should look at."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from tortoise.expressions import Q, RawSQL
from tortoise.queryset import QuerySet

from server.enrolments.models import Intake
from server.kernel import clock
from server.kernel.paging import Page, Sort, page
from server.organisations.models import Organisation
from server.referrals.models import Referral, ReferralState


class Order(StrEnum):
    """In which order."""

    NEWEST = "newest"
    WAITING = "waiting"
    """Those first that have stood as they do for longest."""


SORTS = {Order.NEWEST: Sort("id", parse=UUID), Order.WAITING: Sort("state_since", descending=False)}
"""Ids are made in the order of the rows."""
IN_DISPUTE = RawSQL(
    "CASE WHEN referral.state IN ('registered', 'matched', 'confirmed', 'disputed', 'lapsed') AND EXISTS "
    "(SELECT 1 FROM referral claim WHERE claim.student_id = referral.student_id AND claim.year = referral.year "
    "AND claim.state = 'disputed') THEN 1 ELSE 0 END"
)
"""1 for a claim that may still come to something and beside which a disputed one waits, and for that one; else 0."""
RELATED = ("student", "school", "named_school", "enrolment", "enrolment__school")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which referrals; None is any.

    `region` is that of the school which registered them, `waiting_days` for how long at least they have stood as they
    do, `number` the whole of theirs.
    """

    year: int | None = None
    intake: Intake | None = None
    state: ReferralState | None = None
    school: UUID | None = None
    region: str | None = None
    named_school: UUID | None = None
    needs_check: bool | None = None
    in_dispute: bool | None = None
    waiting_days: int | None = None
    number: str | None = None


async def referrals(
    wanted: Wanted, within: Collection[UUID] | None, order: Order, limit: int, cursor: str | None
) -> Page[Referral]:
    """Return a page of referrals in one statement, each with what `shown` adds.

    `within` narrows them to those of these schools, None does not.
    """
    query = Referral.all() if within is None else Referral.filter(school_id__in=list(within))
    return await page(_narrowed(shown(query), wanted), SORTS[order], limit, cursor)


def shown(query: QuerySet[Referral]) -> QuerySet[Referral]:
    """Let each row come with its student, schools and enrolment, and `in_dispute` (0 or 1), in the same statement."""
    return query.select_related(*RELATED).annotate(in_dispute=IN_DISPUTE)


async def complete(row: Referral) -> Referral:
    """Return a claim that was made just now and has its student and school, as `shown` would."""
    named = row.named_school_id
    row.named_school = await Organisation.get(id=named) if named else None
    row.enrolment, row.in_dispute = None, int(row.state is ReferralState.DISPUTED)
    return row


def _narrowed(query: QuerySet[Referral], wanted: Wanted) -> QuerySet[Referral]:
    exact: dict[str, Any] = {
        "year": wanted.year,
        "intake": wanted.intake,
        "state": wanted.state,
        "school_id": wanted.school,
        "school__region": wanted.region,
        "named_school_id": wanted.named_school,
        "needs_check": wanted.needs_check,
        "number": wanted.number,
        "in_dispute": None if wanted.in_dispute is None else int(wanted.in_dispute),
    }
    query = query.filter(**{name: value for name, value in exact.items() if value is not None})
    if wanted.waiting_days is not None:
        query = query.filter(Q(state_since__lte=clock.now() - timedelta(days=wanted.waiting_days)))
    return query
