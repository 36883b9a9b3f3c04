"""Students under the keys of a ring, and `rotate_keys` as the process it is.

As a module, a process that stores students as every writer does, whichever of its keys is in front:
`python -m tests.harness.rotating URL RING FIRST NUMBER SEED`.
"""

import asyncio
import os
import random
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from server import db
from server.gateways.vault import Vault
from server.kernel import blind_index, clock, sensitive
from server.kernel.ids import new_id
from server.kernel.sensitive import Cell, Kind, Sensitive
from server.kernel.transactions import transaction
from server.secrets import Keys
from server.settings import ROOT
from server.students.models import Student
from tests.harness.forking import Forked, command, ours
from tests.harness.keys import ENVIRONMENT, key

ADDED, IN_FRONT, ALONE = ("tests", "new"), ("new", "tests"), ("new",)
"""The rings of a rotation in their order: the new key is added, put in front, and left alone."""


def ring(purpose: str, ids: Sequence[str]) -> str:
    """A ring as the environment has it; `tests` is the key of all other tests."""
    return ",".join(f"{name}:{key(purpose if name == 'tests' else f'{name} {purpose}')}" for name in ids)


def vault(ids: Sequence[str]) -> Vault:
    return Vault(Keys.parse(ring("vault_keys", ids)).by_id, Keys.parse(ring("index_keys", ids)).by_id)


def environment(ids: Sequence[str], **more: str) -> dict[str, str]:
    rings = {f"YZT_{purpose.upper()}": ring(purpose, ids) for purpose in ("vault_keys", "index_keys")}
    return ENVIRONMENT | rings | more


def number(one: int) -> Sensitive:
    """What stands for an ID number; to the vault it is a text like any other."""
    return Sensitive(Kind.ID_NUMBER, f"34082120100101{one:06d}")


def student(one: int, index: str | None = None) -> Student:
    """A row under the keys in use, not saved yet."""
    row_id, value = new_id(), number(one)
    return Student(
        id=row_id,
        name_sealed=sensitive.seal(Cell("student", "name_sealed", row_id), Sensitive(Kind.NAME, f"学生{one}")),
        id_number_sealed=sensitive.seal(Cell("student", "id_number_sealed", row_id), value),
        id_number_index=index or blind_index.find(value)[0],
        created_at=clock.now(),
    )


@transaction
async def store(one: int) -> bool:
    """Store a student unless there is one with this number; return whether it was."""
    indexes = await blind_index.hold(number(one))
    if await Student.filter(id_number_index__in=indexes).exists():
        return False
    await asyncio.sleep(0.001)  # so that others come in between, if they can
    await student(one, indexes[0]).save(force_create=True)
    return True


def _settings(url: str, directory: Path, ids: Sequence[str]) -> dict[str, str]:
    return environment(ids, YZT_DATABASE_URL=url, YZT_DATA_DIR=str(directory), YZT_LOG_LEVEL="ERROR")


@contextmanager
def rotating(url: str, directory: Path, ids: Sequence[str] = IN_FRONT) -> Iterator["subprocess.Popen[str]"]:
    """`python -m server rotate_keys`; what it prints is read line by line."""
    with subprocess.Popen(
        [sys.executable, "-m", "server", "rotate_keys"],
        cwd=ROOT,
        env=ours(**_settings(url, directory, ids)),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as running:
        try:
            yield running
        finally:
            running.kill()


def rotated_by_command(url: str, directory: Path, ids: Sequence[str] = IN_FRONT) -> "subprocess.CompletedProcess[str]":
    """The same to its end."""
    return command("rotate_keys", **_settings(url, directory, ids))


@contextmanager
def storing(url: str, ids: Sequence[str], first: int, count: int, seed: int) -> Iterator[Forked]:
    """A process that stores `count` students from `first` on, in an order of its own."""
    arguments = [url, " ".join(ids), str(first), str(count), str(seed)]
    running = Forked("tests.harness.rotating", arguments, os.environ, Path(os.devnull))
    try:
        yield running
    finally:
        running.kill()


async def main(url: str, ids: str, first: str, count: str, seed: str) -> None:
    sensitive.use(vault(ids.split()))
    mine = list(range(int(first), int(first) + int(count)))
    random.Random(int(seed)).shuffle(mine)  # noqa: S311 -- an order, no secret
    async with db.opened(url, everywhere=True):
        for start in range(0, len(mine), 4):
            await asyncio.gather(*map(store, mine[start : start + 4]))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
