"""The secretariat's word on postings: published, returned with reasons, removed, and what an appeal brings back."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from server.kernel import audit, clock
from server.kernel.errors import DomainError, FieldFault, invalid
from server.kernel.transactions import transaction
from server.labour import checks, duplicates, keeping, life, operator, posters
from server.labour.drafts import Draft
from server.labour.keeping import REMOVABLE, RUNNING, Change
from server.labour.models import Posting, PostingReport, PostingState, PostingVersion, ReportState
from server.labour.service import AT_ONCE, asked_for, landing, posting
from server.people.service import Decider

REASON_LENGTH = 500
REFUSALS = {
    PostingState.RETURNED: "posting.returned",
    PostingState.REMOVED: "posting.removed",
}
REVISION_RETURNED = "posting.revision_returned"
REVISABLE = (*RUNNING, PostingState.EXPIRED)
"""Of which a change may wait: what has expired may be renewed."""


class Verdict(StrEnum):
    """What a reviewer decides."""

    PUBLISH = "publish"
    RETURN = "return"


@dataclass(frozen=True, slots=True)
class Reason:
    """What is to be changed in a field, or in all of it where `field` is empty."""

    text: str
    field: str = ""


@transaction
async def decide(
    posting_id: UUID, verdict: Verdict, reasons: Sequence[Reason], *, by: UUID, version: int | None
) -> Posting:
    """Publish or return what waits: a posting, or a change of one, which then stands as it was.

    Raises DomainError 403 for its own people, 404, 409 where nothing waits or it may not be published, 412, 422 for a
    return without reasons.
    """
    held = await keeping.hold(posting_id, version)
    await keeping.require_outsider(held, by)
    if held.submitted_at is None:
        raise DomainError("posting_not_waiting", 409)
    if verdict is Verdict.RETURN and not reasons:
        raise invalid(FieldFault("/reasons", "missing"))
    why = "；".join(reason.text for reason in reasons)[:REASON_LENGTH]
    if verdict is Verdict.PUBLISH:
        await publish(held, Decider(by, why))
    else:
        await _return(held, reasons, Decider(by, why))
    return await posting(posting_id)


async def publish(held: Posting, by: Decider) -> None:
    """Let anyone read a held posting, with what waited of it or was refused.

    What has expired meanwhile is changed where it lies, and back only if the change makes it valid.
    Raises DomainError 409 where the operator or the poster has no standing, its validity is over, or it would have
    fewer places than have been given meanwhile.
    """
    operator.require()
    await posters.require_standing(held)
    before, fields = held.state, tuple((held.pending or {}).get("fields", {}))
    if held.pending:
        _take_over(held)
        if (held.headcount or 0) < held.filled:
            raise DomainError("headcount_below_filled", 409, filled=held.filled)
    over = held.valid_until is None or held.valid_until < clock.today()
    if over and before is not PostingState.EXPIRED:
        raise DomainError("posting_outdated", 409)
    if before is not PostingState.PAUSED and not over:
        keeping.enter(held, landing(held))
    held.published_at = held.published_at or clock.now()
    held.decided_by_id, held.submitted_at, held.pending, held.reasons = by.person_id, None, None, []
    held.fingerprint = duplicates.fingerprint(held)
    event = "revision_published" if before in REVISABLE else "published"
    await keeping.keep(held, Change(event, before, by.person_id, by.reason, fields))
    if before in REVISABLE and AT_ONCE.issuperset(fields):  # on the same terms as before
        return
    await PostingVersion.create(
        posting_id=held.id, content=_lasting(held), decided_by_id=by.person_id, made_at=clock.now()
    )


def _lasting(held: Posting) -> dict[str, Any]:
    """Return what is kept for good of what was published: of a person's own offer neither words nor place."""
    personal = {*checks.TEXTS, "latitude", "longitude"} if held.organisation_id is None else set()
    return {name: value for name, value in Draft.of(held).stored().items() if name not in personal}


