"""Whoever owns the database can change it unhindered; whatever they do to the audit is found."""
# ruff: noqa: S608 -- statements of our own

import sqlite3
from contextlib import closing

import pytest

from server import db
from server.kernel import audit_chain
from server.kernel.audit_check import Wrong
from tests.harness.auditing import found, note
from tests.harness.tampering import tamper

ENTRY_5 = "(SELECT entry_id FROM audit_seal WHERE number = 5)"
COLUMNS = "id, subject, action, before, after, actor_id, fields, reason, made_at, key_id, mac"


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("subject", "'thing:99'"),
        ("action", "'thing.rejected'"),
        ("before", "''"),
        ("after", "'rejected'"),
        ("actor_id", "NULL"),
        ("actor_id", "'01933333-3333-7333-8333-333333333333'"),
        ("fields", "'[\"licence\"]'"),
        ("reason", "'核对无误'"),
        ("made_at", "'2026-01-01 00:00:00+00:00'"),
    ],
)
async def test_an_edited_entry_is_found(trail: str, column: str, value: str) -> None:
    await tamper(trail, f'UPDATE audit_entry SET "{column}" = {value} WHERE id = {ENTRY_5}')
    assert await found() == [("5", Wrong.ENTRY_EDITED)]


@pytest.mark.parametrize(
    ("statements", "faults"),
    [
        pytest.param([f"DELETE FROM audit_entry WHERE id = {ENTRY_5}"], [("5", Wrong.ENTRY_MISSING)], id="entry gone"),
        pytest.param(
            ["DELETE FROM audit_seal WHERE number = 5"],
            [("5", Wrong.SEALS_MISSING), ("6", Wrong.SEAL_FORGED)],
            id="seal gone",
        ),
        pytest.param(
            [
                "DELETE FROM audit_entry WHERE id IN (SELECT entry_id FROM audit_seal WHERE number BETWEEN 5 AND 7)",
                "DELETE FROM audit_seal WHERE number BETWEEN 5 AND 7",
            ],
            [("5-7", Wrong.SEALS_MISSING), ("8", Wrong.SEAL_FORGED)],
            id="both gone",
        ),
        pytest.param(
            [
                f"DELETE FROM audit_entry WHERE id = {ENTRY_5}",
                "DELETE FROM audit_seal WHERE number = 5",
                "UPDATE audit_seal SET number = 5 WHERE number = 12",
            ],
            [("5", Wrong.SEAL_FORGED), ("6", Wrong.SEAL_FORGED)],
            id="gap filled from the end",
        ),
        pytest.param(
            [
                "UPDATE audit_seal SET number = 100 WHERE number = 4",
                "UPDATE audit_seal SET number = 4 WHERE number = 7",
                "UPDATE audit_seal SET number = 7 WHERE number = 100",
            ],
            [(n, Wrong.SEAL_FORGED) for n in ("4", "5", "7", "8")],
            id="reordered",
        ),
        pytest.param(
            [
                "CREATE TABLE kept AS SELECT number, entry_id FROM audit_seal WHERE number IN (4, 7)",
                "DELETE FROM audit_seal WHERE number = 7",
                "UPDATE audit_seal SET entry_id = (SELECT entry_id FROM kept WHERE number = 7) WHERE number = 4",
                "INSERT INTO audit_seal (number, entry_id, key_id, mac) "  # noqa: ISC004
                "SELECT 7, entry_id, 'tests', '0' FROM kept WHERE number = 4",
                "DROP TABLE kept",
            ],
            [("4", Wrong.SEAL_FORGED), ("7", Wrong.SEAL_FORGED), ("8", Wrong.SEAL_FORGED)],
            id="swapped",
        ),
        pytest.param(
            [f"UPDATE audit_entry SET mac = '{'0' * 64}' WHERE id = {ENTRY_5}"],
            [("5", Wrong.ENTRY_EDITED), ("5", Wrong.SEAL_FORGED)],
            id="mac of an entry",
        ),
        pytest.param(
            [f"UPDATE audit_seal SET mac = '{'0' * 64}' WHERE number = 5"],
            [("5", Wrong.SEAL_FORGED), ("6", Wrong.SEAL_FORGED)],
            id="mac of a seal",
        ),
        pytest.param(
            ["UPDATE audit_seal SET key_id = 'other' WHERE number = 5"], [("5", Wrong.KEY_UNKNOWN)], id="key of a seal"
        ),
        pytest.param(
            ["UPDATE audit_seal SET number = 0 WHERE number = 12"], [("1-11", Wrong.SEALS_SURPLUS)], id="number 0"
        ),
        pytest.param(
            [
                f"CREATE TABLE kept AS SELECT * FROM audit_entry WHERE id = {ENTRY_5}",
                f"DELETE FROM audit_entry WHERE id = {ENTRY_5}",
                f"INSERT INTO audit_entry ({COLUMNS}) SELECT {COLUMNS.replace('reason', repr('另有隐情'))} FROM kept",
                "DROP TABLE kept",
            ],
            [("5", Wrong.ENTRY_EDITED)],
            id="put in again otherwise",
        ),
        pytest.param(
            [
                "INSERT INTO audit_seal (number, entry_id, key_id, mac) VALUES "  # noqa: ISC004
                f"(13, '01933333-3333-7333-8333-333333333333', 'tests', '{'0' * 64}')"
            ],
            [("13", Wrong.ENTRY_MISSING)],
            id="seal of nothing",
        ),
    ],
)
async def test_tampering_is_found(trail: str, statements: list[str], faults: list[tuple[str, Wrong]]) -> None:
    await tamper(trail, *statements)
    assert await found() == faults
    async with db.opened(trail) as connection:
        assert await db.schema_faults(connection) == []


