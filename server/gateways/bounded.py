"""Files of strangers, read by a process of its own: one that is led astray takes down nothing else.

It has 256 MB, four seconds of a core, no file to write, and none of our environment, where the keys are.
"""

import asyncio
import contextlib
import sys
from collections.abc import Sequence
from pathlib import Path

REFUSED = 3
"""How a worker ends that does not take what it was handed; its output says why."""
_CHILD = Path(__file__).with_name("bounded_child.py")


async def run(
    worker: Path, data: bytes, arguments: Sequence[object] = (), *, seconds: float, largest_answer: int
) -> tuple[int, bytes]:
    """Hand `data` to the program `worker`; return how it ended (negative: by which signal) and what it said.

    It is gone afterwards, come what may. One that says more than `largest_answer` bytes ends like one that refuses
    without a word. Raises TimeoutError after `seconds` by the clock: no file can take so long, for the four seconds of
    a core end first, unless the machine has too much else to do. Code 1 is that of a program that does not run at all:
    raises RuntimeError.
    """
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", str(_CHILD), str(worker), *map(str, arguments)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={},
    )
    try:
        async with asyncio.timeout(seconds):
            output = await _exchanged(process, data, largest_answer)
            code = await process.wait()
    except OverflowError:
        return REFUSED, b""
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.communicate()  # `wait` alone would wait for ever where output was left unread
    if code == 1:
        raise RuntimeError(f"{worker.name} does not run")
    return code, output


async def _exchanged(process: asyncio.subprocess.Process, data: bytes, largest_answer: int) -> bytes:
    """Hand `data` over and return the answer; raises OverflowError for one that is too large."""
    if process.stdin is None or process.stdout is None:
        raise RuntimeError("the worker has no pipes")
    with contextlib.suppress(ConnectionError):  # it may end without reading
        process.stdin.write(data)
        await process.stdin.drain()
    process.stdin.close()
    try:
        await process.stdout.readexactly(largest_answer + 1)
    except asyncio.IncompleteReadError as end:
        return end.partial
    raise OverflowError
