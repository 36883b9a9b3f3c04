"""What notices about awards, runs over them, publications and objections know, and who is told of them as what."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from server.awards import book
from server.awards.models import Award, AwardRunRow, AwardSample, AwardState, Objection, PublicationFigure
from server.kernel.outbox import Event
from server.kernel.statements import identity, returned
from server.notices.subjects import Known, Subject, ids, people, subject_id
from server.notices.values import Fact, Facts, Sort, Values
from server.organisations import current
from server.organisations.roles import Role

SCHOOL, QUEUED, WAITING, OBJECTOR = "school", "queued", "waiting", "objector"
TURNS = (Role.REVIEWER, Role.APPROVER, Role.FINANCE)
"""Roles of the secretariat, each an audience of its own: whose turn it is."""
_DECIDES = {str(Role.APPROVER): str(Role.REVIEWER)}
"""Either decides objections, and is told the same."""
_OF_RUN = """
SELECT made.run_id, award.payee_id, made.code, count(*) AS awards, sum(award.amount_fen) AS fen
FROM award_run_row made
JOIN award ON award.id = made.award_id
WHERE made.run_id = ANY($1) AND made.outcome = 'done'
GROUP BY made.run_id, award.payee_id, made.code"""


async def told(
    events: Iterable[Event], payees: Mapping[UUID, UUID], school: str = SCHOOL
) -> Mapping[UUID, Mapping[UUID, str]]:
    """Return by event who is told of it as what: who acts for its payee as `school`, staff by their role.

    `payees` are by event. Whoever is neither any more is told nothing.
    """
    acting, staff = await current.acting(set(payees.values())), await current.staff(*TURNS)
    found = {}
    for event in events:
        own = acting[payees[event.id]]
        known = {one: school if one in own else str(staff.get(one, "")) for one in people(event)}
        found[event.id] = {one: as_ for one, as_ in known.items() if as_}
    return found


def number_of(award: Award) -> str:
    """Return what an award is known by: the number of its claim, which came with it, empty where it has none."""
    return award.referral.number if award.referral else ""


def programme_of(name: str) -> str:
    """Return what people call a programme."""
    programme = book.in_force().programmes.get(name)
    return programme.title if programme else ""


async def _awards(events: Sequence[Event]) -> Mapping[UUID, Known]:
    rows = {row.id: row for row in await Award.filter(id__in=ids(events)).select_related("referral")}
    there = [event for event in events if subject_id(event) in rows]
    audiences = await told(there, {event.id: rows[subject_id(event)].payee_id for event in there})
    return {event.id: Known(_of_award(rows[subject_id(event)]), audiences[event.id]) for event in there}


def _of_award(row: Award) -> Values:
    return {
        "number": number_of(row),
        "programme": programme_of(row.programme),
        "year": row.year,
        "sum": row.amount_fen,
    }


async def _runs(events: Sequence[Event]) -> Mapping[UUID, Known]:
    """Of a run each school is told by the first row that is about it: how many of its awards, and what came of them."""
    rows = {row.id: row for row in await AwardRunRow.filter(id__in=ids(events)).select_related("run")}
    awards = await Award.filter(id__in=[row.award_id for row in rows.values()]).only("id", "payee_id", "programme")
    of_row = {row.id: award for row in rows.values() for award in awards if award.id == row.award_id}
    counted = await _counted({row.run_id for row in rows.values()})
    there = [event for event in events if subject_id(event) in of_row]
    audiences = await told(there, {event.id: of_row[subject_id(event)].payee_id for event in there})
    found = {}
    for event in there:
        values = counted[rows[subject_id(event)].run_id, of_row[subject_id(event)].payee_id]
        found[event.id] = Known(values, _in_queue(audiences[event.id], values))
    return found


def _in_queue(audience: Mapping[UUID, str], values: Values) -> Mapping[UUID, str]:
    """Tell them apart by whether some, all or none of it waits for money."""
    if not values["waiting"]:
        return audience
    return dict.fromkeys(audience, WAITING if values["waiting"] == values["count"] else QUEUED)


async def _counted(run_ids: Collection[UUID]) -> Mapping[tuple[UUID, UUID], dict[str, Any]]:
    """Return by run and school how many awards it did something to, for how much, and how many of them wait."""
    found: dict[tuple[UUID, UUID], dict[str, Any]] = {}
    for row in await returned(_OF_RUN, list(run_ids)) if run_ids else ():
        key = identity(row["run_id"]), identity(row["payee_id"])
        values = found.setdefault(key, {"count": 0, "sum": 0, "waiting": 0})
        values["count"] += int(row["awards"])
        values["sum"] += int(row["fen"])
        values["waiting"] += int(row["awards"]) if row["code"] == AwardState.AWAITING_FUNDS else 0
    return found


async def _figures(events: Sequence[Event]) -> Mapping[UUID, Known]:
    rows = {row.id: row for row in await PublicationFigure.filter(id__in=ids(events)).select_related("publication")}
    there = [event for event in events if subject_id(event) in rows]
    audiences = await told(there, {event.id: rows[subject_id(event)].payee_id for event in there})
    return {event.id: Known(_of_figure(rows[subject_id(event)]), audiences[event.id]) for event in there}


def _of_figure(row: PublicationFigure) -> Values:
    return {
        "publication": str(row.publication_id),
        "programme": programme_of(row.publication.programme),
        "year": row.publication.year,
        "count": row.awards,
        "sum": row.amount_fen,
        "ends": row.publication.ends_on,
    }


async def _objections(events: Sequence[Event]) -> Mapping[UUID, Known]:
    query = Objection.filter(id__in=ids(events)).select_related("publication", "payee", "award__referral")
    rows = {row.id: row for row in await query}
    there = [event for event in events if subject_id(event) in rows]
    audiences = await told(there, {event.id: rows[subject_id(event)].payee_id for event in there})
    found = {}
    for event in there:
        row = rows[subject_id(event)]
        objector = {one: OBJECTOR for one in people(event) if one == row.person_id}
        known = {one: _DECIDES.get(as_, as_) for one, as_ in audiences[event.id].items()}
        found[event.id] = Known(_of_objection(row), {**known, **objector})
    return found


def _of_objection(row: Objection) -> Values:
    return {
        "publication": str(row.publication_id),
        "programme": programme_of(row.publication.programme),
        "year": row.publication.year,
        "school": row.payee.name,
        "number": (number_of(row.award) or programme_of(row.award.programme)) if row.award else "",
    }


async def _samples(events: Sequence[Event]) -> Mapping[UUID, Known]:
    rows = {row.id: row for row in await AwardSample.filter(id__in=ids(events))}
    staff = await current.staff(*TURNS)
    found = {}
    for event in events:
        if row := rows.get(subject_id(event)):
            drawn: Values = {"programme": programme_of(row.programme), "year": row.year}
            told = {one: str(staff[one]) for one in people(event) if one in staff}
            found[event.id] = Known({**drawn, "count": row.size, "of": row.population}, told)
    return found


_OF_PROGRAMME: Facts = {"programme": Fact(Sort.TEXT), "year": Fact(Sort.NUMBER)}
_TURNS = frozenset(role.value for role in TURNS)
AWARD = Subject(
    {**_OF_PROGRAMME, "number": Fact(Sort.TEXT), "sum": Fact(Sort.MONEY)}, frozenset({SCHOOL, *_TURNS}), _awards
)
RUN = Subject(
    {"count": Fact(Sort.NUMBER), "sum": Fact(Sort.MONEY), "waiting": Fact(Sort.NUMBER)},
    frozenset({SCHOOL, QUEUED, WAITING}),
    _runs,
)
FIGURE = Subject(
    {
        **_OF_PROGRAMME,
        "publication": Fact(Sort.CODE),
        "count": Fact(Sort.NUMBER),
        "sum": Fact(Sort.MONEY),
        "ends": Fact(Sort.DAY),
    },
    frozenset({SCHOOL}),
    _figures,
)
SAMPLE = Subject({**_OF_PROGRAMME, "count": Fact(Sort.NUMBER), "of": Fact(Sort.NUMBER)}, _TURNS, _samples)
OBJECTION = Subject(
    {**_OF_PROGRAMME, "publication": Fact(Sort.CODE), "school": Fact(Sort.TEXT), "number": Fact(Sort.TEXT)},
    frozenset({SCHOOL, OBJECTOR, *_TURNS}),
    _objections,
)
