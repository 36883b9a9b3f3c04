"""Scans that no row names are swept; those in use, and those that are only just written, are not."""

from datetime import timedelta
from pathlib import Path

import pytest

from server import schedules
from server.gateways.files import Files
from server.kernel import clock
from server.kernel.ids import new_id
from server.organisations import scans
from server.organisations.models import Organisation
from tests.factories import make_organisation

PICTURE = b"a picture of a licence"


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path / "files", {"k1": b"1" * 32})


@pytest.mark.usefixtures("database")
async def test_what_no_row_names_goes_after_a_day(files: Files) -> None:
    organisation, named, unnamed = await make_organisation(), new_id(), new_id()
    for scan_id in (named, unnamed):
        await files.write(scan_id, PICTURE)
    await Organisation.filter(id=organisation.id).update(licence_scan_id=named)
    assert await scans.sweep(files) == {"drafts": 0, "scans": 0}
    assert await files.read(unnamed) == PICTURE, "its row may be about to name it"
    clock.move_to(clock.now() + scans.LONGEST_UNNAMED + timedelta(minutes=1))
    assert await scans.sweep(files) == {"drafts": 0, "scans": 1}
    assert await files.read(named) == PICTURE
    with pytest.raises(FileNotFoundError):
        await files.read(unnamed)


@pytest.mark.usefixtures("database")
async def test_a_scan_named_while_the_sweep_goes_on_stays(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    organisation, scan_id = await make_organisation(), new_id()
    await files.write(scan_id, PICTURE)
    clock.move_to(clock.now() + scans.LONGEST_UNNAMED + timedelta(minutes=1))
    older = files.older

    async def slowly(*moments: object) -> object:
        found = await older(*moments)  # type: ignore[arg-type]
        await Organisation.filter(id=organisation.id).update(licence_scan_id=scan_id)
        return found

    monkeypatch.setattr(files, "older", slowly)
    assert (await scans.sweep(files))["scans"] == 0
    assert await files.read(scan_id) == PICTURE


@pytest.mark.usefixtures("database")
async def test_it_comes_round_every_day_and_where_nothing_is_kept(files: Files, tmp_path: Path) -> None:
    (schedule,) = (one for one in schedules.every(files) if one.name == "sweep_files")
    assert await schedule.handler({}) == {"drafts": 0, "scans": 0}
    assert not (tmp_path / "files").exists()
    await files.write(new_id(), PICTURE)
    clock.move_to(clock.now() + timedelta(days=2))
    assert await schedule.handler({}) == {"drafts": 0, "scans": 1}
    assert schedule.last_due(clock.now()) > clock.now() - timedelta(days=1)
