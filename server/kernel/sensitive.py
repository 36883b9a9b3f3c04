"""Personal data: values that print, log and serialise masked, and the vault that seals them for the database.

The vault is a gateway, handed in by the composition root as the clock is: whoever stores a person's name, number or
phone seals it first, bound to the very cell it will lie in.
"""

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Any, NamedTuple, NoReturn, Protocol, Self, TypeVar, overload
from uuid import UUID

import structlog
from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

Row = TypeVar("Row")
Read = TypeVar("Read")


class Kind(StrEnum):
    """What a sensitive value is: decides how it is masked, and under which key it is indexed."""

    NAME = "name"
    PHONE = "phone"
    ID_NUMBER = "id_number"
    ACCOUNT = "account"
    """The number of a bank account."""
    INVITATION = "invitation"
    """A code that lets someone in: indexed, never kept."""
    STUDENT_NUMBER = "student_number"
    """The number of a student's record (学籍号), which as a rule holds the ID number."""
    REQUEST = "request"
    """What someone sent, by which the same is known again: indexed, never kept."""


class Sensitive:
    """A value that shows itself masked everywhere but through `reveal()`."""

    __slots__ = ("_kind", "_value")

    def __init__(self, kind: Kind, value: str) -> None:
        self._kind = kind
        self._value = value

    def reveal(self) -> str:
        """Return the value itself; the caller answers for where it goes."""
        return self._value

    @property
    def kind(self) -> Kind:
        """What it is."""
        return self._kind

    @property
    def masked(self) -> str:
        """The value as others may see it."""
        return _MASKS[self._kind](self._value)

    def __str__(self) -> str:
        return self.masked

    def __repr__(self) -> str:
        return f"<{self._kind} {self.masked}>"

    def __format__(self, _spec: str) -> str:
        return self.masked

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sensitive) and (self._kind, self._value) == (other._kind, other._value)

    def __hash__(self) -> int:
        return hash((self._kind, self._value))

    def __reduce__(self) -> NoReturn:
        raise TypeError("a sensitive value is never pickled")

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: Any, _handler: GetCoreSchemaHandler) -> CoreSchema:
        """Let views hold it as it is and give it out masked."""
        return core_schema.is_instance_schema(
            cls,
            serialization=core_schema.plain_serializer_function_ser_schema(str, return_schema=core_schema.str_schema()),
        )


class Cell(NamedTuple):
    """Where a sealed value lies; an envelope opens in its own cell only."""

    table: str
    column: str
    row_id: UUID


class Vault(Protocol):
    """Seals values for the database and finds them again without opening them."""

    def seal(self, cell: Cell, value: str) -> str:
        """Return the envelope of `value` for `cell`."""

    def open(self, cell: Cell, envelope: str) -> str:
        """Return what was sealed; raises VaultError for an envelope that was altered or lies in a foreign cell."""

    def index(self, kind: Kind, value: str) -> str:
        """Return the blind index of a normalised value: equal values of one kind have equal indexes."""

    def indexes(self, kind: Kind, value: str) -> Sequence[str]:
        """Return the blind index of a value under every key that is here, the one in use first."""

    @property
    def header(self) -> str:
        """What the envelopes begin with that `seal` makes now."""

    @property
    def index_header(self) -> str:
        """What the indexes begin with that `index` makes now."""


class VaultError(Exception):
    """An envelope does not open: altered, of another cell, or under a key that is not here."""


_vault: Vault | None = None
_log = structlog.get_logger(__name__)


def use(vault: Vault | None) -> None:
    """Make `vault` the one of this process."""
    global _vault  # noqa: PLW0603 -- a process has one vault, as it has one clock
    _vault = vault


def vault() -> Vault:
    """Return the vault of this process; raises RuntimeError where none was handed in."""
    if _vault is None:
        raise RuntimeError("no vault was handed in")
    return _vault


class Envelope(str):
    """What a value was sealed into, as long as this process remembers the value: it is read without being opened.

    It is text like any other envelope; what comes out of the database remembers nothing.
    """

    __slots__ = ("_cell", "_value")
    _cell: Cell
    _value: Sensitive

    def __new__(cls, text: str, cell: Cell, value: Sensitive) -> Self:
        """Return the envelope `text` of `value` for `cell`."""
        envelope = super().__new__(cls, text)
        envelope._cell, envelope._value = cell, value
        return envelope

    def holds(self, cell: Cell, kind: Kind) -> Sensitive | None:
        """Return the value, None where the cell is another one or the value is of another kind."""
        return self._value if self._cell == cell and self._value.kind is kind else None


@overload
def seal(cell: Cell, value: Sensitive) -> Envelope: ...


@overload
def seal(cell: Cell, value: Sensitive | None) -> Envelope | None: ...


def seal(cell: Cell, value: Sensitive | None) -> Envelope | None:
    """Return the envelope of `value`, None of None."""
    return Envelope(vault().seal(cell, value.reveal()), cell, value) if value else None


def unseal(cell: Cell, kind: Kind, envelope: str | None) -> Sensitive | None:
    """Return what an envelope holds, None of None; raises VaultError as `opened` does."""
    return opened(cell, kind, envelope) if envelope else None


def opened(cell: Cell, kind: Kind, envelope: str) -> Sensitive:
    """Return what an envelope holds; raises VaultError, and the log tells in which cell it lay."""
    if isinstance(envelope, Envelope) and (known := envelope.holds(cell, kind)):
        return known
    return Sensitive(kind, text(cell, envelope))


def text(cell: Cell, envelope: str) -> str:
    """Return what an envelope holds of no one kind; raises VaultError as `opened` does."""
    try:
        return vault().open(cell, envelope)
    except VaultError:
        _log.error("a sealed cell does not open", table=cell.table, column=cell.column, row=str(cell.row_id))
        raise


def readable(cell: Cell, kind: Kind, envelope: str | None) -> Sensitive | None:
    """Return what an envelope holds, None where it does not open, which the log tells.

    For what people see of each other, where one bad cell must not hide everything else.
    """
    return if_readable(lambda sealed: unseal(cell, kind, sealed), envelope)


def if_readable(read: Callable[[Row], Read], row: Row) -> Read | None:
    """Return what `read` makes of a row, None where a cell of it does not open: for the same views as `readable`."""
    try:
        return read(row)
    except VaultError:
        return None


def _masked_name(name: str) -> str:
    """Show the last character only: a surname tells more than the end of a given name."""
    return "*" * (len(name) - 1) + name[-1] if len(name) > 1 else "*"


def _masked_number(number: str) -> str:
    """Show the last four digits, by which people recognise their own number, and never more than half of it."""
    hidden = max(len(number) - 4, (len(number) + 1) // 2)
    return "*" * hidden + number[hidden:]


def _masked_wholly(_value: str) -> str:
    return "*" * 10


def _masked_id_number(number: str) -> str:
    """Show the last two characters only: neither county nor birth date, and too few to guess at the rest."""
    length, shown = 18, 2
    return "*" * (length - shown) + number[-shown:] if len(number) == length else "*" * length


def _masked_student_number(number: str) -> str:
    """Show the last two characters only, which may be those of an ID number."""
    length, shown = 19, 2
    return "*" * (length - shown) + number[-shown:] if len(number) == length else "*" * length


_MASKS = {
    Kind.NAME: _masked_name,
    Kind.PHONE: _masked_number,
    Kind.ID_NUMBER: _masked_id_number,
    Kind.ACCOUNT: _masked_number,
    Kind.STUDENT_NUMBER: _masked_student_number,
    Kind.INVITATION: _masked_wholly,
    Kind.REQUEST: _masked_wholly,
}
