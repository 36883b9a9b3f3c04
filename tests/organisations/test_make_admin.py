"""The first administrator, made from the command line: once, on purpose, and in the history."""

import subprocess
from pathlib import Path

import pytest

from server.kernel.audit import AuditEntry
from server.kernel.ids import new_id
from server.kernel.jobs.models import Job
from server.notices import fanout
from server.organisations.models import Membership
from server.organisations.roles import Role
from server.organisations.secretariat import SECRETARIAT_ID
from tests.factories import make_person
from tests.harness.forking import command

pytestmark = pytest.mark.usefixtures("database")


def make_admin(database_url: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return command("make_admin", *arguments, YZT_DATABASE_URL=database_url)


async def admins() -> list[Membership]:
    return await Membership.filter(organisation_id=SECRETARIAT_ID, role=Role.ADMIN, ended_at=None).order_by("id")


async def test_the_first_is_made_and_a_second_only_with_another(database_url: str) -> None:
    first, second = await make_person(), await make_person()
    result = make_admin(database_url, str(new_id()))
    assert (result.returncode, await admins()) == (1, [])
    assert "nobody with this id has signed in" in result.stderr

    assert make_admin(database_url, str(first.id)).returncode == 0
    result = make_admin(database_url, str(second.id))
    assert result.returncode == 1
    assert "--another" in result.stderr
    assert "Traceback" not in result.stderr
    assert [one.person_id for one in await admins()] == [first.id]

    assert make_admin(database_url, str(second.id), "--another").returncode == 0
    assert [one.person_id for one in await admins()] == [first.id, second.id]
    assert await Job.filter(kind=fanout.URGENT).count() + await Job.filter(kind=fanout.USUAL).count() >= 1
    subjects = {f"membership:{one.id}" for one in await admins()}
    assert {row.subject for row in await AuditEntry.filter(after="admin", actor_id=None)} == subjects


@pytest.mark.parametrize("arguments", [(), ("x",), ("1", "2")])
def test_what_is_no_id_is_refused_with_the_usage(database_url: str, arguments: tuple[str, ...]) -> None:
    result = make_admin(database_url, *arguments)
    assert result.returncode == 2
    assert "usage" in result.stderr


def test_a_database_without_its_tables_is_told_in_one_line(tmp_path: Path) -> None:
    result = make_admin(f"sqlite://{tmp_path / 'empty.sqlite3'}", str(new_id()))
    assert (result.returncode, result.stderr.count("\n")) == (1, 1), result.stderr
