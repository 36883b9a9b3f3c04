"""What is announced becomes a job in the same transaction, and a job becomes messages, each once."""

import contextlib
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import pytest

from server.gateways.wakeup import LocalWakeup
from server.kernel import clock, outbox
from server.kernel.ids import new_id
from server.kernel.jobs.models import Job, JobState
from server.kernel.outbox import Event, Occurrence
from server.kernel.transactions import transaction
from server.notices import catalogue, facts, fanout, putting
from server.notices.facts import Message
from server.notices.models import Delivery, DeliveryState, Notice, Priority, Service
from server.people.models import Follower, Person, PersonState
from tests.factories import make_organisation, make_person
from tests.harness.statements import sent
from tests.notices.carrying import FOLLOWED, MINI, message, template
from tests.notices.crowd import EVENT

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture(autouse=True)
def announced() -> object:
    outbox.announce({EVENT: fanout.URGENT, "thing.urged": fanout.USUAL})
    yield
    outbox.announce({})


async def jobs(kind: str = fanout.URGENT) -> list[list[str]]:
    return [job.payload["events"] for job in await Job.filter(kind=kind).order_by("created_at")]


async def told(*people: UUID) -> None:
    organisation = await make_organisation()
    await outbox.record_many(Occurrence(EVENT, f"organisation:{organisation.id}", [person]) for person in people)


async def work() -> int:
    """Do every job that waits, and return how many messages were new."""
    made = 0
    for job in await Job.filter(kind=fanout.URGENT):
        result = await fanout.tell(job.payload, catalogue.in_force(), LocalWakeup(), job.kind)
        made += result["notices"]
    return made


async def test_what_is_announced_leaves_a_job_and_nothing_else_does() -> None:
    await Job.all().delete()
    await outbox.record("thing.unheard", "thing:1")
    event = await outbox.record("thing.urged", "thing:1")
    assert await jobs(fanout.USUAL) == [[str(event.id)]]
    assert await Job.all().count() == 1


async def test_many_at_once_make_few_jobs() -> None:
    await Job.all().delete()
    await outbox.record_many(Occurrence("thing.urged", f"thing:{place}") for place in range(450))
    assert [len(events) for events in await jobs(fanout.USUAL)] == [200, 200, 50]


async def test_a_cause_that_is_undone_tells_nobody() -> None:
    await Job.all().delete()

    @transaction
    async def fail() -> None:
        await outbox.record(EVENT, "organisation:1")
        raise LookupError

    with pytest.raises(LookupError):
        await fail()
    assert await Job.all().count() == 0
    assert not await Event.filter(subject="organisation:1").exists()


async def test_a_job_that_is_done_again_says_nothing_twice() -> None:
    await Job.all().delete()
    people = [(await make_person()).id for _ in range(3)]
    await told(*people)
    assert [await work() for _ in range(2)] == [3, 0]
    notices = await Notice.filter(person_id__in=people)
    assert {notice.kind for notice in notices} == {f"{EVENT}.lead"}
    assert await Delivery.filter(person_id__in=people).count() == 3


async def test_one_event_that_cannot_be_told_keeps_no_other_back(monkeypatch: pytest.MonkeyPatch) -> None:
    await Job.all().delete()
    people = [(await make_person()).id for _ in range(3)]
    await told(*people)
    words = facts.messages

    async def poor(events: Sequence[Event], known: catalogue.Catalogue) -> list[Message]:
        if any(str(people[0]) in event.people for event in events):
            raise LookupError
        return await words(events, known)

    monkeypatch.setattr(facts, "messages", poor)
    [job] = await Job.all()
    assert await fanout.tell(job.payload, catalogue.in_force(), LocalWakeup(), job.kind) == {"apart": 3}
    await job.delete()
    for one in await Job.all():
        with contextlib.suppress(LookupError):
            await fanout.tell(one.payload, catalogue.in_force(), LocalWakeup(), one.kind)
    assert {notice.person_id for notice in await Notice.filter(person_id__in=people)} == set(people[1:])


