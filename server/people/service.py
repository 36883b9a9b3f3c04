"""What people say of themselves, and whether they may act."""

from dataclasses import dataclass
from uuid import UUID

from server.kernel import audit, outbox, sensitive
from server.kernel.errors import DomainError, FieldFault, found, invalid
from server.kernel.sensitive import Cell, Kind, Sensitive
from server.kernel.transactions import transaction
from server.people import names, sessions
from server.people.models import Person, PersonState, SessionEnd
from server.people.ports import Limits, WeChat

PHONE_TRIES, PHONE_SECONDS = 10, 3600


@dataclass(frozen=True, slots=True)
class Decider:
    """Who decides over a person, and why; the reason is shown to those concerned and names nobody."""

    person_id: UUID
    reason: str


async def person(person_id: UUID) -> Person:
    """Return a person; raises DomainError 404."""
    return found(await Person.get_or_none(id=person_id), "person")


def name_of(person: Person) -> Sensitive | None:
    """Return what a person is called, None where that was never said; raises VaultError."""
    return sensitive.unseal(_cell(person.id, "name_sealed"), Kind.NAME, person.name_sealed)


def readable_name(person: Person) -> Sensitive | None:
    """Return what a person is called, None also where that cannot be read."""
    return sensitive.readable(_cell(person.id, "name_sealed"), Kind.NAME, person.name_sealed)


def readable_phone(person: Person) -> Sensitive | None:
    """Return a person's phone number, None also where that cannot be read."""
    return sensitive.readable(_cell(person.id, "phone_sealed"), Kind.PHONE, person.phone_sealed)


def phone_of(person: Person) -> Sensitive | None:
    """Return a person's phone number, None where it was never given; raises VaultError."""
    return sensitive.unseal(_cell(person.id, "phone_sealed"), Kind.PHONE, person.phone_sealed)


@transaction
async def rename(person_id: UUID, text: str | None) -> Person:
    """Set what a person is called, or clear it with None; raises DomainError 422 for what is no name."""
    name = names.normalised(text) if text is not None else None
    if text is not None and name is None:
        raise invalid(FieldFault("/name", "person_name", {"most": names.LONGEST}))
    changed = await person(person_id)
    changed.name_sealed = sensitive.seal(
        _cell(person_id, "name_sealed"), Sensitive(Kind.NAME, name) if name is not None else None
    )
    await changed.save(update_fields=["name_sealed"])
    return changed


async def set_phone(person_id: UUID, code: str, wechat: WeChat, limits: Limits) -> Person:
    """Set a person's phone number to the one that WeChat gives for `code`; several people may share one.

    Raises DomainError 429 past `PHONE_TRIES` in an hour, and what `WeChat.phone` raises; a try for which WeChat was
    away does not count.
    """
    async with limits.counted("phone", str(person_id), PHONE_TRIES, PHONE_SECONDS):
        number = await wechat.phone(code)
    return await _keep_phone(person_id, Sensitive(Kind.PHONE, number))


@transaction
async def suspend(person_id: UUID, by: Decider) -> Person:
    """Keep a person from acting: their sessions end, and no new one begins.

    Raises DomainError 404, 403 for oneself, 409 where it is so already.
    """
    suspended = await _change(person_id, PersonState.ACTIVE, PersonState.SUSPENDED, by)
    await sessions.sign_out_everywhere(person_id, SessionEnd.SUSPENDED)
    return suspended


@transaction
async def restore(person_id: UUID, by: Decider) -> Person:
    """Let a suspended person act again, once they sign in; raises DomainError as `suspend` does."""
    return await _change(person_id, PersonState.SUSPENDED, PersonState.ACTIVE, by)


async def _change(person_id: UUID, before: PersonState, after: PersonState, by: Decider) -> Person:
    if person_id == by.person_id:
        raise DomainError("not_over_yourself", 403)
    changed = found(await Person.filter(id=person_id).select_for_update().get_or_none(), "person")
    if changed.state is not before:
        raise DomainError("state_already", 409)
    changed.state = after
    await changed.save(update_fields=["state"])
    subject, event = f"person:{person_id}", f"person.{'suspended' if after is PersonState.SUSPENDED else 'restored'}"
    await audit.note(subject, event, actor_id=by.person_id, before=before, after=after, reason=by.reason)
    await outbox.record(event, subject, [person_id])
    return changed


@transaction
async def _keep_phone(person_id: UUID, phone: Sensitive) -> Person:
    changed = await person(person_id)
    changed.phone_sealed = sensitive.seal(_cell(person_id, "phone_sealed"), phone)
    changed.phone_index = sensitive.vault().index(Kind.PHONE, phone.reveal())
    await changed.save(update_fields=["phone_sealed", "phone_index"])
    await outbox.record("person.phone_set", f"person:{person_id}", [person_id])
    return changed


def _cell(person_id: UUID, column: str) -> Cell:
    return Cell(Person.Meta.table, column, person_id)
