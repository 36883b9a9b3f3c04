"""What a poster does with a posting once it is written: submit, pause, resume, renew, close, copy it."""

from collections.abc import Collection
from datetime import date, timedelta
from uuid import UUID

from server.kernel import clock
from server.kernel.errors import DomainError
from server.kernel.ids import new_id
from server.kernel.transactions import transaction
from server.labour import checks, contacts, duplicates, keeping, operator, posters
from server.labour.checks import Read, Rules
from server.labour.contacts import contact_of
from server.labour.drafts import Draft
from server.labour.keeping import PUBLIC, RUNNING, Change
from server.labour.models import Posting, PostingState
from server.labour.service import asked_for, landing, posting, write

SUBMITTABLE = (PostingState.DRAFT, PostingState.RETURNED)
BY_POSTER, FOR_STANDING = "poster", "standing"
"""What `paused_for` says: its poster paused it, or has no standing for the time being."""
ONE_TAP = timedelta(days=30)
"""How much longer a posting is valid that is renewed without saying until when."""
_UNSAID_IN_COPIES = frozenset({"valid_until"})


@transaction
async def submit(posting_id: UUID, read: Read, *, by: UUID, version: int | None, rules: Rules) -> Posting:
    """Put a draft, or what was returned, before a reviewer; `read` is what WeChat said of it.

    Raises DomainError 404, 409 for another state and a poster who is not verified, 412 where it has changed, 422 with
    every field that is missing or refused.
    """
    held = await keeping.hold(posting_id, version)
    keeping.require(held, *SUBMITTABLE)
    if held.version != read.version:
        raise DomainError("stale_version", 412)
    await posters.require_standing(held)
    await posters.require_fit(held)
    draft = Draft.of(held)
    findings = await checks.told(draft, held.person_id, rules)
    checks.require_publishable(draft, findings, read, has_contact=held.contact_name_sealed is not None)
    before = held.state
    keeping.enter(held, PostingState.IN_REVIEW)
    held.findings, held.reasons, held.submitted_at = checks.kept(findings, read), [], clock.now()
    held.fingerprint = duplicates.fingerprint(held)
    held.similar_to_id = await duplicates.similar(held)
    await keeping.keep(held, Change("submitted", before, by))
    return await posting(posting_id)


@transaction
async def pause(posting_id: UUID, *, by: UUID) -> Posting:
    """Take a published posting off the board for a while; raises DomainError 404, 409."""
    held = await keeping.hold(posting_id)
    keeping.require(held, *PUBLIC)
    before, held.paused_for = held.state, BY_POSTER
    keeping.enter(held, PostingState.PAUSED)
    await keeping.keep(held, Change("paused", before, by))
    return await posting(posting_id)


@transaction
async def resume(posting_id: UUID, *, by: UUID) -> Posting:
    """Put a paused posting back; raises DomainError 404, 409 also for a poster or operator without standing."""
    held = await keeping.hold(posting_id)
    keeping.require(held, PostingState.PAUSED)
    operator.require()
    await posters.require_standing(held)
    before, held.paused_for = held.state, ""
    keeping.enter(held, landing(held))
    await keeping.keep(held, Change("resumed", before, by))
    return await posting(posting_id)


@transaction
async def renew(posting_id: UUID, until: date | None, *, by: UUID, version: int | None, rules: Rules) -> Posting:
    """Make a posting valid for longer, also one that has expired, once the rules of today have looked at it.

    They look at it as it is and as it would be by a change that waits. `until` None is `ONE_TAP` from now on, or from
    its end, but not beyond the end of the work.
    Raises DomainError 404, 409 as `resume` does, 412, 422.
    """
    held = await keeping.hold(posting_id, version)
    keeping.require(held, *RUNNING, PostingState.EXPIRED)
    operator.require()
    await posters.require_standing(held)
    today = clock.today()
    said = Draft.of(held), asked_for(held)
    ends = [draft.ends_on for draft in said if draft.ends_on]
    until = until or min([max(today, held.valid_until or today) + ONE_TAP, *ends])
    for draft in said:
        await _require_renewable(held, draft.with_fields({"valid_until": until}), rules)
    before = held.state
    write(held, said[0].with_fields({"valid_until": until}), {"valid_until"}, rules)
    if before is PostingState.EXPIRED:
        keeping.enter(held, landing(held))
    await keeping.keep(held, Change("renewed", before, by))
    return await posting(posting_id)


async def _require_renewable(held: Posting, draft: Draft, rules: Rules) -> None:
    findings = await checks.told(draft, held.person_id, rules)
    checks.require_publishable(draft, findings, Read(held.version), has_contact=held.contact_name_sealed is not None)


@transaction
async def close(posting_id: UUID, *, by: UUID) -> Posting:
    """End a posting for good, also a draft; raises DomainError 404, 409 for one that has ended or was removed."""
    held = await keeping.hold(posting_id)
    keeping.require(held, *SUBMITTABLE, PostingState.IN_REVIEW, *RUNNING, PostingState.EXPIRED)
    await end(held, PostingState.CLOSED, Change("closed", held.state, by))
    return await posting(posting_id)


async def end(held: Posting, state: PostingState, change: Change, people: Collection[UUID] | None = None) -> None:
    """End a held posting: nothing of it waits any more, but for a change of what has expired, which may be renewed.

    For what a removed one was paused stays said, since it may come back.
    """
    if state is not PostingState.EXPIRED:
        held.pending, held.submitted_at = None, None
    if state is not PostingState.REMOVED:
        held.paused_for = ""
    keeping.enter(held, state)
    await keeping.keep(held, change, people)


@transaction
async def copy(posting_id: UUID, *, by: UUID, rules: Rules) -> Posting:
    """Make a draft that says the same but until when it is valid; raises DomainError 404."""
    original, now = await posting(posting_id), clock.now()
    made = Posting(
        id=new_id(),
        person_id=by,
        organisation_id=original.organisation_id,
        state_since=now,
        created_at=now,
        findings=[],
        reasons=[],
    )
    write(made, Draft.of(original), set(Draft.model_fields) - _UNSAID_IN_COPIES, rules)
    contacts.write(made, contact_of(original))
    await made.save(force_create=True)
    await keeping.note(made, Change("drafted", "", by), [])
    return await posting(made.id)
