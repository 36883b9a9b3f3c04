"""Lists worked off in parts: each row once whoever dies, one list of a school at a time, and an end to each."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from server.gateways.files import Files
from server.gateways.wakeup import LocalWakeup
from server.imports import service, turns, work
from server.imports.models import Import, ImportKind, ImportRow, ImportState, Outcome
from server.imports.remarks import Remark
from server.imports.service import Sent
from server.imports.stored import Row, packed, twinned, unpacked
from server.imports.work import Found
from server.kernel import clock, outbox
from server.kernel.audit import AuditEntry
from server.kernel.errors import DomainError
from server.kernel.ids import new_id
from server.kernel.jobs.models import Job, JobState
from server.kernel.outbox import Event, Occurrence
from server.kernel.sensitive import VaultError
from server.organisations.models import Organisation, OrganisationState
from tests.factories import make_organisation

pytestmark = pytest.mark.usefixtures("database")
KIND = ImportKind.REFERRAL


class Importer:
    """Writes an event for each row, in the part's own transaction; says no to rows as they ask it to."""

    def __init__(self) -> None:
        self.dies_at: int | None = None
        self.refuses: DomainError | None = None

    async def read(self, _source: Import, rows: Sequence[Mapping[str, Any]]) -> list[str | list[Remark]]:
        await asyncio.sleep(0)
        return [[Remark("name", "missing")] if row["name"] == "" else row["name"] for row in rows]

    async def register(self, source: Import, said: Sequence[str]) -> list[Found]:
        await outbox.record_many(Occurrence("row.done", f"{str(source.id)[-12:]} {name}") for name in said)
        if self.refuses:
            raise self.refuses
        if self.dies_at is not None and source.done >= self.dies_at:
            raise RuntimeError("power cut")
        return [Found(Outcome.WARNING if name == "odd" else Outcome.ACCEPTED, new_id()) for name in said]


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path / "files", {"k": b"1" * 32})


@pytest.fixture
def importer() -> Importer:
    return Importer()


@pytest.fixture
async def school() -> Organisation:
    for model in (Job, ImportRow, Import):
        await model.all().delete()
    return await make_organisation()


def rows(count: int) -> list[Row]:
    return [Row(number + 2, {"name": f"n{number}"}) for number in range(count)]


async def send(school: Organisation, files: Files, said: Sequence[Row], kind: ImportKind = KIND) -> Import:
    sent = Sent(kind, school.id, new_id(), {"year": 2026}, "名单", [("name", "姓名")], ["备注"], said)
    return await service.receive(await service.keep(sent, files), sent, LocalWakeup())


async def run(files: Files, importer: Importer, ahead: int = 50) -> int:
    """Work off whatever waits, as a worker would; return how many jobs that took."""
    for taken in range(ahead):
        job = await Job.filter(state=JobState.PENDING, kind__startswith="import_").order_by("id").first()
        if job is None:
            return taken
        await do(job, files, importer)
    raise AssertionError("there is no end to it")


async def do(job: Job, files: Files, importer: Importer) -> None:
    await work.work(job.payload, files=files, importers=dict.fromkeys(ImportKind, importer))
    await Job.filter(id=job.id).update(state=JobState.DONE)


async def done(source: Import) -> list[str]:
    events = await Event.filter(name="row.done", subject__startswith=str(source.id)[-12:])
    return [event.subject.partition(" ")[2] for event in events]


async def test_a_list_is_worked_off_in_stretches_and_told(
    school: Organisation, files: Files, importer: Importer
) -> None:
    said = [*rows(2490), *(Row(3000 + n, {"name": ""}) for n in range(9)), Row(4000, {"name": "odd"})]
    source = await send(school, files, said)
    assert (source.state, source.total) == (ImportState.QUEUED, 2500)
    assert await run(files, importer) == 2
    await source.refresh_from_db()
    assert (source.state, source.done, source.job_id) == (ImportState.DONE, 2500, None)
    assert (source.accepted, source.warning, source.repeated, source.refused) == (2490, 1, 0, 9)
    assert sorted(await done(source)) == sorted(row.values["name"] for row in said if row.values["name"])
    assert await ImportRow.filter(source_id=source.id).count() == 2500
    kept = await ImportRow.filter(source_id=source.id, cells_sealed__isnull=False).order_by("number")
    assert [row.number for row in kept] == [*range(3000, 3009), 4000]
    assert service.values_of(kept[-1]) == {"name": "odd"}
    assert kept[0].remarks == [["name", "missing", {}]]
    assert "odd" not in str(kept[-1].cells_sealed)
    assert await files.older(clock.now() + timedelta(hours=1)) == []
    [event] = await Event.filter(name="import.finished", subject=f"import:{source.id}")
    assert event.people == [str(source.person_id)]
    entries = await AuditEntry.filter(subject=f"import:{source.id}").order_by("id")
    assert [entry.action for entry in entries] == ["import.received", "import.done"]