async def test_what_was_given_up_is_tried_again_for_some_days_and_nothing_else_is() -> None:
    await Job.all().delete()
    new, old, other, done = [
        await Job.create(
            kind=kind,
            payload={"events": []},
            state=state,
            attempts=5,
            error="LookupError",
            created_at=clock.now() - timedelta(days=days),
            ended_at=clock.now(),
        )
        for kind, state, days in (
            (fanout.URGENT, JobState.FAILED, 1),
            (fanout.USUAL, JobState.FAILED, 4),
            ("another", JobState.FAILED, 1),
            (fanout.USUAL, JobState.DONE, 1),
        )
    ]
    assert await fanout.again() == {"jobs": 1}
    await new.refresh_from_db()
    assert (new.state, new.attempts, new.ended_at) == (JobState.PENDING, 0, None)
    assert new.claimable_at
    assert new.claimable_at <= clock.now()
    assert await Job.filter(id__in=[old.id, other.id, done.id], claimable_at=None).count() == 3


async def test_many_events_take_a_few_statements() -> None:
    await Job.all().delete()
    people = [(await make_person()).id for _ in range(60)]
    await told(*people[:2])
    with sent() as few:
        await work()
    await Job.all().delete()
    await told(*people[2:])
    with sent() as many:
        await work()
    assert len(many) == len(few)


async def test_everything_said_has_its_kind_of_job() -> None:
    found = fanout.announced(catalogue.in_force())
    assert found[EVENT] == fanout.URGENT
    assert set(found) == set(catalogue.in_force().events)
    assert set(found.values()) == {fanout.URGENT, fanout.USUAL}


async def test_who_follows_gets_the_service_accounts_push_and_others_the_mini_programs() -> None:
    follower, other = await make_person(unionid=f"u-{new_id()}"), await make_person(unionid=f"u-{new_id()}")
    for person, following in ((follower, True), (other, False)):
        await Follower.create(
            openid=f"f-{person.id}", unionid=person.unionid, following=following, changed_at=clock.now()
        )
    both = (FOLLOWED, MINI)
    await putting.put([message(follower, pushes=both), message(other, pushes=both)])
    services = {one.person_id: one.service for one in await Delivery.filter(person_id__in=[follower.id, other.id])}
    assert services == {follower.id: Service.SERVICE_ACCOUNT, other.id: Service.MINI_PROGRAM}


async def test_a_template_that_the_operator_has_not_yet_leaves_the_inbox_and_says_so() -> None:
    person = await make_person()
    push = MINI.__class__(template(id_=None), MINI.data)
    await putting.put([message(person, pushes=(push,))])
    delivery = await Delivery.get(person_id=person.id)
    assert (delivery.state, delivery.refusal) == (DeliveryState.HELD, "no_template")
    assert await Notice.filter(person_id=person.id).count() == 1


async def test_what_has_no_push_is_in_the_inbox_alone() -> None:
    person = await make_person()
    await putting.put([message(person, pushes=())])
    assert await Notice.filter(person_id=person.id).count() == 1
    assert not await Delivery.filter(person_id=person.id).exists()


@pytest.mark.parametrize(
    ("state", "inbox"), [(PersonState.SUSPENDED, 1), (PersonState.RESTRICTED, 0), (PersonState.ERASED, 0)]
)
async def test_who_may_not_act_is_not_pushed_to(state: PersonState, inbox: int) -> None:
    person = await make_person(state=state)
    await putting.put([message(person)])
    assert await Notice.filter(person_id=person.id).count() == inbox
    assert not await Delivery.filter(person_id=person.id).exists()


async def test_someone_who_never_was_is_passed_over() -> None:
    assert await putting.put([message(Person(id=new_id(), openid="nobody"))]) == 0


async def test_by_night_what_can_wait_is_due_in_the_morning() -> None:
    night = clock.now().astimezone(clock.SHANGHAI).replace(hour=23) + timedelta(days=1)
    clock.move_to(night)
    person = await make_person()
    worth = clock.now() + timedelta(days=3)
    said = [message(person, priority=priority, expires_at=worth) for priority in (Priority.URGENT, Priority.USUAL)]
    await putting.put(said)
    due = [one.due_at for one in await Delivery.filter(person_id=person.id).order_by("priority")]
    assert due[0]
    assert due[1]
    assert (due[0] - night < timedelta(minutes=1), due[1] - night > timedelta(hours=5)) == (True, True)
