"""One effect per key: sent again, sent with another body, sent twenty times at once, sent after a refusal."""

import asyncio
import contextlib
import hashlib
import json
from collections import Counter
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from tortoise.backends.base.client import BaseDBAsyncClient

from server.kernel import clock, idempotency, sensitive
from server.kernel.errors import DomainError
from server.kernel.idempotency import IdempotencyKey
from server.kernel.outbox import Event
from server.kernel.sensitive import Kind
from tests.harness.app import TOKEN
from tests.harness.waiting import until

pytestmark = pytest.mark.usefixtures("database")


async def post(client: aiohttp.ClientSession, key: str, **body: Any) -> tuple[int, dict[str, Any]]:
    headers = {"Authorization": f"Bearer {TOKEN}", "Idempotency-Key": key}
    async with client.post("/probe/notes", json=body, headers=headers) as answer:
        return answer.status, await answer.json(content_type=None)


async def test_the_same_request_again_gets_the_first_answer(client: aiohttp.ClientSession) -> None:
    first = await post(client, "again", text="again")
    assert first[0] == 201
    assert await post(client, "again", text="again") == first
    assert await Event.filter(subject="again").count() == 1


async def test_what_was_sent_is_known_again_by_a_keyed_hash_only(client: aiohttp.ClientSession) -> None:
    await post(client, "guessed", text="340802200801011234")
    [kept] = await IdempotencyKey.filter(key="guessed")
    sent = b"/probe/notes\n" + json.dumps({"text": "340802200801011234"}).encode()
    plain = hashlib.sha256(sent).hexdigest()
    assert kept.body_hash == sensitive.vault().index(Kind.REQUEST, plain)
    assert plain not in kept.body_hash


async def test_the_same_body_is_known_again_after_the_key_was_changed() -> None:
    row = await idempotency.begin("caller route", "rotated", "under the old key")
    await idempotency.complete(row, "made")
    again = await idempotency.begin("caller route", "rotated", "under the new key", "under the old key")
    assert again.subject_id == "made"


async def test_another_body_under_the_same_key_is_refused(client: aiohttp.ClientSession) -> None:
    await post(client, "reused", text="one")
    status, found = await post(client, "reused", text="two")
    assert (status, found["code"]) == (422, "idempotency_key_reused")


async def test_twenty_at_once_have_one_effect(client: aiohttp.ClientSession) -> None:
    answers = await asyncio.gather(*(post(client, "at once", text="at once", seconds=0.3) for _ in range(20)))
    counts = Counter(status for status, _ in answers)
    assert counts[201] >= 1
    assert set(counts) <= {201, 409}
    assert len({found["id"] for status, found in answers if status == 201}) == 1
    assert await Event.filter(subject="at once").count() == 1


async def test_a_refused_request_may_be_sent_again(client: aiohttp.ClientSession) -> None:
    assert (await post(client, "refused", text="fails", fail=True))[0] == 422
    assert await IdempotencyKey.filter(key="refused").count() == 0
    assert (await post(client, "refused", text="works"))[0] == 201


async def test_without_a_key_every_request_counts(client: aiohttp.ClientSession) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    for _ in range(2):
        async with client.post("/probe/notes", json={"text": "keyless"}, headers=headers) as answer:
            assert answer.status == 201
    assert await Event.filter(subject="keyless").count() == 2


@pytest.mark.parametrize("key", ["k" * 256, "鍵"])
async def test_an_impossible_key_is_named(client: aiohttp.ClientSession, key: str) -> None:
    status, found = await post(client, key, text="x")
    assert (status, [fault["pointer"] for fault in found["errors"]]) == (422, ["Idempotency-Key"])


async def test_a_dead_first_request_gives_the_key_free_after_a_while() -> None:
    await idempotency.begin("caller route", "dead", "hash")
    with pytest.raises(DomainError) as refusal:
        await idempotency.begin("caller route", "dead", "hash")
    assert refusal.value.status == 409
    clock.move_to(clock.now() + idempotency.PATIENCE + timedelta(seconds=1))
    assert (await idempotency.begin("caller route", "dead", "hash")).subject_id is None


async def test_a_request_that_lost_its_key_undoes_its_work(database: BaseDBAsyncClient) -> None:  # noqa: ARG001
    lost = await idempotency.begin("caller route", "lost", "hash")
    clock.move_to(clock.now() + idempotency.PATIENCE + timedelta(seconds=1))
    heir = await idempotency.begin("caller route", "lost", "hash")
    with pytest.raises(DomainError):
        await idempotency.complete(lost, "late")
    await idempotency.complete(heir, "made")
    assert (await idempotency.begin("caller route", "lost", "hash")).subject_id == "made"


async def test_a_key_is_forgotten_after_a_day() -> None:
    row = await idempotency.begin("caller route", "yesterday", "hash")
    await idempotency.complete(row, "made")
    clock.move_to(clock.now() + idempotency.KEPT + timedelta(seconds=1))
    assert (await idempotency.begin("caller route", "yesterday", "other hash")).subject_id is None
    clock.move_to(clock.now() + idempotency.KEPT + timedelta(days=1))
    assert await idempotency.prune() >= 1
    assert await IdempotencyKey.all().count() == 0


async def test_a_refused_request_whose_client_hung_up_may_be_sent_again(client: aiohttp.ClientSession) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(0.3):
            await post(client, "hung up", text="hung up", seconds=0.8, fail=True)

    async def over() -> bool:
        return not await IdempotencyKey.filter(key="hung up").exists()

    await until(over)
    status, _ = await post(client, "hung up", text="hung up", seconds=0.8, fail=True)
    assert status == 422