async def test_a_part_that_fails_leaves_nothing_and_is_done_again(
    school: Organisation, files: Files, importer: Importer
) -> None:
    source = await send(school, files, rows(700))
    importer.dies_at = 400
    with pytest.raises(RuntimeError):
        await run(files, importer)
    await source.refresh_from_db()
    assert (source.state, source.done, source.accepted) == (ImportState.RUNNING, 400, 400)
    assert len(await done(source)) == await ImportRow.filter(source_id=source.id).count() == 400
    importer.dies_at = None
    await run(files, importer)
    await source.refresh_from_db()
    assert (source.state, source.accepted) == (ImportState.DONE, 700)
    assert sorted(await done(source)) == sorted(f"n{number}" for number in range(700))


async def test_several_workers_at_one_list_do_no_row_twice(
    school: Organisation, files: Files, importer: Importer
) -> None:
    source = await send(school, files, rows(2300))
    [job] = await Job.filter(kind="import_referrals")
    await asyncio.gather(*(do(job, files, importer) for _ in range(4)))
    assert await Job.filter(kind="import_referrals", state=JobState.PENDING).count() == 1
    await run(files, importer)
    await source.refresh_from_db()
    assert (source.state, source.accepted) == (ImportState.DONE, 2300)
    assert len(await done(source)) == len(set(await done(source))) == 2300
    await do(job, files, importer)  # and one that comes much too late
    assert len(await done(source)) == 2300


async def test_of_one_school_and_kind_one_list_is_worked_on_at_a_time(
    school: Organisation, files: Files, importer: Importer
) -> None:
    first, second = [await send(school, files, rows(3)) for _ in range(2)]
    other_kind = await send(school, files, rows(3), ImportKind.ENROLMENT)
    elsewhere = await send(await make_organisation(), files, rows(3))
    assert [bool(one.job_id) for one in (first, second, other_kind, elsewhere)] == [True, False, True, True]
    [job] = await Job.filter(id=first.job_id)
    await do(job, files, importer)
    await second.refresh_from_db()
    assert second.job_id
    await run(files, importer)
    assert await Import.filter(organisation_id=school.id, state=ImportState.DONE).count() == 3


async def test_lists_that_come_at_once_are_worked_off_one_after_the_other(
    school: Organisation, files: Files, importer: Importer
) -> None:
    sent = await asyncio.gather(*(send(school, files, rows(5)) for _ in range(8)), return_exceptions=True)
    refused = [one for one in sent if isinstance(one, DomainError)]
    assert [(one.slug, one.status) for one in refused] == [("too_many_imports", 429)] * 3
    assert await Job.filter(kind="import_referrals").count() == 1
    assert await run(files, importer) == service.MOST_WAITING


async def test_who_is_not_verified_sends_no_list(files: Files) -> None:
    school = await make_organisation(state=OrganisationState.SUSPENDED)
    with pytest.raises(DomainError, match="organisation_state"):
        await send(school, files, rows(1))
    assert not await Import.exists(organisation_id=school.id)


async def test_a_list_that_may_not_be_ends_with_the_reason_and_the_next_begins(
    school: Organisation, files: Files, importer: Importer
) -> None:
    source, following = [await send(school, files, rows(3)) for _ in range(2)]
    importer.refuses = DomainError("organisation_state", 409, day=date(2026, 11, 1))
    [job] = await Job.filter(id=source.job_id)
    await do(job, files, importer)
    await source.refresh_from_db()
    await following.refresh_from_db()
    assert (source.state, source.done, await done(source)) == (ImportState.FAILED, 0, [])
    assert source.failure == {"slug": "organisation_state", "facts": {"day": "2026-11-01"}}
    assert following.job_id
    assert await files.older(clock.now() + timedelta(hours=1)) == [following.rows_id]


