"""The filters of the list of postings, as they are asked and kept, and what they want."""

from datetime import date
from typing import Any

from pydantic import BaseModel, ConfigDict

from server.labour.models import PayUnit, PostingKind, Side
from server.labour.wanted import HOURS_OF, Near, Wanted

RADIUS_KM = 10


class Filters(BaseModel):
    """What a list of postings is asked for; None is any. `near` is a latitude and a longitude, `q` folded."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    side: Side | None = None
    kind: PostingKind | None = None
    region: str | None = None
    occupation: str | None = None
    starts_from: date | None = None
    starts_to: date | None = None
    pay_min_fen: int | None = None
    pay_unit: PayUnit = PayUnit.HOUR
    meals: bool | None = None
    lodging: bool | None = None
    transport: bool | None = None
    near: tuple[float, float] | None = None
    radius_km: int | None = None
    q: str | None = None

    def wanted(self, regions: tuple[str, ...], today: date) -> Wanted:
        """Return what this asks of the postings that anyone may read today; `regions` are those that `region` is."""
        return Wanted(
            today=today,
            side=self.side,
            kind=self.kind,
            regions=regions,
            occupation=self.occupation,
            starts=self.starts_from,
            ends=self.starts_to,
            hourly_min_fen=None if self.pay_min_fen is None else self.pay_min_fen // HOURS_OF[self.pay_unit],
            meals=self.meals,
            lodging=self.lodging,
            transport=self.transport,
            near=Near(*self.near, (self.radius_km or RADIUS_KM) * 1000) if self.near else None,
            phrases=tuple(self.q.split()) if self.q else (),
        )

    def kept(self) -> dict[str, Any]:
        """Return it as JSON holds it, without what was not asked."""
        return self.model_dump(mode="json", exclude_defaults=True)
