"""Statements written out find, hold and change the same rows as Tortoise's own, on both databases."""

from datetime import timedelta

import pytest

from server.kernel import clock
from server.kernel.idempotency import IdempotencyKey
from server.kernel.ids import new_id
from server.kernel.statements import change, returned, select
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
