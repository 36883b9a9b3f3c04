"""Which postings are wanted, and in which order."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any
from uuid import UUID

from server.labour.models import PayUnit, PostingKind, PostingState, Side

HOURS_OF = {PayUnit.HOUR: 1, PayUnit.DAY: 8, PayUnit.MONTH: 174}
"""To how many hours a wish for pay is spread: a day of eight hours, a month of the statutory 21.75 paid days."""


class Order(StrEnum):
    """In which order postings come."""

    NEWEST = "newest"
    SOONEST = "soonest"
    PAY = "pay"
    DISTANCE = "distance"
    WRITTEN = "written"
    """The last written first; of one's own and of staff's lists."""


@dataclass(frozen=True, slots=True)
class Near:
    """A place in degrees of WGS 84, and how many metres around it."""

    latitude: float
    longitude: float
    metres: int


@dataclass(frozen=True, slots=True)
class Owners:
    """Whose postings: a person's, and those of organisations."""

    person_id: UUID
    organisations: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which postings; None and empty are any.

    `today` makes it what anyone may read: live, not past its validity, of a poster in good standing. Without it
    `state` and `owners` say which. `starts` and `ends` are the days one has time, `hourly_min_fen` what an hour must
    bring; `phrases` are folded, and all of them occur.
    """

    today: date | None = None
    state: PostingState | None = None
    owners: Owners | None = None
    side: Side | None = None
    kind: PostingKind | None = None
    regions: tuple[str, ...] = ()
    occupation: str | None = None
    starts: date | None = None
    ends: date | None = None
    hourly_min_fen: int | None = None
    meals: bool | None = None
    lodging: bool | None = None
    transport: bool | None = None
    near: Near | None = None
    phrases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """Behind which row a page begins: its value in the order, and its id."""

    value: Any
    row_id: UUID


@dataclass(frozen=True, slots=True)
class Stretch:
    """Which of what is wanted: so many in an order, from the beginning or behind a row."""

    order: Order
    limit: int
    behind: Place | None = None
