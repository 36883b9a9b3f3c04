"""Working a list off: some rows at a time, each part whole or not at all, and never twice, whoever is killed.

A part is one transaction that holds the import, does the rows behind `done`, and moves `done` on. A job does a stretch
of some parts and leaves the next job behind with its last one, so that a list of ten thousand rows holds up nobody's
shorter work and survives any number of workers.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar
from uuid import UUID

import orjson

from server.imports import turns
from server.imports.models import Import, ImportKind, ImportRow, ImportState, Outcome
from server.imports.remarks import Remark
from server.imports.stored import Row, unpacked
from server.kernel import bulk, sensitive
from server.kernel.errors import DomainError
from server.kernel.ids import new_id
from server.kernel.sensitive import Cell
from server.kernel.transactions import transaction
from server.organisations.ports import Files

PART = 200
STRETCH = 2000
_KEPT = (Outcome.REFUSED, Outcome.WARNING)
"""The outcomes of rows that somebody will look at again."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Found:
    """What became of a row: of what it made or met `subject_id` is the id."""

    outcome: Outcome
    subject_id: UUID | None = None
    remarks: Sequence[Remark] = field(default_factory=tuple)


class Importer(Protocol[T]):
    """What is done with the rows of one kind of list."""

    async def read(self, source: Import, rows: Sequence[Mapping[str, Any]]) -> Sequence[T | list[Remark]]:
        """Return what each row says, or what is wrong with it; outside a transaction."""

    async def register(self, source: Import, said: Sequence[T]) -> Sequence[Found]:
        """Do what the rows say, in the transaction of their part; raises DomainError where none of the list may be."""


Importers = Mapping[ImportKind, Importer[Any]]


async def work(payload: Mapping[str, Any], *, files: Files, importers: Importers) -> Mapping[str, Any] | None:
    """Do one stretch of an import: the job of `turns.job_kind`."""
    source = await _begun(UUID(payload["import"]))
    if source is None or source.rows_id is None:
        return None
    first, until = source.done, min(int(payload["from"]) + STRETCH, source.total)
    try:
        rows = unpacked(await files.read(source.rows_id), first, until)
    except FileNotFoundError:  # another worker has ended it just now, or the data directory was lost
        await _give_up(source.id, DomainError("import_broken", 500), files)
        return None
    try:
        while source.state is ImportState.RUNNING and source.done < until:
            source = await _go_through(source, rows[source.done - first :], until, importers[source.kind], files)
    except DomainError as refusal:
        source = await _give_up(source.id, refusal, files)
    return {"done": source.done}


async def _go_through(source: Import, rows: Sequence[Row], until: int, importer: Importer[Any], files: Files) -> Import:
    """Do `rows`, which lie behind `done`, part by part, as long as no other worker gets ahead.

    A part is read while the database is busy with the one before it.
    """
    parts = [rows[place : place + PART] for place in range(0, len(rows), PART)]
    reading = _reading(source, parts[0], importer)
    try:
        for part, following in zip(parts, [*parts[1:], ()], strict=True):
            read, expected = await reading, source.done + len(part)
            reading = _reading(source, following, importer)
            source = await _take(source, part, read, until, importer, files)
            if source.done != expected:
                break
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
    return source


def _reading(source: Import, part: Sequence[Row], importer: Importer[Any]) -> asyncio.Task[Sequence[Any]]:
    async def read() -> Sequence[Any]:
        return await importer.read(source, [row.values for row in part]) if part else ()

    return asyncio.create_task(read())


@transaction
async def _take(  # noqa: PLR0913, PLR0917 -- a part and all that it needs
    seen: Import, part: Sequence[Row], read: Sequence[Any], until: int, importer: Importer[Any], files: Files
) -> Import:
    """Do a part, unless another worker has done it meanwhile; return the import as it is then."""
    source = await turns.hold(seen.id)
    if source.done != seen.done or source.state is not ImportState.RUNNING:
        return source
    found = {place: wrong for place, row in enumerate(part) if (wrong := _refusal(row, read[place]))}
    said = {place: one for place, one in enumerate(read) if place not in found}
    registered = await importer.register(source, list(said.values())) if said else ()
    found |= zip(said, registered, strict=True)
    await bulk.insert([_row(source, row, found[place]) for place, row in enumerate(part)])
    source.done += len(part)
    for outcome in Outcome:
        before = getattr(source, outcome)
        setattr(source, outcome, before + sum(one.outcome is outcome for one in found.values()))
    await _move_on(source, until, files)
    return source


async def _move_on(source: Import, until: int, files: Files) -> None:
    if source.done == source.total:
        await turns.end(source, files)
        return
    if source.done == until:
        await turns.go_on(source)
    await source.save()


def _refusal(row: Row, read: Any) -> Found | None:
    """Return what is wrong with a row by itself or beside an earlier one of its list."""
    if row.twin is not None:
        code, outcome = ("row_again", Outcome.REPEATED) if row.same else ("row_differs", Outcome.REFUSED)
        return Found(outcome, remarks=[Remark("id_number", code, {"row": row.twin})])
    return Found(Outcome.REFUSED, remarks=read) if isinstance(read, list) else None


def _row(source: Import, row: Row, found: Found) -> ImportRow:
    row_id = new_id()
    kept = found.outcome in _KEPT
    return bulk.fresh(
        ImportRow,
        id=row_id,
        source_id=source.id,
        number=row.number,
        outcome=found.outcome,
        subject_id=found.subject_id,
        remarks=[[one.field, one.code, dict(one.facts)] for one in found.remarks],
        cells_sealed=sensitive.vault().seal(cell(row_id), orjson.dumps(row.values).decode()) if kept else None,
    )


def cell(row_id: UUID) -> Cell:
    """Return where the values of a row lie sealed."""
    return Cell(ImportRow.Meta.table, "cells_sealed", row_id)


@transaction
async def _begun(import_id: UUID) -> Import | None:
    """Return an import that is being worked on from now on, None where it has ended."""
    source = await turns.hold(import_id)
    if source.state not in turns.LIVE:
        return None
    if source.state is ImportState.QUEUED:
        source.state = ImportState.RUNNING
        await source.save(update_fields=["state"])
    return source


@transaction
async def _give_up(import_id: UUID, refusal: DomainError, files: Files) -> Import:
    source = await turns.hold(import_id)
    if source.state in turns.LIVE:
        await turns.end(source, files, refusal)
    return source
