"""What a poster says: every field of a posting but its contacts, as rules read it and as it is kept while it waits."""

from datetime import date, datetime, time
from typing import Annotated, Any, NamedTuple, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer

from server.labour.models import PayUnit, Posting, PostingKind, Settlement, Shift, Side, Supplier

DAY_MINUTES = 24 * 60


def _clock_time(value: Any) -> Any:
    return datetime.strptime(value, "%H:%M").time() if isinstance(value, str) else value  # noqa: DTZ007 -- no date


ClockTime = Annotated[time, BeforeValidator(_clock_time), PlainSerializer(lambda value: f"{value:%H:%M}")]
"""A time of day in Anqing, written `08:00`."""


class Span(NamedTuple):
    """From one time of day to another; one that ends no later than it begins ends on the next day."""

    begins: ClockTime
    ends: ClockTime

    @property
    def minutes(self) -> int:
        """How long it lasts, 1 to 1440 minutes."""
        begins, ends = (part.hour * 60 + part.minute for part in self)
        return (ends - begins) % DAY_MINUTES or DAY_MINUTES


class Draft(BaseModel):
    """All that a posting says, as far as it says it yet. Texts are plain; empty is unsaid.

    `region` is a GB/T 2260 code, `pay_fen` fen for one `pay_unit`, `hours` the spans of each weekday, 1 Monday to
    7 Sunday, empty where hours are open. Of a student's offer `age_min` is what rules are told of their age.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    side: Side
    kind: PostingKind
    supplier: Supplier | None = None
    title: str = ""
    occupation: str | None = None
    major: str | None = None
    region: str | None = None
    address: str = ""
    latitude: float | None = None
    longitude: float | None = None
    headcount: int | None = None
    starts_on: date | None = None
    ends_on: date | None = None
    hours: dict[int, tuple[Span, ...]] = Field(default_factory=dict)
    shift: Shift = Shift.DAY
    pay_fen: int | None = None
    pay_unit: PayUnit | None = None
    pieces_per_hour: int | None = None
    settlement: Settlement | None = None
    deductions: str = ""
    meals: bool = False
    lodging: bool = False
    transport: bool = False
    insurance: str = ""
    age_min: int | None = None
    age_max: int | None = None
    requirements: str = ""
    description: str = ""
    source: str = ""
    valid_until: date | None = None

    @classmethod
    def of(cls, posting: Posting) -> Self:
        """Return what a posting says now, leaving aside what waits."""
        return cls(**{name: getattr(posting, name) for name in cls.model_fields})

    def with_fields(self, fields: dict[str, Any]) -> Self:
        """Return it with other values of `fields`, which may be as `stored` writes them."""
        return self.model_validate({**self.model_dump(), **fields})

    def stored(self) -> dict[str, Any]:
        """Return it as JSON holds it: dates and times as text, weekdays as the keys `1` to `7`."""
        return self.model_dump(mode="json")


def changed(draft: Draft, posting: Posting) -> set[str]:
    """Return the names of the fields in which a draft differs from what a posting says."""
    said = Draft.of(posting)
    return {name for name in Draft.model_fields if getattr(draft, name) != getattr(said, name)}
