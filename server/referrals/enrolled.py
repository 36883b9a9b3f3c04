"""Which enrolments there are, and by which of them a claim is matched."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from tortoise.expressions import RawSQL
from tortoise.queryset import QuerySet

from server.enrolments.models import Enrolment, EnrolmentState, Intake, Level
from server.kernel.paging import Page, Sort, page

NEWEST_FIRST = Sort("id", parse=UUID)
"""Ids are made in the order of the rows."""
MATCHED = RawSQL(
    "CASE WHEN EXISTS (SELECT 1 FROM referral claim WHERE claim.enrolment_id = enrolment.id "
    "AND claim.state IN ('matched', 'confirmed')) THEN 1 ELSE 0 END"
)
"""1 for an enrolment by which a claim is matched, else 0."""

IN_THE_GROUP = (
    "student_id = ANY($1) AND EXISTS (SELECT 1 FROM organisation school WHERE school.id = enrolment.school_id "
    "AND school.member_since <= enrolment.entered_on "
    "AND (school.member_until IS NULL OR enrolment.entered_on <= school.member_until)) "
    "ORDER BY enrolment.student_id, enrolment.id"
)
"""Of some students, what they have at schools that were members of the group on the day on which they entered there."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which enrolments; None is any. `region` is that of the school."""

    year: int | None = None
    intake: Intake | None = None
    state: EnrolmentState | None = None
    level: Level | None = None
    school: UUID | None = None
    region: str | None = None
    matched: bool | None = None


async def enrolments(
    wanted: Wanted, within: Collection[UUID] | None, limit: int, cursor: str | None
) -> Page[Enrolment]:
    """Return a page of enrolments in one statement, the newest first, each with its student, school and `matched`.

    `within` narrows them to those of these schools, None does not; `matched` is 0 or 1.
    """
    query = Enrolment.all() if within is None else Enrolment.filter(school_id__in=list(within))
    return await page(_narrowed(shown(query), wanted), NEWEST_FIRST, limit, cursor)


def shown(query: QuerySet[Enrolment]) -> QuerySet[Enrolment]:
    """Let each row come with its student, school and `matched` (0 or 1), in the same statement."""
    return query.select_related("student", "school").annotate(matched=MATCHED)


def _narrowed(query: QuerySet[Enrolment], wanted: Wanted) -> QuerySet[Enrolment]:
    exact: dict[str, Any] = {
        "year": wanted.year,
        "intake": wanted.intake,
        "state": wanted.state,
        "level": wanted.level,
        "school_id": wanted.school,
        "school__region": wanted.region,
        "matched": None if wanted.matched is None else int(wanted.matched),
    }
    return query.filter(**{name: value for name, value in exact.items() if value is not None})
