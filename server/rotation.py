"""Sealing everything anew under the keys in use, so that old keys can be withdrawn.

The rows themselves say what is left to do, by the key's id in front of each envelope and index, so it may be killed
at any moment and simply started again, and run beside servers that work: a batch holds its rows for a few
milliseconds, passes over those that somebody else holds, and never waits for anyone.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID

from tortoise.connection import get_connection
from tortoise.exceptions import IntegrityError
from tortoise.expressions import Q
from tortoise.models import Model
from tortoise.queryset import QuerySet

from server.enrolments.models import Enrolment
from server.imports.models import ImportRow
from server.kernel.sensitive import Cell, Kind, VaultError, vault
from server.kernel.transactions import transaction
from server.labour.models import Posting
from server.organisations.models import Organisation, PayeeAccount
from server.people.models import Person
from server.referrals.models import Referral
from server.students.models import Student, StudentLink

BATCH = 500
TRIES, PAUSE_SECONDS = 20, 0.25
"""How often rows that somebody else held are looked for again."""

_UPDATE = (
    "UPDATE {table} SET {changes} FROM (VALUES {rows}) AS fresh "
    "WHERE {table}.id = fresh.column1 AND {table}.{column} = fresh.column2"
)
"""Both dialects call the columns of VALUES so. What changed since it was read is left alone."""
_HOLES = {"sqlite": ("?", "?"), "postgres": ("${}::uuid", "${}::text")}
"""An id and a text among the parameters."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """A column of envelopes, and the column of their blind indexes where there is one."""

    model: type[Model]
    column: str
    index: str = ""
    kind: Kind | None = None
    """As what it is indexed."""

    def __str__(self) -> str:
        return f"{self.table}.{self.column}"

    @property
    def table(self) -> str:
        """The table's name, as cells have it."""
        return str(self.model._meta.db_table)  # noqa: SLF001 -- where Tortoise has it

    def stale(self) -> QuerySet[Model]:
        """Return the rows whose envelope or index is under another key than the one in use."""
        stale = ~Q(**{f"{self.column}__startswith": vault().header})
        if self.index:
            without: dict[str, Any] = {f"{self.index}__isnull": True}
            stale |= ~Q(**{f"{self.index}__startswith": vault().index_header}) | Q(**without)
        return self.model.filter(stale, **{f"{self.column}__isnull": False})

    def fresh(self, row: Model) -> list[str]:
        """Return what is to stand in a row in the place of envelope and index; raises VaultError."""
        cell = Cell(self.table, self.column, row.pk)
        value = vault().open(cell, getattr(row, self.column))
        index = [vault().index(self.kind, value)] if self.kind else []
        return [vault().seal(cell, value), *index]


SEALED = (
    Sealed(Person, "name_sealed"),
    Sealed(Person, "phone_sealed", "phone_index", Kind.PHONE),
    Sealed(Organisation, "contact_name_sealed"),
    Sealed(PayeeAccount, "number_sealed", "number_index", Kind.ACCOUNT),
    Sealed(Student, "name_sealed"),
    Sealed(Student, "id_number_sealed", "id_number_index", Kind.ID_NUMBER),
    Sealed(StudentLink, "name_sealed"),
    Sealed(Referral, "name_sealed"),
    Sealed(Referral, "phone_sealed", "phone_index", Kind.PHONE),
    Sealed(Referral, "guardian_name_sealed"),
    Sealed(Referral, "guardian_phone_sealed"),
    Sealed(Enrolment, "name_sealed"),
    Sealed(Enrolment, "record_number_sealed"),
    Sealed(ImportRow, "cells_sealed"),
    Sealed(Posting, "contact_name_sealed"),
    Sealed(Posting, "contact_phone_sealed"),
)
"""Every column of envelopes that there is; a test compares it with the models."""

Tell = Callable[[str, int, int], None]
"""Called with a column, how many of its rows were done, and how many there were to do."""
FILES = "files"


class Files(Protocol):
    """Keeps files sealed."""

    async def stale(self) -> Sequence[UUID]:
        """Return for which rows something is kept under another key than the one in use."""

    async def reseal(self, row_id: UUID) -> None:
        """Bring what is kept under the key in use; raises VaultError."""


