"""Which column of a spreadsheet is which, however the school that made it spells and orders them.

The heading row may lie below a title, be two rows high, and carry marks such as `*` or `（必填）`. Rows without any of
our columns, repeated headings and the template's example are passed over.
"""

import dataclasses
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import zip_longest

from server.imports.ports import Cell, Sheet
from server.imports.stored import Row
from server.kernel import codes
from server.kernel.errors import DomainError, FieldFault

MOST_ROWS = 10_000
EXAMPLE = "示例"
"""What a cell of the template's example begins with."""
ROW_NUMBER, REASON = "原行号", "未通过原因"
"""The columns that we add to the rows we give back."""
_SEARCHED_ROWS = 40
_MARKS = re.compile(r"""[(\[【][必选]填[)\]】]|[必选]填|[*:、。.·"'“”‘’]""")
_BRACKETS = re.compile(r"[(\[【〔<《][^)\]】〕>》]*[)\]】〕>》]")
"""Full-width ones are made plain before."""
_OF_GROUP = re.compile(r"(?:基本)?(?:情况|信息)$")
"""What a group of columns is called besides whom it is about."""
_OTHERS = re.compile("监护人|家长|父|母|班主任|老师|教师|联系人")
"""Whom a group of columns is about who is not the student."""


class Kind(StrEnum):
    """How a column's cells are read; see `server.imports.cells`."""

    NAME = "name"
    ID_NUMBER = "id_number"
    PHONE = "phone"
    DATE = "date"
    FIRST_DAY = "first_day"
    """A day, or a month that is written instead of its first day."""
    TEXT = "text"
    CHOICE = "choice"


@dataclass(frozen=True, slots=True)
class Column:
    """A column that we know: `heading` is what the template calls it, `synonyms` what others do.

    `choices` are the words of a CHOICE and what each means; the first word of each meaning is offered in the template.
    `example` stands in the template, `hint` beside the cell.
    """

    field: str
    heading: str
    kind: Kind = Kind.TEXT
    required: bool = False
    synonyms: tuple[str, ...] = ()
    choices: Mapping[str, str] = dataclasses.field(default_factory=dict)
    example: str = ""
    hint: str = ""
    meanings: Mapping[str, str] = dataclasses.field(init=False, repr=False, compare=False)
    """The choices by their words as headings are compared."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "meanings", {key(word): meaning for word, meaning in self.choices.items()})


@dataclass(frozen=True, slots=True)
class Table:
    """What was found: `headings` are field and heading of each column that is read, in the file's order.

    `ignored` are the headings of the other columns, `unread` the other sheets that would have fitted.
    """

    sheet: str
    headings: tuple[tuple[str, str], ...]
    ignored: tuple[str, ...]
    unread: tuple[str, ...]
    rows: Sequence[Row] = dataclasses.field(repr=False)


@dataclass(frozen=True, slots=True)
class _Head:
    """A heading row: by column the field, the heading as written, and whether two columns claim one field."""

    below: int
    fields: Mapping[int, str]
    texts: Mapping[int, str]
    doubled: frozenset[str]


def table(sheets: Sequence[Sheet], columns: Sequence[Column]) -> Table:
    """Return the rows of the first sheet that has all required columns and a row, by field.

    Raises DomainError 422: `spreadsheet_headings` naming each required column that is missing from the sheet that
    comes nearest, or that stands there twice; `spreadsheet_empty`; `spreadsheet_rows` for more than `MOST_ROWS`.
    """
    known = _Known(columns)
    heads = [(sheet, head) for sheet in sheets if (head := _head(sheet, known))]
    fitting = [(sheet, head) for sheet, head in heads if not _faults(head, columns)]
    if not fitting:
        best = max((head for _, head in heads), key=lambda head: len(head.fields), default=None)
        raise DomainError("spreadsheet_headings", 422, _faults(best, columns))
    full = [(sheet, head, rows) for sheet, head in fitting if (rows := list(_rows(sheet, head)))]
    if not full:
        raise DomainError("spreadsheet_empty", 422)
    (sheet, head, rows), *others = full
    if len(rows) > MOST_ROWS:
        raise DomainError("spreadsheet_rows", 422, most=MOST_ROWS)
    headings = tuple((found, head.texts[place]) for place, found in sorted(head.fields.items()))
    unread = tuple(other.name for other, *_ in others)
    return Table(sheet.name, headings, _ignored(head), unread, rows)


class _Known:
    """The columns by every spelling of their headings."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self._fields: dict[str, tuple[str, int]] = {}
        self._personal = {one.field for one in columns if one.kind in {Kind.NAME, Kind.ID_NUMBER, Kind.PHONE}}
        for column in columns:
            for rank, spelling in enumerate((column.heading, *column.synonyms)):
                self._fields.setdefault(key(spelling), (column.field, rank))

    def personal(self, spelling: str) -> bool:
        """Whether a spelling alone means a name, a number or a phone, which anybody may have."""
        found = self.of((spelling,))
        return found is not None and found[0] in self._personal

    def of(self, spellings: Sequence[str]) -> tuple[str, int] | None:
        """Return the field that the first known of some spellings means, and how far it is from our own word."""
        for spelling in spellings:
            whole = key(spelling)
            if found := self._fields.get(whole) or self._fields.get(_BRACKETS.sub("", whole)):
                return found
        return None


