"""Statements written out find, hold and change the same rows as Tortoise's own, on both databases."""

from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

import pytest

from server.kernel import clock
from server.kernel.idempotency import IdempotencyKey
from server.kernel.ids import new_id
from server.kernel.statements import change, returned, select, spread
from server.kernel.transactions import transaction

pytestmark = pytest.mark.usefixtures("database")
MINE = "scope = $1 AND key = ANY($2) ORDER BY key"


async def kept(scope: str, *keys: str) -> list[IdempotencyKey]:
    now = clock.now()
    return [await IdempotencyKey.create(scope=scope, key=key, body_hash="hash", begun_at=now) for key in keys]


async def test_rows_are_read_as_tortoise_reads_them() -> None:
    scope = str(new_id())
    await kept(scope, "a", "b", "c")
    theirs = await IdempotencyKey.filter(scope=scope, key__in=["a", "c"]).order_by("key")
    ours = await select(IdempotencyKey, MINE, scope, ["a", "c"])
    assert [vars(row) for row in ours] == [vars(row) for row in theirs]
    by_id = await select(IdempotencyKey, "id = ANY($1) ORDER BY key", [row.id for row in theirs])
    assert by_id == theirs
    assert await select(IdempotencyKey, MINE, scope, []) == []
    [short] = await select(IdempotencyKey, MINE, scope, ["b"], only=("id", "key"))
    assert short.key == "b"


async def test_rows_that_are_held_can_be_changed() -> None:
    scope = str(new_id())

    @transaction
    async def moved() -> int:
        [row] = await select(IdempotencyKey, MINE, scope, ["a"], hold=True)
        done = "UPDATE idempotency_key SET subject_id = $1 WHERE id = $2 AND begun_at = $3"
        assert not await change(done, "late", row.id, row.begun_at + timedelta(seconds=1))
        return await change(done, "done", row.id, row.begun_at)

    [row] = await kept(scope, "a")
    assert await moved() == 1
    await row.refresh_from_db()
    assert row.subject_id == "done"
    told = "UPDATE idempotency_key SET subject_id = $1 WHERE scope = $2 RETURNING key, subject_id"
    assert await returned(told, "again", scope) == [{"key": "a", "subject_id": "again"}]


class Fresh(NamedTuple):
    id: UUID
    begun_at: datetime | None
    subject_id: str | None


async def test_rows_spread_out_change_each_its_own() -> None:
    scope = str(new_id())
    first, second, third = await kept(scope, "a", "b", "c")
    at = clock.now() + timedelta(seconds=1)
    columns = {"id": "uuid", "begun_at": "timestamptz", "subject_id": "text"}
    told = """UPDATE idempotency_key SET begun_at = coalesce(fresh.begun_at, $2), subject_id = fresh.subject_id
    FROM {fresh} WHERE idempotency_key.id = fresh.id AND scope = $1 RETURNING key"""
    rows = [Fresh(first.id, at, "x"), Fresh(third.id, None, None), Fresh(new_id(), at, "of nobody")]
    later = at + timedelta(seconds=1)
    assert sorted(row["key"] for row in await spread(told, columns, rows, scope, later)) == ["a", "c"]
    found = {row.key: (row.begun_at, row.subject_id) for row in await IdempotencyKey.filter(scope=scope)}
    assert found == {"a": (at, "x"), "b": (second.begun_at, second.subject_id), "c": (later, None)}
    assert await IdempotencyKey.filter(scope=scope, begun_at__lte=at).count() == 2, "moments are spelt alike"
