"""What becomes of postings when who offers their hands goes, and when their time to be kept is over."""

from datetime import datetime
from typing import Any
from uuid import UUID

from tortoise.expressions import Q

from server.kernel.transactions import transaction
from server.labour import checks, contacts, finding, life
from server.labour.keeping import Change
from server.labour.models import Posting, PostingReport, PostingState, ReportState

CHUNK = 500
UNENDED = tuple(state for state in PostingState if state not in {PostingState.CLOSED, PostingState.REMOVED})
ENDED = (PostingState.CLOSED, PostingState.EXPIRED, PostingState.REMOVED, PostingState.DRAFT, PostingState.RETURNED)
"""What nothing comes of any more, or nothing ever came of."""


@transaction
async def end_all(person_id: UUID) -> None:
    """End what a person who goes offers of themselves, and clear whom one was to ask for."""
    own = Posting.filter(person_id=person_id, organisation_id=None)
    for held in await own.order_by("id").select_for_update():
        contacts.write(held, None)
        if held.state in UNENDED:
            await life.end(held, PostingState.CLOSED, Change("closed", held.state, person_id), [])
        else:
            await held.save(update_fields=["contact_name_sealed", "contact_phone_sealed", "contact_shown"])


@transaction
async def forget(before: datetime) -> int:
    """Clear the contacts of postings that ended before a moment, and reports of then; of people's own also the words.

    Return how many of each were cleared, at most `CHUNK`; what a posting was, and when, stays.
    """
    ended = Posting.filter(state__in=ENDED, state_since__lt=before)
    unsaid: dict[str, Any] = {**dict.fromkeys(checks.TEXTS, ""), "latitude": None, "longitude": None}
    told = Q(contact_name_sealed__isnull=False) | (Q(organisation_id__isnull=True) & ~Q(**unsaid))
    rows = await ended.filter(told).order_by("id").limit(CHUNK).select_for_update()
    for held in rows:
        contacts.write(held, None)
        held.pending, held.submitted_at = None, None
        if held.organisation_id is None:
            held.update_from_dict({**unsaid, "findings": []})  # findings quote the words
        await held.save()
        await finding.index(held)
    decided = PostingReport.filter(decided_at__lt=before).exclude(state=ReportState.OPEN)
    ids = await decided.limit(CHUNK).values_list("id", flat=True)
    return len(rows) + (await PostingReport.filter(id__in=ids).delete() if ids else 0)
