"""The reference lists, loaded once and cross-checked."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from server.kernel.content import ContentError, read
from server.policy.book import PolicyBook
from server.reference import regions, trades
from server.reference.regions import RegionAnswer, Regions
from server.reference.trades import MajorAnswer, Majors, OccupationAnswer, OccupationKind, Occupations


@dataclass(frozen=True, slots=True)
class Reference:
    """Every list, in the content's order."""

    regions: tuple[RegionAnswer, ...]
    majors: tuple[MajorAnswer, ...]
    occupations: tuple[OccupationAnswer, ...]

    @property
    def names_of_regions(self) -> Mapping[str, str]:
        """What each region with a code is called."""
        return {region.code: region.name for region in self.regions if region.code}


def load(content_dir: Path, book: PolicyBook) -> Reference:
    """Return `reference/{regions,majors,occupations}.yaml`; raises ContentError with every fault of a file."""
    folder = content_dir / "reference"
    places = read(Regions, folder / "regions.yaml")
    groups = read(Majors, folder / "majors.yaml")
    work = read(Occupations, folder / "occupations.yaml")
    _raise(folder / "regions.yaml", regions.faults(places))
    _raise(folder / "majors.yaml", trades.faults_of_majors(groups, book))
    _raise(folder / "occupations.yaml", trades.faults_of_occupations(work, groups, book))
    return Reference(regions.told(places), trades.told_majors(groups, book), trades.told_occupations(work, book))


def regions_alone(content_dir: Path) -> Reference:
    """Return the regions with nothing else, for what asks of places only; raises ContentError."""
    path = content_dir / "reference" / "regions.yaml"
    places = read(Regions, path)
    _raise(path, regions.faults(places))
    return Reference(regions.told(places), (), ())


def occupations(reference: Reference, *, kind: OccupationKind | None = None) -> tuple[OccupationAnswer, ...]:
    """Return the occupations, or those of one kind."""
    return tuple(occupation for occupation in reference.occupations if kind in {None, occupation.kind})


def around(reference: Reference, code: str) -> tuple[str, ...]:
    """Return the codes of a region and of all that a city comprises, none where there is no such region."""
    return tuple(region.code for region in reference.regions if region.code and code in {region.code, region.city})


def _raise(path: Path, faults: Iterable[str]) -> None:
    if told := [f"{path}: {fault}" for fault in faults]:
        raise ContentError(told)
