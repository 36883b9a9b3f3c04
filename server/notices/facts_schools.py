"""What notices about claims of schools, their lists and the window for claims know, and who is told of them as what."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from server.enrolments.models import Intake
from server.imports.models import Import, ImportKind, ImportState
from server.kernel.outbox import Event
from server.notices.subjects import Known, Subject, all_are, ids, subject_id
from server.notices.values import Fact, Sort, Values
from server.organisations import current
from server.referrals import years
from server.referrals.models import Referral

SCHOOL, SENDER, INTERRUPTED = "school", "sender", "interrupted"
_COUNTS = ("total", "done", "warning", "repeated", "refused")
_TAKEN = "taken"
"""With those among them that somebody should look at."""


async def _referrals(events: Sequence[Event]) -> Mapping[UUID, Known]:
    columns = ("id", "number", "year", "school_id")
    rows = {row.id: row for row in await Referral.filter(id__in=ids(events)).only(*columns)}
    acting = await current.acting({row.school_id for row in rows.values()})
    found = {}
    for event in events:
        if row := rows.get(subject_id(event)):
            told = {one: as_ for one, as_ in all_are(event, SCHOOL).items() if one in acting[row.school_id]}
            found[event.id] = Known({"number": row.number, "year": row.year}, told)
    return found


async def _imports(events: Sequence[Event]) -> Mapping[UUID, Known]:
    rows = {row.id: row for row in await Import.filter(id__in=ids(events))}
    found = {}
    for event in events:
        if row := rows.get(subject_id(event)):
            counts: dict[str, int] = {name: getattr(row, name) for name in _COUNTS}
            counts[_TAKEN] = row.accepted + row.warning
            told = all_are(event, SENDER if row.state is ImportState.DONE else INTERRUPTED)
            found[event.id] = Known({"list": row.kind.value, **counts}, told)
    return found


async def _windows(events: Sequence[Event]) -> Mapping[UUID, Known]:
    found = {}
    for event in events:
        year, _, intake = event.subject.partition(":")[2].partition("-")
        days = (await years.calendar(int(year))).of(Intake(intake))
        values: Values = {"year": int(year), "intake": intake, "opens": days.opens_on, "closes": days.closes_on}
        found[event.id] = Known(values, all_are(event, SCHOOL))
    return found


REFERRAL = Subject({"number": Fact(Sort.CODE), "year": Fact(Sort.NUMBER)}, frozenset({SCHOOL}), _referrals)
IMPORT = Subject(
    {"list": Fact(Sort.WORD, codes=tuple(ImportKind)), **{name: Fact(Sort.NUMBER) for name in (*_COUNTS, _TAKEN)}},
    frozenset({SENDER, INTERRUPTED}),
    _imports,
)
WINDOW = Subject(
    {
        "year": Fact(Sort.NUMBER),
        "intake": Fact(Sort.WORD, codes=tuple(Intake)),
        "opens": Fact(Sort.DAY),
        "closes": Fact(Sort.DAY),
    },
    frozenset({SCHOOL}),
    _windows,
)
