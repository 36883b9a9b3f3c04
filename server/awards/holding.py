"""How awards are held, and how every change of one is written: row, version, audit, and those who are told.

Everyone holds in one order: the students and their claims, the statement, the awards by id, their clawbacks by id, and
the budget last, which everybody waits for.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from server.awards import states
from server.awards.models import Award, AwardState
from server.kernel import audit, bulk, clock, outbox
from server.kernel.audit import Note
from server.kernel.errors import DomainError, found
from server.kernel.outbox import Occurrence
from server.kernel.statements import select
from server.organisations import current

COLUMNS = (
    "state", "state_since", "held_from", "fund_id", "budget_id", "publication_id", "sample_id", "second_check",
    "statement_id", "doubt", "failure", "queued_at", "version",
)  # fmt: skip
"""What changes of an award once it was proposed."""
AT_ONCE = 500
"""So many are written by one statement."""


@dataclass(frozen=True, slots=True)
class Change:
    """What happened to a held award, which is as it is to be: `event` without its prefix, and the state it was in.

    `fields` are codes of why, where nobody said so.
    """

    award: Award
    before: AwardState
    event: str
    fields: tuple[str, ...] = ()


def subject_of(award_id: UUID) -> str:
    """Return what the audit calls an award."""
    return f"award:{award_id}"


async def award(award_id: UUID) -> Award:
    """Return an award; raises DomainError 404."""
    return found(await Award.get_or_none(id=award_id), "award")


async def hold(award_id: UUID, version: int | None = None) -> Award:
    """Keep every other change of an award waiting until the transaction ends, and return it.

    Raises DomainError 404, 412 where `version` is given and it has another by now.
    """
    held = found(next(iter(await hold_all([award_id])), None), "award")
    if version is not None and held.version != version:
        raise DomainError("stale_version", 412)
    return held


async def hold_all(award_ids: Collection[UUID]) -> list[Award]:
    """Return awards by id, all held until the transaction ends; those that are not there are left out."""
    return await select(Award, "id = ANY($1) ORDER BY id", list(award_ids), hold=True)


def enter(held: Award, state: AwardState) -> None:
    """Put a held award into a state, which remembers where a held one is to return to; write it afterwards."""
    if held.state is state:
        return
    came_from = held.state if state is AwardState.HELD else None
    held.held_from = came_from  # type: ignore[assignment]  # null for all that are not held
    held.state, held.state_since = state, clock.now()


async def write(changes: Sequence[Change], by: UUID | None, reason: str = "", *, tell: bool = True) -> None:
    """Write held awards that have changed, note it, and `tell` those who act for the payees, each of its own.

    A number of statements that grows by the thousand, not by the award.
    """
    for start in range(0, len(changes), AT_ONCE):
        await _write(changes[start : start + AT_ONCE], by, reason)
    if tell and changes:
        people = await current.acting({one.award.payee_id for one in changes})
        await outbox.record_many(
            Occurrence(f"award.{one.event}", subject_of(one.award.id), people[one.award.payee_id]) for one in changes
        )


async def hold_doubted(awards: Sequence[Award], by: UUID | None) -> None:
    """Hold those of some held awards, on their way and on no statement, that are in doubt."""
    doubted = [one for one in awards if one.doubt and one.state in states.GOING_ON]
    changes = [Change(one, one.state, "held", (one.doubt,)) for one in doubted]
    for one in doubted:
        enter(one, AwardState.HELD)
    await write(changes, by)


async def put(awards: Sequence[Award]) -> None:
    """Write held awards to which nothing happened that their history has to tell."""
    for start in range(0, len(awards), AT_ONCE):
        await bulk.write(awards[start : start + AT_ONCE], COLUMNS)


async def _write(changes: Sequence[Change], by: UUID | None, reason: str) -> None:
    for one in changes:
        one.award.version += 1
    await bulk.write([one.award for one in changes], COLUMNS)
    await audit.note_many(
        Note(subject_of(one.award.id), f"award.{one.event}", by, one.before, one.award.state, reason, one.fields)
        for one in changes
    )
