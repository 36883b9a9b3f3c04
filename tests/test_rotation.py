"""Whatever is sealed comes under the new keys, whoever kills it or writes meanwhile, and no value is in twice."""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from tortoise import Tortoise
from tortoise.exceptions import IntegrityError
from tortoise.transactions import in_transaction

from server import rotation
from server.enrolments.models import Enrolment
from server.gateways.files import Files
from server.imports.models import Import, ImportRow, Outcome
from server.kernel import blind_index, clock, sensitive
from server.kernel.ids import new_id
from server.kernel.sensitive import Cell, Kind, Sensitive, VaultError
from server.labour.models import Posting
from server.organisations.models import AccountBasis, Organisation, PayeeAccount
from server.people.models import Person
from server.referrals.models import Referral
from server.rotation import SEALED, Rotation
from server.secrets import Keys
from server.students.models import Relation, Student, StudentLink
from tests.factories import make_organisation, make_person, make_posting
from tests.harness.keys import VAULT
from tests.harness.referring import make_claim, make_import, make_listed
from tests.harness.rotating import (
    ADDED,
    ALONE,
    IN_FRONT,
    number,
    ring,
    rotated_by_command,
    rotating,
    store,
    storing,
    student,
    vault,
)

pytestmark = pytest.mark.usefixtures("database")
SAMPLES = {"name_sealed": "欧阳鸢尾", "contact_name_sealed": "汪晓岚", "phone_sealed": "13970531864"}
SAMPLES |= {"contact_phone_sealed": "13855613702"}
SAMPLES |= {"number_sealed": "6222021309001234567", "id_number_sealed": "340802200901011232"}
SAMPLES |= {"guardian_name_sealed": "欧阳青竹", "guardian_phone_sealed": "13855613702"}
SAMPLES |= {"record_number_sealed": "G340802200901011232", "cells_sealed": '["欧阳鸢尾"]'}


class NoFiles:
    async def stale(self) -> list[UUID]:
        return []

    async def reseal(self, row_id: UUID) -> None:
        raise AssertionError(row_id)


async def rotated() -> Rotation:
    return await rotation.rotate(NoFiles(), lambda *_: None)


@pytest.fixture(autouse=True)
async def emptied() -> None:
    for model in (Posting, ImportRow, Import, Referral, Enrolment, StudentLink, Student, PayeeAccount, Person):
        await model.all().delete()


@pytest.fixture
def new_keys() -> Iterator[None]:
    sensitive.use(vault(IN_FRONT))
    yield
    sensitive.use(VAULT)


def sealed_in(table: str, *columns: str) -> dict[str, Any]:
    """The values of a row in which all of `columns` are sealed."""
    row_id = new_id()
    return {"id": row_id} | {name: VAULT.seal(Cell(table, name, row_id), SAMPLES[name]) for name in columns}


async def one_of_everything() -> None:
    phone = VAULT.index(Kind.PHONE, SAMPLES["phone_sealed"])
    person = await make_person(phone_index=phone, **sealed_in("person", "name_sealed", "phone_sealed"))
    organisation = await make_organisation(**sealed_in("organisation", "contact_name_sealed"))
    await PayeeAccount.create(
        **sealed_in("payee_account", "number_sealed"),
        organisation=organisation,
        basis=AccountBasis.OWN_ACCOUNT,
        holder="江畔中学（示例）",
        bank="示例银行",
        number_index=VAULT.index(Kind.ACCOUNT, SAMPLES["number_sealed"]),
        named_by_id=person.id,
        named_at=clock.now(),
    )
    known = await Student.create(
        **sealed_in("student", "name_sealed", "id_number_sealed"),
        id_number_index=VAULT.index(Kind.ID_NUMBER, SAMPLES["id_number_sealed"]),
        created_at=clock.now(),
    )
    posted = sealed_in("posting", "contact_name_sealed", "contact_phone_sealed")
    await make_posting(**posted, organisation=organisation, person=person)
    link = sealed_in("student_link", "name_sealed")
    await StudentLink.create(
        **link, person=person, student=known, relation=Relation.SELF, created_at=clock.now(), ended_at=clock.now()
    )
    await one_of_everything_sent(organisation, known, phone)


async def one_of_everything_sent(school: Organisation, known: Student, phone: str) -> None:
    claim = sealed_in("referral", "name_sealed", "phone_sealed", "guardian_name_sealed", "guardian_phone_sealed")
    await make_claim(school, known, phone_index=phone, **claim)
    await make_listed(school, known, **sealed_in("enrolment", "name_sealed", "record_number_sealed"))
    source = await make_import(school)
    row = sealed_in("import_row", "cells_sealed")
    await ImportRow.create(**row, source=source, number=2, outcome=Outcome.REFUSED, remarks=[])


