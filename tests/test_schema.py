"""The database holds what the code believes, also after SQLite has rebuilt a table."""

import asyncio

import pytest
from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.context import TortoiseContext
from tortoise.exceptions import IntegrityError
from tortoise.migrations.autodetector import MigrationAutodetector

from server import db, schema_objects
from server.db import SchemaError
from server.kernel import clock
from server.kernel.outbox import Event
from tests.factories import make_event, make_job
from tests.harness.postgres import Postgres

pytestmark = pytest.mark.usefixtures("database")


async def test_every_listed_object_is_in_the_database_and_nothing_else(database: BaseDBAsyncClient) -> None:
    assert await schema_objects.present(database) == set(schema_objects.expected(database.capabilities.dialect))
    assert await db.schema_faults(database) == []


async def test_every_index_of_the_models_is_in_the_database(database: BaseDBAsyncClient) -> None:
    """Migrations that alter or add columns leave them out, on SQLite those of the whole table."""
    wanted = schema_objects.model_indexes(database)
    assert set(wanted) > {"idx_session_person__9420e7", "idx_payee_accou_number__f730d9"}
    sqlite = database.capabilities.dialect == "sqlite"
    rows = await database.execute_query_dict(
        "SELECT name FROM sqlite_master WHERE type = 'index'" if sqlite else "SELECT indexname AS name FROM pg_indexes"
    )
    assert set(wanted) - {row["name"] for row in rows} == set()


@pytest.mark.parametrize("name", ["job_schedule_once", "event_no_delete"])
async def test_a_dropped_object_is_noticed_and_made_again(database: BaseDBAsyncClient, name: str) -> None:
    table = "" if database.capabilities.dialect == "sqlite" else " ON event"
    drop = f"DROP INDEX {name}" if name.startswith("job") else f"DROP TRIGGER {name}{table}"
    await database.execute_script(drop)
    assert await db.schema_faults(database) == [f"object {name}"]
    await schema_objects.apply(database)
    assert await db.schema_faults(database) == []


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE event SET name = 'changed'",
        "DELETE FROM event",
        pytest.param(
            "REPLACE INTO event (id, name, subject, people, created_at) "
            "SELECT id, 'changed', subject, people, created_at FROM event",
            marks=pytest.mark.only("sqlite"),
        ),
        pytest.param("TRUNCATE event", marks=pytest.mark.only("postgres")),  # SQLite has no such statement
    ],
)
async def test_the_outbox_is_append_only(database: BaseDBAsyncClient, statement: str) -> None:
    event = await make_event()
    with pytest.raises(IntegrityError):
        await database.execute_query(statement)
    assert (await Event.get(id=event.id)).name == event.name


async def test_a_schedule_run_is_single_by_the_database_itself() -> None:
    due = clock.now()
    await make_job("nightly", due_at=due)
    with pytest.raises(IntegrityError):
        await make_job("nightly", due_at=due)
    await make_job("other", due_at=due)


async def test_the_models_need_no_further_migration(database_url: str) -> None:
    config = db.config(database_url)
    async with TortoiseContext() as context:
        await context.init(config)
        assert context.apps
        changes = await MigrationAutodetector(context.apps, config["apps"]).changes()
    assert list(changes) == []


async def test_migrating_twice_at_once_and_again_changes_nothing(database_url: str) -> None:
    assert list(await asyncio.gather(db.migrate(database_url), db.migrate(database_url))) == [[], []]


@pytest.mark.only("postgres")
async def test_three_processes_migrate_an_empty_database_together(postgres_server: Postgres) -> None:
    await postgres_server.execute("postgres", "CREATE DATABASE empty")
    url = postgres_server.url("empty")
    applied = await asyncio.gather(*(db.migrate(url) for _ in range(3)))
    assert sorted(applied, key=len)[:2] == [[], []]


@pytest.mark.only("sqlite")
async def test_a_rebuilt_table_gets_its_objects_back(own_url: str) -> None:
    """What an altering migration does to SQLite, and what `migrate` does about it."""
    async with db.opened(own_url) as connection:
        await connection.execute_script(
            "CREATE TABLE new_event AS SELECT * FROM event; DROP TABLE event; ALTER TABLE new_event RENAME TO event"
        )
        assert await schema_objects.missing(connection) == {
            "event_no_update",
            "event_no_delete",
            "event_announced_once",
        }
    await db.migrate(own_url)
    async with db.opened(own_url) as connection:
        assert await schema_objects.missing(connection) == set()


@pytest.mark.only("sqlite")
async def test_migrate_refuses_rows_without_their_parent(own_url: str) -> None:
    async with db.opened(own_url, foreign_keys="OFF") as connection:
        await connection.execute_script(
            "CREATE TABLE parent (id INTEGER PRIMARY KEY);"
            "CREATE TABLE child (id INTEGER, parent INTEGER REFERENCES parent(id)); INSERT INTO child VALUES (1, 7)"
        )
    with pytest.raises(SchemaError, match="child"):
        await db.migrate(own_url)


@pytest.mark.only("postgres")
async def test_the_app_role_can_write_but_not_rewrite(postgres_server: Postgres, own_url: str) -> None:
    role = await asyncio.to_thread(postgres_server.app_role)
    await db.migrate(own_url)
    async with db.opened(own_url.replace("//postgres:", f"//{role}:")) as connection:
        await connection.execute_query(
            "INSERT INTO event (id, name, subject, people, created_at) "
            "VALUES (gen_random_uuid(), 'x', 'x', '[]', now())"
        )
        for statement in (
            "UPDATE event SET name = 'y'",
            "TRUNCATE event",
            "ALTER TABLE event DISABLE TRIGGER ALL",
            "DROP INDEX job_schedule_once",
        ):
            with pytest.raises(Exception, match=r"permission denied|must be owner"):
                await connection.execute_query(statement)
