"""Which places a city comprises, handed to a process once: what lies in it is a fact that the rules ask for."""

from collections.abc import Mapping
from pathlib import Path

from server.kernel.handed import Handed
from server.reference.service import around, regions_alone

Cities = Mapping[str, frozenset[str]]
"""By a city's code the codes of all that it comprises, its own among them."""

_handed = Handed[Cities]("places of cities were")
use, in_force = _handed.use, _handed.in_force


def load(content_dir: Path) -> Cities:
    """Read which places cities comprise; raises ContentError."""
    reference = regions_alone(content_dir)
    cities = {region.city for region in reference.regions}
    return {city: frozenset(around(reference, city)) for city in cities}
