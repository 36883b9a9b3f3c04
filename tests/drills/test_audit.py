"""Several processes note while others seal and are killed in the middle: one chain without gaps comes of it."""

import asyncio
import time
from contextlib import ExitStack

import pytest

from server.kernel import audit, audit_chain
from server.kernel.audit import AuditEntry, AuditSeal
from server.kernel.clock import now
from tests.harness.auditing import found, process

WRITERS, SEALERS, EACH, KILLS = 4, 2, 250, 5


@pytest.mark.drill
@pytest.mark.usefixtures("database")
async def test_a_killed_sealer_among_others_leaves_no_gap(database_url: str) -> None:
    with ExitStack() as stack:
        writers = [stack.enter_context(process("note", database_url, f"writer-{n}", str(EACH))) for n in range(WRITERS)]
        sealers = [stack.enter_context(process("seal", database_url)) for _ in range(SEALERS)]
        for kill in range(1, KILLS + 1):
            while await AuditSeal.all().count() < WRITERS * EACH * kill // (KILLS + 2):
                await asyncio.sleep(0.02)
            sealers[kill % SEALERS].kill()
            sealers[kill % SEALERS] = stack.enter_context(process("seal", database_url))
        assert [await asyncio.to_thread(writer.wait, 60) for writer in writers] == [0] * WRITERS
    await audit_chain.seal()
    assert await AuditEntry.all().count() == WRITERS * EACH
    assert (await audit_chain.head()).number == WRITERS * EACH
    assert await found(await audit_chain.head()) == []


@pytest.mark.drill
@pytest.mark.usefixtures("database")
async def test_a_hundred_thousand_entries_are_sealed_and_proved_in_a_minute() -> None:
    before = (await audit_chain.head()).number
    for _ in range(100):
        entries = [
            AuditEntry(
                subject="thing:1", action="thing.made", before="", after="", fields=["name"], reason="", made_at=now()
            )
            for _ in range(1000)
        ]
        for entry in entries:
            entry.key_id, entry.actor_id = audit.key_in_use(), None
            entry.mac = audit.mac_of("entry", entry.content, entry.key_id)
        await AuditEntry.bulk_create(entries)
    began = time.monotonic()
    assert await audit_chain.seal() == 100_000
    sealed = time.monotonic()
    assert await found(await audit_chain.head()) == []
    proved = time.monotonic()
    print(f"100,000 entries: sealed in {sealed - began:.1f} s, proved in {proved - sealed:.1f} s")  # noqa: T201
    assert (await audit_chain.head()).number == before + 100_000
    assert proved - began < 60
