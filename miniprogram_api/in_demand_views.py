"""What is said of lists of the occupations in demand, and how they are shown."""

from datetime import date, datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import Field, StringConstraints

from miniprogram_api.reading import IMPERSONAL, Body, Day
from server.labour.in_demand import Kept
from server.labour.models import OccupationsInDemand

_LINE = r"^[^\x00-\x1f\x7f]*$"
Title = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100, pattern=_LINE), IMPERSONAL
]
Note = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200, pattern=_LINE), IMPERSONAL]


class NewList(Body):
    """Of what to make a list: the demand published from one day to another, both included."""

    title: Title
    counted_from: Day
    counted_to: Day


class KeptEntry(Body):
    """An occupation that stays in a list, and what is said of it."""

    occupation: Annotated[str, Field(min_length=1, max_length=64)]
    note: Note = ""


class ListChange(Body):
    """Another title, and the occupations that stay, in their order; what is left out stays as it is."""

    title: Title | None = None
    entries: Annotated[list[KeptEntry], Field(max_length=500)] | None = None

    def kept(self) -> list[Kept] | None:
        """Return the entries as the list takes them."""
        return None if self.entries is None else [Kept(entry.occupation, entry.note) for entry in self.entries]


class EntryView(Body):
    """One occupation of a list: heads sought, in how many postings, and how many of them were filled."""

    occupation: str
    heads: int
    postings: int
    filled: int
    note: str


class InDemandView(Body):
    """A list of the occupations most in demand; `published_at` is null before a reviewer publishes it."""

    id: UUID
    title: str
    counted_from: date
    counted_to: date
    entries: list[EntryView]
    published_at: datetime | None
    version: int
    created_at: datetime

    @classmethod
    def of(cls, row: OccupationsInDemand) -> Self:
        """Return the view of a row."""
        entries = [EntryView(**entry) for entry in row.entries]
        others = {name: getattr(row, name) for name in cls.model_fields if name != "entries"}
        return cls(entries=entries, **others)
