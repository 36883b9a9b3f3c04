"""An engagement held with its posting, and how every change of one is written.

Everyone holds in one order: the posting that gives the places, then its engagements, then people by their ids in one
statement. A change never holds two postings that give places.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from server.engagements import states
from server.engagements.models import Engagement, EngagementState, EngagementStep, Party
from server.engagements.states import Actor, Verb
from server.kernel import audit, bulk, clock, outbox
from server.kernel.audit import Note
from server.kernel.errors import DomainError, found
from server.kernel.ids import new_id
from server.kernel.outbox import Occurrence
from server.labour import keeping
from server.labour.models import Posting, Supplier
from server.organisations import current
from server.people.models import Person

COLUMNS = (
    "state",
    "state_since",
    "holds_place",
    "approved_at",
    "accepted_at",
    "terms_id",
    "completed_by",
    "paid_by",
    "completed_at",
    "deemed",
    "paid_at",
    "contest",
    "contest_until",
    "due_at",
    "version",
)
"""What may change of an engagement once it is made."""
_FEW = 5
"""So many are written one by one; more, many together."""


@dataclass(frozen=True, slots=True)
class Move:
    """What happens: `event` as the outbox calls it, `actor` None where neither party does it, then perhaps `by`."""

    verb: Verb
    event: str
    actor: Actor | None = None
    reason: str = ""
    by: UUID | None = None

    @property
    def person_id(self) -> UUID | None:
        """Who does it, None for the system."""
        return self.actor.person_id if self.actor else self.by

    @property
    def party(self) -> Party | None:
        """For which side."""
        return self.actor.party if self.actor else None


def subject_of(engagement_id: UUID) -> str:
    """Return what the audit calls an engagement."""
    return f"engagement:{engagement_id}"


def group(engagement: Engagement) -> bool:
    """Whether a team's or a class's; `supply` has been read along."""
    return engagement.supply is not None and engagement.supply.supplier in {Supplier.TEAM, Supplier.SCHOOL_CLASS}


async def engagement(engagement_id: UUID) -> Engagement:
    """Return an engagement with its posting and supply, held by nobody; raises DomainError 404."""
    query = Engagement.get_or_none(id=engagement_id).select_related("posting", "supply")
    return found(await query, "engagement")


async def hold(engagement_id: UUID, version: int | None = None) -> Engagement:
    """Keep every other change of an engagement, and of all on its posting, waiting until the transaction ends.

    Return it with its posting, which is held, and its supply, which is not. Raises DomainError 404, 412 where `version`
    is given and it has another by now.
    """
    seen = found(await Engagement.get_or_none(id=engagement_id).only("id", "posting_id"), "engagement")
    posting = await keeping.hold(seen.posting_id)
    held = (await on(posting, ids=[engagement_id]))[0]
    _require_version(held, version)
    return held


async def on(
    posting: Posting, *wanted: EngagementState, ids: Sequence[UUID] = (), supply_id: UUID | None = None
) -> list[Engagement]:
    """Return the engagements of a held posting with it and their supplies, those first that were made first.

    Of all states or those `wanted`, of all ids or those given.
    """
    query = Engagement.filter(posting_id=posting.id).prefetch_related("supply").order_by("created_at", "id")
    query = query.filter(state__in=wanted) if wanted else query
    query = query.filter(id__in=ids) if ids else query
    query = query.filter(supply_id=supply_id) if supply_id else query
    rows = await query.select_for_update(no_key=True)
    for row in rows:
        row.posting = posting
    return rows


async def people(ids: Collection[UUID]) -> dict[UUID, Person]:
    """Hold these people until the transaction ends, so that none of them is accepted elsewhere meanwhile.

    Only once in a transaction, after its posting.
    """
    query = Person.filter(id__in=list(ids)).order_by("id").select_for_update(no_key=True)
    return {one.id: one for one in await query}


def act(held: Engagement, verb: Verb, actor: Actor) -> None:
    """Raise DomainError 403 or 409 where an actor may not do this to a held engagement, 412 where they saw another."""
    if actor.party is Party.POSTER and actor.person_id == held.person_id:
        raise DomainError("engagement_not_yours", 403)
    _require_version(held, actor.version)
    states.require(verb, held.state, actor.party)


def enter(held: Engagement, state: EngagementState) -> None:
    """Put a held engagement into a state; change it by `change` or `change_all` afterwards."""
    if held.state is not state:
        held.state, held.state_since = state, clock.now()


async def worker_people(held: Engagement) -> list[UUID]:
    """Return who is told on the worker's side: the person, or for a class the school's clerks and managers."""
    school = held.supply.organisation_id if held.supply else None
    return (await current.acting([school]))[school] if school else [held.person_id]


async def poster_people(held: Engagement) -> list[UUID]:
    """Return who is told on the poster's side: its organisation's clerks and managers."""
    organisation = held.posting.organisation_id
    return (await current.acting([organisation]))[organisation] if organisation else [held.posting.person_id]


async def change(held: Engagement, before: str, move: Move, people: Iterable[UUID] | None = None) -> Engagement:
    """Write a held engagement that was in state `before`, what happened to it, and tell `people`.

    By default that is the other party, and both where neither did it. Return the engagement.
    """
    if held._saved_in_db:  # noqa: SLF001 -- where Tortoise has it
        held.version += 1
        await held.save(update_fields=COLUMNS)
    else:
        await held.save(force_create=True)
    told = await _concerned(held, move) if people is None else list(people)
    await _step(held, before, move).save(force_create=True)
    subject = subject_of(held.id)
    await outbox.record(f"engagement.{move.event}", subject, told)
    await audit.note(
        subject,
        f"engagement.{move.verb}",
        actor_id=move.person_id,
        before=before,
        after=held.state,
        reason=move.reason,
    )
    return held


async def change_all(changed: Sequence[tuple[Engagement, str]], move: Move) -> None:
    """Write many held engagements of one posting, each with the state it was in, as `change` does; few statements.

    The poster's side is told only where they are few; each worker's side always.
    """
    if len(changed) <= _FEW:
        for held, before in changed:
            await change(held, before, move)
        return
    schools = {held.supply.organisation_id for held, _ in changed if held.supply and held.supply.organisation_id}
    acting = await current.acting(schools) if schools else {}
    told = []
    for held, _ in changed:
        held.version += 1
        school = held.supply.organisation_id if held.supply else None
        told.append(
            Occurrence(f"engagement.{move.event}", subject_of(held.id), acting[school] if school else [held.person_id])
        )
    rows = [held for held, _ in changed]
    for start in range(0, len(rows), 200):
        await bulk.write(rows[start : start + 200], COLUMNS)
    await bulk.insert([_step(held, before, move) for held, before in changed])
    await outbox.record_many(told)
    await audit.note_many(
        [
            Note(subject_of(held.id), f"engagement.{move.verb}", move.person_id, before, held.state, move.reason)
            for held, before in changed
        ]
    )


async def _concerned(held: Engagement, move: Move) -> list[UUID]:
    told = set[UUID]()
    if move.party is not Party.WORKER:
        told |= set(await worker_people(held))
    if move.party is not Party.POSTER:
        told |= set(await poster_people(held))
    return sorted(told)


def _require_version(held: Engagement, version: int | None) -> None:
    if version is not None and held.version != version:
        raise DomainError("stale_version", 412)


def _step(held: Engagement, before: str, move: Move) -> EngagementStep:
    return bulk.fresh(
        EngagementStep,
        id=new_id(),
        engagement_id=held.id,
        verb=move.verb.value,
        before=str(before),
        after=held.state.value,
        party=move.party,
        actor_id=move.person_id,
        reason=move.reason,
        made_at=clock.now(),
    )
