"""Every kind of subject that somebody is told about, under the name that begins an event's subject."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from server.kernel.outbox import Event
from server.notices import facts_awards, facts_labour, facts_money, facts_schools, facts_standing
from server.notices.subjects import Known, Subject, all_are
from server.notices.values import Fact, Sort

READER, SEARCHER, RECEIVER = "reader", "searcher", "receiver"


async def _editions(events: Sequence[Event]) -> Mapping[UUID, Known]:
    return {event.id: Known({}, all_are(event, READER)) for event in events}


async def _none(_events: Sequence[Event]) -> Mapping[UUID, Known]:
    """Say nothing: whoever makes such a message has its facts, and no event."""
    return {}


SUBJECTS: Mapping[str, Subject] = {
    "organisation": facts_standing.ORGANISATION,
    "payee_account": facts_standing.ACCOUNT,
    "membership": facts_standing.MEMBERSHIP,
    "student_link": facts_standing.LINK,
    "appeal": facts_standing.APPEAL,
    "referral": facts_schools.REFERRAL,
    "import": facts_schools.IMPORT,
    "window": facts_schools.WINDOW,
    "posting": facts_labour.POSTING,
    "posting_report": facts_labour.REPORT,
    "engagement": facts_labour.ENGAGEMENT,
    "award": facts_awards.AWARD,
    "award_run_row": facts_awards.RUN,
    "publication_figure": facts_awards.FIGURE,
    "award_sample": facts_awards.SAMPLE,
    "objection": facts_awards.OBJECTION,
    "statement": facts_money.STATEMENT,
    "clawback": facts_money.CLAWBACK,
    "fund": facts_money.FUND,
    "budget": facts_money.BUDGET,
    "guide": Subject({}, frozenset({READER}), _editions),
    "search": Subject(
        {"name": Fact(Sort.TEXT), "searches": Fact(Sort.NUMBER), "count": Fact(Sort.NUMBER)},
        frozenset({SEARCHER}),
        _none,
    ),
    "broadcast": Subject({"title": Fact(Sort.TEXT), "text": Fact(Sort.TEXT)}, frozenset({RECEIVER}), _none),
}
