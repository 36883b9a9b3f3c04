"""Rows made and written by the hundred are the same rows as Tortoise's own."""

from datetime import timedelta
from uuid import UUID

import pytest
from asyncpg.exceptions import StringDataRightTruncationError
from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.exceptions import IntegrityError, OperationalError

from server.kernel import audit, bulk, clock, outbox
from server.kernel.audit import AuditEntry, Note
from server.kernel.ids import new_id
from server.kernel.outbox import Event, Occurrence

pytestmark = pytest.mark.usefixtures("database")
ACTOR = UUID(int=7)


async def test_notes_by_the_hundred_are_as_good_as_one_by_one() -> None:
    notes = [Note(f"thing:{number}", "thing.done", ACTOR, "", "done", "应当如此", ("name",)) for number in range(300)]
    await audit.note_many(notes)
    one = await audit.note("thing:300", "thing.done", actor_id=ACTOR, after="done", reason="应当如此", fields=["name"])
    rows = await AuditEntry.filter(action="thing.done").order_by("id")
    assert [row.subject for row in rows] == [f"thing:{number}" for number in range(301)]
    assert all(row.genuine for row in rows)
    for name in ("action", "before", "after", "actor_id", "fields", "reason", "key_id"):
        assert getattr(rows[0], name) == getattr(one, name)


async def test_what_happened_is_recorded_in_its_order() -> None:
    people = [new_id(), new_id()]
    await outbox.record_many([Occurrence("thing.sent", "thing:1", people), Occurrence("thing.sent", "thing:2")])
    rows = await Event.filter(name="thing.sent").order_by("id")
    assert [(row.subject, row.people) for row in rows] == [("thing:1", [str(one) for one in people]), ("thing:2", [])]
    await outbox.record_many([])
    await bulk.insert([])


async def test_all_are_written_or_none() -> None:
    row_id = new_id()
    rows = [bulk.fresh(Event, id=row_id, name="thing.twice", subject="", people=[], created_at=clock.now())] * 2
    with pytest.raises(IntegrityError):
        await bulk.insert(rows)
    assert not await Event.exists(name="thing.twice")


@pytest.mark.only("postgres")
async def test_what_is_too_long_is_refused_and_not_cut(database: BaseDBAsyncClient) -> None:
    assert database
    row = bulk.fresh(Event, id=new_id(), name="x" * 65, subject="", people=[], created_at=clock.now())
    with pytest.raises((OperationalError, StringDataRightTruncationError)):
        await bulk.insert([row])


async def test_moments_that_rows_share_and_those_that_they_do_not_are_kept() -> None:
    first, second = clock.now(), clock.now() + timedelta(microseconds=1)
    moments, people = [first, first, second, first], [["a"], [], ["a"], []]
    rows = [
        bulk.fresh(Event, id=new_id(), name="thing.timed", subject="", people=who, created_at=moment)
        for moment, who in zip(moments, people, strict=True)
    ]
    await bulk.insert(rows)
    found = await Event.filter(name="thing.timed").order_by("id")
    assert [row.created_at for row in found] == moments
    assert [row.people for row in found] == people
    assert await Event.filter(name="thing.timed", created_at__gt=first).count() == 1
