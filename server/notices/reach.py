"""Whom a broadcast reaches: members of organisations, and those who speak for students, by place, school and year."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from uuid import UUID

from server.kernel.errors import FieldFault, invalid
from server.kernel.statements import returned
from server.organisations.models import Organisation
from server.organisations.roles import Kind, Role
from server.reference.service import Reference, around

SCHOOLS = (Kind.FEEDER_SCHOOL, Kind.VOCATIONAL_SCHOOL)
_MEMBER = """EXISTS (SELECT 1 FROM membership m JOIN organisation o ON o.id = m.organisation_id
  WHERE m.person_id = p.id AND m.state = 'active' AND m.ended_at IS NULL AND o.state <> 'closed'{which})"""
_SPEAKER = """EXISTS (SELECT 1 FROM student_link l WHERE l.person_id = p.id AND l.state = 'confirmed'
  AND l.ended_at IS NULL AND (
  EXISTS (SELECT 1 FROM enrolment c JOIN organisation o ON o.id = c.school_id
    WHERE c.student_id = l.student_id AND c.state IN ('listed', 'registered', 'suspended', 'graduated'){which})
  OR EXISTS (SELECT 1 FROM referral c JOIN organisation o ON o.id = c.school_id
    WHERE c.student_id = l.student_id AND c.state IN ('registered', 'matched', 'confirmed', 'disputed'){which})))"""


@dataclass(frozen=True, slots=True)
class Audience:
    """Whom; None is any. With none of them it is everyone who may act.

    `role` is one in an organisation and leaves students' people out; `year` is the entry year of students, and reaches
    those who speak for them alone. `county` is that of the organisation or school, or a whole city; `school` is one.
    """

    role: Role | None = None
    county: str | None = None
    school: UUID | None = None
    year: int | None = None


async def check(audience: Audience, reference: Reference) -> None:
    """Raise DomainError 422 with all that is wrong with an audience that was written just now."""
    faults = list(_faults(audience, reference))
    if audience.school and not await Organisation.exists(id=audience.school, kind__in=SCHOOLS):
        faults.append(FieldFault("/audience/school", "broadcast_school"))
    if faults:
        raise invalid(*faults)


def _faults(audience: Audience, reference: Reference) -> Iterator[FieldFault]:
    if audience.role is not None and audience.year is not None:
        yield FieldFault("/audience/year", "role_and_year")
    if audience.county is not None and not around(reference, audience.county):
        yield FieldFault("/audience/county", "region_unknown")


async def count(audience: Audience, reference: Reference) -> int:
    """Return how many people that is at this moment."""
    where, values = _where(audience, reference)
    [row] = await returned(f"SELECT count(*) AS people FROM person p WHERE {where}", *values)  # noqa: S608 -- our own texts
    return int(row["people"])


async def some(audience: Audience, reference: Reference, after: UUID | None, limit: int) -> list[UUID]:
    """Return at most so many of them, in the order of their ids, behind the one that was reached last."""
    where, values = _where(audience, reference)
    values += [after or UUID(int=0), limit]
    rows = await returned(
        f"SELECT p.id FROM person p WHERE {where} AND p.id > ${len(values) - 1} ORDER BY p.id LIMIT ${len(values)}",  # noqa: S608
        *values,
    )
    return [UUID(str(row["id"])) for row in rows]


def _where(audience: Audience, reference: Reference) -> tuple[str, list[object]]:
    """Return the condition for a person `p`, and the values in it."""
    values: list[object] = []
    there = ""
    if audience.county is not None:
        values.append(list(_regions(audience.county, reference)))
        there += f" AND o.region = ANY(${len(values)})"
    if audience.school is not None:
        values.append(audience.school)
        there += f" AND o.id = ${len(values)}"
    kinds = list(_kinds(audience, there, values))
    either = f" AND ({' OR '.join(kinds)})" if kinds else ""
    return f"p.state = 'active'{either}", values


def _kinds(audience: Audience, there: str, values: list[object]) -> Iterator[str]:
    if audience.year is not None:
        values.append(audience.year)
        yield _SPEAKER.format(which=f"{there} AND c.year = ${len(values)}")
    elif audience.role is not None:
        values.append(audience.role)
        yield _MEMBER.format(which=f"{there} AND m.role = ${len(values)}")
    elif there:
        yield _MEMBER.format(which=there)
        yield _SPEAKER.format(which=there)


def _regions(county: str, reference: Reference) -> Collection[str]:
    return around(reference, county)
