"""Spreadsheets that people send: xlsx and csv, read by a bounded process of their own."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

import orjson

from server.gateways import bounded
from server.kernel.errors import DomainError

MEGABYTES = 8
_BYTES = MEGABYTES * 1024 * 1024
_LARGEST_ANSWER = 8 * 1024 * 1024
_SECONDS = 5.0
_AT_ONCE = 2
_LONGEST_WAIT = 3.0
_WORKER = Path(__file__).with_name("worker.py")
_COMPOUND = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
"""What files of Excel 97 begin with, and also those of today that are locked with a password."""
_DAY_LENGTH = len("2026-09-01")
_LOCKED = "EncryptedPackage".encode("utf-16-le")
_SCALARS: frozenset[type] = frozenset({str, int, float, bool, type(None)})
Cell = str | int | float | bool | date | datetime | None


class Refusal(StrEnum):
    """Why a file is not taken: each is a problem of `content/problems.yaml`, with `spreadsheet_` before it."""

    TOO_LARGE = "too_large"
    TYPE = "type"
    OLD = "old"
    """As Excel saved them until 2003."""
    PASSWORD = "password"  # noqa: S105 -- says that it has one
    MACROS = "macros"
    UNSAFE = "unsafe"
    """It defines entities, or hides what it says from whoever looks."""
    AREA = "area"
    """Its sheets reach too far, or it unpacks to too much."""
    BROKEN = "broken"
    """Incomplete, damaged, or more than its time and memory allow to read."""


_STATUS = {Refusal.TOO_LARGE: 413, Refusal.TYPE: 415, Refusal.OLD: 415}


@dataclass(frozen=True, slots=True)
class Sheet:
    """A visible sheet: `rows` from its first row on, without what is empty at the ends; its text is personal data."""

    name: str
    rows: Sequence[Sequence[Cell]] = field(repr=False)


class Spreadsheets:
    """Reads spreadsheets, a few at once: each may take a core and 256 MB for some seconds."""

    def __init__(self) -> None:
        self._places = asyncio.Semaphore(_AT_ONCE)

    async def read(self, data: bytes) -> Sequence[Sheet]:
        """Return the sheets of an xlsx or csv file, whatever its name says.

        Of a formula the value is taken that lies beside it; a value merged over several rows is the value of each; a
        number from 10¹⁵ on, which has lost digits, stays a float. Raises DomainError `spreadsheet_…` 4xx for all else,
        also for what takes more than 256 MB or four seconds of a core; 503 while too many are read, or too much else
        is done for it to be read in five seconds; RuntimeError where the program that reads does not run at all.
        """
        _check(data)
        try:
            code, output = await self._worked(data)
        except TimeoutError:
            raise DomainError("spreadsheet_busy", 503, seconds=5) from None
        if code == 0:
            return await asyncio.to_thread(_sheets, output)  # half a million cells take a moment
        reasons = {name.encode(): name for name in Refusal}
        raise _refused(reasons.get(output, Refusal.BROKEN) if code == bounded.REFUSED else Refusal.BROKEN)

    async def _worked(self, data: bytes) -> tuple[int, bytes]:
        async with asyncio.timeout(_LONGEST_WAIT):
            await self._places.acquire()
        try:
            return await bounded.run(_WORKER, data, seconds=_SECONDS, largest_answer=_LARGEST_ANSWER)
        finally:
            self._places.release()


def _check(data: bytes) -> None:
    if len(data) > _BYTES:
        raise _refused(Refusal.TOO_LARGE)
    if data.startswith(_COMPOUND):
        raise _refused(Refusal.PASSWORD if _LOCKED in data else Refusal.OLD)


def _refused(reason: Refusal) -> DomainError:
    return DomainError(f"spreadsheet_{reason}", _STATUS.get(reason, 422), megabytes=MEGABYTES)


def _sheets(output: bytes) -> Sequence[Sheet]:
    """Return what the worker found; its word is not trusted further than that it is cells."""
    try:
        return [Sheet(str(name), [_row(row) for row in rows]) for name, rows in _parts(output)]
    except (ValueError, TypeError, KeyError):
        raise _refused(Refusal.BROKEN) from None


def _parts(output: bytes) -> list[tuple[str, list[list[Any]]]]:
    found = orjson.loads(output)
    if not isinstance(found, list):
        raise TypeError(type(found).__name__)
    return found


def _row(found: list[Any]) -> list[Cell]:
    return [value if type(value) in _SCALARS else _day(value) for value in found]


def _day(value: Any) -> date:
    text = str(value["day"])
    return date.fromisoformat(text) if len(text) == _DAY_LENGTH else datetime.fromisoformat(text)
