"""Who did what, when and why: one append-only table that is the history of things and the audit of those who act.

Every entry is signed with a key that the database does not hold, so that nobody can edit or add one with the
database alone; `audit_chain` then numbers the entries and chains them, so that none can be taken away unseen. A reason
is written by staff and shown to those concerned: it names nobody, and no entry holds personal data.
"""

import hmac
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

import orjson
from tortoise import fields as columns
from tortoise.models import Model

from server.kernel import bulk, clock
from server.kernel.ids import new_id
from server.kernel.paging import Page, Sort, page
from server.kernel.transactions import transaction

BY_ID = Sort("id", parse=UUID)
"""Ids are made in the order of the entries, also where two share their moment."""


class AuditEntry(Model):
    """One act on `subject` (`kind:id`), by `actor_id` or, where that is null, by the system itself.

    `before` and `after` are states and may be empty; `fields` names what was seen or changed, never its value. Where
    someone was shown personal data in full, `after` is the role in which they looked.
    """

    id: UUID = columns.UUIDField(primary_key=True, default=new_id)
    subject = columns.CharField(max_length=64)
    action = columns.CharField(max_length=64)
    before = columns.CharField(max_length=32)
    after = columns.CharField(max_length=32)
    actor_id: UUID | None = columns.UUIDField(null=True)
    fields: list[str] = columns.JSONField()
    reason = columns.CharField(max_length=500)
    made_at: datetime = columns.DatetimeField()
    key_id = columns.CharField(max_length=16)
    mac = columns.CharField(max_length=64)

    class Meta:
        table = "audit_entry"
        indexes = (("subject", "id"),)

    @property
    def content(self) -> bytes:
        """What is signed: every column, the same bytes whichever database the row lies in."""
        made_at = self.made_at.astimezone(UTC).isoformat(timespec="microseconds")
        states = self.before, self.after
        told = [self.id, self.subject, self.action, *states, self.actor_id, self.fields, self.reason, made_at]
        return orjson.dumps(told, str)  # PostgreSQL's driver has ids of a kind of its own

    @property
    def genuine(self) -> bool:
        """Whether it is as it was written, by someone who had the key; raises UnknownKeyError."""
        return hmac.compare_digest(self.mac, mac_of("entry", self.content, self.key_id))


class AuditSeal(Model):
    """The place of an entry in the chain. `mac` signs the number, the mac before it and that of the entry."""

    number: int = columns.BigIntField(primary_key=True, generated=False)
    entry: columns.OneToOneRelation[AuditEntry] = columns.OneToOneField(
        "yizhitong.AuditEntry", related_name="seal", on_delete=columns.RESTRICT
    )
    entry_id: UUID
    key_id = columns.CharField(max_length=16)
    mac = columns.CharField(max_length=64)

    class Meta:
        table = "audit_seal"


class UnknownKeyError(Exception):
    """Something was signed with a key that is not among this process's; the message is the key's id."""


_keys: Mapping[str, bytes] = {}


def use(keys: Mapping[str, bytes]) -> None:
    """Sign with the first of `keys`, by id, from now on; the others still prove what they signed."""
    global _keys  # noqa: PLW0603 -- a process has one ring, as it has one clock
    _keys = keys


def key_in_use() -> str:
    """Return the id of the key that signs; raises RuntimeError where none was handed in."""
    if not _keys:
        raise RuntimeError("no audit keys were handed in")
    return next(iter(_keys))


def mac_of(purpose: str, content: bytes, key_id: str) -> str:
    """Return the signature of `content`, 64 hexadecimal digits; raises UnknownKeyError.

    `purpose` keeps what was signed for one thing from serving as another.
    """
    if key_id not in _keys:
        raise UnknownKeyError(key_id)
    return hmac.digest(_keys[key_id], purpose.encode() + b"\n" + content, "sha256").hex()


class Note(NamedTuple):
    """One act to note, as `note` takes it."""

    subject: str
    action: str
    actor_id: UUID | None
    before: str = ""
    after: str = ""
    reason: str = ""
    fields: tuple[str, ...] = ()


@transaction
async def note(  # noqa: PLR0913 -- all but the first two are named
    subject: str,
    action: str,
    *,
    actor_id: UUID | None,
    before: str = "",
    after: str = "",
    reason: str = "",
    fields: Iterable[str] = (),
) -> AuditEntry:
    """Note that `actor_id` did `action` (`organisation.verified`) to `subject` (`kind:id`); joins the transaction."""
    entry = _signed(Note(subject, action, actor_id, before, after, reason, tuple(fields)), clock.now())
    await entry.save(force_create=True)
    return entry


@transaction
async def note_many(notes: Iterable[Note]) -> None:
    """Note several acts in their order, by one statement; joins the transaction."""
    now = clock.now()
    await bulk.insert([_signed(one, now) for one in notes])


def _signed(note: Note, now: datetime) -> AuditEntry:
    entry = bulk.fresh(
        AuditEntry,
        id=new_id(),
        subject=note.subject,
        action=note.action,
        before=note.before,
        after=note.after,
        actor_id=note.actor_id,
        fields=list(note.fields),
        reason=note.reason,
        made_at=now,
        key_id=key_in_use(),
    )
    return bulk.put(entry, mac=mac_of("entry", entry.content, entry.key_id))


async def entries(subject: str, limit: int, cursor: str | None, *, action: str = "") -> Page[AuditEntry]:
    """Return what was done to `subject`, the newest first, or only each `action`.

    Raises DomainError 422 for a foreign cursor.
    """
    done = AuditEntry.filter(subject=subject)
    return await page(done.filter(action=action) if action else done, BY_ID, limit, cursor)