async def test_a_list_whose_job_was_given_up_goes_on_while_it_gets_anywhere(
    school: Organisation, files: Files, importer: Importer
) -> None:
    source, following = [await send(school, files, rows(500)) for _ in range(2)]
    await Import.all().update(created_at=clock.now() - timedelta(minutes=1))
    assert await turns.watch(files) == {"gone_on": 0, "ended": 0}
    importer.dies_at = 200
    [job] = await Job.filter(id=source.job_id)
    with pytest.raises(RuntimeError):
        await do(job, files, importer)
    await Job.filter(id=job.id).update(state=JobState.FAILED)
    assert (await turns.watch(files))["gone_on"] == 1
    await source.refresh_from_db()
    again = await Job.get(id=source.job_id)
    assert again.payload == {"import": str(source.id), "from": 200}
    await Job.filter(id=again.id).update(state=JobState.FAILED)
    assert (await turns.watch(files))["ended"] == 1
    await source.refresh_from_db()
    assert (source.state, source.failure) == (ImportState.FAILED, {"slug": "import_broken", "facts": {}})
    assert (source.done, source.accepted) == (200, 200)
    await following.refresh_from_db()
    assert following.job_id


async def test_a_list_that_nobody_began_with_is_found(school: Organisation, files: Files, importer: Importer) -> None:
    source = await send(school, files, rows(3))
    await Job.all().delete()
    await Import.filter(id=source.id).update(created_at=clock.now() - timedelta(minutes=1), job_id=None)
    await turns.watch(files)
    assert await run(files, importer) == 1
    await source.refresh_from_db()
    assert source.state is ImportState.DONE


async def test_a_list_whose_rows_are_gone_ends(school: Organisation, files: Files, importer: Importer) -> None:
    source = await send(school, files, rows(3))
    assert source.rows_id
    await files.delete(source.rows_id)
    await run(files, importer)
    await source.refresh_from_db()
    assert (source.state, source.done) == (ImportState.FAILED, 0)
    assert not source.rows_id


async def test_the_values_of_a_row_open_in_their_own_row_only(
    school: Organisation, files: Files, importer: Importer
) -> None:
    source = await send(school, files, [Row(2, {"name": "odd"}), Row(3, {"name": ""})])
    await run(files, importer)
    one, other = await service.failed_rows(source, new_id(), "更正"), await ImportRow.get(source_id=source.id, number=2)
    assert [row.number for row in one] == [3]
    other.cells_sealed = one[0].cells_sealed
    with pytest.raises(VaultError):
        service.values_of(other)
    [entry] = await AuditEntry.filter(subject=f"import:{source.id}", action="import.failed_rows_given")
    assert (entry.reason, entry.fields) == ("更正", ["name"])


async def test_nobody_knows_an_import_that_is_not_there() -> None:
    with pytest.raises(DomainError, match="not_found"):
        await service.imported(UUID(int=0))


def test_a_later_row_about_the_same_student_points_to_the_first() -> None:
    said = [
        Row(2, {"n": "a"}),
        Row(3, {"n": "b"}),
        Row(4, {"n": "a"}),
        Row(5, {"n": "a", "x": 1}),
        Row(6, {}),
        Row(7, {}),
    ]
    found = twinned(said, lambda row: row.values.get("n"))
    assert [(row.twin, row.same) for row in found] == [
        (None, False),
        (None, False),
        (2, True),
        (2, False),
        (None, False),
        (None, False),
    ]


def test_rows_are_unpacked_as_they_were() -> None:
    said = [Row(2, {"name": "张·三", "id": 3.4e17, "on": date(2026, 9, 1), "none": None}, 1, same=True)]
    [row] = unpacked(packed(said))
    assert row == Row(2, {"name": "张·三", "id": 3.4e17, "on": "2026-09-01", "none": None}, 1, same=True)
    with pytest.raises(TypeError):
        packed([Row(1, {"x": object()})])


def test_of_a_list_a_stretch_is_read_alone() -> None:
    rows = [Row(number, {"name": f"张\r\n\u2028三{number}"}) for number in range(5)]
    assert unpacked(packed(rows), 1, 3) == rows[1:3]
    assert unpacked(packed(rows), 3, 9) == rows[3:]
    assert unpacked(packed(rows)) == rows
    assert unpacked(packed([])) == []
