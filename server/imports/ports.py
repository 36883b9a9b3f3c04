"""What imports need from outside."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Protocol

Cell = str | int | float | bool | date | datetime | None
"""One cell. Whole numbers are int; a float from 10¹⁵ on has lost digits."""


class Sheet(Protocol):
    """One sheet of a spreadsheet; the place of a row is its number, less one."""

    @property
    def name(self) -> str:
        """What its tab says, nothing for csv."""

    @property
    def rows(self) -> Sequence[Sequence[Cell]]:
        """Its rows, shorter where they end with nothing."""


class Spreadsheets(Protocol):
    """Reads what people send."""

    async def read(self, data: bytes) -> Sequence[Sheet]:
        """Return the visible sheets of an xlsx or csv file; raises DomainError `spreadsheet_…`, 4xx or 503."""
