"""The folder that a backup is: what lies in it, and whether it is still what was put in.

`SHA256SUMS` lists everything else in it, so that `sha256sum -c` checks a backup without us. No key is ever in one.
"""

import contextlib
import hashlib
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

import orjson
from pydantic import TypeAdapter, ValidationError

from server.kernel.audit_chain import Head

MANIFEST, SUMS, FILES = "manifest.json", "SHA256SUMS", "files"
VERSION = 1


class BackupError(Exception):
    """A backup cannot be made or used; the message says why."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What a database holds: rows by table, the migrations it has seen, the head of its audit."""

    rows: Mapping[str, int]
    migrations: list[str]
    head: str

    @property
    def audit_head(self) -> Head:
        """The head, to compare with."""
        return Head.parse(self.head)


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup says of itself. `database` is `sqlite` or `postgres`, `files` how many there are beside it."""

    version: int
    made_at: str
    database: str
    contents: Contents
    files: int

    @classmethod
    def read(cls, directory: Path) -> Self:
        """Read the manifest in `directory`; raises BackupError for one of another version."""
        try:
            found = TypeAdapter(cls).validate_json((directory / MANIFEST).read_bytes())
        except (OSError, ValidationError):
            raise BackupError(f"{directory} holds no manifest that can be read") from None
        if found.version != VERSION:
            raise BackupError(f"the backup is of version {found.version}, this system reads {VERSION}")
        return found

    def write(self, directory: Path) -> None:
        """Write it into `directory`."""
        (directory / MANIFEST).write_bytes(orjson.dumps(asdict(self), option=orjson.OPT_INDENT_2))


@contextlib.contextmanager
def drafted(directory: Path) -> Iterator[Path]:
    """Lend a folder beside `directory` that takes its name when all went well, readable by its owner only.

    What was killed in the middle never bears the name of a backup. Raises BackupError where the name is taken.
    """
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise BackupError(f"{directory} is there already and not empty")
    draft = directory.with_name(f"{directory.name}.partial")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700, parents=True)
    try:
        yield draft
        draft.rename(directory)
        synced(directory.parent)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def seal(directory: Path) -> None:
    """Write the checksum of everything in `directory`, and wait until the disk has it all."""
    sums = checksums(directory)
    (directory / SUMS).write_text("".join(f"{digest}  {name}\n" for name, digest in sums.items()), encoding="utf-8")
    for path in [*directory.rglob("*"), directory]:
        synced(path)


def check(directory: Path) -> None:
    """Raise BackupError unless `directory` holds exactly what was put in."""
    try:
        lines = (directory / SUMS).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        raise BackupError(f"{directory} holds no {SUMS} that can be read: it is no backup, or a part of one") from None
    listed = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    found = checksums(directory)
    damaged = sorted(name for name in listed.keys() | found.keys() if listed.get(name) != found.get(name))
    if damaged:
        raise BackupError(f"the backup is damaged: {len(damaged)} files changed, missing or added, first {damaged[0]}")


def checksums(directory: Path) -> dict[str, str]:
    """Return the SHA-256 of every file in `directory` by its path, but for the list of them itself."""
    found = {}
    for path in sorted(directory.rglob("*")):
        name = path.relative_to(directory).as_posix()
        if path.is_symlink():
            raise BackupError(f"{name} is a link: none belongs into a backup")
        if path.is_file() and name != SUMS:
            with path.open("rb") as file:
                found[name] = hashlib.file_digest(file, "sha256").hexdigest()
    return found


def copy_files(source: Path, target: Path) -> int:
    """Copy every plain file under `source` and return how many; one that is deleted meanwhile is left out."""
    number = 0
    for path in source.rglob("*") if source.is_dir() else ():
        if path.is_symlink() or not path.is_file():
            continue
        copy = target / path.relative_to(source)
        copy.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):
            shutil.copy(path, copy)
            number += 1
    return number


def synced(path: Path) -> None:
    """Wait until the disk has what is at `path`."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