@pytest.mark.parametrize("also_new", [False, True])
async def test_a_cut_tail_is_told_by_the_head_that_was_kept(trail: str, *, also_new: bool) -> None:
    kept = await audit_chain.head()
    await tamper(
        trail,
        "DELETE FROM audit_entry WHERE id IN (SELECT entry_id FROM audit_seal WHERE number > 9)",
        "DELETE FROM audit_seal WHERE number > 9",
    )
    if also_new:  # the chain has grown past the old head since
        await note(*range(20, 26))
        await audit_chain.seal()
        assert (await audit_chain.head()).number > kept.number
    assert await found() == []
    assert await found(kept) == [("12", Wrong.HEAD_GONE)]


async def test_a_chain_written_anew_is_told_by_the_head_that_was_kept(trail: str) -> None:
    kept = await audit_chain.head()
    await tamper(trail, f"DELETE FROM audit_entry WHERE id = {ENTRY_5}", "DELETE FROM audit_seal")
    await audit_chain.seal()
    assert await found() == []
    assert await found(kept) == [("12", Wrong.HEAD_GONE)]


async def test_a_forged_entry_is_found_before_and_after_the_job_has_sealed_it(trail: str) -> None:
    forged = "'01933333-3333-7333-8333-333333333333'"
    await tamper(
        trail,
        f"INSERT INTO audit_entry ({COLUMNS}) SELECT {COLUMNS.replace('id,', forged + ',', 1)} FROM audit_entry "
        f"WHERE id = {ENTRY_5}",
    )
    assert [wrong for _, wrong in await found()] == [Wrong.UNSEALED_FORGED]
    await audit_chain.seal(everything=True)
    assert await found() == [("13", Wrong.ENTRY_EDITED)]


async def test_a_resealed_gap_stays_a_gap(trail: str) -> None:
    await tamper(trail, "DELETE FROM audit_seal WHERE number = 5")
    await audit_chain.seal()
    assert [place for place, wrong in await found() if wrong is Wrong.SEALS_MISSING] == ["5"]


async def test_doubles_are_found_where_even_the_constraints_were_taken_away(trail: str, dialect: str) -> None:
    doubled = ["INSERT INTO {table} SELECT * FROM {table} WHERE {which}"]
    if dialect == "sqlite":
        without = [
            "CREATE TABLE bare AS SELECT * FROM {table}",
            "DROP TABLE {table}",
            "ALTER TABLE bare RENAME TO {table}",
        ]
    else:
        without = [
            "ALTER TABLE {table} DROP CONSTRAINT {table}_pkey CASCADE",
            "ALTER TABLE audit_seal DROP CONSTRAINT IF EXISTS audit_seal_entry_id_key",
        ]
    for table, which in (("audit_entry", f"id = {ENTRY_5}"), ("audit_seal", "number = 8")):
        await tamper_bare(trail, *(statement.format(table=table, which=which) for statement in without + doubled))
    assert await found() == [
        ("5", Wrong.ENTRY_DOUBLE),
        ("8", Wrong.SEALS_SURPLUS),
        ("8", Wrong.SEAL_FORGED),
    ]


async def tamper_bare(url: str, *statements: str) -> None:
    """Rebuilt tables lose their guards on SQLite, so none is put back there."""
    if url.startswith("sqlite:"):
        with closing(sqlite3.connect(url.removeprefix("sqlite://"))) as connection, connection:
            for statement in statements:
                connection.execute(statement)
    else:
        await tamper(url, *statements)


async def test_an_id_from_the_future_hides_nothing(trail: str) -> None:
    await tamper(
        trail,
        f"INSERT INTO audit_entry ({COLUMNS}) "
        f"SELECT {COLUMNS.replace('id,', repr('ffffffff-ffff-4fff-bfff-ffffffffffff') + ',', 1)} FROM audit_entry "
        f"WHERE id = {ENTRY_5}",
    )
    assert await audit_chain.seal() == 1
    await note(13)
    assert await audit_chain.seal() == 1
