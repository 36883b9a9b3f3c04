"""What a claim comes to by what the schools have of its student: values in, values out."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple, TypeVar
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


AnyStay = TypeVar("AnyStay", bound="Stay")


class Status(NamedTuple):
    """A state, and from which day on."""

    effective_on: date
    state: EnrolmentState


@dataclass(frozen=True, slots=True, kw_only=True)
class Stay:
    """One enrolment, as far as the census asks. `statuses` are in the order in which they were made known."""

    id: UUID
    school_id: UUID
    repeating: bool
    successor_id: UUID | None
    statuses: Sequence[Status]

    def state_on(self, day: date) -> EnrolmentState | None:
        """Return the state on a day, None before it began: what was made known last holds from its day on."""
        return next((one.state for one in reversed(self.statuses) if one.effective_on <= day), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat(Stay):
    """One enrolment, as far as matching asks."""

    intake: Intake
    name: Sensitive
    state: EnrolmentState
    entered_on: date
    judged: tuple[UUID | None, MatchVerdict | None]


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
    census_on = terms.calendar.of(claim.intake).census_on
    for track in _tracks(seats):
        there = _there(track, census_on, terms.confirming) if terms.today >= census_on else None
        if there:
            one = _Counted(there, confirmed=True)
        elif track[-1].state in _ORDER:
            one = _Counted(track[-1], confirmed=False)
        else:
            continue
        if one.seat.judged != (claim.id, MatchVerdict.DIFFERENT):
            yield one


def attended(
    enrolment_id: UUID, stays: Sequence[Stay], census_on: date, confirming: Collection[EnrolmentState]
) -> bool:
    """Whether the census finds a student of an enrolment, through all transfers, in a state that confirms.

    Whatever its school has of them counts: what was declared void by mistake is listed anew beside it.
    """
    schools = {stay.school_id for stay in stays if stay.id == enrolment_id}
    own = (track for track in _tracks(stays) if any(stay.school_id in schools for stay in track))
    return any(_there(track, census_on, confirming) for track in own)


def _tracks(stays: Sequence[AnyStay]) -> Iterator[list[AnyStay]]:
    """Give every time that a student spent at our schools for the first time, through all transfers."""
    by_id = {stay.id: stay for stay in stays}
    followed = {stay.successor_id for stay in stays}
    for first in stays:
        if first.id not in followed and not first.repeating:
            yield list(_track(first, by_id))


def _track(first: AnyStay, by_id: Mapping[UUID, AnyStay]) -> Iterator[AnyStay]:
    stay: AnyStay | None = first
    while stay:
        yield stay
        stay = by_id.get(stay.successor_id) if stay.successor_id else None


def _there(track: Sequence[AnyStay], day: date, confirming: Collection[EnrolmentState]) -> AnyStay | None:
    """Return the enrolment of a track in which the student was on a day, None where its state does not confirm."""
    there = next((stay for stay in track if stay.state_on(day) is not EnrolmentState.TRANSFERRED), track[-1])
    return there if there.state_on(day) in confirming else None


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
