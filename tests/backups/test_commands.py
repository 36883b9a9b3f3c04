"""The commands as the operator meets them: processes, exit codes, what they print."""

from pathlib import Path

import pytest

from server.backups import postgres
from server.settings import Settings
from tests.harness.forking import command
from tests.harness.keys import ENVIRONMENT
from tests.harness.tampering import tamper

pytestmark = pytest.mark.usefixtures("database_url")


def run(settings: Settings, *arguments: str, **more: str) -> tuple[int, str]:
    """Run one command for the place `settings`; return its exit code and all it printed."""
    place = {"YZT_DATABASE_URL": settings.database, "YZT_DATA_DIR": str(settings.data_dir)}
    done = command(*arguments, **ENVIRONMENT | place | more)
    return done.returncode, done.stdout + done.stderr


async def test_from_backup_to_proof(lived_in: Settings, empty: Settings, tmp_path: Path) -> None:
    code, told = run(lived_in, "backup", str(tmp_path / "backup"))
    assert code == 0, told
    head = told.split()[-1]
    assert "2 files, audit head 10:" in told
    assert run(empty, "restore", str(tmp_path / "backup")) == (0, "restored\nthe audit is whole\n")
    assert run(empty, "verify_audit", "--head", head) == (0, "the audit is whole\n")
    code, told = run(empty, "restore", str(tmp_path / "backup"))
    assert (code, "--replace overwrites" in told) == (1, True)
    assert run(empty, "restore", "--replace", str(tmp_path / "backup"))[0] == 0


async def test_what_is_wrong_is_listed(lived_in: Settings) -> None:
    await tamper(
        lived_in.database,
        "UPDATE audit_entry SET reason = 'x' WHERE id = (SELECT entry_id FROM audit_seal WHERE number = 5)",
        "DELETE FROM audit_seal WHERE number = 10",
    )
    code, told = run(lived_in, "verify_audit", "--head", f"10:{'0' * 64}")
    assert code == 1
    assert told.splitlines() == [
        "audit 5: the sealed entry was edited, or never written by this system",
        "audit 10: the chain no longer holds the head that was kept: its end was cut off or written anew",
        "the audit is not whole: 2 faults",
    ]


async def test_with_other_keys_everything_is_wrong(lived_in: Settings) -> None:
    code, told = run(lived_in, "verify_audit", YZT_AUDIT_KEYS=ENVIRONMENT["YZT_TOKEN_KEYS"].replace("tests:", "new:"))
    assert code == 1
    assert told.count("the key is not among YZT_AUDIT_KEYS") == 10


@pytest.mark.parametrize("arguments", [["backup"], ["restore"], ["verify_audit", "--head", "7"], ["undo"]])
def test_usage(empty: Settings, arguments: list[str]) -> None:
    code, told = run(empty, *arguments)
    assert code == 2
    assert "usage:" in told


@pytest.mark.only("postgres")
async def test_a_missing_program_is_named(lived_in: Settings, tmp_path: Path) -> None:
    code, told = run(lived_in, "backup", str(tmp_path / "backup"), PATH="/nonexistent")
    assert code == 1
    assert "pg_dump is not on the PATH" in told


def test_a_password_is_no_argument() -> None:
    with postgres._access("postgres://me:se:c%27ret%5C@db.example:5433/yizhitong") as access:  # noqa: SLF001
        said = dict(part.split("=", 1) for part in access.split())
        passfile = said.pop("passfile").strip("'")
        assert said == {"host": "'db.example'", "port": "'5433'", "user": "'me'", "dbname": "'yizhitong'"}
        assert Path(passfile).read_text() == "*:*:*:*:se\\:c'ret\\\\\n"
        assert Path(passfile).stat().st_mode & 0o077 == 0
    assert not Path(passfile).exists()
