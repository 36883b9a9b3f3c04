"""How every change of a posting is made: its row held, written with a new version, noted, told, and found anew."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from uuid import UUID

from server.kernel import audit, clock, outbox
from server.kernel.errors import DomainError, found
from server.labour import finding
from server.labour.models import Posting, PostingState
from server.organisations import keeping, memberships
from server.organisations.models import Membership, MembershipState

PUBLIC = (PostingState.LIVE, PostingState.FILLED)
"""What anyone may read."""
RUNNING = (*PUBLIC, PostingState.PAUSED)
"""What was published and has not ended."""
REMOVABLE = (*RUNNING, PostingState.EXPIRED, PostingState.CLOSED)
"""What was published and is there, comes back once it is renewed, or has people at work by it."""


@dataclass(frozen=True, slots=True)
class Change:
    """What happened to a posting: `event` without its prefix, the state it was in, by whom (None: the system), why.

    `fields` names what was changed, never its value.
    """

    event: str
    before: str
    by: UUID | None
    reason: str = ""
    fields: tuple[str, ...] = ()


Consequence = Callable[[Posting, Change], Awaitable[None]]
_consequences: list[Consequence] = []


def follow(consequence: Consequence) -> None:
    """Have `consequence` done in the transaction of every change of a posting, once its row is written.

    What is built on postings follows them so, which themselves do not know it.
    """
    if consequence not in _consequences:
        _consequences.append(consequence)


def subject_of(posting_id: UUID) -> str:
    """Return what the audit calls a posting."""
    return f"posting:{posting_id}"


async def hold(posting_id: UUID, version: int | None = None) -> Posting:
    """Keep every other change of a posting waiting until the transaction ends, and return it.

    Raises DomainError 404, 412 where `version` is given and it has another by now.
    """
    posting = found(await Posting.filter(id=posting_id).select_for_update(no_key=True).get_or_none(), "posting")
    if version is not None and posting.version != version:
        raise DomainError("stale_version", 412)
    return posting


def require(posting: Posting, *states: PostingState) -> None:
    """Raise DomainError 409 for a posting in another state."""
    if posting.state not in states:
        raise DomainError("posting_state", 409, state=f"posting_{posting.state}")


def readable(posting: Posting) -> bool:
    """Whether a posting itself lets anyone read it today, also before the job comes round that ends it."""
    return posting.state in PUBLIC and posting.valid_until is not None and posting.valid_until >= clock.today()


def enter(posting: Posting, state: PostingState) -> None:
    """Put a held posting into a state."""
    if posting.state is not state:
        posting.state, posting.state_since = state, clock.now()


async def keep(posting: Posting, change: Change, people: Iterable[UUID] | None = None) -> audit.AuditEntry:
    """Write a held posting, note the change, tell `people` (by default whose it is); return the entry."""
    posting.version += 1
    await posting.save()
    await finding.index(posting)
    entry = await note(posting, change, people)
    for consequence in _consequences:
        await consequence(posting, change)
    return entry


async def note(posting: Posting, change: Change, people: Iterable[UUID] | None = None) -> audit.AuditEntry:
    """Leave a change in the audit and in the outbox, as `keep` does."""
    subject, event = subject_of(posting.id), f"posting.{change.event}"
    await outbox.record(event, subject, await concerned(posting) if people is None else people)
    return await audit.note(
        subject,
        event,
        actor_id=change.by,
        before=change.before,
        after=posting.state,
        reason=change.reason,
        fields=change.fields,
    )


async def concerned(posting: Posting) -> list[UUID]:
    """Return whose posting it is: who wrote it, unless they have left, and who leads the organisation."""
    if posting.organisation_id is None:
        return [posting.person_id]
    stays = await Membership.exists(
        organisation_id=posting.organisation_id,
        person_id=posting.person_id,
        state=MembershipState.ACTIVE,
        ended_at=None,
    )
    writer = {posting.person_id} if stays else set()
    return sorted(writer | set(await memberships.leading(posting.organisation_id)))


async def require_outsider(posting: Posting, person_id: UUID) -> None:
    """Raise DomainError 403 for who wrote a posting, or belongs or ever belonged to its organisation."""
    if posting.person_id == person_id:
        raise DomainError("decides_for_own", 403)
    if posting.organisation_id:
        await keeping.require_outsider(posting.organisation_id, person_id)
