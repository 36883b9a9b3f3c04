"""The end of an account, step by step; what else a person has here is for `server.privacy` to end."""

import secrets
from datetime import datetime
from uuid import UUID

from server.kernel import audit, clock, outbox
from server.kernel.errors import DomainError, found
from server.kernel.transactions import transaction
from server.people.models import Follower, Person, PersonState, RefreshToken, Session


@transaction
async def request(person_id: UUID) -> Person:
    """Note that a person wants to go, and return them; raises DomainError 404, 409 where they may not act anyway."""
    person = await hold(person_id)
    if person.state is not PersonState.ACTIVE:
        raise DomainError("state_already", 409)
    person.deletion_requested_at = clock.now()
    await _change(person, PersonState.DELETION_REQUESTED, person_id)
    return person


async def undo(person: Person) -> None:
    """Let a held person stay after all; joins the transaction in which they sign in."""
    person.deletion_requested_at = None
    await _change(person, PersonState.ACTIVE, person.id)


async def requested(before: datetime) -> list[UUID]:
    """Return who asked to go before a moment and is still there."""
    waiting = Person.filter(state=PersonState.DELETION_REQUESTED, deletion_requested_at__lte=before)
    return [person.id for person in await waiting.order_by("id").only("id")]


async def going() -> list[Person]:
    """Return everyone who asked to go and is still there, with when they asked."""
    waiting = Person.filter(state=PersonState.DELETION_REQUESTED, deletion_requested_at__isnull=False)
    return await waiting.order_by("id").only("id", "deletion_requested_at")


async def restricted() -> list[UUID]:
    """Return of whom something is still kept."""
    return [person.id for person in await Person.filter(state=PersonState.RESTRICTED).order_by("id").only("id")]


@transaction
async def hold(person_id: UUID) -> Person:
    """Return a person whom nobody else changes until the transaction ends; raises DomainError 404."""
    return found(await Person.filter(id=person_id).select_for_update().get_or_none(), "person")


@transaction
async def depart(person: Person) -> None:
    """Clear all by which a held person signs in or is reached; whoever signs in again is somebody new."""
    if person.unionid:
        await Follower.filter(unionid=person.unionid).delete()
    person.openid, person.unionid = f"gone-{secrets.token_hex(16)}", None
    person.phone_sealed = person.phone_index = None
    mine = await Session.filter(person_id=person.id).values_list("id", flat=True)
    await RefreshToken.filter(session_id__in=mine).delete()
    await Session.filter(person_id=person.id).delete()
    await person.save(update_fields=["openid", "unionid", "phone_sealed", "phone_index"])


@transaction
async def restrict(person: Person) -> None:
    """Keep of a held person, who has departed, what must be kept, and use it for nothing else."""
    await _change(person, PersonState.RESTRICTED, None)


@transaction
async def erase(person: Person) -> None:
    """Clear what was left of a held person, who has departed; their id alone stays, in the history of others."""
    person.name_sealed = None
    await person.save(update_fields=["name_sealed"])
    await _change(person, PersonState.ERASED, None)


async def _change(person: Person, after: PersonState, actor_id: UUID | None) -> None:
    before, person.state = person.state, after
    await person.save(update_fields=["state", "deletion_requested_at"])
    action = "deletion_undone" if after is PersonState.ACTIVE else after
    subject = f"person:{person.id}"
    await audit.note(subject, f"person.{action}", actor_id=actor_id, before=before, after=after)
    await outbox.record(f"person.{action}", subject, [person.id])
