"""An account's deletion: asked for, undone by signing in within days, carried out by a job.

What must be kept is kept, and used for nothing else, until it need not be any more; then that goes as well.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from structlog import get_logger

from server.appeals import service as appeals
from server.callbacks import service as callbacks
from server.consents import service as consents
from server.engagements import contests, leaving
from server.kernel import clock
from server.kernel.sweeping import Sweep
from server.kernel.transactions import CONTENDED, DATABASE_AWAY, after_commit, transaction
from server.labour import offers
from server.notices import inbox, permissions
from server.organisations import memberships
from server.people import deletion, followers, sessions
from server.people.models import Person, PersonState, SessionEnd
from server.privacy import awarded, keeping
from server.privacy.keeping import Keeping
from server.privacy.rules import Retention
from server.students import service as students

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Requested:
    """A deletion that was asked for: carried out from `final_at` on, and what is kept then all the same."""

    person: Person
    final_at: datetime
    kept: list[Keeping]


@transaction
async def request(person_id: UUID, retention: Retention) -> Requested:
    """End a person's sessions, and their account some days later.

    Work that begins before then is given up at once, for good: they would be missed without anybody knowing why.
    Raises DomainError 409 for the last who leads an organisation, which somebody else must lead first.
    """
    await memberships.require_replaceable(person_id)
    person = await deletion.request(person_id)
    await sessions.sign_out_everywhere(person_id, SessionEnd.DELETION)
    now = clock.now()
    final_at = now + timedelta(days=retention.deletion.undo_days)
    after_commit(partial(_give_up, person_id, final_at))
    return Requested(person, final_at, await keeping.told(person_id, retention, final_at))


async def carry_out(retention: Retention, sweep: Sweep) -> dict[str, int]:
    """End every account whose time has come; return how many were restricted and erased. The caller ends the sweep."""
    undo, left = timedelta(days=retention.deletion.undo_days), list[PersonState | None]()

    async def give_up(one: Person) -> int:
        await leaving.end_all(one.id, (one.deletion_requested_at or clock.now()) + undo)
        return 1

    async def leave(person_id: UUID) -> int:
        left.append(await _try_leave(person_id, before, retention))
        return 1

    async def erase(person_id: UUID) -> int:
        left.append(await _erase(person_id, retention))
        return 1

    await sweep.each(give_up, await deletion.going())
    before = clock.now() - undo
    await sweep.each(leave, await deletion.requested(before))
    await sweep.each(erase, await deletion.restricted())
    return {state.value: left.count(state) for state in (PersonState.RESTRICTED, PersonState.ERASED)}


async def _give_up(person_id: UUID, final_at: datetime) -> None:
    try:
        await leaving.end_all(person_id, final_at)
    except (*CONTENDED, *DATABASE_AWAY) as error:  # the deletion is asked for all the same; the clock gives up the rest
        _log.warning("engagements of somebody who goes not given up yet", error=type(error).__name__)


class _StayedError(Exception):
    """The person signed in again meanwhile, or waits for an answer: nothing of what was begun holds."""


async def _try_leave(person_id: UUID, before: datetime, retention: Retention) -> PersonState | None:
    await leaving.end_all(person_id)  # also while they wait for an answer: nobody comes to it meanwhile
    if await _waits(person_id):
        return None
    try:
        return await _leave(person_id, before, retention)
    except _StayedError:
        return None


async def _waits(person_id: UUID) -> bool:
    """Whether a person still waits for an answer: to an appeal, an objection, or what they said of their work."""
    return await appeals.waits(person_id) or await contests.waits(person_id) or await awarded.waits(person_id)


@transaction
async def _leave(person_id: UUID, before: datetime, retention: Retention) -> PersonState:
    """End one account; raises _StayedError. Organisations and postings are held before people, as everywhere."""
    await memberships.end_all(person_id)
    await offers.end_all(person_id)
    person = await deletion.hold(person_id)
    asked = person.deletion_requested_at
    if person.state is not PersonState.DELETION_REQUESTED or asked is None or asked > before:
        raise _StayedError
    if await _waits(person_id):
        raise _StayedError
    await students.unlink_all(person_id)
    await consents.withdraw_all(person_id)
    await leaving.forget_person(person_id)
    await inbox.forget(person_id)
    await permissions.forget(person_id)
    await callbacks.forget(await followers.openids(person))
    await deletion.depart(person)
    now = clock.now()
    if await keeping.of_person(person_id, retention, now, now):
        await deletion.restrict(person)
    else:
        await _clear(person)
    return person.state


@transaction
async def _erase(person_id: UUID, retention: Retention) -> PersonState | None:
    """Erase a restricted person of whom nothing need be kept any more."""
    person, now = await deletion.hold(person_id), clock.now()
    if person.state is not PersonState.RESTRICTED or await keeping.of_person(person_id, retention, now, now):
        return None
    await _clear(person)
    return person.state


async def _clear(person: Person) -> None:
    """Clear what was left of a held person, and what they wrote and were answered."""
    await appeals.forget(person.id)
    await awarded.forget_person(person.id)
    await deletion.erase(person)
