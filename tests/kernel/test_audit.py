"""The audit: noting, reading, sealing, proving; what is done to it behind our back is in the next file."""

import asyncio
import os
from datetime import timedelta
from uuid import UUID

import pytest
from tortoise.exceptions import IntegrityError, ValidationError

from server import db
from server.kernel import audit, audit_chain, audit_check, clock
from server.kernel.audit import AuditEntry, AuditSeal
from server.kernel.audit_chain import Head
from server.kernel.audit_check import Wrong
from server.kernel.errors import DomainError
from server.kernel.ids import new_id
from server.kernel.transactions import transaction
from tests.harness.auditing import found, note
from tests.harness.keys import AUDIT
from tests.harness.postgres import Postgres
from tests.harness.tampering import tamper
from tests.kernel.conftest import NUMBER


async def test_a_whole_chain_has_no_fault(trail: str) -> None:
    assert trail
    head = await audit_chain.head()
    assert head.number == NUMBER
    assert Head.parse(str(head)) == head
    assert await found() == await found(head) == await found(Head()) == []
    assert await audit_chain.seal() == 0
    await note(13)
    await audit_chain.seal()
    assert await found(head) == []  # an older head is part of it
    assert await found(await audit_chain.head()) == []


async def test_nothing_was_noted_yet(url: str) -> None:
    assert url
    assert await audit_chain.seal() == 0
    assert await audit_chain.head() == Head()
    assert await found() == await found(Head()) == []
    assert await found(Head(1, "0" * 64)) == [("1", Wrong.HEAD_GONE)]


async def test_an_entry_comes_and_goes_with_its_transaction(url: str) -> None:
    assert url

    @transaction
    async def fail() -> None:
        await audit.note("thing:1", "thing.made", actor_id=None)
        raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011
        await fail()
    assert await AuditEntry.all().count() == 0


async def test_entries_of_a_subject_by_page_the_newest_first(url: str) -> None:
    assert url
    made = [(await audit.note("thing:1", f"thing.{n}", actor_id=None)).action for n in range(5)]
    await audit.note("thing:2", "thing.made", actor_id=None)
    seen, cursor = [], None
    while True:
        page = await audit.entries("thing:1", 2, cursor)
        seen += [entry.action for entry in page.items]
        if not (cursor := page.next_cursor):
            break
    assert seen == made[::-1]
    for bad in ("%%%", "WyJpZCIsIngiLCJ5Il0", "WyJpZCIsIngiLCIwMTkzMzMzMy0zMzMzLTczMzMtODMzMy0zMzMzMzMzMzMzMzMiXQ"):
        with pytest.raises(DomainError):
            await audit.entries("thing:1", 2, bad)


async def test_what_does_not_fit_is_refused(url: str) -> None:
    assert url
    with pytest.raises(ValidationError):
        await audit.note("thing:1", "thing.made", actor_id=None, reason="字" * 501)
    await audit.note("thing:1", "thing.made", actor_id=None, reason="字" * 500)


@pytest.mark.parametrize("table", ["audit_entry", "audit_seal"])
async def test_the_database_refuses_changes(trail: str, table: str) -> None:
    assert trail
    async with db.opened(trail) as connection:
        for statement in (f"UPDATE {table} SET mac = 'x'", f"DELETE FROM {table}"):  # noqa: S608
            with pytest.raises(IntegrityError):
                await connection.execute_query(statement)


async def test_without_keys_nothing_is_noted(url: str) -> None:
    assert url
    audit.use({})
    with pytest.raises(RuntimeError):
        await audit.note("thing:1", "thing.made", actor_id=None)


async def test_an_entry_that_nobody_seals_is_told(trail: str) -> None:
    assert trail
    await note(13)
    assert await found() == []
    clock.move_to(clock.now() + timedelta(minutes=11))
    assert [wrong for _, wrong in await found()] == [Wrong.UNSEALED]
    await audit_chain.seal()
    assert await found() == []


@pytest.mark.only("postgres")  # SQLite has one writer at a time, so nothing overtakes
async def test_an_entry_that_appears_late_is_sealed_late(url: str) -> None:
    assert url
    begun, go = asyncio.Event(), asyncio.Event()

    @transaction
    async def slow() -> None:
        await note(1)
        begun.set()
        await go.wait()

    task = asyncio.create_task(slow())
    await begun.wait()
    await note(2, 3)
    assert await audit_chain.seal() == 2
    go.set()
    await task
    assert await audit_chain.seal() == 1
    order = [entry.subject for entry in await AuditEntry.all().order_by("seal__number")]
    assert order == ["thing:2", "thing:3", "thing:1"]
    assert await found() == []


async def test_what_is_more_than_a_day_late_is_left_to_the_night(trail: str) -> None:
    assert trail
    old = UUID(int=((new_id().int >> 80) - 2 * 86_400_000) << 80 | 7 << 76 | 2 << 62)
    entry = AuditEntry(
        id=old, subject="thing:1", action="thing.made", before="", after="", fields=[], reason="", made_at=clock.now()
    )
    entry.key_id, entry.actor_id = audit.key_in_use(), None
    entry.mac = audit.mac_of("entry", entry.content, entry.key_id)
    await entry.save(force_create=True)
    assert await audit_chain.seal() == 0
    assert await audit_chain.seal(everything=True) == 1
    await note(13)
    assert await audit_chain.seal() == 1
    assert await found() == []


async def test_keys_rotate(trail: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert trail
    second = os.urandom(32)
    audit.use({"second": second, **AUDIT})
    await note(13)
    await audit_chain.seal()
    assert [seal.key_id for seal in await AuditSeal.all().order_by("-number").limit(2)] == ["second", "tests"]
    assert await found() == []
    audit.use({"second": second})
    assert len([place for place, wrong in await found() if wrong is Wrong.KEY_UNKNOWN]) == NUMBER
    audit.use({"tests": os.urandom(32), "second": second})
    assert len(await found()) >= NUMBER
    monkeypatch.setattr(audit_check, "ENOUGH", 5)
    assert len(await audit_check.first_faults()) == 5


async def test_more_than_a_page_and_a_batch(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_chain, "BATCH", 4)
    monkeypatch.setattr(audit_check, "PAGE", 3)
    await note(*range(30))
    assert await audit_chain.seal() == 30
    await note(*range(7))
    assert await found() == []
    await tamper(
        url,
        "UPDATE audit_entry SET reason = 'x' WHERE id IN (SELECT entry_id FROM audit_seal WHERE number IN (3, 4, 30))",
    )
    assert await found() == [(n, Wrong.ENTRY_EDITED) for n in ("3", "4", "30")]


@pytest.mark.parametrize(
    "text", ["", "1", "1:", "x:00", "1:" + "0" * 63, "-1:" + "0" * 64, "1:" + "G" * 64, "１:" + "0" * 64]
)
def test_what_is_no_head(text: str) -> None:
    with pytest.raises(ValueError, match="NUMBER:MAC"):
        Head.parse(text)


@pytest.mark.only("postgres")
async def test_the_role_of_the_application_suffices(own_url: str, postgres_server: Postgres) -> None:
    role = await asyncio.to_thread(postgres_server.app_role)
    await db.migrate(own_url)
    async with db.opened(own_url.replace("//postgres:", f"//{role}:"), everywhere=True) as connection:
        await note(1, 2)
        assert await audit_chain.seal() == 2
        assert await found() == []
        for table in ("audit_entry", "audit_seal"):
            with pytest.raises(Exception, match="permission denied"):
                await connection.execute_query(f"DELETE FROM {table}")  # noqa: S608
