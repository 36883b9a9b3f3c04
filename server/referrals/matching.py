"""Claims brought into line with what the schools have: the one place that matches, confirms, lapses and reopens them.

It looks at what is true now and writes only what is different, so it may be called as often as anyone likes, after
whatever happened to a claim or an enrolment; which of the two came second makes no difference.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from server.enrolments import sealed as enrolments
from server.enrolments.models import Enrolment, EnrolmentStatus
from server.kernel import audit, bulk, clock, outbox
from server.kernel.audit import Note
from server.kernel.outbox import Occurrence
from server.kernel.statements import select
from server.organisations import current
from server.referrals import flags, following, rules, years
from server.referrals.enrolled import IN_THE_GROUP
from server.referrals.models import LIVE, Referral, ReferralState
from server.referrals.sealed import name_of
from server.referrals.standing import Claim, Seat, Standing, Status, Terms, standings
from server.students import registry

_COLUMNS = ("state", "state_since", "enrolment_id", "flags", "needs_check", "version")
_EVENTS = {
    ReferralState.MATCHED: "referral.matched",
    ReferralState.CONFIRMED: "referral.confirmed",
    ReferralState.LAPSED: "referral.lapsed",
    ReferralState.REGISTERED: "referral.unmatched",
}
_FLAGGED, _REOPENED = "referral.flagged", "referral.reopened"


@dataclass(frozen=True, slots=True)
class _Change:
    """A claim that is written, as it was and as it is."""

    row: Referral
    before: ReferralState
    events: tuple[str, ...]


async def reconsider(
    student_ids: Collection[UUID], year: int, *, actor_id: UUID | None, reason: str = "", decided: bool = False
) -> None:
    """Bring the claims on these students, who are held, for a year to where they belong; joins the transaction.

    A constant number of statements for at most some hundred students. Once the year is over it does nothing, unless
    somebody `decided`. Rows that the caller has read may be out of date afterwards. What follows from the claims, also
    from what the caller did to them, is done here.
    """
    await _reconsider(student_ids, year, actor_id, reason, decided=decided)
    await following.changed(student_ids, actor_id)


async def _reconsider(
    student_ids: Collection[UUID], year: int, actor_id: UUID | None, reason: str, *, decided: bool
) -> None:
    calendar = await years.calendar(year)
    if calendar.over_on(clock.today()) and not decided:
        return
    known = await select(Referral, registry.ABOUT, list(student_ids), hold=True)
    states = {*LIVE, ReferralState.LAPSED}
    rows = [row for row in known if row.year == year and row.state in states]
    if not rows:
        return
    seats = await _seats({row.student_id for row in rows}, year)
    terms = Terms(calendar, clock.today(), rules.in_force().census.states)
    changes = list(_changes(rows, seats, terms))
    await _write(changes, actor_id, reason)


async def _seats(student_ids: Collection[UUID], year: int) -> Mapping[UUID, list[Seat]]:
    """Return the enrolments for a year at members of the group with all that was made known of them, by student."""
    rows = [row for row in await select(Enrolment, IN_THE_GROUP, list(student_ids)) if row.year == year]
    said: dict[UUID, list[Status]] = {row.id: [] for row in rows}
    if rows:
        for one in await EnrolmentStatus.filter(enrolment_id__in=list(said)).order_by("made_at", "id"):
            said[one.enrolment_id].append(Status(one.effective_on, one.state))
    found: dict[UUID, list[Seat]] = {}
    for row in rows:
        found.setdefault(row.student_id, []).append(_seat(row, said[row.id]))
    return found


def _seat(row: Enrolment, statuses: Sequence[Status]) -> Seat:
    same = ("id", "school_id", "intake", "state", "entered_on", "repeating", "successor_id")
    return Seat(
        **{name: getattr(row, name) for name in same},
        name=enrolments.name_of(row),
        judged=(row.match_referral_id, row.match_verdict),
        statuses=statuses,
    )


def _changes(rows: Sequence[Referral], seats: Mapping[UUID, list[Seat]], terms: Terms) -> Iterator[_Change]:
    """Put every claim where it belongs, and give those that were not there."""
    by_student: dict[UUID, list[Referral]] = {}
    for row in rows:
        by_student.setdefault(row.student_id, []).append(row)
    for student_id, own in by_student.items():
        found = standings([_claim(row) for row in own], seats.get(student_id, []), terms)
        for row in own:
            before, after = row.state, found[row.id]
            if events := _events(row, after):
                _put(row, after)
                yield _Change(row, before, events)


def _claim(row: Referral) -> Claim:
    same = ("id", "intake", "named_school_id", "state", "enrolment_id", "created_at")
    values = {name: getattr(row, name) for name in same}
    return Claim(**values, name=name_of(row), flags=frozenset(row.flags))


def _events(row: Referral, after: Standing) -> tuple[str, ...]:
    """Return what happens to a claim that is to stand so, nothing where it does already."""
    events = []
    if row.state is ReferralState.LAPSED and after.state in LIVE:
        events.append(_REOPENED)
    moved = row.enrolment_id != after.enrolment_id and after.state in {ReferralState.MATCHED, ReferralState.CONFIRMED}
    if row.state is not after.state or moved:
        events.append(_EVENTS[after.state])
    if frozenset(row.flags) != after.flags or (not events and row.enrolment_id != after.enrolment_id):
        events.append(_FLAGGED)
    return tuple(events)


def _put(row: Referral, after: Standing) -> None:
    if row.state is not after.state:
        row.state, row.state_since = after.state, clock.now()
    row.enrolment_id = after.enrolment_id
    row.flags = flags.changed(after.flags)
    row.needs_check = flags.needs_check(row.flags)
    row.version += 1


async def _write(changes: Sequence[_Change], actor_id: UUID | None, reason: str) -> None:
    """Write those first that live no longer: of a student's claims one lives, at every moment."""
    if not changes:
        return
    rows = [change.row for change in changes]
    await bulk.write([row for row in rows if row.state not in LIVE], _COLUMNS)
    await bulk.write([row for row in rows if row.state in LIVE], _COLUMNS)
    await audit.note_many(note for change in changes for note in _notes(change, actor_id, reason))
    people = await current.acting({row.school_id for row in rows})
    await outbox.record_many(
        Occurrence(event, f"referral:{change.row.id}", people[change.row.school_id])
        for change in changes
        for event in change.events
    )


def _notes(change: _Change, actor_id: UUID | None, reason: str) -> Iterator[Note]:
    row = change.row
    for event in change.events:
        fields = tuple(row.flags) if event == _FLAGGED else ()
        yield Note(f"referral:{row.id}", event, actor_id, change.before, row.state, reason, fields)
