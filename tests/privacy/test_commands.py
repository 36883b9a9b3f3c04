"""The yearly report as whoever runs the system asks for it."""

import subprocess
import sys
from datetime import timedelta

import pytest

from server.kernel import clock
from server.settings import ROOT
from server.students import service as students
from tests.factories import make_person
from tests.harness import keys
from tests.students.numbers import claim, number_of


@pytest.mark.usefixtures("database")
async def test_the_report_is_printed_as_figures(database_url: str) -> None:
    number = number_of(clock.today() - timedelta(days=366 * 10))
    await students.request((await make_person()).id, claim(number))
    command = [sys.executable, "-m", "server", "minors_report"]
    environment = {**keys.ENVIRONMENT, "YZT_DATABASE_URL": database_url}

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*command, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
        )

    told = run(str(clock.today().year))
    assert (told.returncode, "students under 14: 1\n" in told.stdout) == (0, True), told.stderr
    assert number not in told.stdout + told.stderr
    assert run().returncode == 2
    assert run("MMXXVI").returncode == 2
