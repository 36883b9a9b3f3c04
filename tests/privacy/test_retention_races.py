"""What comes back to life while retention runs is left alone."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from server.awards import clawbacks
from server.awards.models import Award
from server.kernel import clock
from server.kernel.transactions import transaction
from server.people.service import Decider
from server.privacy import awarded, retention
from server.referrals.models import Referral, ReferralState
from server.students import registry
from server.students import service as students
from server.students.models import LinkState, Relation, StudentLink
from tests.awards import clawing
from tests.factories import make_organisation, make_person
from tests.harness import referring
from tests.harness.revealing import make_student
from tests.students.numbers import number_of

pytestmark = pytest.mark.usefixtures("database")


def ago(days: int) -> datetime:
    return clock.now() - timedelta(days=days)


async def beside(
    revived: Callable[[], Awaitable[Any]], step: Callable[[datetime], Coroutine[Any, Any, int]], before: datetime
) -> None:
    """Let a step of retention come upon what is being brought back to life in a transaction that is not over."""
    there, go = asyncio.Event(), asyncio.Event()

    @transaction
    async def revives() -> None:
        await revived()
        there.set()
        await go.wait()

    reviving = asyncio.create_task(revives())
    await there.wait()
    retaining = asyncio.create_task(step(before))
    await asyncio.sleep(0.3)
    go.set()
    await reviving
    await retaining


async def test_a_link_that_is_confirmed_on_appeal_stays() -> None:
    person, by = await make_person(), Decider((await make_person()).id, "属实")
    await make_student(person, Relation.SELF, number_of(date(2005, 5, 5)))
    link = await StudentLink.get(person_id=person.id)
    await StudentLink.filter(id=link.id).update(state=LinkState.REJECTED, decided_at=ago(400))
    await beside(lambda: students.overturn(link.id, by), retention._unconfirmed_links, ago(30))  # noqa: SLF001
    assert await StudentLink.filter(id=link.id, state=LinkState.CONFIRMED).exists()


async def test_an_award_that_is_claimed_back_keeps_its_student() -> None:
    here, student = await clawing.world(), await referring.make_student()
    claim = await referring.make_claim(here.school, student)
    told = {"student_id": student.id, "referral_id": claim.id, "matter": ""}
    await Award.filter(id=here.award.id).update(**told, state_since=ago(5000))
    asked = clawbacks.request
    await beside(lambda: asked(here.award.id, None, here.by(here.reviewer)), awarded._unname, ago(3000))  # noqa: SLF001
    assert (await Award.get(id=here.award.id)).student_id == student.id


async def test_a_claim_that_is_open_again_keeps_its_phone() -> None:
    claim = await referring.make_claim(await make_organisation(), state=ReferralState.LAPSED, state_since=ago(900))

    async def reopened() -> None:
        await registry.hold(claim.student_id)
        row = await Referral.filter(id=claim.id).select_for_update().get()
        row.state, row.state_since = ReferralState.REGISTERED, clock.now()
        await row.save(update_fields=["state", "state_since"])

    await beside(reopened, retention._reach, ago(300))  # noqa: SLF001
    assert (await Referral.get(id=claim.id)).phone_sealed
