"""Two places: one with something in it, and an empty one to come back to."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from server import db
from server.kernel import audit_chain, outbox
from server.settings import Settings
from tests.harness.auditing import note
from tests.harness.postgres import Postgres


@pytest.fixture(autouse=True)
def programs(postgres_server: Postgres | None, monkeypatch: pytest.MonkeyPatch) -> None:
    if postgres_server:
        monkeypatch.setenv("PATH", f"{postgres_server.programs}{os.pathsep}{os.environ['PATH']}")


@pytest.fixture
async def lived_in(own_url: str, tmp_path: Path) -> Settings:
    """A place with events, a sealed audit and two files."""
    settings = Settings(data_dir=tmp_path / "lived in", database_url=own_url)
    (settings.data_dir / "files").mkdir(parents=True)
    (settings.data_dir / "files" / "one").write_bytes(b"sealed scan")
    (settings.data_dir / "files" / "two").write_bytes(os.urandom(100_000))
    (settings.data_dir / "development-keys.json").write_text("a key")
    async with db.opened(own_url, everywhere=True):
        for number in range(20):
            await outbox.record("thing.happened", f"thing:{number}")
        await note(*range(10))
        await audit_chain.seal()
    return settings


@pytest.fixture
def empty(postgres_server: Postgres | None, tmp_path: Path) -> Settings:
    """A place with nothing in it."""
    url = postgres_server.empty() if postgres_server else f"sqlite://{tmp_path / 'empty' / 'back.sqlite3'}"
    return Settings(data_dir=tmp_path / "empty", database_url=url)


@pytest.fixture
def other(empty: Settings) -> Settings:
    return replace(empty, database_url="sqlite:///nowhere" if "postgres" in empty.database else "postgres://x@/nowhere")
