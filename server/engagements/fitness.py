"""Who may take a place: of age, with a guardian's consent, still here, and not at work elsewhere at that time."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from tortoise.expressions import Q

from server.consents import service as consents
from server.consents.documents import Documents
from server.consents.models import Capacity
from server.engagements import overlap
from server.engagements.holding import group
from server.engagements.models import Engagement
from server.engagements.overlap import Times
from server.engagements.states import AT_WORK
from server.kernel import clock
from server.kernel.errors import DomainError, FieldFault, invalid
from server.kernel.handed import Handed
from server.kernel.sensitive import VaultError, if_readable
from server.labour import hours, posters
from server.labour.drafts import Draft
from server.labour.models import Posting, PostingKind, Supplier
from server.labour.rulebook import Limits
from server.organisations.models import Organisation
from server.people.models import Person, PersonState
from server.students.id_number import IdNumber
from server.students.models import LinkState, Relation, Student, StudentLink
from server.students.sealed import identity

CONSENT = ("student", "labour")
"""The document and its scope to which a guardian consents before a minor takes a place."""
TOO_OLD = "worker_too_old"
"""The fault of who is older than the posting wants."""


@dataclass(frozen=True, slots=True)
class Law:
    """What is asked of content: the figures of the rules of work, and the documents of consent."""

    limits: Limits
    documents: Documents


_handed = Handed[Law]("law of work was")
use, in_force = _handed.use, _handed.in_force


@dataclass(slots=True)
class Known:
    """What there is to know of some who may take a place on a posting, and of the posting.

    `students` are who they are, `numbers` those by which their ages are judged, `consented` the students whose guardian
    consents, `schools` those that are verified, `busy` who is at work, by person.
    """

    posting: Posting
    law: Law
    people: Mapping[UUID, Person]
    students: dict[UUID, Student]
    numbers: Mapping[UUID, Collection[IdNumber]]
    consented: Collection[UUID] = frozenset()
    schools: Collection[UUID] = frozenset()
    busy: dict[UUID, list[Engagement]] = field(default_factory=lambda: defaultdict(list))

    def refusal(self, one: Engagement) -> DomainError | None:
        """Return why somebody may not take the place they ask for, None where they may."""
        if one.supply and _of_class(one):
            if one.supply.organisation_id not in self.schools:
                return DomainError("worker_not_standing", 409)
        elif refusal := self._of_person(one.person_id):
            return refusal
        if faults := list(self._of_group(one)):
            return invalid(*faults)
        if group(one) and one.supply and one.size > (most := one.supply.headcount or 0):
            return invalid(FieldFault("/size", "size_over_team", {"most": most}))
        day = self.taken_on(one)
        return DomainError("engagement_overlap", 409, day=day.isoformat()) if day else None

    def barred(self, one: Engagement, *, oldest: bool) -> bool:
        """Whether law or posting forbid the work by age to who has a place already; `oldest`: also who is too old.

        Who has grown older since is not too old by that.
        """
        faults = list(self._of_group(one))
        if one.person_id in self.students and not _of_class(one):
            faults += self._of_ages("/person", *[self.age(one.person_id, self._first_day())] * 2)
        return any(oldest or fault.code != TOO_OLD for fault in faults)

    def add(self, one: Engagement) -> None:
        """Count one who has just taken a place."""
        self.busy[one.person_id].append(one)

    def _of_person(self, person_id: UUID) -> DomainError | None:
        if self.people[person_id].state is not PersonState.ACTIVE:
            return DomainError("worker_not_standing", 409)
        if person_id not in self.students:
            return DomainError("worker_unknown", 409)
        faults = list(self._faults(person_id))
        return invalid(*faults) if faults else None

    def _faults(self, person_id: UUID) -> Iterator[FieldFault]:
        """Yield what the posting or the law has against somebody's age on the first day of their work."""
        age = self.age(person_id, self._first_day())
        yield from self._of_ages("/person", age, age)
        unconsented = self.students[person_id].id not in self.consented
        if self.age(person_id, clock.today()) < self.law.limits.of_age and unconsented:
            yield FieldFault("/person", "worker_guardian", {"years": self.law.limits.of_age})

    def _of_group(self, one: Engagement) -> Iterator[FieldFault]:
        """Yield the same about the ages that a team or class states; of one that states none nothing is known."""
        ages = [age for age in (one.supply.age_min, one.supply.age_max) if age is not None] if one.supply else []
        if ages and group(one):
            yield from self._of_ages("/supply", ages[0], ages[-1])

    def _of_ages(self, pointer: str, youngest: int, oldest: int) -> Iterator[FieldFault]:
        low, high = max(self.law.limits.youngest, self.posting.age_min or 0), self.posting.age_max
        if youngest < low:
            yield FieldFault(pointer, "worker_too_young", {"years": low})
        if high is not None and oldest > high:
            yield FieldFault(pointer, TOO_OLD, {"years": high})
        if low <= youngest < self.law.limits.of_age:
            yield from self._of_minor(pointer)

    def _of_minor(self, pointer: str) -> Iterator[FieldFault]:
        draft, years = Draft.of(self.posting), {"years": self.law.limits.of_age}
        if draft.kind is not PostingKind.INTERNSHIP and any(hours.by_night(draft)):
            yield FieldFault(pointer, "worker_night", years)
        if draft.occupation in self.law.limits.hazardous:
            yield FieldFault(pointer, "worker_hazard", years)

    def _first_day(self) -> date:
        return max(self.posting.starts_on or date.min, clock.today())

    def age(self, person_id: UUID, day: date) -> int:
        """Return how old somebody is on a day, by the youngest number that counts."""
        return min(number.age_on(day) for number in self.numbers[person_id])

    def taken_on(self, one: Engagement) -> date | None:
        """Return the first day on which somebody is needed elsewhere; of a team or class, so many that too few remain.

        Who speaks for a team is one of it: alone elsewhere, they are one hand less.
        """
        return _taken_on(self.posting, one, self.busy[one.person_id])


