"""What the calendar does to claims: the census confirms, the last day for matching lapses.

Runs every day, and whatever an earlier run left undone is done by the next. Each part is a transaction of its own, so
that a run which is killed has done the parts that it did.
"""

from collections.abc import Mapping, Sequence
from uuid import UUID

import structlog

from server.enrolments.models import Enrolment, Intake
from server.kernel import clock
from server.kernel.sweeping import GONE, Sweep
from server.kernel.transactions import transaction
from server.referrals import matching, years
from server.referrals.models import LIVE, Referral, ReferralState
from server.referrals.years import IntakeDates
from server.students import registry

BATCH = 200
_log = structlog.get_logger(__name__)


async def settle() -> Mapping[str, int]:
    """Confirm and let lapse what is due; return how many students were looked at."""
    waiting = Referral.filter(state__in=[ReferralState.REGISTERED, ReferralState.MATCHED])
    found = await waiting.distinct().values_list("year", flat=True)
    done, sweep = 0, Sweep()
    for year in sorted({int(year) for year in found}):  # type: ignore[call-overload]
        calendar = await years.calendar(year)
        if not calendar.over_on(clock.today()):
            done += sum([await _settle(sweep, year, intake, _due(calendar.of(intake))) for intake in Intake])
    sweep.end()
    return {"looked_at": done}


async def settle_anew(year: int) -> Mapping[str, int]:
    """Look again at all that may still change of a year whose dates were changed, also at what was settled by the old.

    Returns how many students were looked at, those of each intake by themselves.
    """
    states, sweep = [*LIVE, ReferralState.LAPSED], Sweep()
    done = sum([await _settle(sweep, year, intake, states) for intake in Intake])
    sweep.end()
    return {"looked_at": done}


async def settle_school(school_id: UUID) -> Mapping[str, int]:
    """Look again at all claims on those whom a school has or had: whether its students count has changed.

    Returns how many students were looked at, those of each year by themselves.
    """
    found = await Enrolment.filter(school_id=school_id).distinct().values_list("year", flat=True)
    done, sweep = 0, Sweep()
    for year in sorted({int(year) for year in found}):  # type: ignore[call-overload]
        last = UUID(int=0)
        while students := await _next_of_school(school_id, year, last):
            done, last = done + await _look(sweep, students, year), students[-1]
    sweep.end()
    return {"looked_at": done}


async def _settle(sweep: Sweep, year: int, intake: Intake, due: Sequence[ReferralState]) -> int:
    done, last = 0, UUID(int=0)
    while due and (students := await _next(year, intake, due, last)):
        done, last = done + await _look(sweep, students, year), students[-1]
    return done


async def _look(sweep: Sweep, students: Sequence[UUID], year: int) -> int:
    """Look at some students together and, where that fails, at each alone; return at how many."""
    try:
        return await _reconsider(students, year)
    except GONE:
        raise
    except Exception as error:  # noqa: BLE001 -- whatever it was, most can be done alone
        _log.warning("students are looked at one by one", error=type(error).__name__)
    return await sweep.each(lambda one: _reconsider([one], year), students)


def _due(days: IntakeDates) -> list[ReferralState]:
    """Return the states of claims to which the calendar may do something today."""
    today = clock.today()
    due = [ReferralState.MATCHED] if today >= days.census_on else []
    return [*due, ReferralState.REGISTERED] if today > days.match_by else due


async def _next(year: int, intake: Intake, states: Sequence[ReferralState], after: UUID) -> list[UUID]:
    claims = Referral.filter(year=year, intake=intake, state__in=list(states), student_id__gt=after)
    return list(await claims.distinct().order_by("student_id").limit(BATCH).values_list("student_id", flat=True))  # type: ignore[arg-type]


async def _next_of_school(school_id: UUID, year: int, after: UUID) -> list[UUID]:
    theirs = Enrolment.filter(school_id=school_id, year=year, student_id__gt=after)
    return list(await theirs.distinct().order_by("student_id").limit(BATCH).values_list("student_id", flat=True))  # type: ignore[arg-type]


@transaction
async def _reconsider(student_ids: Sequence[UUID], year: int) -> int:
    await registry.hold_all(student_ids)
    await matching.reconsider(student_ids, year, actor_id=None)
    return len(student_ids)
