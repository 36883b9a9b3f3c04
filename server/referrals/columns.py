"""The columns of schools' lists as content has them: `content/lists.yaml`."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

from pydantic import Field

from server.enrolments.models import Level
from server.imports.headings import Column, Kind, key
from server.imports.models import ImportKind
from server.kernel.content import Content, ContentError, read

Words = Annotated[str, Field(min_length=1)]
FIELDS: Mapping[ImportKind, frozenset[str]] = {
    ImportKind.REFERRAL: frozenset({
        "name", "id_number", "phone", "guardian_name", "guardian_phone", "guardian_consent_on", "named_school",
        "level", "class_name",
    }),
    ImportKind.ENROLMENT: frozenset({
        "name", "id_number", "level", "entered_on", "major", "repeating", "record_number", "record_document",
    }),
}  # fmt: skip
"""What the rows of each kind of list may say."""
SCHOOL = "named_school"
"""The column whose choices are the schools of the day."""


class ColumnWords(Content):
    """A column as `server.imports.headings.Column` has it."""

    field: str
    heading: Words
    kind: Kind
    required: bool = False
    synonyms: tuple[Words, ...] = ()
    choices: Annotated[dict[Words, Words], Field(default_factory=dict)]
    example: str = ""
    hint: str = ""


class ListWords(Content):
    """One kind of list: what it is called, and its columns in the template's order."""

    title: Words
    columns: tuple[ColumnWords, ...]


class FailedWords(Content):
    """What the file of refused rows is called, and the reason on record where its taker says none."""

    title: Words
    reason: Words


class Lists(Content):
    """`content/lists.yaml`."""

    failed: FailedWords
    referral: ListWords
    enrolment: ListWords

    def of(self, kind: ImportKind) -> ListWords:
        """Return what a kind of list has."""
        return self.referral if kind is ImportKind.REFERRAL else self.enrolment

    def headings(self, kind: ImportKind) -> dict[str, str]:
        """Return what we call each field of a kind of list."""
        return {column.field: column.heading for column in self.of(kind).columns}

    def kinds(self, kind: ImportKind) -> dict[str, Kind]:
        """Return how the cells of each field are read."""
        return {column.field: column.kind for column in self.of(kind).columns}

    def columns(self, kind: ImportKind, schools: Sequence[str] = ()) -> tuple[Column, ...]:
        """Return the columns of a kind of list, where `schools` are the names that may be chosen."""
        columns = (Column(**dict(column)) for column in self.of(kind).columns)
        chosen = {name: name for name in schools}
        return tuple(replace(one, choices=chosen) if one.field == SCHOOL else one for one in columns)


def load(content_dir: Path) -> Lists:
    """Return the lists; raises ContentError."""
    path = content_dir / "lists.yaml"
    lists = read(Lists, path)
    if faults := [f"{path}: {fault}" for kind in ImportKind for fault in _faults(kind, lists.of(kind))]:
        raise ContentError(faults)
    return lists


def _faults(kind: ImportKind, words: ListWords) -> Iterator[str]:
    if {column.field for column in words.columns} != FIELDS[kind] or len(words.columns) != len(FIELDS[kind]):
        yield f"{kind}: the columns are {', '.join(sorted(FIELDS[kind]))}, each once"
    spellings = [key(text) for column in words.columns for text in (column.heading, *column.synonyms)]
    for twice in sorted({text for text in spellings if spellings.count(text) > 1}):
        yield f"{kind}: {twice} means two columns"
    levels = {level for column in words.columns if column.field == "level" for level in column.choices.values()}
    if levels != set(Level):
        yield f"{kind}: every level has a word, and no word means anything else"