def test_every_sealed_column_of_every_model_is_listed() -> None:
    models = [model for models in Tortoise.apps.values() for model in models.values()]
    names = {f"{model._meta.db_table}.{name}" for model in models for name in model._meta.db_fields}  # noqa: SLF001
    columns = {name for name in names if "sealed" in name}
    indexes = {name for name in names if name.endswith("_index")}
    assert len(columns) >= 7
    assert columns == {str(sealed) for sealed in SEALED}
    assert indexes == {f"{sealed.table}.{sealed.index}" for sealed in SEALED if sealed.index}
    assert all(bool(sealed.index) is bool(sealed.kind) for sealed in SEALED)


@pytest.mark.usefixtures("new_keys")
async def test_everything_opens_and_is_found_under_the_new_keys_alone() -> None:
    await one_of_everything()
    assert await rotation.left() == len(SEALED)
    result = await rotated()
    assert (result.done, result.left, result.faults) == (len(SEALED), 0, {})
    alone = vault(ALONE)
    for sealed in SEALED:
        row = await sealed.model.filter(**{f"{sealed.column}__isnull": False}).first()
        assert row
        assert (
            alone.open(Cell(sealed.table, sealed.column, row.pk), getattr(row, sealed.column)) == SAMPLES[sealed.column]
        )
        if sealed.kind:
            assert getattr(row, sealed.index) == alone.index(sealed.kind, SAMPLES[sealed.column])
    assert (await rotated()).done == 0


@pytest.mark.usefixtures("new_keys")
async def test_empty_cells_are_left_empty() -> None:
    person = await make_person()
    assert (await rotated()).done == 0
    await person.refresh_from_db()
    assert (person.name_sealed, person.phone_sealed, person.phone_index) == (None, None, None)


@pytest.mark.usefixtures("new_keys")
async def test_a_row_that_does_not_open_is_named_and_all_others_are_done() -> None:
    people = [await make_person(**sealed_in("person", "name_sealed")) for _ in range(9)]
    await Person.filter(id=people[4].id).update(name_sealed=people[5].name_sealed)
    result = await rotated()
    assert (result.done, result.left) == (8, 1)
    assert list(result.faults) == [("person.name_sealed", people[4].id)]


async def test_a_number_that_is_in_twice_all_the_same_is_named() -> None:
    """As it would be where somebody wrote without holding the value: rotation must not choose between them."""
    await student(1).save(force_create=True)
    sensitive.use(vault(IN_FRONT))
    await student(1).save(force_create=True)
    await student(2).save(force_create=True)
    result = await rotated()
    assert (result.left, [column for column, _ in result.faults]) == (1, ["student.id_number_sealed"])
    assert "twice" in next(iter(result.faults.values()))
    assert await Student.all().count() == 3


@pytest.mark.usefixtures("new_keys")
async def test_what_was_written_meanwhile_is_never_overwritten() -> None:
    person = await make_person(**sealed_in("person", "name_sealed"))
    names = SEALED[0]
    late = [str(person.id), person.name_sealed or "", *names.fresh(person)]
    written = sensitive.vault().seal(Cell("person", "name_sealed", person.id), "方静好")
    await Person.filter(id=person.id).update(name_sealed=written)
    async with in_transaction():
        assert await rotation._put(names, [late]) == 0  # noqa: SLF001 -- as if it had been read before
    await person.refresh_from_db()
    assert person.name_sealed == written


@pytest.mark.only("postgres")
@pytest.mark.usefixtures("new_keys")
async def test_rows_that_somebody_holds_are_done_once_they_are_free() -> None:
    people = [await make_person(**sealed_in("person", "name_sealed")) for _ in range(5)]
    held, free = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        async with in_transaction():
            await Person.filter(id=people[2].id).select_for_update().get()
            held.set()
            await free.wait()

    holder = asyncio.create_task(hold())
    await held.wait()
    turning = asyncio.create_task(rotated())
    while await rotation.left() > 1:
        await asyncio.sleep(0.01)
    assert not turning.done()
    free.set()
    await holder
    assert (await turning).left == 0


async def test_a_value_is_found_under_either_key_and_stored_under_the_one_in_front() -> None:
    assert await store(1)
    for ids in (ADDED, IN_FRONT):
        sensitive.use(vault(ids))
        assert not await store(1)
    assert await store(2)
    sensitive.use(vault(ADDED))
    assert not await store(2)
    assert {row.id_number_index.split(".")[0] for row in await Student.all()} == {"tests", "new"}


async def test_a_value_is_held_by_a_transaction_only() -> None:
    with pytest.raises(RuntimeError, match="by a transaction"):
        await blind_index.hold(number(1))


async def test_the_database_itself_refuses_a_second_row_under_one_key() -> None:
    await student(1).save(force_create=True)
    with pytest.raises(IntegrityError):
        await student(1).save(force_create=True)


