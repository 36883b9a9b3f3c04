"""The only place that asks what time it is."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")
"""Dates of the law are dates here."""

_offset = timedelta(0)


def now() -> datetime:
    """Return this moment, aware, in UTC."""
    return datetime.now(UTC) + _offset


def today() -> date:
    """Return the date in Asia/Shanghai."""
    return now().astimezone(SHANGHAI).date()


def midnight(day: date) -> datetime:
    """Return the moment in which a day begins in Shanghai, in UTC, as SQLite compares moments."""
    return datetime.combine(day, time(), SHANGHAI).astimezone(UTC)


def move_to(moment: datetime | None) -> None:
    """Make `moment` the present and let time run on from there; None returns to real time.

    For tests and development: production never calls it.
    """
    global _offset  # noqa: PLW0603 -- the clock is the one thing a process has one of
    _offset = moment - datetime.now(UTC) if moment else timedelta(0)
