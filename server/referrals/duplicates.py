"""Claims that may be about one student, in groups for a reviewer to look at. Nothing is ever merged by itself."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from tortoise.functions import Count, Min

from server.kernel.paging import Page, decode_cursor, encode_cursor
from server.referrals.lists import shown
from server.referrals.models import LIVE, Referral, ReferralState

STANDING = (*LIVE, ReferralState.DISPUTED, ReferralState.LAPSED)
"""Claims of which it is open who gets the student, or that have the student; a lapsed one may live again."""


class Same(StrEnum):
    """What the claims of a group have in common."""

    STUDENT = "student"
    """Several schools claim one student."""
    PHONE = "phone"
    """Several students have one phone: twins, or one student under two numbers."""


_COLUMNS = {Same.STUDENT: "student_id", Same.PHONE: "phone_index"}
_COUNTED = {Same.STUDENT: Count("id"), Same.PHONE: Count("student_id", distinct=True)}


@dataclass(frozen=True, slots=True)
class Group:
    """Claims that have something in common, the first one first; `number` is that one's."""

    number: str
    claims: Sequence[Referral]


async def groups(year: int, same: Same, limit: int, cursor: str | None) -> Page[Group]:
    """Return a page of groups of an entry year in the order of their first claims; two statements.

    Raises DomainError 422 for a foreign cursor.
    """
    column = _COLUMNS[same]
    given: dict[str, Any] = {f"{column}__isnull": False}
    standing = Referral.filter(year=year, state__in=STANDING, **given)
    grouped = standing.annotate(size=_COUNTED[same], first=Min("number")).filter(size__gt=1).group_by(column)
    if cursor:
        grouped = grouped.filter(first__gt=decode_cursor(cursor, same)[1])
    heads = await grouped.order_by("first").limit(limit + 1).values(column, "first")
    page = heads[:limit]
    claims = await _claims(year, column, [head[column] for head in page])
    more = encode_cursor(same, page[-1]["first"], "") if len(heads) > limit else None
    return Page([Group(head["first"], claims[head[column]]) for head in page], more)


async def _claims(year: int, column: str, values: Sequence[Any]) -> dict[Any, list[Referral]]:
    found = defaultdict[Any, list[Referral]](list)
    wanted: dict[str, Any] = {f"{column}__in": values}
    rows = shown(Referral.filter(year=year, state__in=STANDING, **wanted)).order_by("number")
    for row in await rows if values else ():
        found[getattr(row, column)].append(row)
    return found
