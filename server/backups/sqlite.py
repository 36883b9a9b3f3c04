"""A SQLite database as one file, taken by SQLite's own backup while others write."""

import asyncio
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from server import db
from server.backups import archive
from server.backups.archive import BackupError, Contents
from server.kernel.audit_chain import Head

NAME = "database.sqlite3"
_WAIT_SECONDS = 10
_TABLES = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name"
_HEAD = "SELECT number || ':' || mac FROM audit_seal ORDER BY number DESC LIMIT 1"


async def dump(url: str, directory: Path) -> Contents:
    """Copy the database at `url` into `directory` as it is at one moment; raises BackupError for a broken one."""
    return await asyncio.to_thread(_dump, _path(url), directory / NAME)


async def load(url: str, directory: Path, contents: Contents, *, replace: bool) -> None:
    """Put the copy in `directory` in the place of the database at `url` and bring it up to date.

    All is done and checked beside it; the last step is one renaming. Raises BackupError, with nothing changed, where
    there is a database already and `replace` does not allow it, or where it is in use.
    """
    target = _path(url)
    if target.exists() and not replace:
        raise BackupError("the target is not empty: --replace overwrites it")
    draft = target.with_name(f"{target.name}.restoring")
    try:
        await asyncio.to_thread(_draft, directory / NAME, draft, contents)
        await db.migrate(f"sqlite://{draft}")
        await asyncio.to_thread(_put, draft, target)
    finally:
        for suffix in ("", "-wal", "-shm"):
            draft.with_name(draft.name + suffix).unlink(missing_ok=True)


def _dump(source: Path, target: Path) -> Contents:
    if not source.exists():
        raise BackupError("there is no database yet")
    with closing(sqlite3.connect(source, timeout=_WAIT_SECONDS)) as live, closing(sqlite3.connect(target)) as copy:
        live.backup(copy)
        copy.execute("PRAGMA journal_mode = DELETE")  # one file, with no log beside it
        if copy.execute("PRAGMA integrity_check").fetchone() != ("ok",):
            raise BackupError("the database itself is damaged: SQLite's integrity check does not pass")
        return _contents(copy)


def _contents(connection: sqlite3.Connection) -> Contents:
    tables = [name for (name,) in connection.execute(_TABLES)]
    rows = {name: connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in tables}  # noqa: S608
    migrations = [name for (name,) in connection.execute("SELECT name FROM tortoise_migrations ORDER BY id")]
    head = connection.execute(_HEAD).fetchone()
    return Contents(rows, migrations, head[0] if head else str(Head()))


def _draft(source: Path, draft: Path, contents: Contents) -> None:
    draft.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, draft)
    draft.chmod(0o600)
    try:
        with closing(sqlite3.connect(draft)) as copy:
            if _contents(copy).rows == contents.rows:
                return
    except sqlite3.DatabaseError:
        pass
    raise BackupError("the database is broken or does not hold what the manifest says")


def _put(draft: Path, target: Path) -> None:
    for path in (draft, target):
        if path.exists():
            _alone(path)
    archive.synced(draft)
    draft.replace(target)
    archive.synced(target.parent)


def _alone(path: Path) -> None:
    """Fold the log into the file at `path`, which SQLite does for the only connection there is."""
    try:
        with closing(sqlite3.connect(path, timeout=1)) as connection:
            connection.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.OperationalError:
        raise BackupError("the database is in use: stop the servers and workers first") from None


def _path(url: str) -> Path:
    return Path(db.config(url)["connections"]["default"]["credentials"]["file_path"])
