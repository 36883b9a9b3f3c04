"""What notices about postings, reports of them and engagements know, and who is told of them as what."""

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from server.engagements import contests
from server.engagements.models import ContestState, Engagement, EngagementState, EngagementStep
from server.engagements.states import Verb
from server.kernel import clock
from server.kernel.outbox import Event
from server.labour.life import FOR_STANDING
from server.labour.models import Posting, PostingReport, PostingState
from server.notices.subjects import Known, Subject, ids, people, subject_id
from server.notices.values import Fact, Sort, Values
from server.organisations import current

OWNER, REPORTER, WORKER, POSTER = "owner", "reporter", "worker", "poster"
_ENDED = (PostingState.CLOSED, PostingState.EXPIRED, PostingState.REMOVED)
_WAITING = "engagement.waiting"
_DECISIONS = ("none", "mark_stands", "mark_lifted", "unpaid_stands", "unpaid_lifted")
_WITH_IT = frozenset({"engagement.unanswered", "engagement.cancelled"})
_DECIDED, _UNDECIDED = "engagement.decided", "none"
_PAUSED, _REMOVED, _UPHELD = "posting.paused", "posting.removed", "posting.report_upheld"


async def _postings(events: Sequence[Event]) -> Mapping[UUID, Known]:
    rows = {row.id: row for row in await Posting.filter(id__in=ids(events))}
    acting = await current.acting({row.organisation_id for row in rows.values() if row.organisation_id})
    reported = await _reported([event for event in events if event.name == _REMOVED])
    found = {}
    for event in events:
        row = rows.get(subject_id(event))
        if row is None or (event.name == _PAUSED and row.paused_for != FOR_STANDING):  # who paused it knows
            continue
        own = acting[row.organisation_id] if row.organisation_id else [row.person_id]
        told = {one: OWNER if one in own else REPORTER for one in people(event)}
        kept = {one: as_ for one, as_ in told.items() if as_ == OWNER or (row.id, one) in reported}
        found[event.id] = Known(_of_posting(row), kept)
    return found


async def _reported(events: Sequence[Event]) -> set[tuple[UUID, UUID]]:
    if not events:
        return set()
    reports = PostingReport.filter(posting_id__in=ids(events)).only("id", "posting_id", "person_id")
    return {(one.posting_id, one.person_id) for one in await reports}


def _of_posting(row: Posting) -> Values:
    return {"title": row.title, "until": row.valid_until, "headcount": row.headcount}


async def _reports(events: Sequence[Event]) -> Mapping[UUID, Known]:
    """Who reported what was then removed has heard so by the posting's own event."""
    rows = {row.id: row for row in await PostingReport.filter(id__in=ids(events)).select_related("posting")}
    found = {}
    for event in events:
        row = rows.get(subject_id(event))
        if row and not (event.name == _UPHELD and row.posting.state is PostingState.REMOVED):
            told = {one: REPORTER for one in people(event) if one == row.person_id}
            found[event.id] = Known({"title": row.posting.title}, told)
    return found


async def _engagements(events: Sequence[Event]) -> Mapping[UUID, Known]:
    query = Engagement.filter(id__in=ids(events)).select_related("posting__organisation", "supply")
    rows = {row.id: row for row in await query}
    acting = await current.acting({one for row in rows.values() for one in _organisations(row) if one})
    decisions = await _decisions([subject_id(event) for event in events if event.name == _DECIDED])
    found = {}
    for event in events:
        if row := rows.get(subject_id(event)):
            poster, school = _organisations(row)
            posters = [] if _of_their_own(event, row) else acting[poster] if poster else [row.posting.person_id]
            told = dict.fromkeys(posters, POSTER) | dict.fromkeys(acting[school] if school else [row.person_id], WORKER)
            found[event.id] = Known(
                _of_engagement(row, decisions), {one: told[one] for one in people(event) if one in told}
            )
    return found


async def _decisions(engagement_ids: Collection[UUID]) -> Mapping[UUID, str]:
    """Return what was last decided of each: what stands or is lifted is a mark, or that wages are unpaid."""
    if not engagement_ids:
        return {}
    made = EngagementStep.filter(engagement_id__in=list(engagement_ids), verb=Verb.DECIDE)
    found = {}
    for step in await made.select_related("engagement").order_by("made_at", "id"):
        verdict = step.engagement.contest
        if verdict in contests.DECIDED:
            mark = step.after if verdict is ContestState.STANDS else step.before
            about = "unpaid" if mark == EngagementState.WAGE_DISPUTE else "mark"
            found[step.engagement_id] = f"{about}_{verdict}"
    return found


def _of_their_own(event: Event, row: Engagement) -> bool:
    """Whether it only follows from what the poster did or was told: their posting is full, or has ended."""
    if event.name == _WAITING:
        return row.approved_at is None
    return event.name in _WITH_IT and row.posting.state in _ENDED


def _organisations(row: Engagement) -> tuple[UUID | None, UUID | None]:
    return row.posting.organisation_id, row.supply.organisation_id if row.supply else None


def _of_engagement(row: Engagement, decisions: Mapping[UUID, str]) -> Values:
    employer = row.posting.organisation
    return {
        "title": row.posting.title,
        "employer": employer.name if employer else "",
        "size": row.size,
        "starts": row.posting.starts_on,
        "until": row.contest_until,
        "until_day": row.contest_until and row.contest_until.astimezone(clock.SHANGHAI).date(),
        "decision": decisions.get(row.id, _UNDECIDED),
    }


POSTING = Subject(
    {"title": Fact(Sort.TEXT), "until": Fact(Sort.DAY, optional=True), "headcount": Fact(Sort.NUMBER, optional=True)},
    frozenset({OWNER, REPORTER}),
    _postings,
)
REPORT = Subject({"title": Fact(Sort.TEXT)}, frozenset({REPORTER}), _reports)
ENGAGEMENT = Subject(
    {
        "title": Fact(Sort.TEXT),
        "employer": Fact(Sort.TEXT),
        "size": Fact(Sort.NUMBER),
        "starts": Fact(Sort.DAY, optional=True),
        "until": Fact(Sort.MOMENT, optional=True),
        "until_day": Fact(Sort.DAY, optional=True),
        "decision": Fact(Sort.WORD, codes=_DECISIONS),
    },
    frozenset({WORKER, POSTER}),
    _engagements,
)