async def killed_and_finished(url: str, directory: Path, rows: int, kills: int) -> None:
    """Rotate `rows` while two processes store some that are there and some that are not, each under another key."""
    for start in range(0, rows, 1000):
        await Student.bulk_create(student(one) for one in range(start, min(start + 1000, rows)))
    contested = rows // 20
    with ExitStack() as stack:
        first, count = rows - contested, 2 * contested
        writers = [
            stack.enter_context(storing(url, ids, first, count, seed)) for seed, ids in enumerate((ADDED, IN_FRONT))
        ]
        for kill in range(1, kills + 1):
            with rotating(url, directory) as run:
                await asyncio.to_thread(until_done, run, rows // (kills + 1))
                run.kill()
            assert await rotation_left() > 0, f"kill {kill} came too late"
        assert [await asyncio.to_thread(writer.wait, 300) for writer in writers] == [0, 0]
    ended = await asyncio.to_thread(rotated_by_command, url, directory)
    assert ended.returncode == 0, ended.stderr
    assert "0 lie under old keys" in ended.stdout
    await exactly(range(rows + contested))


def until_done(run: Any, cells: int) -> None:
    """Read what a rotation prints until it has done so many cells."""
    done, before = 0, 0
    for line in run.stdout:
        so_far = int(line.split(": ")[1].split(" ")[0]) if " of " in line else 0
        done += max(so_far - before, 0)
        before = so_far
        if done >= cells:
            return


async def rotation_left() -> int:
    sensitive.use(vault(IN_FRONT))
    try:
        return await rotation.left()
    finally:
        sensitive.use(VAULT)


async def exactly(numbers: range) -> None:
    """Each number is in once, under the new keys, in its own cell."""
    alone, seen = vault(ALONE), []
    for row in await Student.all().only("id", "id_number_sealed", "id_number_index", "name_sealed"):
        value = alone.open(Cell("student", "id_number_sealed", row.id), row.id_number_sealed)
        assert row.id_number_index == alone.index(Kind.ID_NUMBER, value)
        seen.append(value)
    assert sorted(seen) == [number(one).reveal() for one in numbers]


async def test_killed_and_written_beside_it_ends_complete(database_url: str, tmp_path: Path) -> None:
    await killed_and_finished(database_url, tmp_path, rows=4000, kills=2)


@pytest.mark.drill
async def test_a_hundred_thousand_rows_killed_ten_times(database_url: str, tmp_path: Path) -> None:
    await killed_and_finished(database_url, tmp_path, rows=100_000, kills=10)


async def test_the_command_refuses_what_it_cannot_open(database_url: str, tmp_path: Path) -> None:
    """The old key was taken out too early: nothing is changed, and the exit code says so."""
    person = await make_person(**sealed_in("person", "name_sealed"))
    ended = await asyncio.to_thread(rotated_by_command, database_url, tmp_path, ALONE)
    assert ended.returncode == 1
    told = ended.stdout + ended.stderr
    assert f"person.name_sealed of row {person.id} does not open" in told
    assert "1 lie under old keys" in told
    await person.refresh_from_db()
    with pytest.raises(VaultError):
        vault(ALONE).open(Cell("person", "name_sealed", person.id), person.name_sealed or "")
    assert sensitive.unseal(Cell("person", "name_sealed", person.id), Kind.NAME, person.name_sealed) == Sensitive(
        Kind.NAME, SAMPLES["name_sealed"]
    )


async def test_files_come_under_the_new_key_too(database_url: str, tmp_path: Path) -> None:
    directory, keys = tmp_path / "files", Keys.parse(ring("vault_keys", IN_FRONT)).by_id
    old, new = Files(directory, {"tests": keys["tests"]}), Files(directory, keys)
    kept = [new_id() for _ in range(3)]
    for row_id in kept:
        await old.write(row_id, b"scan " + row_id.bytes)
    await new.write(fresh := new_id(), b"fresh")
    (directory / kept[1].hex).write_bytes((directory / kept[2].hex).read_bytes())
    (directory / f"{kept[0].hex}.draft").write_bytes(b"left by a crash")
    assert set(await new.stale()) == set(kept)
    ended = await asyncio.to_thread(rotated_by_command, database_url, tmp_path)
    assert ended.returncode == 1
    assert f"files of row {kept[1]} does not open" in ended.stdout + ended.stderr
    await old.delete(kept[1])
    await new.reseal(kept[1])
    assert await new.stale() == []
    alone = Files(directory, {"new": keys["new"]})
    assert [await alone.read(row_id) for row_id in (kept[0], kept[2])] == [b"scan " + one.bytes for one in kept[::2]]
    assert await alone.read(fresh) == b"fresh"
    with pytest.raises(FileNotFoundError):
        await alone.read(kept[1])
    assert await Files(tmp_path / "none", keys).stale() == []