@transaction
async def remove(posting_id: UUID, by: Decider) -> Posting:
    """Take a published posting down for good; everyone who reported it is told with those whose it is.

    Raises DomainError 403 for its own people, 404, 409 for one that was not published or is removed.
    """
    held = await keeping.hold(posting_id)
    await keeping.require_outsider(held, by.person_id)
    keeping.require(held, *(REMOVABLE if held.published_at else ()))
    await take_down(held, by)
    return await posting(posting_id)


async def take_down(held: Posting, by: Decider) -> None:
    """Remove a held posting, which settles every open report of it."""
    reports = PostingReport.filter(posting_id=held.id, state=ReportState.OPEN)
    told = {*await keeping.concerned(held), *[one.person_id for one in await reports]}
    await reports.update(state=ReportState.UPHELD, decided_by_id=by.person_id, decided_at=clock.now(), answer=by.reason)
    held.decided_by_id, held.reasons = by.person_id, [{"field": "", "text": by.reason}]
    change = Change("removed", held.state, by.person_id, by.reason)
    await life.end(held, PostingState.REMOVED, change, sorted(told))


async def standing_refusal(held: Posting) -> audit.AuditEntry | None:
    """Return the entry of the refusal of a posting or of its change that stands, None where none does."""
    refused = REVISION_RETURNED if (held.pending or {}).get("refused") else None
    action = REFUSALS.get(held.state, refused)
    if action is None:
        return None
    entries = audit.AuditEntry.filter(subject=keeping.subject_of(held.id), action=action)
    return await entries.order_by("-id").first()


async def overturn(held: Posting, by: Decider) -> None:
    """Do what was refused of a held posting: publish it, or put it back after a removal.

    Raises DomainError 409 where that cannot be done any more.
    """
    if held.state is not PostingState.REMOVED:
        await publish(held, by)
        return
    removal = await standing_refusal(held)
    if removal and removal.before == PostingState.CLOSED:
        await _restore(held, PostingState.CLOSED, "", by)
        return
    operator.require()
    before = removal.before if removal else ""
    await _restore(held, *await _place_of(held, before), by)


async def _place_of(held: Posting, before: str) -> tuple[PostingState, str]:
    """Return in which state a removed posting is again that was in one `before`, and for what it is paused."""
    if held.valid_until is None or held.valid_until < clock.today():
        return PostingState.EXPIRED, ""
    if before == PostingState.PAUSED and held.paused_for != life.FOR_STANDING:
        return PostingState.PAUSED, life.BY_POSTER
    if not await posters.stands(held):
        return PostingState.PAUSED, life.FOR_STANDING
    return landing(held), ""


async def _restore(held: Posting, state: PostingState, paused_for: str, by: Decider) -> None:
    before, held.paused_for = held.state, paused_for
    keeping.enter(held, state)
    held.decided_by_id, held.reasons = by.person_id, []
    await keeping.keep(held, Change("restored", before, by.person_id, by.reason))


def _take_over(held: Posting) -> None:
    """Put what waits of a held posting, or was refused of it, into its row; no longer valid than its work lasts.

    It may have been renewed since its end was asked for.
    """
    valid_until = held.valid_until
    held.pending = {**(held.pending or {}), "refused": False}
    draft = asked_for(held)
    stored, fields = draft.stored(), held.pending["fields"]
    held.update_from_dict({name: stored[name] if name == "hours" else getattr(draft, name) for name in fields})
    held.hourly_fen, held.findings = held.pending["hourly_fen"], held.pending["findings"]
    if held.ends_on and held.valid_until:
        held.valid_until = min(held.valid_until, held.ends_on)
    if held.valid_until != valid_until:
        held.reminded_on = None


async def _return(held: Posting, reasons: Sequence[Reason], by: Decider) -> None:
    before, listed = held.state, [{"field": reason.field, "text": reason.text} for reason in reasons]
    held.decided_by_id, held.submitted_at = by.person_id, None
    if before in REVISABLE:
        # kept, so that an appeal can still bring it about
        held.pending = {**(held.pending or {}), "refused": True, "reasons": listed}
        await keeping.keep(held, Change("revision_returned", before, by.person_id, by.reason))
        return
    held.reasons = listed
    keeping.enter(held, PostingState.RETURNED)
    await keeping.keep(held, Change("returned", before, by.person_id, by.reason))
