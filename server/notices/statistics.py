"""How pushes do: by day, template and state, the share handed over soon, and how long what is due waits."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from tortoise.connection import get_connection

from server.kernel import clock, metrics
from server.kernel.errors import FieldFault, invalid
from server.labour.statement import Statement
from server.notices import quiet
from server.notices.models import DeliveryState, Priority

SOON = timedelta(seconds=10)
LONGEST = timedelta(days=92)
"""As far as one count goes."""
_DAY = {
    "postgres": "to_char(d.created_at AT TIME ZONE 'Asia/Shanghai', 'YYYY-MM-DD')",
    "sqlite": "date(d.created_at, '+8 hours')",
}
_SECONDS = {
    "postgres": "EXTRACT(EPOCH FROM d.handed_over_at - coalesce(d.ready_at, d.created_at))",
    "sqlite": "(julianday(d.handed_over_at) - julianday(coalesce(d.ready_at, d.created_at))) * 86400",
}
_COUNTED = """
SELECT {day} AS day, d.template, d.service, d.state, d.priority, count(*) AS deliveries,
  count(d.handed_over_at) AS handed_over, sum(CASE WHEN {seconds} <= {soon} THEN 1 ELSE 0 END) AS soon
FROM delivery d
WHERE d.state IN ({states}) AND d.created_at >= {since} AND d.created_at < {until}
GROUP BY 1, 2, 3, 4, 5 ORDER BY 1 DESC, 2, 3, 4, 5"""
_STATES = "SELECT d.state, count(*) AS deliveries FROM delivery d WHERE {of} GROUP BY d.state"
_WAITING = ("created", "held", "sending", "retrying", "unknown")
_PROMPT = """
SELECT count(*) AS handed_over, sum(CASE WHEN {seconds} <= {soon} THEN 1 ELSE 0 END) AS soon FROM delivery d
WHERE d.state IN ('sent', 'delivered') AND d.created_at >= {earliest} AND d.handed_over_at >= {since}
  AND d.priority <= {usual}"""
"""What is taken up again after a day is no news of this hour."""
_OLDEST = "SELECT min(due_at) AS since FROM delivery WHERE priority = {priority} AND due_at IS NOT NULL"


@dataclass(frozen=True, slots=True)
class Count:
    """Pushes of one day, template, account, state and priority: in all, handed over, and within ten seconds."""

    day: date
    template: str
    service: str
    state: str
    priority: int
    deliveries: int
    handed_over: int
    soon: int


@dataclass(frozen=True, slots=True)
class Counted:
    """What was counted of the days from one to another, both included."""

    since: date
    until: date
    rows: Sequence[Count]

    @property
    def share_soon(self) -> float | None:
        """The share, of what could not wait and was handed over, that was within ten seconds; None where none was."""
        rows = [row for row in self.rows if row.priority <= Priority.USUAL]
        handed_over = sum(row.handed_over for row in rows)
        return sum(row.soon for row in rows) / handed_over if handed_over else None


async def counted(since: date, until: date) -> Counted:
    """Count the pushes made from one day to another, both included; raises DomainError 422 for too many days."""
    if until < since:
        raise invalid(FieldFault("?until", "days_reversed"))
    if until - since > LONGEST:
        raise invalid(FieldFault("?since", "too_many_days", {"most": LONGEST.days}))
    dialect = get_connection("default").capabilities.dialect
    to = Statement(dialect)
    to.sql = _COUNTED.format(
        day=_DAY[dialect],
        seconds=_SECONDS[dialect],
        soon=_soon(dialect),
        states=", ".join(f"'{state}'" for state in DeliveryState),
        since=to.put(clock.midnight(since)),
        until=to.put(clock.midnight(until + timedelta(days=1))),
    )
    rows = await _rows(to)
    return Counted(since, until, [_count(row) for row in rows])


async def refresh() -> None:
    """Bring the gauges up to date: what waits, what was made within a day, and since when something is due."""
    now, dialect = clock.now(), get_connection("default").capabilities.dialect
    to = Statement(dialect)
    waiting = ", ".join(f"'{state}'" for state in _WAITING)
    ended = ", ".join(f"'{state}'" for state in DeliveryState if state not in _WAITING)
    recent = f"d.state IN ({ended}) AND d.created_at >= {to.put(now - timedelta(days=1))}"
    to.sql = _STATES.format(of=f"d.state IN ({waiting}) OR ({recent})")
    numbers = {row["state"]: row["deliveries"] for row in await _rows(to)}
    for state in DeliveryState:
        metrics.DELIVERIES.labels(state).set(numbers.get(state, 0))
    for priority in Priority:
        metrics.DELIVERIES_LATE.labels(priority.name.lower()).set(await _late(priority, now, dialect))
    metrics.DELIVERIES_PROMPT.set(await _prompt(now, dialect))


async def _prompt(now: datetime, dialect: str) -> float:
    """Return the share handed over within ten seconds in the last hour, whichever process did; 1 where none was."""
    to = Statement(dialect)
    to.sql = _PROMPT.format(
        seconds=_SECONDS[dialect],
        soon=_soon(dialect),
        earliest=to.put(now - timedelta(days=1)),
        since=to.put(now - timedelta(hours=1)),
        usual=int(Priority.USUAL),
    )
    [row] = await _rows(to)
    return float(row["soon"]) / row["handed_over"] if row["handed_over"] else 1.0


async def _late(priority: Priority, now: datetime, dialect: str) -> float:
    """Return for how many seconds the oldest of a priority could have gone out; by night that is none but urgent."""
    if quiet.due(priority, now) != now:
        return 0.0
    to = Statement(dialect)
    to.sql = _OLDEST.format(priority=int(priority))
    [row] = await _rows(to)
    since = datetime.fromisoformat(row["since"]) if isinstance(row["since"], str) else row["since"]
    return max((now - quiet.due(priority, since)).total_seconds(), 0.0) if since else 0.0


async def _rows(to: Statement) -> Sequence[dict[str, Any]]:
    return await get_connection("default").execute_query_dict(to.sql, to.values)


def _soon(dialect: str) -> str:
    """Return ten seconds; to SQLite's days a millisecond is too little to be told."""
    return str(SOON.total_seconds() + (0.001 if dialect == "sqlite" else 0))


def _count(row: dict[str, Any]) -> Count:
    numbers = {name: int(row[name] or 0) for name in ("priority", "deliveries", "handed_over", "soon")}
    return Count(date.fromisoformat(row["day"]), row["template"], row["service"], row["state"], **numbers)
