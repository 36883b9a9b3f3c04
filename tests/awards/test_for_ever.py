"""What happened to money stays as it was, whoever writes to the database: ledger, statements, parts and history."""

from typing import Any

import pytest
from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.exceptions import IntegrityError, OperationalError

from server import schema_objects
from server.awards.models import AwardRun, AwardRunRow, AwardSample, Publication, PublicationFigure, RunKind, RunOutcome
from server.kernel import clock
from server.kernel.ids import new_id
from server.schema_listed import APPEND_ONLY
from tests.statements.paying_world import FAILED, World, world

OF_MONEY = (
    "ledger_entry", "statement_row", "statement_result", "statement_approval", "award_decider", "award_run_row",
    "award_sample", "publication_figure", "audit_entry", "event",
)  # fmt: skip
PARENTS = ("budget", "statement", "award", "award_run", "publication", "organisation")


@pytest.fixture(scope="module")
async def told(database: BaseDBAsyncClient) -> BaseDBAsyncClient:
    """A database in which money was approved, sent, paid, and came back, so that each of the tables has rows."""
    paying: World = await world()
    sent = await paying.sent(3)
    await paying.settle(sent, {2: FAILED})
    now, by = clock.now(), new_id()
    run = await AwardRun.create(kind=RunKind.REVIEW, chosen={}, actor_id=by, counts={}, created_at=now)
    await AwardRunRow.create(run=run, subject_id=by, outcome=RunOutcome.REFUSED, code="award_state")
    said: dict[str, Any] = {"programme": "feeder-referral", "year": 2026}
    await AwardSample.create(**said, seed="a seed", population=1, size=1, drawn_by_id=by, drawn_at=now)
    days: dict[str, Any] = {"starts_on": clock.today(), "ends_on": clock.today()}
    published = await Publication.create(**said, **days, made_by_id=by, made_at=now)
    await PublicationFigure.create(publication=published, payee=paying.school, awards=1, amount_fen=1)
    return database


def test_they_are_listed() -> None:
    assert set(OF_MONEY) <= set(APPEND_ONLY)


@pytest.mark.parametrize("table", OF_MONEY)
async def test_nothing_of_it_is_changed_or_taken_away(told: BaseDBAsyncClient, table: str) -> None:
    before = await rows(told, table)
    assert before
    for statement in changes(told, table):
        with pytest.raises(Exception, match=r"append-only|foreign key"):  # drivers have many of their own
            await told.execute_query(statement)
    assert await rows(told, table) == before


@pytest.mark.only("postgres")
@pytest.mark.parametrize("parent", PARENTS)
async def test_nor_together_with_what_it_hangs_on(told: BaseDBAsyncClient, parent: str) -> None:
    with pytest.raises((IntegrityError, OperationalError), match="append-only"):
        await told.execute_query(f"TRUNCATE {parent} CASCADE")
    assert await rows(told, "ledger_entry")


async def test_nor_by_taking_away_what_it_hangs_on(told: BaseDBAsyncClient) -> None:
    for parent in PARENTS[:-1]:
        with pytest.raises((IntegrityError, OperationalError), match=r"(?i)foreign key|append-only"):
            await told.execute_query(f"DELETE FROM {parent}")  # noqa: S608 -- our own
    assert await schema_objects.missing(told) == set()


def changes(database: BaseDBAsyncClient, table: str) -> list[str]:
    """Every way in which a row could be changed or go, as the dialect has them."""
    found = [f"UPDATE {table} SET id = id", f"DELETE FROM {table}"]  # noqa: S608 -- our own
    if database.capabilities.dialect == "sqlite":  # which has no TRUNCATE, and replaces by deleting
        return [*found, f"REPLACE INTO {table} SELECT * FROM {table}"]  # noqa: S608
    copied = f"INSERT INTO {table} SELECT * FROM {table} ON CONFLICT (id) DO UPDATE SET id = excluded.id"  # noqa: S608
    return [*found, copied, f"TRUNCATE {table}", f"TRUNCATE {table} CASCADE"]


async def rows(database: BaseDBAsyncClient, table: str) -> list[dict[str, object]]:
    return [dict(row) for row in await database.execute_query_dict(f"SELECT * FROM {table} ORDER BY id")]  # noqa: S608