def key(text: str) -> str:
    """Return a heading as headings are compared: without blanks, line breaks and marks."""
    return _MARKS.sub("", codes.plain(text))


def _head(sheet: Sheet, known: _Known) -> _Head | None:
    """Return the row, or two rows, that name the most columns; of two rows only where that names more."""
    places = range(min(_SEARCHED_ROWS, len(sheet.rows)))
    heads = [_single(sheet, place, known) for place in places]
    heads += [_double(sheet, place, known) for place in places[:-1]]
    return max(heads, key=lambda head: len(head.fields), default=None)


def _single(sheet: Sheet, place: int, known: _Known) -> _Head:
    texts = [_text(cell) for cell in sheet.rows[place]]
    return _matched(place + 1, texts, [(text,) for text in texts], known)


def _double(sheet: Sheet, place: int, known: _Known) -> _Head:
    """Read a row as groups (`监护人`) and the one below as their parts (`姓名`, `电话`)."""
    pairs = list(zip_longest(*([_text(cell) for cell in row] for row in sheet.rows[place : place + 2]), fillvalue=""))
    group, texts, spellings = "", [], []
    for upper, lower in pairs:
        group = upper or (group if lower else "")
        texts.append(upper if upper == lower else f"{upper} {lower}".strip())
        about = _OF_GROUP.sub("", key(group))
        alone = () if _OTHERS.search(about) and known.personal(lower) else (lower, upper)  # the group says whose it is
        spellings.append((group + lower, about + lower, *alone))
    return _matched(place + 2, texts, spellings, known)


def _matched(below: int, texts: Sequence[str], spellings: Sequence[Sequence[str]], known: _Known) -> _Head:
    """Return which columns are ours; of two for one field the one with our own word, and where both have it neither."""
    best: dict[str, tuple[int, int]] = {}
    doubled = set()
    for column, offered in enumerate(spellings):
        if (found := known.of(offered)) is None:
            continue
        name, rank = found
        if name in best and best[name][0] == rank:
            doubled.add(name)
        if name not in best or rank < best[name][0]:
            doubled.discard(name)
            best[name] = rank, column
    fields = {column: name for name, (_, column) in best.items()}
    told = {column: " ".join(text.split()) for column, text in enumerate(texts) if text.strip()}
    return _Head(below, fields, told, frozenset(doubled))


def _faults(head: _Head | None, columns: Sequence[Column]) -> list[FieldFault]:
    found = set(head.fields.values()) if head else set()
    doubled = head.doubled if head else frozenset()
    missing = [column.heading for column in columns if column.required and column.field not in found]
    twice = [column.heading for column in columns if column.field in doubled]
    return [
        *(FieldFault("/file", "heading_missing", label=heading) for heading in missing),
        *(FieldFault("/file", "heading_twice", label=heading) for heading in twice),
    ]


def _ignored(head: _Head) -> tuple[str, ...]:
    ours = {key(ROW_NUMBER), key(REASON)}
    return tuple(text for place, text in head.texts.items() if place not in head.fields and key(text) not in ours)


def _rows(sheet: Sheet, head: _Head) -> Iterator[Row]:
    """Return the rows below the heading that say something, each with its number in the spreadsheet."""
    repeated = sheet.rows[head.below - 1]
    for number, row in enumerate(sheet.rows[head.below :], head.below + 1):
        cells = ((name, row[place]) for place, name in head.fields.items() if place < len(row))
        said = {name: cell for name, cell in cells if _says(cell)}
        if said and row != repeated and not any(map(_exemplary, row)):
            yield Row(number, said)


def _exemplary(cell: Cell) -> bool:
    return isinstance(cell, str) and EXAMPLE in cell and cell.lstrip().startswith(EXAMPLE)


def _says(cell: Cell) -> bool:
    return bool(cell.strip()) if isinstance(cell, str) else cell is not None


def _text(cell: Cell) -> str:
    return cell if isinstance(cell, str) else ""
