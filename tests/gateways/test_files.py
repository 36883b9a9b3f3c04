"""Files at rest: unreadable without the key, unmovable, never half written, never outside their folder."""

import asyncio
import os
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from server.gateways.files import Files
from server.kernel.ids import new_id
from server.kernel.sensitive import VaultError

OLD, NEW = {"k1": b"1" * 32}, {"k2": b"2" * 32}
CANARY = b"canary-of-the-licence" * 100


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data" / "files"


@pytest.fixture
def files(folder: Path) -> Files:
    return Files(folder, OLD)


@pytest.mark.parametrize(
    "data", [CANARY, b"", b"\n\n\n", os.urandom(5 * 1024 * 1024)], ids=["text", "none", "lines", "5MB"]
)
async def test_what_is_kept_is_read_back_and_lies_there_unreadable(files: Files, folder: Path, data: bytes) -> None:
    row = new_id()
    await files.write(row, data)
    assert await files.read(row) == data
    (kept,) = folder.iterdir()
    assert kept.name == row.hex
    assert not data or data[:20] not in kept.read_bytes() or data == b"\n\n\n"


async def test_only_the_owner_may_read(files: Files, folder: Path) -> None:
    before = os.umask(0)
    try:
        await files.write(new_id(), CANARY)
    finally:
        os.umask(before)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}


async def test_equal_files_lie_there_differently(files: Files, folder: Path) -> None:
    for _ in range(2):
        await files.write(new_id(), CANARY)
    first, second = (path.read_bytes() for path in folder.iterdir())
    assert first != second


async def test_every_changed_byte_is_noticed(files: Files, folder: Path) -> None:
    row = new_id()
    await files.write(row, b"short")
    sealed = (folder / row.hex).read_bytes()
    for place in range(len(sealed)):
        changed = bytearray(sealed)
        changed[place] ^= 1
        (folder / row.hex).write_bytes(changed)
        with pytest.raises(VaultError):
            await files.read(row)


@pytest.mark.parametrize("length", [0, 1, 11, 14, 20, 27, 40])
async def test_a_file_cut_short_is_noticed(files: Files, folder: Path, length: int) -> None:
    row = new_id()
    await files.write(row, b"short")
    os.truncate(folder / row.hex, length)
    with pytest.raises(VaultError):
        await files.read(row)


async def test_a_file_under_anothers_name_does_not_open(files: Files, folder: Path) -> None:
    ours, theirs = new_id(), new_id()
    await files.write(ours, CANARY)
    (folder / ours.hex).rename(folder / theirs.hex)
    with pytest.raises(VaultError):
        await files.read(theirs)


async def test_old_keys_open_and_the_first_seals(files: Files, folder: Path) -> None:
    row = new_id()
    await files.write(row, CANARY)
    both = Files(folder, NEW | OLD)
    assert await both.read(row) == CANARY
    await both.write(row, CANARY)
    assert await Files(folder, NEW).read(row) == CANARY
    with pytest.raises(VaultError):
        await files.read(row)


async def test_a_deleted_file_is_gone_and_may_be_deleted_again(files: Files, folder: Path) -> None:
    row = new_id()
    await files.write(row, CANARY)
    for _ in range(2):
        await files.delete(row)
    assert list(folder.iterdir()) == []
    with pytest.raises(FileNotFoundError):
        await files.read(row)


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "..", "", "a\0b", "0" * 32, None, 7])
async def test_no_name_leads_out_of_the_folder(files: Files, folder: Path, name: Any) -> None:
    for call in (files.read, files.delete, lambda row: files.write(row, CANARY)):
        with pytest.raises(TypeError):
            await call(name)
    assert not folder.exists()


async def test_a_disk_that_is_full_leaves_what_was_there(
    files: Files, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = new_id()
    await files.write(row, CANARY)

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        await files.write(row, b"newer")
    monkeypatch.undo()
    assert await files.read(row) == CANARY
    assert len(list(folder.iterdir())) == 1


async def test_writers_at_once_leave_one_whole_file(files: Files, folder: Path) -> None:
    row = new_id()
    texts = [bytes([number]) * 100_000 for number in range(20)]
    await asyncio.gather(*(files.write(row, text) for text in texts))
    assert await files.read(row) in texts
    assert len(list(folder.iterdir())) == 1


def test_a_writer_killed_at_any_moment_leaves_the_old_file_or_the_new(files: Files, folder: Path) -> None:
    row = new_id()
    asyncio.run(files.write(row, b"0" * 1_000_000))
    code = (
        "import sys, uuid, pathlib\n"
        "from server.gateways.files import Files\n"
        "files = Files(pathlib.Path(sys.argv[1]), {'k1': b'1' * 32})\n"
        "print(flush=True)\n"
        "while True:\n"
        "    for digit in b'012':\n"
        "        files._write(uuid.UUID(sys.argv[2]), bytes([digit]) * 1_000_000)\n"
    )
    for milliseconds in range(0, 50, 7):
        with subprocess.Popen([sys.executable, "-c", code, folder, row.hex], stdout=subprocess.PIPE) as writer:
            assert writer.stdout
            writer.stdout.readline()
            time.sleep(milliseconds / 1000)
            writer.kill()
        kept = asyncio.run(files.read(row))
        assert len(kept) == 1_000_000
        assert len(set(kept)) == 1


def test_a_draft_that_a_killed_writer_left_goes_once_it_is_old(files: Files, folder: Path) -> None:
    row = new_id()
    asyncio.run(files.write(row, CANARY))
    code = (
        "import os, signal, sys, uuid, pathlib\n"
        "from server.gateways.files import Files\n"
        "os.fsync = lambda _: os.kill(os.getpid(), signal.SIGKILL)\n"
        "Files(pathlib.Path(sys.argv[1]), {'k1': b'1' * 32})._write(uuid.UUID(sys.argv[2]), b'newer')\n"
    )
    subprocess.run([sys.executable, "-c", code, folder, row.hex], check=False, timeout=30)
    assert len(list(folder.iterdir())) == 2
    written = datetime.now(UTC)
    assert asyncio.run(files.drop_drafts(written - timedelta(minutes=1))) == 0
    assert asyncio.run(files.drop_drafts(written + timedelta(minutes=1))) == 1
    assert [path.name for path in folder.iterdir()] == [row.hex]
    assert asyncio.run(files.read(row)) == CANARY


async def test_what_is_older_is_told_and_nothing_that_is_no_file_of_ours(files: Files, folder: Path) -> None:
    now, (old, new) = datetime.now(UTC), (new_id(), new_id())
    assert await files.older(now) == []
    for row in (old, new):
        await files.write(row, CANARY)
    day_ago = (now - timedelta(days=1)).timestamp()
    for name in (f"{old.hex}.0123456789abcdef", "notes.txt", "x" * 32):
        (folder / name).touch()
    for path in folder.iterdir():
        if path.name != new.hex:
            os.utime(path, (day_ago, day_ago))
    assert await files.older(now - timedelta(hours=1)) == [old]
    assert await files.drop_drafts(now - timedelta(hours=1)) == 1
    assert {path.name for path in folder.iterdir()} == {old.hex, new.hex, "notes.txt", "x" * 32}