@dataclass(slots=True)
class Rotation:
    """What one run did: cells and files done, and those that could not be, by column and id with the reason."""

    done: int = 0
    left: int = 0
    faults: dict[tuple[str, UUID], str] = field(default_factory=dict)


async def rotate(files: Files, tell: Tell) -> Rotation:
    """Seal and index anew whatever lies under an old key, and say what is left under one in the end."""
    result = Rotation()
    for sealed in SEALED:
        await _column(sealed, result, tell)
    await _files(files, result, tell)
    result.left = await left() + len(await files.stale())
    return result


async def left() -> int:
    """Return how many cells lie under another key than the one in use."""
    return sum([await sealed.stale().count() for sealed in SEALED])


async def _files(files: Files, result: Rotation, tell: Tell) -> None:
    todo = await files.stale()
    for done, row_id in enumerate(todo, start=1):
        try:
            await files.reseal(row_id)
            result.done += 1
        except VaultError:
            result.faults[FILES, row_id] = _FAULTS[VaultError]
        tell(FILES, done, len(todo))


async def _column(sealed: Sealed, result: Rotation, tell: Tell) -> None:
    todo, done = await sealed.stale().count(), 0
    tell(str(sealed), done, todo)
    for _ in range(TRIES):
        after = UUID(int=0)
        while ids := await _behind(sealed, after):
            open_ids = [one for one in ids if (str(sealed), one) not in result.faults]
            done += await _batch(sealed, open_ids, result) if open_ids else 0
            tell(str(sealed), done, todo)
            after = ids[-1]
        known = sum(column == str(sealed) for column, _ in result.faults)
        if await sealed.stale().count() <= known:
            break
        await asyncio.sleep(PAUSE_SECONDS)
    result.done += done


async def _behind(sealed: Sealed, after: UUID) -> list[UUID]:
    """Return the ids of the next rows to do."""
    rows = sealed.stale().filter(id__gt=after).order_by("id").limit(BATCH)
    return list(await rows.values_list("id", flat=True))  # type: ignore[arg-type]


async def _batch(sealed: Sealed, ids: Sequence[UUID], result: Rotation) -> int:
    """Do some rows and return how many; where one cannot be done, all the others are, in ever smaller parts."""
    try:
        return await _reseal(sealed, ids)
    except (VaultError, IntegrityError) as error:
        if len(ids) == 1:
            result.faults[str(sealed), ids[0]] = _FAULTS[type(error)]
            return 0
    middle = len(ids) // 2
    return await _batch(sealed, ids[:middle], result) + await _batch(sealed, ids[middle:], result)


_FAULTS: dict[type[Exception], str] = {
    VaultError: "does not open: it was altered, or belongs to another row, or its key is not among those given",
    IntegrityError: "is there twice: another row holds the same value under the key in use",
}


@transaction
async def _reseal(sealed: Sealed, ids: Sequence[UUID]) -> int:
    held = sealed.stale().filter(id__in=list(ids)).select_for_update(skip_locked=True).order_by("id")
    rows = [[str(row.pk), getattr(row, sealed.column), *sealed.fresh(row)] for row in await held]
    return await _put(sealed, rows) if rows else 0


async def _put(sealed: Sealed, rows: Sequence[Sequence[str]]) -> int:
    """Write rows of id, old envelope, new envelope and perhaps index, in one statement; return how many were."""
    connection = get_connection("default")
    an_id, a_text = _HOLES[connection.capabilities.dialect]
    width, columns = len(rows[0]), [sealed.column, *filter(None, [sealed.index])]
    holes = [
        ", ".join((a_text if place else an_id).format(number * width + place + 1) for place in range(width))
        for number in range(len(rows))
    ]
    statement = _UPDATE.format(
        table=sealed.table,
        column=sealed.column,
        changes=", ".join(f"{column} = fresh.column{place}" for place, column in enumerate(columns, start=3)),
        rows=", ".join(f"({row})" for row in holes),
    )
    count, _ = await connection.execute_query(statement, [value for row in rows for value in row])
    return count
