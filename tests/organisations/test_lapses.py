"""The recheck every six months: by the calendar, in Shanghai, with the clock moved."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.kernel import clock
from server.kernel.audit import AuditEntry
from server.kernel.errors import DomainError
from server.kernel.outbox import Event
from server.organisations import lapses, rules, standing
from server.organisations.applications import apply, correct
from server.organisations.decisions import Verdict, decide
from server.organisations.models import Membership, Organisation, OrganisationState
from server.organisations.roles import Kind
from tests.factories import make_person
from tests.organisations.applying import application, reviewer

pytestmark = pytest.mark.usefixtures("database")


def shanghai(day: date, hour: int = 12) -> datetime:
    return datetime(day.year, day.month, day.day, hour, tzinfo=clock.SHANGHAI).astimezone(UTC)


async def verified(kind: Kind = Kind.ENTERPRISE, on: date = date(2026, 8, 31)) -> Membership:
    clock.move_to(shanghai(on))
    made = await apply(application(kind), (await make_person()).id)
    await decide(made.organisation_id, Verdict.VERIFY, await reviewer())
    return made


async def state_of(made: Membership) -> tuple[str, date | None]:
    found = await Organisation.get(id=made.organisation_id)
    return found.state, found.due_on


async def reminders(made: Membership) -> int:
    subject = f"organisation:{made.organisation_id}"
    return await Event.filter(name="organisation.lapse_near", subject=subject).count()


@pytest.mark.parametrize(
    ("checked", "due"),
    [
        (date(2026, 1, 1), date(2026, 7, 1)),
        (date(2026, 8, 31), date(2027, 2, 28)),
        (date(2027, 8, 31), date(2028, 2, 29)),
        (date(2026, 3, 31), date(2026, 9, 30)),
        (date(2026, 12, 31), date(2027, 6, 30)),
    ],
)
def test_six_months_by_the_calendar(checked: date, due: date) -> None:
    assert rules.due_on(Kind.ENTERPRISE, checked) == rules.due_on(Kind.AGENCY, checked) == due
    assert rules.due_on(Kind.FEEDER_SCHOOL, checked) is rules.due_on(Kind.AUTHORITY, checked) is None


def test_the_last_day_still_belongs_to_the_six_months() -> None:
    assert [rules.lapsed(date(2027, 2, 28), day) for day in (date(2027, 2, 28), date(2027, 3, 1))] == [False, True]
    assert not rules.lapsed(None, date(2100, 1, 1))


@given(st.dates(date(2020, 1, 1), date(2100, 1, 1)), st.integers(0, 240))
def test_months_later_is_that_many_months_later_and_never_past_the_day(day: date, months: int) -> None:
    later = rules.months_later(day, months)
    assert (later.year - day.year) * 12 + later.month - day.month == months
    assert later.day == day.day or (later.day < day.day and (later + timedelta(days=1)).day == 1)


@given(st.sets(st.integers(-60, 60)), st.dates(date(2020, 1, 1), date(2100, 1, 1)))
def test_each_reminder_is_sent_once_whichever_days_are_looked_at(days: set[int], due: date) -> None:
    reminded, sent = None, 0
    for day in sorted(days):
        today = due + timedelta(days=day)
        if rules.reminder_due(due, reminded, today):
            reminded, sent = today, sent + 1
    first, second = any(-30 <= day < -7 for day in days), any(-7 <= day <= 0 for day in days)
    assert sent == first + second


async def test_who_posts_jobs_is_reminded_twice_and_lapses_after_the_last_day() -> None:
    made = await verified(on=date(2026, 8, 31))
    assert await state_of(made) == ("verified", date(2027, 2, 28))
    seen = []
    for day in (date(2027, 1, 28), date(2027, 1, 29), date(2027, 1, 30), date(2027, 2, 21), date(2027, 2, 22)):
        clock.move_to(shanghai(day))
        await lapses.watch()
        await lapses.watch()
        seen.append(await reminders(made))
    assert seen == [0, 1, 1, 2, 2]
    clock.move_to(shanghai(date(2027, 2, 28), 23))
    await lapses.watch()
    assert (await state_of(made))[0] == "verified"
    clock.move_to(shanghai(date(2027, 3, 1), 0))  # still February in UTC
    assert (await lapses.watch())["lapsed"] == 1
    assert (await lapses.watch())["lapsed"] == 0
    assert (await state_of(made))[0] == "lapsed"
    entry = await AuditEntry.filter(subject=f"organisation:{made.organisation_id}").order_by("-id").first()
    assert entry
    assert (entry.action, entry.actor_id) == ("organisation.lapsed", None)
    [event] = await Event.filter(name="organisation.lapsed", subject=f"organisation:{made.organisation_id}")
    assert event.people == [str(made.person_id)]


async def test_a_school_does_not_lapse() -> None:
    made = await verified(Kind.FEEDER_SCHOOL)
    clock.move_to(shanghai(date(2036, 1, 1)))
    await lapses.watch()
    assert await state_of(made) == ("verified", None)
    with pytest.raises(DomainError, match="renewal_too_early"):
        await lapses.renew(made.organisation_id, {}, by=made.person_id, version=None)


@pytest.mark.parametrize("day", [date(2027, 2, 1), date(2027, 5, 1)])
async def test_a_recheck_is_asked_for_by_a_manager_and_completed_by_a_reviewer(day: date) -> None:
    made = await verified(on=date(2026, 8, 31))
    clock.move_to(shanghai(day))
    await lapses.watch()
    before = (await state_of(made))[0]
    renewed = await lapses.renew(
        made.organisation_id, {"licence_valid_to": date(2030, 1, 1)}, by=made.person_id, version=None
    )
    asked = {"renewal": True, "licence_valid_to": "2030-01-01"}
    assert (renewed.state, renewed.licence_valid_to, renewed.pending_revision) == (before, None, asked)
    with pytest.raises(DomainError, match="state_already"):
        await lapses.renew(made.organisation_id, {}, by=made.person_id, version=None)
    await decide(made.organisation_id, Verdict.VERIFY, await reviewer())
    assert await state_of(made) == ("verified", rules.months_later(day, 6))
    found = await Organisation.get(id=made.organisation_id)
    assert (found.pending_revision, found.reminded_on, found.licence_valid_to) == (None, None, date(2030, 1, 1))


async def test_a_recheck_too_early_or_with_an_expired_licence_is_refused() -> None:
    made = await verified(on=date(2026, 8, 31))
    clock.move_to(shanghai(date(2027, 1, 28)))
    with pytest.raises(DomainError, match="renewal_too_early"):
        await lapses.renew(made.organisation_id, {}, by=made.person_id, version=None)
    clock.move_to(shanghai(date(2027, 3, 1)))
    await Organisation.filter(id=made.organisation_id).update(licence_valid_to=date(2027, 2, 1))
    with pytest.raises(DomainError) as refused:
        await lapses.renew(made.organisation_id, {}, by=made.person_id, version=None)
    assert [fault.pointer for fault in refused.value.faults] == ["/licence_valid_to"]


async def test_a_check_holds_no_longer_than_the_licence() -> None:
    made = await verified(on=date(2026, 8, 31))
    for until, due in ((date(2026, 9, 1), date(2026, 9, 1)), (date(2027, 3, 1), date(2027, 2, 28))):
        given = {"licence_valid_to": until, "licence_number": "皖（示例）0002"}
        changed = await correct(made.organisation_id, given, by=made.person_id, version=None)
        assert changed.licence_valid_to != until
        assert changed.pending_revision
        assert changed.pending_revision["licence_valid_to"] == until.isoformat()
        decided = await decide(made.organisation_id, Verdict.VERIFY, await reviewer())
        assert (decided.licence_valid_to, decided.licence_number) == (until, given["licence_number"])
        assert await state_of(made) == ("verified", due)
    without_end = await correct(made.organisation_id, {"licence_valid_to": None}, by=made.person_id, version=None)
    assert without_end.pending_revision == {"licence_valid_to": None}
    await decide(made.organisation_id, Verdict.VERIFY, await reviewer())
    assert (await Organisation.get(id=made.organisation_id)).licence_valid_to is None


@pytest.mark.parametrize("kind", [Kind.ENTERPRISE, Kind.FEEDER_SCHOOL])
async def test_an_expired_licence_is_not_verified(kind: Kind) -> None:
    clock.move_to(shanghai(date(2026, 8, 31)))
    made = await apply(application(kind, licence_valid_to=date(2026, 9, 1)), (await make_person()).id)
    clock.move_to(shanghai(date(2026, 9, 2), 0))  # still the first in UTC
    with pytest.raises(DomainError) as refused:
        await decide(made.organisation_id, Verdict.VERIFY, await reviewer())
    assert (refused.value.slug, refused.value.status) == ("licence_expired", 409)
    assert await state_of(made) == ("applied", None)
    await correct(made.organisation_id, {"licence_valid_to": date(2026, 9, 2)}, by=made.person_id, version=None)
    await decide(made.organisation_id, Verdict.VERIFY, await reviewer())
    assert await state_of(made) == ("verified", date(2026, 9, 2) if kind is Kind.ENTERPRISE else None)


async def test_a_refused_recheck_may_be_asked_for_again_and_does_not_keep_from_lapsing() -> None:
    made = await verified(on=date(2026, 8, 31))
    clock.move_to(shanghai(date(2027, 2, 28)))
    await lapses.renew(made.organisation_id, {}, by=made.person_id, version=None)
    await decide(made.organisation_id, Verdict.REJECT, await reviewer())
    clock.move_to(shanghai(date(2027, 3, 1)))
    await lapses.watch()
    assert (await state_of(made))[0] == "lapsed"
    again = await lapses.renew(made.organisation_id, {}, by=made.person_id, version=None)
    assert again.pending_revision == {"renewal": True}


async def test_a_change_of_a_lapsed_one_waits_beside_the_recheck() -> None:
    made = await verified(on=date(2026, 8, 31))
    clock.move_to(shanghai(date(2027, 3, 1)))
    await lapses.watch()
    await lapses.renew(made.organisation_id, {}, by=made.person_id, version=None)
    changed = await correct(made.organisation_id, {"name": "新名（示例）"}, by=made.person_id, version=None)
    assert changed.pending_revision == {"renewal": True, "name": "新名（示例）"}


async def test_what_was_suspended_past_its_time_comes_back_lapsed() -> None:
    made = await verified(on=date(2026, 8, 31))
    await standing.suspend(made.organisation_id, await reviewer())
    clock.move_to(shanghai(date(2027, 3, 1)))
    await lapses.watch()
    assert (await state_of(made))[0] == "suspended"
    assert (await standing.restore(made.organisation_id, await reviewer())).state is OrganisationState.LAPSED


async def test_many_are_looked_at_in_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lapses, "BATCH", 2)
    made = [await verified(on=date(2026, 8, 31)) for _ in range(5)]
    clock.move_to(shanghai(date(2027, 3, 1)))
    assert (await lapses.watch())["lapsed"] >= 5
    assert {(await state_of(one))[0] for one in made} == {"lapsed"}
