"""How many claims and enrolments stand how: for one school, and over all of them."""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from tortoise.expressions import Case, Q, When
from tortoise.functions import Count
from tortoise.queryset import QuerySet

from server.enrolments.models import Enrolment
from server.imports.models import Import
from server.kernel import clock
from server.organisations.models import Organisation
from server.referrals.enrolled import MATCHED
from server.referrals.lists import IN_DISPUTE
from server.referrals.models import Referral, ReferralState

WAITING = (ReferralState.REGISTERED, ReferralState.MATCHED, ReferralState.DISPUTED)
"""What somebody or something has still to happen to; only of these the age is asked."""
AGES = {"week": 7, "month": 30, "quarter": 90}
"""For how many days at most, the shortest first."""
OLDER = "older"


class By(StrEnum):
    """By what claims are counted."""

    SCHOOL = "school"
    COUNTY = "county"
    """That of the school which registered them."""
    INTAKE = "intake"
    STATE = "state"
    AGE = "age"
    """For how long those that wait have stood as they do."""


@dataclass(slots=True)
class Group:
    """Claims of one kind; `key` is an id, a code, or a name of the kind, None where the school has no region."""

    key: str | None
    name: str | None = None
    by_state: Counter[str] = field(default_factory=Counter)
    by_intake: Counter[str] = field(default_factory=Counter)
    to_check: int = 0
    in_dispute: int = 0

    @property
    def total(self) -> int:
        """How many in all."""
        return self.by_state.total()


@dataclass(frozen=True, slots=True)
class Enrolled:
    """Enrolments of one school."""

    by_state: Mapping[str, int]
    by_level: Mapping[str, int]
    matched: int


@dataclass(frozen=True, slots=True)
class Imported:
    """Imports of one school, and what became of their rows."""

    by_state: Mapping[str, int]
    rows: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Summary:
    """What one school has in a year, on either side."""

    referrals: Group
    enrolments: Enrolled
    imports: Imported


async def of_school(school_ids: Collection[UUID], year: int) -> Summary:
    """Return how what a school, with those it carries on, registered and listed for an entry year stands.

    Five statements.
    """
    claims = await _groups(Referral.filter(year=year, school_id__in=school_ids), "year")
    group = claims.get(str(year), Group(str(year)))
    return Summary(group, await _enrolled(school_ids, year), await _imported(school_ids, year))


async def over_all(year: int, by: By) -> list[Group]:
    """Return how all claims of an entry year stand, in groups, the largest first; three statements at most."""
    claims = Referral.filter(year=year)
    if by is By.AGE:
        claims = claims.filter(state__in=WAITING).annotate(age=_age())
    found = await _groups(claims, _COLUMNS[by])
    groups = sorted(found.values(), key=lambda group: (-group.total, group.key or ""))
    if by is By.SCHOOL:
        await _name(groups)
    return groups


_COLUMNS = {
    By.SCHOOL: "school_id",
    By.COUNTY: "school__region",
    By.INTAKE: "intake",
    By.STATE: "state",
    By.AGE: "age",
}


def _age() -> Case:
    """Return the name of the age at `clock.now()` as an expression of both dialects."""
    now = clock.now()
    return Case(
        *(When(Q(state_since__gt=now - timedelta(days=days)), then=name) for name, days in AGES.items()), default=OLDER
    )


async def _groups(claims: QuerySet[Referral], column: str) -> dict[str | None, Group]:
    found: dict[str | None, Group] = {}
    columns = dict.fromkeys([column, "state", "intake"])
    counted = claims.annotate(count=Count("id"), checks=Count("id", _filter=Q(needs_check=True)))
    for row in await counted.group_by(*columns).values(*columns, "count", "checks"):
        group = _group(found, row[column])
        group.by_state[str(row["state"])] += row["count"]
        group.by_intake[str(row["intake"])] += row["count"]
        group.to_check += row["checks"]
    disputed = claims.annotate(disputed=IN_DISPUTE, count=Count("id")).filter(disputed=1)
    for row in await disputed.group_by(column).values(column, "count"):
        _group(found, row[column]).in_dispute = row["count"]
    return found


def _group(found: dict[str | None, Group], value: Any) -> Group:
    key = None if value is None else str(value)
    return found.setdefault(key, Group(key))


async def _name(groups: list[Group]) -> None:
    schools = await Organisation.filter(id__in=[group.key for group in groups]).only("id", "name")
    names = {str(school.id): school.name for school in schools}
    for group in groups:
        group.name = names.get(group.key or "")


async def _enrolled(school_ids: Collection[UUID], year: int) -> Enrolled:
    states, levels = Counter[str](), Counter[str]()
    mine = Enrolment.filter(school_id__in=school_ids, year=year)
    for row in await mine.annotate(count=Count("id")).group_by("state", "level").values("state", "level", "count"):
        states[str(row["state"])] += row["count"]
        levels[str(row["level"])] += row["count"]
    return Enrolled(states, levels, await mine.annotate(matched=MATCHED).filter(matched=1).count())


async def _imported(school_ids: Collection[UUID], year: int) -> Imported:
    """Look up in each what it is for: a school sends some dozens in a year."""
    states, rows = Counter[str](), defaultdict[str, int](int)
    outcomes = ("accepted", "warning", "repeated", "refused")
    for row in await Import.filter(organisation_id__in=school_ids).values("terms", "state", *outcomes):
        if row["terms"].get("year") == year:
            states[str(row["state"])] += 1
            for outcome in outcomes:
                rows[outcome] += row[outcome]
    return Imported(states, {outcome: rows[outcome] for outcome in outcomes})
