"""A PostgreSQL database as an archive of `pg_dump`, whose programs are looked for on the PATH.

They must be of the server's version or newer. A restore is one transaction: it happens wholly or not at all.
"""

import asyncio
import contextlib
import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from asyncpg import Connection

from server import db
from server.backups.archive import BackupError, Contents
from server.kernel.audit_chain import Head

NAME = "database.dump"
_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename"
_HEAD = "SELECT number || ':' || mac FROM audit_seal ORDER BY number DESC LIMIT 1"
_OTHERS = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"""
_PARAMETERS = {"host": "host", "port": "port", "user": "user", "database": "dbname", "ssl": "sslmode"}
_EMPTIED = """
SET LOCAL lock_timeout = '10s';
DO $$ DECLARE found text; BEGIN
  FOR found IN SELECT format('TABLE %s', c.oid::regclass) FROM pg_class c
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
  LOOP EXECUTE format('DROP %s CASCADE', found); END LOOP;
  FOR found IN SELECT format('ROUTINE %s', p.oid::regprocedure) FROM pg_proc p
    WHERE p.pronamespace = 'public'::regnamespace
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
  LOOP EXECUTE format('DROP %s CASCADE', found); END LOOP;
END $$;
"""
_COUNTED = """
DO $$ BEGIN IF (SELECT count(*) FROM public."{table}") <> {rows} THEN
  RAISE EXCEPTION 'table {table} does not hold what the manifest says';
END IF; END $$;
"""


async def dump(url: str, directory: Path) -> Contents:
    """Write the database at `url` into `directory` as it is at one moment, while others write.

    The counts come from the very snapshot that is written. Raises BackupError where `pg_dump` fails.
    """
    async with db.opened(url, **db.unhurried(url)) as client, client.acquire_connection() as connection:  # noqa: SIM117
        # read-only and of its own isolation, so not one of the application's transactions
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            snapshot = await connection.fetchval("SELECT pg_export_snapshot()")
            contents = await _contents(connection)
            command = ["pg_dump", "-Fc", "--no-owner", "--no-privileges", f"--snapshot={snapshot}"]
            with _access(url) as access:
                await asyncio.to_thread(_run, [*command, f"--file={directory / NAME}", f"--dbname={access}"])
    return contents


async def load(url: str, directory: Path, contents: Contents, *, replace: bool) -> None:
    """Put what is in `directory` in the place of all that the database at `url` holds, and bring it up to date.

    Raises BackupError, with nothing changed, where there are tables already and `replace` does not allow it, where
    others are connected, or where anything fails on the way.
    """
    async with db.opened(url) as client, client.acquire_connection() as connection:
        if await connection.fetch(_TABLES):
            if not replace:
                raise BackupError("the target is not empty: --replace overwrites it")
            if await connection.fetchval(_OTHERS):
                raise BackupError("the database is in use: stop the servers and workers first")
    with _access(url) as access:
        await asyncio.to_thread(_load, directory / NAME, contents, access)
    await db.migrate(url)


async def _contents(connection: Connection) -> Contents:
    tables = [row["tablename"] for row in await connection.fetch(_TABLES)]
    if "tortoise_migrations" not in tables:
        raise BackupError("there is no database yet")
    rows = {table: await connection.fetchval(f'SELECT count(*) FROM "{table}"') for table in tables}  # noqa: S608
    migrations = [row["name"] for row in await connection.fetch("SELECT name FROM tortoise_migrations ORDER BY id")]
    return Contents(rows, migrations, await connection.fetchval(_HEAD) or str(Head()))


def _load(path: Path, contents: Contents, access: str) -> None:
    """Feed one transaction to `psql` and commit it only when `pg_restore` has given out the whole archive."""
    # terse: a row at fault is not quoted
    psql = [
        "psql",
        f"--dbname={access}",
        "-X",
        "-q",
        "-o",
        os.devnull,
        "-v",
        "ON_ERROR_STOP=1",
        "-v",
        "VERBOSITY=terse",
    ]
    counts = "".join(_COUNTED.format(table=table, rows=rows) for table, rows in contents.rows.items())
    with _started(psql, stdin=subprocess.PIPE) as session:
        try:
            assert session.stdin  # noqa: S101 -- a pipe, three lines above
            _say(session.stdin, "BEGIN;\n" + _EMPTIED)
            _run(["pg_restore", "--no-owner", "--no-privileges", "--file=-", str(path)], session.stdin)
            _say(session.stdin, counts + "COMMIT;\n")
            session.stdin.close()
            ended = session.wait()
        except (BackupError, BrokenPipeError) as error:
            session.kill()  # its transaction ends with it
            raise BackupError(f"the archive could not be restored ({error}); nothing was changed") from error
    if ended:
        raise BackupError("the archive could not be restored; nothing was changed")


def _say(pipe: IO[bytes], text: str) -> None:
    pipe.write(text.encode())
    pipe.flush()


def _run(command: list[str], output: IO[bytes] | None = None) -> None:
    with _started(command, stdout=output) as running:
        code = running.wait()
    if code:
        raise BackupError(f"{command[0]} failed")


def _started(
    command: list[str], stdin: int | None = None, stdout: IO[bytes] | None = None
) -> "subprocess.Popen[bytes]":
    try:
        return subprocess.Popen(command, stdin=stdin, stdout=stdout)  # noqa: S603
    except FileNotFoundError:
        raise BackupError(f"{command[0]} is not on the PATH: install PostgreSQL's client programs") from None


@contextlib.contextmanager
def _access(url: str) -> Iterator[str]:
    """Lend what tells PostgreSQL's programs where the database is, the password in a file and not for every eye."""
    credentials = db.config(url)["connections"]["default"]["credentials"]
    found = {parameter: credentials[name] for name, parameter in _PARAMETERS.items() if credentials.get(name)}
    with tempfile.NamedTemporaryFile("w", encoding="utf-8") as passwords:
        if password := credentials.get("password"):
            passwords.write("*:*:*:*:" + password.replace("\\", r"\\").replace(":", r"\:") + "\n")
            passwords.flush()
            found["passfile"] = passwords.name
        yield " ".join(f"{name}={_quoted(str(value))}" for name, value in found.items())


def _quoted(value: str) -> str:
    return "'" + value.replace("\\", r"\\").replace("'", r"\'") + "'"
