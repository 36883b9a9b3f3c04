"""Two feeder schools, two receiving ones, and what they say, for tests of what comes of it."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from server.enrolments.life import Move, Step
from server.enrolments.listing import Evidence, Listed
from server.enrolments.models import Enrolment, Intake, Level
from server.kernel import clock
from server.kernel.ids import new_id
from server.kernel.sensitive import Kind as Personal
from server.kernel.sensitive import Sensitive
from server.kernel.transactions import transaction
from server.organisations.models import Organisation
from server.organisations.roles import Kind
from server.referrals import matching, receiving
from server.referrals.models import Referral
from server.students import registry
from server.students.models import Student
from server.students.sealed import identity
from tests.factories import make_organisation, make_person
from tests.harness.referring import NAME, make_claim, make_student, sealed

DOCUMENT = Evidence(document="秋季名册第3页")
STARTS = date(2026, 9, 1)


def at(month: int, day: int, year: int = 2026) -> None:
    clock.move_to(datetime(year, month, day, 12, tzinfo=clock.SHANGHAI).astimezone(UTC))


@dataclass
class World:
    feeder: Organisation
    rival: Organisation
    named: Organisation
    other: Organisation
    clerk: UUID

    async def student(self) -> Student:
        return await make_student()

    async def claims(self, student: Student, name: str = NAME, **values: Any) -> Referral:
        """Say that the first feeder school sent a student to the named school."""
        row_id = new_id()
        common = {"named_school": self.named, **sealed("referral", row_id, "name", Personal.NAME, name)}
        claim = await make_claim(values.pop("school", self.feeder), student, id=row_id, **{**common, **values})
        await reconsider(student, claim.year)
        return await now(claim)

    async def lists(self, school: Organisation, student: Student, name: str = NAME, **values: Any) -> Enrolment:
        found = await receiving.list_one(school.id, line(student, name, **values), by=self.clerk)
        return await Enrolment.get(id=found)

    async def says(self, enrolment: Enrolment, what: Step, on: date | None = None, reason: str = "") -> Enrolment:
        return await receiving.step(enrolment.id, what, Move(self.clerk, on, reason))

    async def transfers(self, enrolment: Enrolment, to: Organisation | None, on: date | None = None) -> Enrolment:
        """Return where the student goes on, or where they left."""
        move = Move(self.clerk, on, "随家长迁居")
        left = await receiving.transfer(enrolment.id, to.id if to else None, move)
        return await Enrolment.get(id=left.successor_id or left.id)


async def make_world() -> World:
    named, other = [await make_organisation(Kind.VOCATIONAL_SCHOOL, name=name) for name in ("甲职校", "乙职校")]
    feeder, rival = [await make_organisation() for _ in range(2)]
    return World(feeder, rival, named, other, (await make_person()).id)


def line(student: Student, name: str = NAME, **values: Any) -> Listed:
    common = {"year": 2026, "intake": Intake.AUTUMN, "level": Level.SECONDARY, "entered_on": STARTS}
    return Listed(Sensitive(Personal.NAME, name), identity(student), **{**common, **values})


async def now(claim: Referral) -> Referral:
    return await Referral.get(id=claim.id)


async def stands(claim: Referral) -> tuple[str, UUID | None, list[str]]:
    found = await now(claim)
    return found.state, found.enrolment_id, found.flags


@transaction
async def reconsider(student: Student, year: int = 2026, **more: Any) -> None:
    await registry.hold(student.id)
    await matching.reconsider([student.id], year, actor_id=None, **more)
