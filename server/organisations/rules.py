"""How long a check of an organisation holds: values in, dates out."""

import calendar
from collections.abc import Sequence
from datetime import date, timedelta

from server.organisations.roles import Kind

JOB_POSTERS = frozenset({Kind.ENTERPRISE, Kind.AGENCY})
SCHOOLS = frozenset({Kind.FEEDER_SCHOOL, Kind.VOCATIONAL_SCHOOL})

# Whoever publishes jobs is checked again at least every six months: notice of five ministries on online recruiting,
# January 2026, beside 网络招聘服务管理规定. The last day is the one of the same number, or the month's last
# where it has none (Civil Code, article 202), and still belongs to the period.
RECHECK_MONTHS = 6
REMINDED_DAYS_BEFORE = (30, 7)


def months_later(day: date, months: int) -> date:
    """Return the day of the same number `months` later, the month's last where that month is shorter."""
    years, month = divmod(day.month - 1 + months, 12)
    year, month = day.year + years, month + 1
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


def due_on(kind: Kind, checked_on: date, licence_valid_to: date | None = None) -> date | None:
    """Return the last day on which a check of `checked_on` holds, never past the licence of who posts jobs.

    None where it holds until something changes.
    """
    if kind not in JOB_POSTERS:
        return None
    return min(months_later(checked_on, RECHECK_MONTHS), licence_valid_to or date.max)


def expired(licence_valid_to: date | None, today: date) -> bool:
    """Whether a licence holds no longer: its last day still belongs to it, None is without end."""
    return licence_valid_to is not None and licence_valid_to < today


def lapsed(due: date | None, today: date) -> bool:
    """Whether a check that holds until `due` holds no longer."""
    return due is not None and today > due


def renewable(due: date | None, today: date) -> bool:
    """Whether a recheck may be asked for: from the first reminder on."""
    return due is not None and today >= due - timedelta(days=max(REMINDED_DAYS_BEFORE))


def reminder_due(due: date, reminded_on: date | None, today: date, days: Sequence[int] = REMINDED_DAYS_BEFORE) -> bool:
    """Whether a reminder is to be sent today: one for each number of days before, each once, none after the end."""
    reached = [due - timedelta(days=before) for before in days if due - timedelta(days=before) <= today]
    return bool(reached) and today <= due and (reminded_on is None or reminded_on < max(reached))
