"""What a claim comes to by what the schools have of its student: values in, values out."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from server.enrolments.models import EnrolmentState, Intake, MatchVerdict
from server.kernel.sensitive import Sensitive
from server.referrals.flags import Flag
from server.referrals.models import LIVE, ReferralState
from server.referrals.years import Calendar

_ORDER = (
    EnrolmentState.REGISTERED,
    EnrolmentState.GRADUATED,
    EnrolmentState.SUSPENDED,
    EnrolmentState.LISTED,
)
"""The states in which a school has, or had to the end, a student; those first that say more."""
_OURS = frozenset[str]({Flag.NAME_DIFFERS, Flag.OTHER_SCHOOL})
"""The flags that follow from matching, and go when their reason does."""


class Status(NamedTuple):
    """A state, and from which day on."""

    effective_on: date
    state: EnrolmentState


@dataclass(frozen=True, slots=True)
class Seat:
    """One enrolment. `statuses` are in the order in which they were made known."""

    id: UUID
    school_id: UUID
    intake: Intake
    name: Sensitive
    state: EnrolmentState
    entered_on: date
    repeating: bool
    successor_id: UUID | None
    judged: tuple[UUID | None, MatchVerdict | None]
    statuses: Sequence[Status]

    def state_on(self, day: date) -> EnrolmentState | None:
        """Return the state on a day, None before it began: what was made known last holds from its day on."""
        return next((one.state for one in reversed(self.statuses) if one.effective_on <= day), None)


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim that lives or has lapsed."""

    id: UUID
    name: Sensitive
    intake: Intake
    named_school_id: UUID | None
    state: ReferralState
    enrolment_id: UUID | None
    flags: frozenset[str]
    created_at: datetime


class Standing(NamedTuple):
    """How a claim stands, and by which enrolment: flagged with `name_differs`, by the one that is to be looked at."""

    state: ReferralState
    enrolment_id: UUID | None
    flags: frozenset[str]


class Terms(NamedTuple):
    """By what is judged: the dates of the year, today, and which states on the day of the census confirm."""

    calendar: Calendar
    today: date
    confirming: Collection[EnrolmentState]


class _Counted(NamedTuple):
    """An enrolment that may match a claim: where the student was on the day of the census, or is now."""

    seat: Seat
    confirmed: bool


def standings(claims: Sequence[Claim], seats: Sequence[Seat], terms: Terms) -> Mapping[UUID, Standing]:
    """Return how the claims on one student and year stand now: those that live or lapsed, of which one lives at most.

    A lapsed one is reopened only where none lives: the one of the intake in which the student came, then the earliest.
    """
    found = {claim.id: _standing(claim, seats, terms) for claim in claims}
    living = [claim for claim in claims if claim.state in LIVE and found[claim.id].state in LIVE]
    back = [claim for claim in claims if claim not in living and found[claim.id].state in LIVE]
    came = {seat.id: seat.intake for seat in seats}
    back.sort(key=lambda claim: (came.get(_seat_id(found[claim.id])) != claim.intake, claim.created_at, claim.id))
    stay = {claim.id for claim in (living or back[:1])}
    return {
        claim.id: found[claim.id] if claim.id in stay or found[claim.id].state not in LIVE else _lapsed(claim)
        for claim in claims
    }


def _standing(claim: Claim, seats: Sequence[Seat], terms: Terms) -> Standing:
    counted = sorted(_counted(claim, seats, terms), key=lambda one: _preference(claim, one))
    kept = claim.flags - _OURS
    for one in counted:
        if _agrees(claim, one.seat):
            elsewhere = claim.named_school_id not in {None, one.seat.school_id}
            state = ReferralState.CONFIRMED if one.confirmed else ReferralState.MATCHED
            return Standing(state, one.seat.id, kept | {Flag.OTHER_SCHOOL} if elsewhere else kept)
    late = terms.today > terms.calendar.of(claim.intake).match_by
    unmatched = ReferralState.LAPSED if late else ReferralState.REGISTERED
    if counted:
        return Standing(unmatched, counted[0].seat.id, kept | {Flag.NAME_DIFFERS})
    return Standing(unmatched, None, kept)


def _counted(claim: Claim, seats: Sequence[Seat], terms: Terms) -> Iterator[_Counted]:
    """Give of every time that a student spent at our schools, through all transfers, the enrolment that counts."""
    by_id = {seat.id: seat for seat in seats}
    followed = {seat.successor_id for seat in seats}
    census_on = terms.calendar.of(claim.intake).census_on
    for first in seats:
        if first.id in followed or first.repeating:
            continue
        track = list(_track(first, by_id))
        there = _at(track, census_on) if terms.today >= census_on else None
        if there and there.state_on(census_on) in terms.confirming:
            one = _Counted(there, confirmed=True)
        elif track[-1].state in _ORDER:
            one = _Counted(track[-1], confirmed=False)
        else:
            continue
        if one.seat.judged != (claim.id, MatchVerdict.DIFFERENT):
            yield one


def _track(first: Seat, by_id: Mapping[UUID, Seat]) -> Iterator[Seat]:
    seat: Seat | None = first
    while seat:
        yield seat
        seat = by_id.get(seat.successor_id) if seat.successor_id else None


def _at(track: Sequence[Seat], day: date) -> Seat:
    """Return the enrolment of a track in which the student was on a day."""
    return next((seat for seat in track if seat.state_on(day) is not EnrolmentState.TRANSFERRED), track[-1])


def _preference(claim: Claim, one: _Counted) -> tuple[bool, bool, int, date, UUID]:
    seat = one.seat
    rank = _ORDER.index(seat.state) if seat.state in _ORDER else len(_ORDER)
    return (not one.confirmed, seat.school_id != claim.named_school_id, rank, seat.entered_on, seat.id)


def _agrees(claim: Claim, seat: Seat) -> bool:
    return seat.name == claim.name or seat.judged == (claim.id, MatchVerdict.SAME)


def _seat_id(standing: Standing) -> UUID:
    return standing.enrolment_id or UUID(int=0)


def _lapsed(claim: Claim) -> Standing:
    """Return a lapsed claim as it was, beside another that lives."""
    return Standing(ReferralState.LAPSED, claim.enrolment_id, claim.flags)
