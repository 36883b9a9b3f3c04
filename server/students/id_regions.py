"""The first six digits that ID numbers may have: `content/reference/id_regions.yaml`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import Field

from server.kernel.content import Content, ContentError, read
from server.reference.regions import Source

_DIGITS = 4
Prefix = Annotated[str, Field(pattern=rf"^[1-8]\d{{{_DIGITS - 1}}}$")]
Endings = Annotated[str, Field(pattern=r"^\d\d(?: \d\d)*$")]


class IdRegions(Content):
    """Every county-level code there is or ever was, by its first four digits.

    A former code counts whatever the date of birth: a number is given when a birth is registered, which may be years
    later, and stays when the code goes. `codes` maps four digits to the two that follow, ascending, blanks between.
    """

    source: Source
    codes: Mapping[Prefix, Endings]

    def __contains__(self, code: str) -> bool:
        """Whether ID numbers may begin with `code`, six ASCII digits."""
        return code[_DIGITS:] in self.codes.get(code[:_DIGITS], "")  # no pair of digits straddles a blank


def load(content_dir: Path) -> IdRegions:
    """Return the codes; raises ContentError with every line that is out of order or says something twice."""
    path = content_dir / "reference" / "id_regions.yaml"
    regions = read(IdRegions, path)
    faults = [
        f"{path}: {prefix}: endings must ascend"
        for prefix, endings in regions.codes.items()
        if endings.split() != sorted(set(endings.split()))
    ]
    if list(regions.codes) != sorted(regions.codes):
        faults.append(f"{path}: lines must ascend")
    if faults:
        raise ContentError(faults)
    return regions
