"""Proof of the audit: walks the whole chain, read-only and page by page, and tells everything that is not right."""

from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from uuid import UUID

from server.kernel import clock
from server.kernel.audit import AuditEntry, AuditSeal, UnknownKeyError
from server.kernel.audit_chain import Head

PAGE = 1000
PATIENCE = timedelta(minutes=10)
"""By then the job, which runs every minute, must have sealed an entry."""

ENOUGH = 100


class Wrong(StrEnum):
    """What can be wrong, in the words the operator reads."""

    SEALS_MISSING = "seals are missing"
    SEAL_FORGED = "the seal does not follow from the one before it and its entry"
    SEALS_SURPLUS = "seals share a number or lie outside the chain"
    ENTRY_MISSING = "the sealed entry is missing"
    ENTRY_EDITED = "the sealed entry was edited, or never written by this system"
    ENTRY_DOUBLE = "the sealed entry exists more than once"
    KEY_UNKNOWN = "the key is not among YZT_AUDIT_KEYS"
    UNSEALED_FORGED = "an unsealed entry was edited, or never written by this system"
    UNSEALED = "an entry has not been sealed for too long"
    HEAD_GONE = "the chain no longer holds the head that was kept: its end was cut off or written anew"


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong; `place` is a number in the chain, a range of them, or an unsealed entry's id."""

    wrong: Wrong
    place: str

    def __str__(self) -> str:
        return f"{self.place}: {self.wrong}"


async def faults(kept: Head | None = None) -> AsyncIterator[Fault]:
    """Tell what is wrong with the audit, in the order of the chain; nothing where it is whole.

    `kept` is a head from a log or a backup. Without one, a chain that lost its end is told from a shorter one by
    nothing. Holds one page in memory.
    """
    end, seen, held = Head(), 0, kept is None or kept == Head()
    while seals := await AuditSeal.filter(number__gt=end.number).order_by("number").limit(PAGE):
        entries = await _entries(seals)
        for seal in seals:
            for wrong in _wrongs(end, seal, entries[seal.entry_id]):
                yield Fault(wrong, _place(wrong, end, seal))
            end, seen = Head(seal.number, seal.mac), seen + 1
            held = held or end == kept
    if await AuditSeal.filter(number__lte=end.number).count() != seen:
        yield Fault(Wrong.SEALS_SURPLUS, f"1-{end.number}")
    if kept and not held:
        yield Fault(Wrong.HEAD_GONE, str(kept.number))
    async for fault in _unsealed():
        yield fault


async def first_faults(kept: Head | None = None) -> list[Fault]:
    """Return the first faults, at most `ENOUGH`: with a key of another system every single entry is one."""
    found = []
    async for fault in faults(kept):
        found.append(fault)
        if len(found) == ENOUGH:
            break
    return found


async def _entries(seals: Sequence[AuditSeal]) -> Mapping[UUID, list[AuditEntry]]:
    found = defaultdict[UUID, list[AuditEntry]](list)
    for entry in await AuditEntry.filter(id__in=[seal.entry_id for seal in seals]):
        found[entry.id].append(entry)
    return found


def _wrongs(end: Head, seal: AuditSeal, entries: Sequence[AuditEntry]) -> Iterator[Wrong]:
    if seal.number != end.number + 1:
        yield Wrong.SEALS_MISSING if seal.number > end.number else Wrong.SEALS_SURPLUS
    if not entries:
        yield Wrong.ENTRY_MISSING
        return
    if len(entries) > 1:
        yield Wrong.ENTRY_DOUBLE
    try:
        if not all(entry.genuine for entry in entries):
            yield Wrong.ENTRY_EDITED
        if end.next(entries[0].mac, seal.key_id) != Head(seal.number, seal.mac):
            yield Wrong.SEAL_FORGED
    except UnknownKeyError:
        yield Wrong.KEY_UNKNOWN


def _place(wrong: Wrong, end: Head, seal: AuditSeal) -> str:
    first, last = end.number + 1, seal.number - 1
    return (
        f"{first}-{last}"
        if wrong is Wrong.SEALS_MISSING and first != last
        else str(first if wrong is Wrong.SEALS_MISSING else seal.number)
    )


async def _unsealed() -> AsyncIterator[Fault]:
    patience_ended, last = clock.now() - PATIENCE, UUID(int=0)
    waiting = AuditEntry.filter(seal__isnull=True).order_by("id").limit(PAGE)
    while entries := await waiting.filter(id__gt=last):
        for entry in entries:
            try:
                if not entry.genuine:
                    yield Fault(Wrong.UNSEALED_FORGED, str(entry.id))
                elif entry.made_at < patience_ended:
                    yield Fault(Wrong.UNSEALED, str(entry.id))
            except UnknownKeyError:
                yield Fault(Wrong.KEY_UNKNOWN, str(entry.id))
        last = entries[-1].id
