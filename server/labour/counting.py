"""How much work is offered: open places by county and occupation, for anyone to read."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tortoise.connection import get_connection

from server.kernel import clock
from server.kernel.kept import Kept

SECONDS_KEPT = 60
"""As long as it may be old: counting reads every live posting."""
_OPEN = """
SELECT p.region, p.occupation, p.kind, count(*) AS postings, sum(p.headcount - p.filled) AS places
FROM posting p JOIN organisation o ON o.id = p.organisation_id
WHERE p.side = 'demand' AND p.state = 'live' AND p.valid_until >= {today}
  AND o.state = 'verified' AND (o.due_on IS NULL OR o.due_on >= {today})
GROUP BY p.region, p.occupation, p.kind ORDER BY p.region, p.occupation, p.kind"""


@dataclass(frozen=True, slots=True)
class Open:
    """What is open of one occupation and kind in one county: places not yet filled, and postings."""

    region: str
    occupation: str | None
    kind: str
    places: int
    postings: int


@dataclass(frozen=True, slots=True)
class Counted:
    """What was open at one moment."""

    counted_at: datetime
    rows: Sequence[Open]


class OpenPlaces(Kept[Counted]):
    """The last count of this process."""

    def __init__(self) -> None:
        super().__init__(_counted, SECONDS_KEPT)


async def _counted(now: datetime) -> Counted:
    return Counted(now, await _count())


async def _count() -> Sequence[Open]:
    connection = get_connection("default")
    postgres = connection.capabilities.dialect == "postgres"
    today: Any = clock.today() if postgres else clock.today().isoformat()
    rows = await connection.execute_query_dict(_OPEN.format(today="$1" if postgres else "?1"), [today])
    return [Open(**{**row, "places": int(row["places"])}) for row in rows]
