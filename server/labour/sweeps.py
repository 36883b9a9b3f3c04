"""What happens to postings by the clock: a reminder, their end, and a pause while who posts has no standing."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from uuid import UUID

from tortoise.expressions import Q
from tortoise.queryset import QuerySet

from server.kernel import clock
from server.kernel.sweeping import Sweep
from server.kernel.transactions import transaction
from server.labour import inheriting, keeping, life, posters
from server.labour.keeping import PUBLIC, RUNNING, Change
from server.labour.models import Posting, PostingState
from server.labour.service import landing
from server.organisations.models import Organisation, OrganisationState
from server.people.models import Person, PersonState
from server.students.models import StudentLink

BATCH = 500
REMINDED_BEFORE = timedelta(days=3)
_AWAY = (PersonState.SUSPENDED, PersonState.DELETION_REQUESTED, PersonState.RESTRICTED)


async def watch() -> Mapping[str, int]:
    """Do all that is due, each posting in a transaction of its own; return how many of each."""
    today = clock.today()
    over = Posting.filter(state__in=RUNNING, valid_until__lt=today)
    near = Posting.filter(state__in=PUBLIC, valid_until__gte=today, valid_until__lte=today + REMINDED_BEFORE)
    back = Posting.filter(state=PostingState.PAUSED, paused_for=life.FOR_STANDING)
    sweep = Sweep()
    done = {
        "of_closed": await _each(sweep, inheriting.of_closed(), inheriting.settle),
        "expired": await _each(sweep, over, _expire),
        "reminded": await _each(sweep, near.filter(reminded_on=None), _remind),
        "paused": await _pause_all(sweep),
        "resumed": await _each(sweep, back.filter(organisation__state=OrganisationState.VERIFIED), _resume)
        + await _each(sweep, back.filter(organisation_id=None, person__state=PersonState.ACTIVE), _resume),
    }
    sweep.end()
    return done


async def pause_of(person_id: UUID) -> int:
    """Pause at once what a person offers who may not be seen with it any more; return how many."""
    return await _each(Sweep(), _offers([person_id]), _pause)  # what failed the next watch does


async def _each(sweep: Sweep, query: QuerySet[Posting], work: Callable[[UUID], Awaitable[bool]]) -> int:
    done, last = 0, UUID(int=0)
    while ids := [row.id for row in await query.filter(id__gt=last).order_by("id").limit(BATCH).only("id")]:
        done += await sweep.each(work, ids)
        last = ids[-1]
    return done


async def _pause_all(sweep: Sweep) -> int:
    """Pause what those post who have no standing, found from their side: they are few."""
    today = clock.today()
    lapsed = Q(state=OrganisationState.VERIFIED, due_on__lt=today)
    organisations = await Organisation.filter(lapsed | ~Q(state=OrganisationState.VERIFIED)).only("id")
    people = await Person.filter(state__in=_AWAY).only("id")
    taken_back = StudentLink.filter(**posters.AS_STUDENT, ended_at__isnull=False, person__state=PersonState.ACTIVE)
    unknown = {link.person_id for link in await taken_back.only("id", "person_id")}
    done = 0
    for some in _batches([row.id for row in organisations]):
        done += await _each(sweep, Posting.filter(organisation_id__in=some, state__in=PUBLIC), _pause)
    for some in _batches([*(row.id for row in people), *unknown]):
        done += await _each(sweep, _offers(some), _pause)
    return done


def _offers(people: Sequence[UUID]) -> QuerySet[Posting]:
    return Posting.filter(organisation_id=None, person_id__in=people, state__in=PUBLIC)


def _batches(ids: Sequence[UUID]) -> Iterable[Sequence[UUID]]:
    return (ids[at : at + BATCH] for at in range(0, len(ids), BATCH))


@transaction
async def _expire(posting_id: UUID) -> bool:
    held = await keeping.hold(posting_id)
    if held.state not in RUNNING or held.valid_until is None or held.valid_until >= clock.today():
        return False
    await life.end(held, PostingState.EXPIRED, Change("expired", held.state, None))
    return True


@transaction
async def _remind(posting_id: UUID) -> bool:
    """Remind once; no new version, since nothing of what it says has changed."""
    held = await keeping.hold(posting_id)
    if held.state not in PUBLIC or held.reminded_on is not None:
        return False
    held.reminded_on = clock.today()
    await held.save(update_fields=["reminded_on"])
    await keeping.note(held, Change("expiry_near", held.state, None))
    return True


@transaction
async def _pause(posting_id: UUID) -> bool:
    held = await keeping.hold(posting_id)
    if held.state not in PUBLIC or await posters.stands(held):
        return False
    before, held.paused_for = held.state, life.FOR_STANDING
    keeping.enter(held, PostingState.PAUSED)
    await keeping.keep(held, Change("paused", before, None))
    return True


@transaction
async def _resume(posting_id: UUID) -> bool:
    held = await keeping.hold(posting_id)
    if held.state is not PostingState.PAUSED or held.paused_for != life.FOR_STANDING:
        return False
    if not await posters.stands(held):
        return False
    before, held.paused_for = held.state, ""
    keeping.enter(held, landing(held))
    await keeping.keep(held, Change("resumed", before, None))
    return True
