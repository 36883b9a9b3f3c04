"""One row that cannot be done keeps nobody else's data from going, and nobody else from leaving."""

from datetime import timedelta
from uuid import UUID

import pytest

from server.engagements import service
from server.engagements.models import EngagementState
from server.kernel import clock
from server.notices.models import Notice
from server.people.models import Person, PersonState
from server.privacy import deletion, retention, rules
from server.students.models import Relation, Student, StudentLink
from tests.engagements.filling import later, make_firm, make_worker, state_of, taken, worker_of
from tests.factories import make_notice, make_person
from tests.harness.referring import make_student
from tests.policy.shelf import CONTENT

pytestmark = pytest.mark.usefixtures("database")
RULES = rules.load(CONTENT)


async def spoil(worker: UUID) -> None:
    """Let the number of who is behind a worker not open."""
    link = await StudentLink.get(person_id=worker, relation=Relation.SELF)
    other = await make_student()
    await Student.filter(id=link.student_id).update(id_number_sealed=other.id_number_sealed)


async def test_what_is_past_its_period_goes_though_a_students_number_does_not_open() -> None:
    bad, good, now = await make_student(), await make_student(), clock.now()
    await Student.filter(id=bad.id).update(id_number_sealed=good.id_number_sealed)
    notice = await make_notice((await make_person()).id, expires_at=now, created_at=now)
    later(timedelta(days=400))
    await retention.retain(RULES)
    assert not await Student.filter(id__in=[bad.id, good.id]).exists()
    assert not await Notice.exists(id=notice.id)


async def test_who_waits_and_cannot_be_read_keeps_nobody_in_a_place_or_an_account() -> None:
    firm, worker, bad, other = await make_firm(), await make_worker(), await make_worker(), await make_person()
    posting = await firm.seeks()
    held = await taken(firm, posting, worker)
    waits = await service.apply(posting.id, by=bad)
    await spoil(bad)
    await deletion.request(worker, RULES)
    await deletion.request(other.id, RULES)
    later(timedelta(days=7, minutes=1))
    await retention.retain(RULES)
    assert (await Person.get(id=other.id)).state is PersonState.ERASED
    assert [await state_of(one) for one in (held, waits)] == [EngagementState.WITHDRAWN, EngagementState.WAITING]


async def test_one_leaves_though_who_waits_cannot_be_read() -> None:
    firm, worker, bad = await make_firm(), await make_worker(), await make_worker()
    posting = await firm.seeks()
    held = await taken(firm, posting, worker)
    await service.apply(posting.id, by=bad)
    await spoil(bad)
    await service.withdraw(held.id, worker_of(worker), "病了")
    assert await state_of(held) is EngagementState.WITHDRAWN
