"""Regions by GB/T 2260, with the codes they once had, and the zones that have money but no code of their own."""

from collections.abc import Iterator
from typing import Annotated, Literal, Self

from pydantic import Field, computed_field, model_validator

from server.kernel.content import Content
from server.kernel.dates import PolicyDate

Code = Annotated[str, Field(pattern=r"^[1-9]\d{5}$")]
RegionKind = Literal["city", "district", "county", "county_level_city", "zone"]
_START_ID_NUMBERS: frozenset[RegionKind] = frozenset({"district", "county", "county_level_city"})


class Source(Content):
    """Where a list comes from, as of when, and what was done to it."""

    title: str
    as_of: PolicyDate
    note: str


class FormerCode(Content):
    """A code that is no longer given out; ID numbers that begin with it stay valid."""

    code: Code
    name: str
    city: Code
    """The city to which it belonged."""
    until: PolicyDate


class Region(Content):
    """A city, a part of one, or a zone (功能区).

    `id` is the code, or a name where there is none. `city` is the city it belongs to. A zone is a fiscal locality
    only: it may pay and be paid, but no ID number begins with its code, which is a statistical one or null.
    """

    id: str
    code: Code | None
    name: str
    kind: RegionKind
    city: Code
    former: tuple[FormerCode, ...] = ()
    note: str | None = None

    @computed_field  # type: ignore[prop-decorator]  # pydantic's documented order
    @property
    def starts_id_numbers(self) -> bool:
        """Whether ID numbers begin with the code."""
        return self.kind in _START_ID_NUMBERS

    @model_validator(mode="after")
    def _id_is_code(self) -> Self:
        if self.code and self.code != self.id:
            raise ValueError(f"{self.id} has the code {self.code}")
        if not self.code and self.kind != "zone":
            raise ValueError(f"{self.id} has no code and is no zone")
        return self


class Regions(Content):
    """`content/reference/regions.yaml`."""

    source: Source
    regions: tuple[Region, ...]


class RegionAnswer(Region):
    """A region with its source."""

    source: Source


def faults(regions: Regions) -> Iterator[str]:
    """Yield every id or code given twice and every city that is not in the list."""
    ids = [region.id for region in regions.regions]
    codes = [code for region in regions.regions for code in (region.id, *(former.code for former in region.former))]
    yield from (f"{code} is given twice" for code in sorted({code for code in codes if codes.count(code) > 1}))
    for region in regions.regions:
        for city in (region.city, *(former.city for former in region.former)):
            if city not in ids:
                yield f"{region.id}: city {city} is not in the list"


def told(regions: Regions) -> tuple[RegionAnswer, ...]:
    """Return the regions as they are answered."""
    return tuple(RegionAnswer(**dict(region), source=regions.source) for region in regions.regions)
