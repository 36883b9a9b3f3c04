"""Files at rest: encrypted, each bound to the row it belongs to, named by that row's id and nothing else."""

import asyncio
import contextlib
import fcntl
import os
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import NoReturn
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from server.kernel.sensitive import VaultError

_VERSION = b"yzt-file-1"
_NONCE_BYTES = 12
_SEPARATOR = b"\n"
_NAME_CHARACTERS = len(UUID(int=0).hex)


class Files:
    """Keeps files of a few megabytes under a directory that only this system's user can read.

    A file is a line with the format and the key's id, a nonce, and the AES-256-GCM ciphertext; line and row are
    authenticated with it, so that a file opens unaltered and under its own name only.
    """

    def __init__(self, directory: Path, keys: Mapping[str, bytes]) -> None:
        """Take keys of 32 bytes by id; the first is in use, all of them open."""
        self._directory = directory
        self._ciphers = {key_id: AESGCM(key) for key_id, key in keys.items()}
        self._current = next(iter(self._ciphers))

    async def write(self, row_id: UUID, data: bytes) -> None:
        """Keep `data` for the row; once this returns it is on disk, and a crash before leaves what was there."""
        await asyncio.to_thread(self._write, row_id, data)

    async def read(self, row_id: UUID) -> bytes:
        """Return what is kept for the row.

        Raises FileNotFoundError where nothing is, VaultError for a file that was altered, moved from another row, or
        is under a key that is not here.
        """
        return await asyncio.to_thread(self._read, row_id)

    async def delete(self, row_id: UUID) -> None:
        """Remove what is kept for the row, if anything."""
        await asyncio.to_thread(self._delete, row_id)

    async def older(self, moment: datetime) -> list[UUID]:
        """Return for which rows something is kept that was written before `moment`."""
        return await asyncio.to_thread(self._older, moment)

    async def drop_drafts(self, moment: datetime) -> int:
        """Remove what writers that were killed left half written before `moment`; return how many there were."""
        return await asyncio.to_thread(self._drop_drafts, moment)

    async def stale(self) -> list[UUID]:
        """Return for which rows something is kept under another key than the one in use."""
        return await asyncio.to_thread(self._stale)

    async def reseal(self, row_id: UUID) -> None:
        """Bring what is kept for the row under the key in use, if anything is; raises VaultError as `read` does."""
        await asyncio.to_thread(self._reseal, row_id)

    def __reduce__(self) -> NoReturn:
        raise TypeError("keys are never pickled")

    def _write(self, row_id: UUID, data: bytes) -> None:
        self._path(row_id)
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _alone(self._directory):
            self._store(row_id, data)

    def _store(self, row_id: UUID, data: bytes) -> None:
        path = self._path(row_id)
        nonce = os.urandom(_NONCE_BYTES)
        head = _SEPARATOR.join((_VERSION, self._current.encode(), b""))
        sealed = head + nonce + self._ciphers[self._current].encrypt(nonce, data, head + row_id.bytes)
        draft = path.with_suffix(f".{os.urandom(8).hex()}")
        try:
            _put(draft, sealed)
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
        _sync(self._directory)

    def _read(self, row_id: UUID) -> bytes:
        kept = self._path(row_id).read_bytes()
        version, key_id, rest = (*kept.split(_SEPARATOR, 2), b"", b"")[:3]
        cipher = self._ciphers.get(key_id.decode("ascii", "replace"))
        if version != _VERSION or cipher is None:
            raise VaultError
        head = _SEPARATOR.join((version, key_id, b""))
        try:
            return cipher.decrypt(rest[:_NONCE_BYTES], rest[_NONCE_BYTES:], head + row_id.bytes)
        except (InvalidTag, ValueError):
            raise VaultError from None

    def _delete(self, row_id: UUID) -> None:
        path = self._path(row_id)
        with contextlib.suppress(FileNotFoundError), _alone(self._directory):
            path.unlink()
            _sync(self._directory)

    def _older(self, moment: datetime) -> list[UUID]:
        return [UUID(path.name) for path in self._kept() if _written_before(path, moment)]

    def _drop_drafts(self, moment: datetime) -> int:
        drafts = self._directory.glob(f"{'[0-9a-f]' * _NAME_CHARACTERS}.*")
        old = [path for path in drafts if _written_before(path, moment)]
        for path in old:
            path.unlink(missing_ok=True)
        return len(old)

    def _stale(self) -> list[UUID]:
        return [UUID(path.name) for path in self._kept() if not self._current_head(path)]

    def _kept(self) -> list[Path]:
        return sorted(self._directory.glob("[0-9a-f]" * _NAME_CHARACTERS))

    def _reseal(self, row_id: UUID) -> None:
        with contextlib.suppress(FileNotFoundError), _alone(self._directory):  # a file that goes now must not come back
            if not self._current_head(self._path(row_id)):
                self._store(row_id, self._read(row_id))

    def _current_head(self, path: Path) -> bool:
        head = _SEPARATOR.join((_VERSION, self._current.encode(), b""))
        with path.open("rb") as file:
            return file.read(len(head)) == head

    def _path(self, row_id: UUID) -> Path:
        if not isinstance(row_id, UUID):  # a text could lead out of the directory
            raise TypeError("files are named by ids")
        return self._directory / row_id.hex


@contextlib.contextmanager
def _alone(directory: Path) -> Iterator[None]:
    """Keep every other change in the directory waiting, those of other processes too; raises FileNotFoundError."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _written_before(path: Path, moment: datetime) -> bool:
    try:
        return path.stat().st_mtime < moment.timestamp()
    except FileNotFoundError:  # it went just now
        return False


def _put(path: Path, data: bytes) -> None:
    """Write a new file that only its owner reads, down to the disk."""
    with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync(directory: Path) -> None:
    """Bring names that were made or removed down to the disk."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
