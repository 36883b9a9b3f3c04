"""The yearly report as whoever runs the system asks for it."""

from datetime import timedelta
from functools import partial

import pytest

from server.kernel import clock
from server.students import service as students
from tests.factories import make_person
from tests.harness import keys
from tests.harness.forking import command
from tests.students.numbers import claim, number_of


@pytest.mark.usefixtures("database")
async def test_the_report_is_printed_as_figures(database_url: str) -> None:
    number = number_of(clock.today() - timedelta(days=366 * 10))
    await students.request((await make_person()).id, claim(number))
    run = partial(command, "minors_report", YZT_DATABASE_URL=database_url, **keys.ENVIRONMENT)
    told = run(str(clock.today().year))
    assert (told.returncode, "students under 14: 1\n" in told.stdout) == (0, True), told.stderr
    assert number not in told.stdout + told.stderr
    assert run().returncode == 2
    assert run("MMXXVI").returncode == 2
