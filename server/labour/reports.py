"""What people say is wrong with a posting, and what comes of it."""

from enum import StrEnum
from uuid import UUID

from server.kernel import audit, clock, outbox
from server.kernel.errors import DomainError, found
from server.kernel.paging import Page, Sort, page
from server.kernel.transactions import transaction
from server.labour import keeping, review
from server.labour.keeping import REMOVABLE, readable
from server.labour.models import PostingReport, ReportState
from server.people.service import Decider

OLDEST_FIRST, NEWEST_FIRST = Sort("created_at", descending=False), Sort("created_at")
MOST, SECONDS = 10, 24 * 3600
"""How many postings one person may report in a day."""


class What(StrEnum):
    """What is said to be wrong."""

    FRAUD = "fraud"
    FEE = "fee"
    """A fee, a deposit, or papers that are kept."""
    DISCRIMINATION = "discrimination"
    UNTRUE = "untrue"
    MINORS = "minors"
    OTHER = "other"


class Verdict(StrEnum):
    """What comes of a report."""

    UPHOLD = "uphold"
    """The posting is removed."""
    DISMISS = "dismiss"


@transaction
async def report(posting_id: UUID, what: What, note: str, by: UUID) -> PostingReport:
    """Report a posting that can be read; raises DomainError 404, 409 while a report of theirs is open."""
    held = await keeping.hold(posting_id)  # held, so that one person's two reports at once meet here
    found(held if readable(held) else None, "posting")
    if await PostingReport.exists(posting_id=posting_id, person_id=by, state=ReportState.OPEN):
        raise DomainError("already_reported", 409)
    made = await PostingReport.create(posting_id=posting_id, person_id=by, what=what, note=note, created_at=clock.now())
    await audit.note(keeping.subject_of(posting_id), "posting.reported", actor_id=by, after=held.state)
    await outbox.record("posting.reported", f"posting_report:{made.id}", [by])
    return made


async def reports(state: ReportState | None, limit: int, cursor: str | None) -> Page[PostingReport]:
    """Return a page of reports, those first that have waited for longest, each with its posting."""
    query = PostingReport.all() if state is None else PostingReport.filter(state=state)
    return await page(query.select_related("posting"), OLDEST_FIRST, limit, cursor)


async def of_person(person_id: UUID, limit: int, cursor: str | None) -> Page[PostingReport]:
    """Return a page of what a person reported, the last first, each with its posting."""
    return await page(PostingReport.filter(person_id=person_id).select_related("posting"), NEWEST_FIRST, limit, cursor)


async def one(report_id: UUID) -> PostingReport:
    """Return a report with its posting; raises DomainError 404."""
    return found(await PostingReport.get_or_none(id=report_id).select_related("posting"), "posting_report")


@transaction
async def decide(report_id: UUID, verdict: Verdict, by: Decider) -> PostingReport:
    """Remove the posting, or dismiss the report; the one who reported is told.

    Raises DomainError 403 for who reported and the posting's own people, 404, 409 where it is decided.
    """
    posting_id = (await one(report_id)).posting_id
    held = await keeping.hold(posting_id)
    reported = await PostingReport.get(id=report_id)
    await keeping.require_outsider(held, by.person_id)
    if reported.person_id == by.person_id:
        raise DomainError("another_person", 403)
    if reported.state is not ReportState.OPEN:
        raise DomainError("report_decided", 409)
    if verdict is Verdict.UPHOLD and held.state in REMOVABLE:
        await review.take_down(held, by)
    else:
        state = ReportState.UPHELD if verdict is Verdict.UPHOLD else ReportState.DISMISSED
        reported.state, reported.answer = state, by.reason
        reported.decided_by_id, reported.decided_at = by.person_id, clock.now()
        await reported.save(update_fields=["state", "answer", "decided_by_id", "decided_at"])
    event = "posting.report_upheld" if verdict is Verdict.UPHOLD else "posting.report_dismissed"
    await audit.note(keeping.subject_of(posting_id), event, actor_id=by.person_id, after=held.state, reason=by.reason)
    await outbox.record(event, f"posting_report:{report_id}", [reported.person_id])
    return await one(report_id)
