"""Who seeks hands and who offers them, for tests of what becomes of their engagements."""

from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest

from server.consents.models import Capacity, Consent
from server.engagements import holding, service, working
from server.engagements.models import Engagement, EngagementState, EngagementStep, Party
from server.engagements.states import Actor
from server.kernel import clock
from server.kernel.errors import DomainError
from server.kernel.ids import new_id
from server.kernel.outbox import Event
from server.labour.models import Posting, PostingKind, Side, Supplier
from server.organisations.roles import Kind, Role
from server.students.models import LinkState, Relation, StudentLink
from tests.factories import make_member, make_organisation, make_person, make_posting
from tests.harness.revealing import make_student
from tests.students.numbers import number_of

DAY = timedelta(days=1)
SOON = 10
"""In so many days the work begins, where nothing else is said."""
WEEKDAYS = {str(day): [["08:00", "12:00"], ["13:30", "17:30"]] for day in range(1, 8)}


def first_day() -> date:
    """On which the work begins, where nothing else is said."""
    return clock.today() + SOON * DAY


def later(time: timedelta) -> None:
    """Move the clock on by so much."""
    clock.move_to(clock.now() + time)


@dataclass(frozen=True)
class Firm:
    """An enterprise, and the clerk who acts for it."""

    id: UUID
    clerk: UUID

    @property
    def actor(self) -> Actor:
        return Actor(self.clerk, Party.POSTER)

    async def seeks(self, headcount: int = 1, **values: Any) -> Posting:
        """A live demand that begins in `SOON` days and lasts for ten."""
        said = {
            "starts_on": first_day(),
            "ends_on": first_day() + 9 * DAY,
            "hours": WEEKDAYS,
            "headcount": headcount,
            "organisation_id": self.id,
            "person_id": self.clerk,
        }
        return await make_posting(**{**said, **values})


async def make_firm(kind: Kind = Kind.ENTERPRISE) -> Firm:
    firm = await make_organisation(kind, name="皖江工坊（示例）")
    return Firm(firm.id, (await make_member(firm, Role.CLERK)).person_id)


async def make_worker(years: int = 20, born: date | None = None) -> UUID:
    """A person who is confirmed as a student who became so old yesterday, or was born on a day."""
    person, today = await make_person(), clock.today()
    number = number_of(born or today.replace(year=today.year - years) - DAY)
    await make_student(person, Relation.SELF, number)
    return person.id


async def make_workers(count: int) -> list[UUID]:
    return [await make_worker() for _ in range(count)]


async def offers(person_id: UUID, headcount: int = 1, **values: Any) -> Posting:
    """A person's own live offer; of more than one head a team's."""
    supplier = Supplier.STUDENT if headcount == 1 else Supplier.TEAM
    said = {"side": Side.SUPPLY, "supplier": supplier, "headcount": headcount, "person_id": person_id}
    return await make_posting(**{**said, **values})


async def offers_class(headcount: int = 30) -> tuple[Posting, UUID]:
    """A school's live offer of a class for an internship, and another clerk of the school."""
    school = await make_organisation(Kind.VOCATIONAL_SCHOOL, name="滨江职校（示例）")
    writer, other = [(await make_member(school, Role.CLERK)).person_id for _ in range(2)]
    said = {"kind": PostingKind.INTERNSHIP, "supplier": Supplier.SCHOOL_CLASS, "organisation_id": school.id}
    return await offers(writer, headcount, **said), other


async def consents(worker: UUID, capacity: Capacity = Capacity.GUARDIAN) -> Consent:
    """What a new guardian of a student, or the student, consents to before a minor takes a place."""
    own = await StudentLink.get(person_id=worker, relation=Relation.SELF)
    speaker = worker
    if capacity is Capacity.GUARDIAN:
        speaker = (await make_person()).id
        link = StudentLink(
            id=new_id(), person_id=speaker, student_id=own.student_id, relation=Relation.GUARDIAN,
            state=LinkState.CONFIRMED, name_sealed=own.name_sealed, created_at=clock.now(),
        )  # fmt: skip
        await link.save(force_create=True)
    return await Consent.create(
        person_id=speaker, student_id=own.student_id, capacity=capacity, document="student", document_version="1",
        scope="labour", given_at=clock.now(),
    )  # fmt: skip


def worker_of(person_id: UUID) -> Actor:
    return Actor(person_id, Party.WORKER)


async def taken(firm: Firm, posting: Posting, worker: UUID, **values: Any) -> Engagement:
    """Somebody who has a place, or waits for one where none is free."""
    made = await service.apply(posting.id, by=worker, **values)
    return await service.accept(made.id, firm.actor)


async def at_work(firm: Firm, headcount: int = 1) -> Engagement:
    """Somebody who was accepted, on the evening of their first day."""
    held = await taken(firm, await firm.seeks(headcount), await make_worker())
    later((SOON + 1) * DAY)
    return held


async def came(firm: Firm) -> Engagement:
    """The same, who says that they came."""
    held = await at_work(firm)
    return await working.attend(held.id, worker_of(held.person_id))


async def done(firm: Firm) -> Engagement:
    """The same, whose work is done as both say."""
    held = await came(firm)
    await working.complete(held.id, firm.actor, 2400)
    return await working.complete(held.id, worker_of(held.person_id), 2460)


async def refused(work: Awaitable[object]) -> tuple[int, str]:
    """With which status and slug something is refused; of one that names fields, the first with its code."""
    with pytest.raises(DomainError) as raised:
        await work
    refusal = raised.value
    return refusal.status, f"{refusal.faults[0].pointer} {refusal.faults[0].code}" if refusal.faults else refusal.slug


async def state_of(engagement: Engagement) -> EngagementState:
    return (await Engagement.get(id=engagement.id)).state


async def names(engagement: Engagement) -> list[str]:
    """The names of its events, in order."""
    return [one.name for one in await Event.filter(subject=holding.subject_of(engagement.id)).order_by("id")]


async def counted(posting: Posting) -> Posting:
    """A posting as it is now, whose count of filled places is the sum of those held and no more than there are."""
    found = await Posting.get(id=posting.id)
    rows = await Engagement.filter(posting_id=posting.id, holds_place=True)
    assert found.filled == sum(row.size for row in rows)
    assert found.filled <= (found.headcount or 0)
    return found


async def story(engagement: Engagement) -> list[str]:
    """The verbs of what happened to it, in order; each begins where the one before ended."""
    steps = await EngagementStep.filter(engagement_id=engagement.id).order_by("id")
    assert [step.before for step in steps] == ["", *[step.after for step in steps[:-1]]]
    assert steps[-1].after == await state_of(engagement)
    return [step.verb for step in steps]


async def told(held: Engagement, name: str) -> list[str]:
    """Whom the newest such event was for."""
    event = await Event.filter(subject=f"engagement:{held.id}", name=f"engagement.{name}").order_by("-id").first()
    assert event, name
    return event.people
