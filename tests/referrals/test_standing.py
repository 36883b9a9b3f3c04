"""What a claim comes to, as values: whatever the order, the dates and the schools."""

from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from server.enrolments.models import EnrolmentState, Intake, MatchVerdict
from server.kernel.ids import new_id
from server.kernel.sensitive import Kind, Sensitive
from server.referrals import years
from server.referrals.models import LIVE, ReferralState
from server.referrals.standing import Claim, Seat, Standing, Status, Terms, standings

CALENDAR = years.default(2026)
NAMES = [Sensitive(Kind.NAME, "何小满"), Sensitive(Kind.NAME, "何晓满")]
SCHOOLS = [new_id() for _ in range(3)]
DAYS = st.dates(date(2026, 8, 1), date(2027, 8, 31))
MOMENT = datetime(2026, 9, 1, tzinfo=UTC)


@st.composite
def seats(draw: st.DrawFn) -> list[Seat]:
    """What schools may have said of one student, some of it going on elsewhere."""
    made: list[Seat] = []
    for place in range(draw(st.integers(0, 4))):
        said = [Status(draw(DAYS), draw(st.sampled_from(EnrolmentState))) for _ in range(draw(st.integers(1, 3)))]
        followed = {seat.successor_id for seat in made}
        goes_on = said[-1].state is EnrolmentState.TRANSFERRED and made and draw(st.booleans())
        successor = draw(st.sampled_from(made)).id if goes_on else None
        made.append(
            Seat(
                id=new_id(),
                school_id=draw(st.sampled_from(SCHOOLS)),
                intake=draw(st.sampled_from(Intake)),
                name=draw(st.sampled_from(NAMES)),
                state=said[-1].state,
                entered_on=date(2026, 8, 1) + timedelta(days=place),
                repeating=draw(st.booleans()),
                successor_id=successor if successor not in followed else None,
                judged=(None, None),
                statuses=said,
            )
        )
    return made


@st.composite
def claims(draw: st.DrawFn) -> list[Claim]:
    """Claims on one student: at most one that lives, and some that lapsed."""
    states = draw(st.lists(st.just(ReferralState.LAPSED), max_size=2))
    states += draw(st.lists(st.sampled_from(LIVE), max_size=1))
    return [
        Claim(
            id=new_id(),
            name=draw(st.sampled_from(NAMES)),
            intake=draw(st.sampled_from(Intake)),
            named_school_id=draw(st.sampled_from([None, *SCHOOLS])),
            state=state,
            enrolment_id=None,
            flags=frozenset(draw(st.sets(st.sampled_from(["age_unusual", "name_differs", "other_school"])))),
            created_at=MOMENT + timedelta(days=place),
        )
        for place, state in enumerate(states)
    ]


def moved(one: Claim, to: Standing) -> Claim:
    same = {name: getattr(one, name) for name in ("id", "name", "intake", "named_school_id", "created_at")}
    return Claim(**same, state=to.state, enrolment_id=to.enrolment_id, flags=to.flags)


@given(claims(), seats(), DAYS)
def test_one_lives_at_most_and_looking_again_changes_nothing(made: list[Claim], found: list[Seat], today: date) -> None:
    terms = Terms(CALENDAR, today, [EnrolmentState.REGISTERED])
    once = standings(made, found, terms)
    assert set(once) == {one.id for one in made}
    assert sum(one.state in LIVE for one in once.values()) <= 1
    again = standings([moved(one, once[one.id]) for one in made], found, terms)
    assert again == once


@given(claims(), seats(), DAYS)
def test_the_order_in_which_schools_spoke_makes_no_difference(
    made: list[Claim], found: list[Seat], today: date
) -> None:
    terms = Terms(CALENDAR, today, [EnrolmentState.REGISTERED])
    assert standings(made, found, terms) == standings(made[::-1], found[::-1], terms)


@given(claims(), seats(), DAYS)
def test_only_who_has_the_student_matches_and_only_the_census_confirms(
    made: list[Claim], found: list[Seat], today: date
) -> None:
    by_id = {seat.id: seat for seat in found}
    for one, standing in zip(
        made, standings(made, found, Terms(CALENDAR, today, [EnrolmentState.REGISTERED])).values(), strict=True
    ):
        assert standing.flags >= one.flags - {"name_differs", "other_school"}
        days = CALENDAR.of(one.intake)
        there = by_id[standing.enrolment_id] if standing.enrolment_id else None
        if standing.state is ReferralState.CONFIRMED:
            assert there
            assert today >= days.census_on
            assert there.state_on(days.census_on) is EnrolmentState.REGISTERED
        elif standing.state is ReferralState.MATCHED:
            assert there
            assert there.state in {"listed", "registered", "suspended", "graduated"}
            assert there.name == one.name
        elif standing.state is ReferralState.LAPSED:
            assert one.state is ReferralState.LAPSED or today > days.match_by
        else:
            assert today <= days.match_by


def seat(*said: Status, judged: tuple[object, MatchVerdict | None] = (None, None)) -> Seat:
    return Seat(
        id=new_id(), school_id=SCHOOLS[0], intake=Intake.AUTUMN, name=NAMES[0],
        state=said[-1].state, entered_on=said[0].effective_on, repeating=False, successor_id=None,
        judged=judged, statuses=said,  # type: ignore[arg-type]
    )  # fmt: skip


def test_what_is_made_known_last_holds_from_its_day_on() -> None:
    """Registered from the tenth; later it comes out that the student had left on the fifth."""
    listed, registered = (
        Status(date(2026, 9, 1), EnrolmentState.LISTED),
        Status(date(2026, 10, 10), EnrolmentState.REGISTERED),
    )
    left = Status(date(2026, 10, 5), EnrolmentState.WITHDRAWN)
    found = seat(listed, registered, left)
    assert found.state_on(date(2026, 8, 31)) is None
    assert found.state_on(date(2026, 10, 4)) is EnrolmentState.LISTED
    assert found.state_on(date(2026, 11, 20)) is EnrolmentState.WITHDRAWN
