"""Making a backup and coming back from one."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from server import db
from server.backups import archive, postgres, sqlite
from server.backups.archive import FILES, BackupError, Contents, Manifest
from server.kernel import audit_check, clock
from server.kernel.audit_check import Fault
from server.settings import Settings


class Store(Protocol):
    """One kind of database: how a whole one is taken down and put up again."""

    async def dump(self, url: str, directory: Path) -> Contents:
        """Write the database at `url` into `directory` as it is at one moment; raises BackupError."""

    async def load(self, url: str, directory: Path, contents: Contents, *, replace: bool) -> None:
        """Make the database at `url` hold what lies in `directory`; raises BackupError, with nothing changed."""


_STORES: Mapping[str, Store] = {"sqlite": sqlite, "postgres": postgres}
_MIGRATIONS = Path(db.__file__).with_name("migrations")


async def backup(settings: Settings, directory: Path) -> Manifest:
    """Write the database and the files of `settings` into the new folder `directory`, while servers go on.

    Files follow the database, so that whatever a row names is among them. Raises BackupError.
    """
    with archive.drafted(directory) as draft:
        contents = await _STORES[_dialect(settings)].dump(settings.database, draft)
        files = archive.copy_files(settings.data_dir / FILES, draft / FILES)
        made = Manifest(archive.VERSION, clock.now().isoformat(), _dialect(settings), contents, files)
        made.write(draft)
        archive.seal(draft)
    return made


async def restore(settings: Settings, directory: Path, *, replace: bool) -> list[Fault]:
    """Bring back what lies in `directory`, and return the first things wrong with its audit.

    The servers must be stopped. Raises BackupError, with nothing changed, where the backup is damaged or not for this
    system, and where something is there already and `replace` does not allow it.
    """
    archive.check(directory)
    manifest = Manifest.read(directory)
    files = settings.data_dir / FILES
    _refuse(manifest, settings, files, replace=replace)
    draft = files.with_name(f"{FILES}.restoring")
    shutil.rmtree(draft, ignore_errors=True)
    try:
        if archive.copy_files(directory / FILES, draft) != manifest.files:
            raise BackupError("the files are not as many as the manifest says")
        await _STORES[_dialect(settings)].load(settings.database, directory, manifest.contents, replace=replace)
        _put(draft, files)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    async with db.opened(settings.database, everywhere=True, **db.unhurried(settings.database)):
        return await audit_check.first_faults(manifest.contents.audit_head)


def _refuse(manifest: Manifest, settings: Settings, files: Path, *, replace: bool) -> None:
    if manifest.database != _dialect(settings):
        raise BackupError(f"the backup is one of {manifest.database}, the target is not")
    known = {path.stem for path in _MIGRATIONS.glob("[0-9]*.py")}
    if not set(manifest.contents.migrations) <= known:
        raise BackupError("the backup was made by a newer version of this system")
    if not replace and files.is_dir() and any(files.iterdir()):
        raise BackupError("there are files already: --replace overwrites them")


def _put(draft: Path, files: Path) -> None:
    if files.is_dir():
        shutil.rmtree(files)
    if draft.is_dir():
        draft.rename(files)


def _dialect(settings: Settings) -> str:
    return "sqlite" if settings.database.startswith("sqlite:") else "postgres"
