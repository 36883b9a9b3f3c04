"""The chain over the audit's entries: each seal signs its number, the seal before it and its entry.

Writers do not wait for one another: they leave their entries unsealed, and one background job numbers them. An entry
whose transaction was slow is sealed when it appears, in the order of appearance. Until then it can be deleted, yet not
edited, unseen; afterwards neither.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Self
from uuid import UUID

import structlog
from tortoise.connection import get_connection

from server.kernel import audit, clock
from server.kernel.audit import AuditEntry, AuditSeal
from server.kernel.transactions import transaction

BATCH = 1000
"""Seals per transaction; on SQLite writers wait while it runs."""
LATENESS = timedelta(days=1)
"""How far behind the newest seal each run looks for entries; the nightly one looks at all of them."""
SEAL_LOCK = 20240092
"""Any number, the same in every process: whoever holds it seals."""
_TIME_BITS = 80
"""A UUIDv7 has its milliseconds above these."""
_HEAD = re.compile(r"(\d{1,18}):([0-9a-f]{64})", re.ASCII)
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Head:
    """The end of the chain: whoever keeps it elsewhere can tell later whether the chain was cut or written anew."""

    number: int = 0
    mac: str = "0" * 64

    def __str__(self) -> str:
        return f"{self.number}:{self.mac}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `NUMBER:MAC`; raises ValueError."""
        found = _HEAD.fullmatch(text)
        if not found:
            raise ValueError("a head is written NUMBER:MAC")
        return cls(int(found[1]), found[2])

    def next(self, entry_mac: str, key_id: str) -> "Head":
        """Return the head after the entry with `entry_mac` is sealed; raises UnknownKeyError."""
        number = self.number + 1
        return Head(number, audit.mac_of("seal", f"{number}\n{self.mac}\n{entry_mac}".encode(), key_id))


async def head() -> Head:
    """Return the end of the chain."""
    last = await AuditSeal.all().order_by("-number").first()
    return Head(last.number, last.mac) if last else Head()


async def seal(*, everything: bool = False) -> int:
    """Seal what is not sealed yet and log the head; return how many entries that were.

    `everything` also finds entries that appear more than a day late. Where another process is sealing, it is left to
    that one. May be killed at any moment.
    """
    sealed, reached = 0, None
    while found := await _seal_batch(reached, everything=everything):
        sealed, reached = sealed + len(found), found[-1]  # what appears behind it meanwhile is the next run's
    end = await head()
    _log.info("audit sealed", sealed=sealed, number=end.number, mac=end.mac)
    return sealed


async def seal_new(_payload: Mapping[str, Any]) -> Mapping[str, Any]:
    """Do the minute's job."""
    return {"sealed": await seal()}


async def seal_late(_payload: Mapping[str, Any]) -> Mapping[str, Any]:
    """Do the night's job."""
    return {"sealed": await seal(everything=True)}


@transaction
async def _seal_batch(reached: UUID | None, *, everything: bool) -> list[UUID]:
    """Seal the next entries behind the one that was `reached`, else a day's and newer ones; return them."""
    if not await _alone():
        return []
    last = await AuditSeal.all().order_by("-number").first()
    unsealed = AuditEntry.filter(seal__isnull=True).order_by("id").limit(BATCH)
    if behind := reached or (_floor(last.entry_id) if last and not everything else None):
        unsealed = unsealed.filter(id__gt=behind)
    end, key_id = Head(last.number, last.mac) if last else Head(), audit.key_in_use()
    seals = []
    for entry_id, entry_mac in await unsealed.values_list("id", "mac"):
        end = end.next(entry_mac, key_id)
        seals.append(AuditSeal(number=end.number, entry_id=entry_id, key_id=key_id, mac=end.mac))
    if seals:
        await AuditSeal.bulk_create(seals)
    return [one.entry_id for one in seals]


async def _alone() -> bool:
    """Whether this transaction is the one that seals; on SQLite the only one that writes is."""
    connection = get_connection("default")
    if connection.capabilities.dialect == "sqlite":
        return True
    rows = await connection.execute_query_dict("SELECT pg_try_advisory_xact_lock($1) AS alone", [SEAL_LOCK])
    return bool(rows[0]["alone"])


def _floor(sealed: UUID) -> UUID:
    """Return the id behind which to look: made a day before the newest seal's entry.

    An id that was not made by us may spell a moment to come, and must not hide what is written from now on.
    """
    moment = min(sealed.int >> _TIME_BITS, int(clock.now().timestamp() * 1000))
    return UUID(int=max(moment - LATENESS // timedelta(milliseconds=1), 0) << _TIME_BITS)
