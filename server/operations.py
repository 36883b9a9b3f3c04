"""Commands with arguments for whoever runs the system: administrators, proofs of audit and ledger, backups, keys."""

import argparse
import asyncio
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from uuid import UUID

from server import db, life, rotation
from server.awards import ledger_check
from server.backups import service
from server.gateways.wakeup import LocalWakeup
from server.kernel import audit_check
from server.kernel.audit_chain import Head
from server.kernel.audit_check import Fault
from server.kernel.errors import DomainError
from server.notices import beginning as notices
from server.organisations import secretariat
from server.privacy import minors
from server.rotation import Rotation, Tell
from server.settings import ROOT, Settings

REFUSALS = {
    "not_found": "nobody with this id has signed in",
    "administrator_exists": "there is an administrator, who can give the role; --another makes one all the same",
}


def make_admin(settings: Settings, arguments: Sequence[str]) -> int:
    """Make someone who has signed in an administrator of the secretariat; 1 where that is refused.

    Where there is one already, that one gives out the roles; should nobody be able to sign in as one any more,
    `--another` makes one all the same.
    """
    parser = argparse.ArgumentParser("make_admin", description="Make the secretariat's first administrator.")
    parser.add_argument("person_id", type=UUID, help="what GET /api/v1/me shows them")
    parser.add_argument("--another", action="store_true", help="though there is an administrator")
    chosen = parser.parse_args(arguments)
    try:
        asyncio.run(_made_admin(settings, chosen.person_id, another=chosen.another))
    except DomainError as refusal:
        print(f"no administrator was made: {REFUSALS.get(refusal.slug, refusal.slug)}", file=sys.stderr)  # noqa: T201
        return 1
    print(f"{chosen.person_id} is an administrator of the secretariat, from their next request on")  # noqa: T201
    return 0


def verify_audit(settings: Settings, arguments: Sequence[str]) -> int:
    """Tell everything that is wrong with the audit; 0 where nothing is."""
    parser = argparse.ArgumentParser("verify_audit", description="Prove the audit.")
    parser.add_argument("--head", type=Head.parse, help="NUMBER:MAC as a log line or a backup has it")
    return _told(asyncio.run(_faults(settings, parser.parse_args(arguments).head)))


def verify_ledger(settings: Settings, arguments: Sequence[str]) -> int:
    """Tell every fen of every budget that is not where it should be; 0 where all are."""
    parser = argparse.ArgumentParser("verify_ledger", description="Prove that every fen of every budget is explained.")
    parser.parse_args(arguments)
    faults = asyncio.run(_unexplained(settings))
    for fault in faults:
        print(f"ledger {fault}")  # noqa: T201
    print(f"the ledger is not whole: {len(faults)} faults" if faults else "every fen is explained")  # noqa: T201
    return 1 if faults else 0


async def _unexplained(settings: Settings) -> list[str]:
    async with db.opened(settings.database, everywhere=True, **db.unhurried(settings.database)):
        return await ledger_check.faults()


def backup(settings: Settings, arguments: Sequence[str]) -> int:
    """Write a backup and say what is in it."""
    parser = argparse.ArgumentParser("backup", description="Write the database and the files into a new folder.")
    parser.add_argument("directory", type=Path)
    made = asyncio.run(service.backup(settings, parser.parse_args(arguments).directory.absolute()))
    rows = sum(made.contents.rows.values())
    print(f"{rows} rows, {made.files} files, audit head {made.contents.head}")  # noqa: T201
    return 0


def restore(settings: Settings, arguments: Sequence[str]) -> int:
    """Bring back a backup; 0 where it is there and its audit is whole."""
    parser = argparse.ArgumentParser("restore", description="Bring back what `backup` wrote. Stop the servers first.")
    parser.add_argument("directory", type=Path)
    parser.add_argument("--replace", action="store_true", help="overwrite what is there")
    chosen = parser.parse_args(arguments)
    faults = asyncio.run(service.restore(settings, chosen.directory.absolute(), replace=chosen.replace))
    print("restored")  # noqa: T201
    return _told(faults)


def rotate_keys(settings: Settings, arguments: Sequence[str]) -> int:
    """Bring everything sealed under the keys in use; 0 where nothing is left under another.

    It may be killed and run again. Old keys are withdrawn only after that, and kept for as long as a backup that was
    made before is.
    """
    parser = argparse.ArgumentParser("rotate_keys", description="Seal everything anew under the keys in use.")
    parser.parse_args(arguments)
    result = asyncio.run(_rotated(settings))
    for (column, row_id), why in result.faults.items():
        print(f"{column} of row {row_id} {why}", file=sys.stderr)  # noqa: T201
    print(f"{result.done} cells and files were sealed anew, {result.left} lie under old keys")  # noqa: T201
    if result.left > len(result.faults):
        print("some process still writes under an old key: restart it with the new one in front, then run this again")  # noqa: T201
    return 1 if result.left else 0


async def _rotated(settings: Settings) -> Rotation:
    async with db.opened(settings.database, everywhere=True, **db.unhurried(settings.database)):
        return await rotation.rotate(life.files(settings), _progress())


def _progress() -> Tell:
    began: dict[str, float] = {}

    def tell(column: str, done: int, todo: int) -> None:
        rate = done / max(time.monotonic() - began.setdefault(column, time.monotonic()), 0.001)
        print(f"{column}: {done} of {todo}, {rate:.0f} a second", flush=True)  # noqa: T201

    return tell


def minors_report(settings: Settings, arguments: Sequence[str]) -> int:
    """Print the yearly report on minors' data: figures only."""
    parser = argparse.ArgumentParser("minors_report", description="Count what is held of minors, and what was done.")
    parser.add_argument("year", type=int, choices=range(2026, 2100), metavar="YEAR")
    for line in asyncio.run(_minors(settings, parser.parse_args(arguments).year)):
        print(line)  # noqa: T201
    return 0


async def _minors(settings: Settings, year: int) -> list[str]:
    async with db.opened(settings.database, everywhere=True, **db.unhurried(settings.database)):
        return (await minors.report(year)).lines


async def _made_admin(settings: Settings, person_id: UUID, *, another: bool) -> None:
    async with db.opened(settings.database, everywhere=True):
        notices.begin(ROOT / "content")
        life.announce(settings, LocalWakeup())
        await secretariat.make_admin(person_id, another=another)


async def _faults(settings: Settings, head: Head | None) -> list[Fault]:
    async with db.opened(settings.database, everywhere=True, **db.unhurried(settings.database)):
        return await audit_check.first_faults(head)


def _told(faults: Sequence[Fault]) -> int:
    for fault in faults:
        print(f"audit {fault}")  # noqa: T201
    more = " and there may be more" if len(faults) == audit_check.ENOUGH else ""
    print(f"the audit is not whole: {len(faults)} faults{more}" if faults else "the audit is whole")  # noqa: T201
    return 1 if faults else 0


OPERATIONS: Mapping[str, Callable[[Settings, Sequence[str]], int]] = {
    "make_admin": make_admin,
    "verify_audit": verify_audit,
    "verify_ledger": verify_ledger,
    "backup": backup,
    "restore": restore,
    "minors_report": minors_report,
    "rotate_keys": rotate_keys,
}
