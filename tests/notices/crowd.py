"""Many people at once, each with push permissions, and one event for each of them."""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

from server.kernel import bulk, clock, outbox
from server.kernel.ids import new_id
from server.kernel.outbox import Occurrence
from server.notices import fanout
from server.notices.models import PermissionChange, PermissionEntry, PushPermission
from server.people.models import Person, PersonState
from tests.factories import make_organisation
from tests.harness.standin import StandIn

EVENT, TEMPLATE_ID = "organisation.verified", "standin-review"


async def crowd(standin: StandIn, number: int, permissions: Sequence[int]) -> dict[str, int]:
    """Make people who have given so many permissions in turn, and return how many each has, by openid."""
    given = {f"demo-crowd-{new_id()}": permissions[place % len(permissions)] for place in range(number)}
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda one: standin.allow(one[0], TEMPLATE_ID, one[1]), given.items()))
    people = {openid: new_id() for openid in given}
    now = clock.now()
    for some in _parts(list(given)):
        ids = [(people[openid], given[openid]) for openid in some]
        await bulk.insert([_person(people[openid], openid) for openid in some])
        await bulk.insert([_permission(person_id, count) for person_id, count in ids])
        await bulk.insert(
            [
                bulk.fresh(
                    PermissionEntry,
                    id=new_id(),
                    person_id=person_id,
                    template_id=TEMPLATE_ID,
                    change=PermissionChange.CREDITED,
                    amount=count,
                    made_at=now,
                )
                for person_id, count in ids
            ]
        )
    return given


async def tell(people: Iterable[UUID]) -> None:
    """Let the same thing happen to each of them, in an event of its own; jobs will put it into their inboxes."""
    organisation = await make_organisation()
    outbox.announce({EVENT: fanout.URGENT})
    try:
        await outbox.record_many(Occurrence(EVENT, f"organisation:{organisation.id}", [person]) for person in people)
    finally:
        outbox.announce({})


def _person(id_: UUID, openid: str) -> Person:
    return bulk.fresh(Person, id=id_, openid=openid, state=PersonState.ACTIVE, created_at=clock.now())


def _permission(person_id: UUID, count: int) -> PushPermission:
    values = {"person_id": person_id, "template_id": TEMPLATE_ID, "credited": count, "changed_at": clock.now()}
    return bulk.fresh(PushPermission, id=new_id(), **values)


def _parts(openids: Sequence[str]) -> list[Sequence[str]]:
    return [openids[start : start + 500] for start in range(0, len(openids), 500)]
