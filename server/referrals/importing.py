"""Lists of referrals and enrolments: which columns they have, and how their rows become claims and lines.

Of the file nothing is taken for granted: a row is read exactly as the body of a request is.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from server.enrolments import listing
from server.enrolments.listing import Listed
from server.enrolments.models import Intake, Level
from server.imports import cells
from server.imports.headings import Column
from server.imports.models import Import, ImportKind
from server.imports.remarks import Remark
from server.imports.stored import Row
from server.imports.work import Found, Importers
from server.kernel import clock, codes
from server.referrals import claims, receiving, rules, service
from server.referrals.claims import Claim
from server.referrals.columns import SCHOOL, Lists
from server.referrals.terms import schools, terms
from server.students.id_number import Regions

Texts = dict[str, str | None]
_WHOLE_NUMBER = re.compile(r"[0-9]{17}[0-9X]")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What holds for all rows of a list; school and level serve the rows that name none."""

    year: int
    intake: Intake
    named_school: UUID | None = None
    level: Level | None = None

    @classmethod
    def of(cls, terms: Mapping[str, Any]) -> "Wanted":
        """Return what was kept."""
        school, level = terms["named_school"], terms["level"]
        return cls(
            terms["year"], Intake(terms["intake"]), UUID(school) if school else None, Level(level) if level else None
        )

    def kept(self) -> dict[str, Any]:
        """Return it as JSON keeps it."""
        school = str(self.named_school) if self.named_school else None
        return {"year": self.year, "intake": self.intake, "named_school": school, "level": self.level}


def importers(regions: Regions, lists: Lists) -> Importers:
    """Return what is done with the rows of each kind of list."""
    return {ImportKind.REFERRAL: _Referrals(regions, lists), ImportKind.ENROLMENT: _Enrolments(regions, lists)}


def same_student(row: Row) -> str | None:
    """Return by what a row is known as another's twin: the number as it was typed, made plain."""
    number = codes.plain(cells.as_sent(row.values.get("id_number")))
    return number if _WHOLE_NUMBER.fullmatch(number) else None  # of a class all may lose the same digits


async def columns(kind: ImportKind, lists: Lists) -> tuple[Column, ...]:
    """Return the columns of a kind of list, with the schools of today."""
    return lists.columns(kind, _names(await schools()) if kind is ImportKind.REFERRAL else ())


@dataclass(frozen=True, slots=True)
class _Referrals:
    """A feeder school's list of the students it sent."""

    regions: Regions
    lists: Lists

    async def read(self, source: Import, rows: Sequence[Mapping[str, Any]]) -> list[Claim | list[Remark]]:
        wanted = Wanted.of(source.terms)
        holding = await terms(wanted.year, wanted.intake)
        defaults = {SCHOOL: str(wanted.named_school) if wanted.named_school else None, "level": wanted.level}
        day, in_force = _sent_on(source), rules.in_force()

        def say(texts: Texts) -> Claim | list[Remark]:
            return claims.read(texts, holding, self.regions, in_force, day)

        columns = self.lists.columns(source.kind, _names(holding.schools))
        return [_read(row, columns, defaults, say) for row in rows]

    async def register(self, source: Import, said: Sequence[Claim]) -> list[Found]:
        results = await service.register_many(source.organisation_id, said, by=source.person_id, on=_sent_on(source))
        return [Found(one.outcome, one.referral_id, one.remarks) for one in results]


@dataclass(frozen=True, slots=True)
class _Enrolments:
    """A receiving school's list of its students."""

    regions: Regions
    lists: Lists

    async def read(self, source: Import, rows: Sequence[Mapping[str, Any]]) -> list[Listed | list[Remark]]:
        wanted, today = Wanted.of(source.terms), clock.today()
        holding = await receiving.terms(wanted.year, wanted.intake, wanted.level)

        def say(texts: Texts) -> Listed | list[Remark]:
            return listing.read(texts, holding, self.regions, today)

        columns = self.lists.columns(source.kind)
        return [_read(row, columns, {}, say) for row in rows]

    async def register(self, source: Import, said: Sequence[Listed]) -> list[Found]:
        results = await receiving.list_many(source.organisation_id, said, by=source.person_id)
        return [Found(one.outcome, one.enrolment_id, one.remarks) for one in results]


def _sent_on(source: Import) -> date:
    """Return the day on which a list was taken in: by it the claims are judged, however long they wait."""
    return source.created_at.astimezone(clock.SHANGHAI).date()


def _names(known: Mapping[str, UUID]) -> list[str]:
    """Return the names among ids and names of schools."""
    return sorted(text for text, school in known.items() if text != str(school))


def _read(
    row: Mapping[str, Any], columns: Sequence[Column], defaults: Mapping[str, str | None], say: Callable[[Texts], Any]
) -> Any:
    """Return what a row says, or all that is wrong with it, each field's fault once."""
    texts, unreadable = cells.values(row, columns)
    texts |= {name: default for name, default in defaults.items() if texts[name] is None}
    said = say(texts)
    if not unreadable:
        return said
    known = {remark.field for remark in unreadable}
    wrong = [Remark(SCHOOL, "school_unknown") if remark.field == SCHOOL else remark for remark in unreadable]
    return wrong + ([one for one in said if one.field not in known] if isinstance(said, list) else [])
