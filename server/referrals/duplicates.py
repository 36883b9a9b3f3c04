"""Claims that may be about one student, in groups for a reviewer to look at. Nothing is ever merged by itself."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

from tortoise.functions import Count, Min

from server.kernel import sensitive
from server.kernel.paging import Page, decode_cursor, encode_cursor
from server.kernel.sensitive import Kind
from server.referrals import sealed
from server.referrals.lists import shown
from server.referrals.models import LIVE, Referral, ReferralState
from server.students.models import Student
from server.students.sealed import cell

STANDING = (*LIVE, ReferralState.DISPUTED, ReferralState.LAPSED)
"""Claims of which it is open who gets the student, or that have the student; a lapsed one may live again."""


class Same(StrEnum):
    """What the claims of a group have in common."""

    STUDENT = "student"
    """Several schools claim one student."""
    PHONE = "phone"
    """Several students have one phone: twins, or one student under two numbers."""
    NAME = "name"
    """Several students have one name and one day of birth: namesakes, or one student under two numbers."""


AT_ONCE = 1000
_COLUMNS = {Same.STUDENT: "student_id", Same.PHONE: "phone_index"}
_COUNTED = {Same.STUDENT: Count("id"), Same.PHONE: Count("student_id", distinct=True)}


@dataclass(frozen=True, slots=True)
class Group:
    """Claims that have something in common, the first one first; `number` is that one's."""

    number: str
    claims: Sequence[Referral]


async def groups(year: int, same: Same, limit: int, cursor: str | None) -> Page[Group]:
    """Return a page of groups of an entry year in the order of their first claims.

    Two statements; names lie sealed, so for theirs one more for every `AT_ONCE` claims of the year, which are opened.
    Raises DomainError 422 for a foreign cursor.
    """
    if same is Same.NAME:
        return await _namesakes(year, limit, cursor)
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


class _Namesake(NamedTuple):
    """A claim by what it would have in common with others: the name in it, and the day of birth in the number."""

    number: str
    id: UUID
    student_id: UUID
    key: tuple[str, str]


async def _namesakes(year: int, limit: int, cursor: str | None) -> Page[Group]:
    after = decode_cursor(cursor, Same.NAME)[1] if cursor else ""
    named = defaultdict[tuple[str, str], list[_Namesake]](list)
    async for one in _named(year):
        named[one.key].append(one)
    groups = [sorted(group) for group in named.values() if len({one.student_id for one in group}) > 1]
    heads = sorted((group for group in groups if group[0].number > after), key=lambda group: group[0].number)
    page = heads[:limit]
    rows = shown(Referral.filter(id__in=[one.id for group in page for one in group]))
    claims = {row.id: row for row in await rows} if page else {}
    more = encode_cursor(Same.NAME, page[-1][0].number, "") if len(heads) > limit else None
    return Page([Group(group[0].number, [claims[one.id] for one in group if one.id in claims]) for group in page], more)


async def _named(year: int) -> AsyncIterator[_Namesake]:
    """Yield every claim of a year of which it is open who gets the student, and of which name and number open."""
    wanted, last = Referral.filter(year=year, state__in=STANDING).order_by("id").limit(AT_ONCE), UUID(int=0)
    columns: Any = ("id", "number", "student_id", "name_sealed", "student__id_number_sealed")
    while rows := await wanted.filter(id__gt=last).values_list(*columns):
        for one in await asyncio.to_thread(lambda found: list(filter(None, map(_namesake, found))), rows):
            yield one
        last = rows[-1][0]


def _namesake(row: Sequence[Any]) -> _Namesake | None:
    claim_id, number, student_id, name, id_number = row
    known = sensitive.readable(cell(Student, "id_number_sealed", student_id), Kind.ID_NUMBER, id_number)
    called = sensitive.readable(sealed.name_cell(claim_id), Kind.NAME, name)
    if known is None or called is None:
        return None
    return _Namesake(number, claim_id, student_id, (called.reveal(), known.reveal()[6:14]))


async def _claims(year: int, column: str, values: Sequence[Any]) -> dict[Any, list[Referral]]:
    found = defaultdict[Any, list[Referral]](list)
    wanted: dict[str, Any] = {f"{column}__in": values}
    rows = shown(Referral.filter(year=year, state__in=STANDING, **wanted)).order_by("number")
    for row in await rows if values else ():
        found[getattr(row, column)].append(row)
    return found
