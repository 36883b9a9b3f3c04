"""What is done to awards beside what is done to claims and lists: nobody waits for somebody who waits for them."""

import asyncio
from typing import Any

import pytest

from server.awards import clawbacks, contesting, following, matters, proposing, working
from server.awards.cases import Case
from server.awards.contesting import Verdict
from server.awards.models import Award
from server.awards.proposing import Wanted
from server.imports import turns
from server.imports.models import ImportKind
from server.kernel import clock
from server.kernel.transactions import transaction
from server.organisations.roles import Kind, Role
from server.people.service import Decider
from server.referrals import receiving
from server.students import registry
from tests.awards import clawing
from tests.factories import make_member, make_organisation, make_person
from tests.harness.referring import make_claim, make_import, make_student
from tests.harness.waiting import allowed
from tests.referrals.receiving_world import DOCUMENT, at, line

pytestmark = [pytest.mark.usefixtures("database"), pytest.mark.only("postgres")]


async def test_a_clawback_is_lifted_while_its_claim_is_withdrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    here, student = await clawing.world(), await make_student()
    claim = await make_claim(here.school, student)
    await Award.filter(id=here.award.id).update(student_id=student.id, referral_id=claim.id, matter="")
    await here.demanded()
    await clawbacks.recover(here.award.id, 20_000, here.by(here.finance))
    await contesting.contest(here.award.id, "没有退学", here.manager)
    other = (await make_member(here.office, Role.REVIEWER)).person_id
    held, lift = asyncio.Event(), contesting._lift  # noqa: SLF001 -- stopped in the middle

    async def slowly(*said: Any) -> Any:
        held.set()
        await asyncio.sleep(0.5)  # by now the other has the student
        return await lift(*said)

    @transaction
    async def withdrawn() -> None:
        """As every change of a claim does."""
        await held.wait()
        await registry.hold(student.id)
        await following.follow([student.id], None)

    monkeypatch.setattr(contesting, "_lift", slowly)
    async with asyncio.timeout(allowed(20)), asyncio.TaskGroup() as both:
        both.create_task(contesting.decide(here.award.id, Verdict.LIFTED, here.by(other, "属实")))
        both.create_task(withdrawn())


async def test_cases_are_proposed_while_their_school_sends_its_list(monkeypatch: pytest.MonkeyPatch) -> None:
    at(10, 10)
    college = await make_organisation(Kind.VOCATIONAL_SCHOOL, name="甲职校")
    student, by = await make_student(), Decider((await make_person()).id, "")
    source = await make_import(college, kind=ImportKind.ENROLMENT)
    case = Case(college.id, "跨市招生", student.id, clock.today(), {})
    run = await proposing.propose(Wanted("cross-city", clock.today().year, cases=[case]), by)
    proposing_now, school_held, hold = asyncio.Event(), asyncio.Event(), matters.hold

    async def slowly(payees: Any) -> None:
        proposing_now.set()
        await school_held.wait()
        await asyncio.sleep(0.3)  # by now the other waits for whatever is held here
        await hold(payees)

    @transaction
    async def listed() -> None:
        """As a part of a list does."""
        await turns.hold(source.id)
        school_held.set()
        await proposing_now.wait()
        await receiving.list_many(college.id, [line(student, evidence=DOCUMENT)], by=by.person_id)

    monkeypatch.setattr(matters, "hold", slowly)
    async with asyncio.timeout(allowed(20)), asyncio.TaskGroup() as both:
        both.create_task(working.work({"run": str(run.id)}))
        both.create_task(listed())
