import asyncio
import subprocess
from pathlib import Path

import orjson
import pytest

from server import db
from server.backups import archive, service
from server.backups.archive import FILES, MANIFEST, SUMS, BackupError
from server.kernel import audit_chain, outbox
from server.kernel.audit import AuditEntry
from server.kernel.audit_check import Wrong
from server.kernel.outbox import Event
from server.settings import Settings
from tests.harness.auditing import found, note, process
from tests.harness.keys import AUDIT
from tests.harness.waiting import until

pytestmark = pytest.mark.usefixtures("database_url")


async def everything(settings: Settings) -> dict[str, object]:
    """All rows of a place and all its files, to compare."""
    found: dict[str, object] = {}
    async with db.opened(settings.database) as connection:
        postgres = connection.capabilities.dialect == "postgres"
        tables = (
            "SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'"
            if postgres
            else ("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
        )
        for row in await connection.execute_query_dict(tables):
            rows = await connection.execute_query_dict(f"SELECT * FROM {row['name']}")  # noqa: S608
            found[row["name"]] = sorted(map(str, map(dict, rows)))
    for path in (settings.data_dir / FILES).rglob("*"):
        found[path.name] = path.read_bytes()
    return found


async def test_there_and_back(lived_in: Settings, empty: Settings, tmp_path: Path) -> None:
    made = await service.backup(lived_in, tmp_path / "backup")
    assert made.files == 2
    assert made.contents.rows["event"] == 20
    assert made.contents.audit_head.number == 10
    assert await service.restore(empty, tmp_path / "backup", replace=False) == []
    assert await everything(empty) == await everything(lived_in)
    async with db.opened(empty.database, everywhere=True) as connection:
        assert await db.schema_faults(connection) == []
        await note(11)  # and life goes on
        assert await audit_chain.seal() == 1
        assert await found(made.contents.audit_head) == []


async def test_what_a_backup_looks_like(lived_in: Settings, tmp_path: Path) -> None:
    backup = tmp_path / "backup"
    backup.mkdir()  # an empty folder of that name will do
    await service.backup(lived_in, backup)
    names = {path.relative_to(backup).as_posix() for path in backup.rglob("*") if path.is_file()}
    database = "database.dump" if "postgres" in lived_in.database else "database.sqlite3"
    assert names == {MANIFEST, SUMS, database, "files/one", "files/two"}
    assert backup.stat().st_mode & 0o077 == 0
    await asyncio.to_thread(subprocess.run, ["sha256sum", "--check", "--quiet", SUMS], cwd=backup, check=True)
    for path in backup.rglob("*"):
        assert not path.is_file() or not any(key in path.read_bytes() for key in (*AUDIT.values(), b"a key"))


async def test_a_name_that_is_taken_is_refused(lived_in: Settings, tmp_path: Path) -> None:
    (tmp_path / "backup").mkdir()
    (tmp_path / "backup" / "mine").write_text("keep")
    with pytest.raises(BackupError, match="not empty"):
        await service.backup(lived_in, tmp_path / "backup")
    assert [path.name for path in (tmp_path / "backup").iterdir()] == ["mine"]


async def test_without_a_database_there_is_no_backup(empty: Settings, tmp_path: Path) -> None:
    with pytest.raises(BackupError, match="no database"):
        await service.backup(empty, tmp_path / "backup")
    assert not (tmp_path / "backup").exists()
    assert not list(tmp_path.glob("*.partial"))


@pytest.mark.parametrize("name", [MANIFEST, SUMS, "database.*", "files/one"])
@pytest.mark.parametrize("damage", ["a bit", "cut", "gone"])
async def test_a_damaged_backup_changes_nothing(lived_in: Settings, tmp_path: Path, name: str, damage: str) -> None:
    await service.backup(lived_in, tmp_path / "backup")
    (path,) = (tmp_path / "backup").glob(name)
    content = bytearray(path.read_bytes())
    if damage == "gone":
        path.unlink()
    else:
        content[len(content) // 2] ^= 1
        path.write_bytes(content if damage == "a bit" else content[: len(content) // 2])
    before = await everything(lived_in)
    with pytest.raises(BackupError):
        await service.restore(lived_in, tmp_path / "backup", replace=True)
    assert await everything(lived_in) == before


async def test_a_file_added_or_linked_is_refused(lived_in: Settings, empty: Settings, tmp_path: Path) -> None:
    await service.backup(lived_in, tmp_path / "backup")
    (tmp_path / "backup" / "files" / "three").write_bytes(b"from elsewhere")
    with pytest.raises(BackupError, match="damaged"):
        await service.restore(empty, tmp_path / "backup", replace=False)
    (tmp_path / "backup" / "files" / "three").unlink()
    (tmp_path / "backup" / "files" / "three").symlink_to("/etc/passwd")
    with pytest.raises(BackupError, match="link"):
        await service.restore(empty, tmp_path / "backup", replace=False)


async def test_an_archive_that_is_broken_behind_right_checksums_changes_nothing(
    lived_in: Settings, tmp_path: Path
) -> None:
    await service.backup(lived_in, tmp_path / "backup")
    (path,) = (tmp_path / "backup").glob("database.*")
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    archive.seal(tmp_path / "backup")
    before = await everything(lived_in)
    with pytest.raises(BackupError):
        await service.restore(lived_in, tmp_path / "backup", replace=True)
    assert await everything(lived_in) == before


async def test_a_manifest_that_counts_otherwise_changes_nothing(lived_in: Settings, tmp_path: Path) -> None:
    await service.backup(lived_in, tmp_path / "backup")
    doctored(tmp_path / "backup", rows={"event": 19})
    before = await everything(lived_in)
    with pytest.raises(BackupError):
        await service.restore(lived_in, tmp_path / "backup", replace=True)
    assert await everything(lived_in) == before


def doctored(directory: Path, **contents: object) -> None:
    manifest = orjson.loads((directory / MANIFEST).read_bytes())
    for name, value in contents.items():
        if isinstance(value, dict):
            manifest["contents"][name] |= value
        else:
            manifest["contents"][name] = value
    (directory / MANIFEST).write_bytes(orjson.dumps(manifest))
    archive.seal(directory)


async def test_what_is_there_is_replaced_only_when_told(lived_in: Settings, tmp_path: Path) -> None:
    await service.backup(lived_in, tmp_path / "backup")
    before = await everything(lived_in)
    async with db.opened(lived_in.database, everywhere=True) as connection:
        await outbox.record("thing.happened", "thing:later")
        await connection.execute_script("CREATE TABLE later (id INTEGER PRIMARY KEY)")
    (lived_in.data_dir / FILES / "three").write_bytes(b"later")
    with pytest.raises(BackupError, match="--replace"):
        await service.restore(lived_in, tmp_path / "backup", replace=False)
    assert "three" in await everything(lived_in)
    assert await service.restore(lived_in, tmp_path / "backup", replace=True) == []
    assert await everything(lived_in) == before


async def test_a_database_in_use_is_not_replaced(lived_in: Settings, tmp_path: Path) -> None:
    await service.backup(lived_in, tmp_path / "backup")
    async with db.opened(lived_in.database) as connection:
        await connection.execute_query("SELECT count(*) FROM event")
        with pytest.raises(BackupError, match="in use"):
            await service.restore(lived_in, tmp_path / "backup", replace=True)
    assert await service.restore(lived_in, tmp_path / "backup", replace=True) == []


async def test_a_backup_of_another_kind_of_database_or_of_a_newer_system_is_refused(
    lived_in: Settings, empty: Settings, other: Settings, tmp_path: Path
) -> None:
    await service.backup(lived_in, tmp_path / "backup")
    with pytest.raises(BackupError, match="the target is not"):
        await service.restore(other, tmp_path / "backup", replace=False)
    doctored(tmp_path / "backup", migrations=["0001_house", "9999_future"])
    with pytest.raises(BackupError, match="newer"):
        await service.restore(empty, tmp_path / "backup", replace=False)


async def test_an_audit_that_was_cut_is_told_after_the_restore(
    lived_in: Settings, empty: Settings, tmp_path: Path
) -> None:
    await service.backup(lived_in, tmp_path / "backup")
    doctored(tmp_path / "backup", head=f"11:{'0' * 64}")
    faults = await service.restore(empty, tmp_path / "backup", replace=False)
    assert [fault.wrong for fault in faults] == [Wrong.HEAD_GONE]


async def holds(url: str, entries: int) -> bool:
    async with db.opened(url, everywhere=True):
        return await AuditEntry.all().count() > entries


async def test_a_backup_taken_under_writes_is_of_one_moment(
    lived_in: Settings, empty: Settings, tmp_path: Path
) -> None:
    url = lived_in.database
    with process("note", url, "busy", "100000") as one, process("note", url, "busier", "100000"), process("seal", url):
        for number in range(3):
            await until(lambda: holds(url, 40 * (number + 1)), 60)  # noqa: B023 -- asked at once
            made = await service.backup(lived_in, tmp_path / f"backup-{number}")
        assert one.poll() is None
    assert made.contents.rows["audit_entry"] > 120
    assert await service.restore(empty, tmp_path / "backup-2", replace=False) == []
    async with db.opened(empty.database, everywhere=True):
        assert await AuditEntry.all().count() == made.contents.rows["audit_entry"]
        assert await Event.all().count() == 20
