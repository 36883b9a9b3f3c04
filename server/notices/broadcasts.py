"""One text to many: written by one person, approved by another, made in parts, stopped half-way where need be."""

from dataclasses import asdict, dataclass
from datetime import timedelta
from uuid import UUID

from server.kernel import audit, clock
from server.kernel.errors import DomainError, found
from server.kernel.jobs import queue
from server.kernel.paging import Page, Sort, page
from server.kernel.statements import change
from server.kernel.transactions import transaction
from server.notices import reach
from server.notices.models import Broadcast, BroadcastState
from server.notices.reach import Audience
from server.organisations.roles import Role
from server.people.service import Decider
from server.reference.service import Reference

NEWEST_FIRST = Sort("created_at")
ON_ITS_WAY = timedelta(minutes=1)
"""After so long what was with WeChat has come to something; what is to be tried again is taken back as well."""
SEND = "notices.broadcast"
"""The kind of job that makes the notices of a `broadcast`."""
STOP = "notices.stop"
"""The kind of job that gives back the permissions which pushes of a stopped `broadcast` hold."""
_TAKE_BACK = """
UPDATE delivery SET state = 'cancelled', state_since = $2, due_at = NULL
WHERE state IN ('created', 'held', 'retrying') AND NOT reserved
  AND notice_id IN (SELECT id FROM notice WHERE broadcast_id = $1)"""


@dataclass(frozen=True, slots=True)
class Text:
    """What is said, and to whom; `page` is what the notice opens, empty for the inbox alone."""

    title: str
    text: str
    audience: Audience
    page: str = ""


@transaction
async def write(said: Text, by: UUID, reference: Reference) -> Broadcast:
    """Keep a broadcast for a second person to approve, with how many it would reach; raises DomainError 422."""
    await reach.check(said.audience, reference)
    made = await Broadcast.create(
        title=said.title,
        text=said.text,
        page=said.page,
        audience={name: str(value) for name, value in asdict(said.audience).items() if value is not None},
        author_id=by,
        counted=await reach.count(said.audience, reference),
        created_at=clock.now(),
    )
    await _note(made, "written", "", Decider(by, ""))
    return made


async def broadcasts(state: BroadcastState | None, limit: int, cursor: str | None) -> Page[Broadcast]:
    """Return a page of broadcasts, the newest first."""
    query = Broadcast.all() if state is None else Broadcast.filter(state=state)
    return await page(query, NEWEST_FIRST, limit, cursor)


async def broadcast(broadcast_id: UUID) -> Broadcast:
    """Return a broadcast; raises DomainError 404."""
    return found(await Broadcast.get_or_none(id=broadcast_id), "broadcast")


def audience_of(row: Broadcast) -> Audience:
    """Return to whom a broadcast goes."""
    said = row.audience
    return Audience(
        role=Role(said["role"]) if "role" in said else None,
        county=said.get("county"),
        school=UUID(said["school"]) if "school" in said else None,
        year=int(said["year"]) if "year" in said else None,
    )


@transaction
async def approve(broadcast_id: UUID, by: Decider) -> Broadcast:
    """Let a broadcast go out; raises DomainError 403 for who wrote it, 404, 409 where it is decided."""
    row = await hold(broadcast_id)
    if row.author_id == by.person_id:
        raise DomainError("broadcast_own", 403)
    _require(row, BroadcastState.WAITING)
    row.state, row.approved_by_id, row.approved_at = BroadcastState.RUNNING, by.person_id, clock.now()
    await _keep(row, "approved", BroadcastState.WAITING, by)
    await queue.enqueue(SEND, {"broadcast": str(row.id)})
    return row


@transaction
async def cancel(broadcast_id: UUID, by: Decider) -> Broadcast:
    """Stop a broadcast before it begins or half-way: what is not out yet stays unsent, what is in an inbox stays there.

    A finished one can be stopped as well, as long as pushes wait. Raises DomainError 404, 409 where it is stopped.
    """
    row = await hold(broadcast_id)
    _require(row, BroadcastState.WAITING, BroadcastState.RUNNING, BroadcastState.DONE)
    before, row.state = row.state, BroadcastState.CANCELLED
    row.ended_by_id, row.ended_at = by.person_id, clock.now()
    await _keep(row, "cancelled", before, by)
    if before is not BroadcastState.WAITING:
        await change(_TAKE_BACK, row.id, clock.now())
        for at in (clock.now(), clock.now() + ON_ITS_WAY):
            await queue.enqueue(STOP, {"broadcast": str(row.id)}, at=at)
    return row


async def hold(broadcast_id: UUID) -> Broadcast:
    """Keep every other change of a broadcast waiting until the transaction ends; raises DomainError 404."""
    return found(await Broadcast.filter(id=broadcast_id).select_for_update().get_or_none(), "broadcast")


async def end(row: Broadcast) -> None:
    """Note that everyone whom a held broadcast was to reach has it."""
    row.state, row.ended_at = BroadcastState.DONE, clock.now()
    await _keep(row, "done", BroadcastState.RUNNING, None)


def _require(row: Broadcast, *states: BroadcastState) -> None:
    if row.state not in states:
        raise DomainError("broadcast_state", 409, state=f"broadcast_{row.state}")


async def _keep(row: Broadcast, event: str, before: str, by: Decider | None) -> None:
    row.version += 1
    row.reason = by.reason if by else row.reason
    await row.save()
    await _note(row, event, before, by)


async def _note(row: Broadcast, event: str, before: str, by: Decider | None) -> None:
    actor_id, reason = (by.person_id, by.reason) if by else (None, "")
    subject = f"broadcast:{row.id}"
    await audit.note(subject, f"broadcast.{event}", actor_id=actor_id, before=before, after=row.state, reason=reason)