Met = Sequence[tuple[Engagement, date]]


def _taken_on(posting: Posting, one: Engagement, busy: Collection[Engagement]) -> date | None:
    times = Times.of(posting).since(clock.today())
    met = [
        (other, day) for other in busy if other.id != one.id and (day := overlap.clash(times, Times.of(other.posting)))
    ]
    alone = [(other, day) for other, day in met if not group(other)]
    if group(one):
        return _short(one, [pair for pair in met if pair[0].supply_id == one.supply_id], alone if _speaks(one) else [])
    teams = {other.supply_id for other, _ in met if group(other) and _speaks(other)}
    short = [_short(one, [pair for pair in met if pair[0].supply_id == team], []) for team in teams]
    return min([day for _, day in alone] + [day for day in short if day], default=None)


def _short(one: Engagement, together: Met, alone: Met) -> date | None:
    """Return the first of these days where a team or class, with one more place to take, has too few hands."""
    supply = one.supply if group(one) else together[0][0].supply
    needed = one.size + sum(other.size for other, _ in together) + bool(alone)
    if supply is None or needed <= (supply.headcount or 0):
        return None
    return min((day for _, day in [*together, *alone]), default=clock.today())


def _speaks(one: Engagement) -> bool:
    return one.supply is not None and one.supply.supplier is Supplier.TEAM


def _of_class(one: Engagement) -> bool:
    return one.supply is not None and one.supply.supplier is Supplier.SCHOOL_CLASS


async def look(posting: Posting, some: Sequence[Engagement], people: Mapping[UUID, Person]) -> Known:
    """Return what there is to know of some who ask for places, whose people are held; as many queries for all."""
    ids = [one.person_id for one in some]
    await _read_anew(some)
    students, numbers = await _students(ids)
    known = Known(posting, in_force(), people, students, numbers)
    known.consented = await _consented(known)
    schools = {one.supply.organisation_id for one in some if one.supply and one.supply.organisation_id}
    if schools:
        verified = await Organisation.filter(id__in=list(schools))
        known.schools = {one.id for one in verified if posters.verified(one)}
    for other in await _at_work(ids):
        known.add(other)
    return known


async def _read_anew(some: Sequence[Engagement]) -> None:
    """Read the offers by which some ask, whose people are held: they had perhaps more hands before that."""
    asking = {one.id: one.supply_id for one in some if one.supply_id}
    supplies = {row.id: row for row in await Posting.filter(id__in=list(asking.values()))} if asking else {}
    for one in some:
        one.supply = supplies[asking[one.id]] if one.id in asking else None


async def clashing(rows: Sequence[Engagement]) -> set[UUID]:
    """Return which of some who are at work, with posting and supply, are needed elsewhere meanwhile; one query."""
    busy = defaultdict[UUID, list[Engagement]](list)
    for other in await _at_work([row.person_id for row in rows]) if rows else ():
        busy[other.person_id].append(other)
    return {row.id for row in rows if _taken_on(row.posting, row, busy[row.person_id])}


async def unguarded(rows: Sequence[Engagement]) -> set[UUID]:
    """Return which of some are of students known to be under age whose guardian's consent ended; three queries."""
    gone = await consents.ended({row.student_id for row in rows if row.student_id}, CONSENT, Capacity.GUARDIAN)
    found = await Student.filter(id__in=list(gone)) if gone else []
    of_age, today = in_force().limits.of_age, clock.today()
    known = {student.id: if_readable(identity, student) for student in found}
    young = {student_id for student_id, number in known.items() if number and number.age_on(today) < of_age}
    return {row.id for row in rows if row.student_id in young}


async def _at_work(ids: Collection[UUID]) -> Sequence[Engagement]:
    """Return where people are at work, with posting and supply."""
    theirs = Engagement.filter(person_id__in=list(ids), state__in=list(AT_WORK))
    return await theirs.select_related("posting", "supply")


async def _students(ids: Collection[UUID]) -> tuple[dict[UUID, Student], Mapping[UUID, Collection[IdNumber]]]:
    """Return which students people are, and by which numbers their ages are judged; nothing of whom one won't open."""
    mine = StudentLink.filter(person_id__in=list(ids), relation=Relation.SELF).exclude(state=LinkState.REJECTED)
    counting = mine.filter(Q(state=LinkState.CONFIRMED) | Q(ended_at=None)).select_related("student")
    students, numbers, unread = dict[UUID, Student](), defaultdict[UUID, list[IdNumber]](list), set[UUID]()
    for link in await counting:
        try:
            numbers[link.person_id].append(identity(link.student))
        except VaultError:
            unread.add(link.person_id)
        if link.state is LinkState.CONFIRMED and link.ended_at is None:
            students[link.person_id] = link.student
    return {one: student for one, student in students.items() if one not in unread}, numbers


async def _consented(known: Known) -> Collection[UUID]:
    of_age, today = known.law.limits.of_age, clock.today()
    young = [student for person_id, student in known.students.items() if known.age(person_id, today) < of_age]
    if not young:
        return frozenset()
    return await consents.standing(young, CONSENT, today, known.law.documents, by=Capacity.GUARDIAN)
