"""Entries for the audit and what is found wrong with it; as a module, a process that notes or seals.

`python -m tests.harness.auditing note URL NAME NUMBER`, or `seal URL`, which goes on until it is killed.
"""

import asyncio
import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from server import db
from server.kernel import audit, audit_chain, audit_check
from server.kernel.audit_chain import Head
from server.kernel.audit_check import Wrong
from server.kernel.ids import new_id
from server.kernel.transactions import transaction
from server.settings import ROOT
from tests.harness.keys import AUDIT


async def note(*numbers: int) -> None:
    for number in numbers:
        await audit.note(
            f"thing:{number}",
            "thing.verified",
            actor_id=new_id(),
            before="applied",
            after="verified",
            reason="核对无误 ✓",
            fields=["licence", "name"],
        )


async def found(kept: Head | None = None) -> list[tuple[str, Wrong]]:
    return [(fault.place, fault.wrong) async for fault in audit_check.faults(kept)]


@transaction
async def slowly(subject: str) -> None:
    await audit.note(subject, "thing.made", actor_id=None)
    await asyncio.sleep(random.random() / 100)  # noqa: S311 -- so that commits overtake one another


@contextmanager
def process(*arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "tests.harness.auditing", *arguments]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL) as running:
        try:
            yield running
        finally:
            running.kill()


async def main(verb: str, url: str, *arguments: str) -> None:
    audit.use(AUDIT)
    async with db.opened(url, everywhere=True):
        if verb == "note":
            name, number = arguments
            for start in range(0, int(number), 5):
                await asyncio.gather(*(slowly(f"{name}:{start + n}") for n in range(5)))
        while verb == "seal":
            await audit_chain.seal()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
