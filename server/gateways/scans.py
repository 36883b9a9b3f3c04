"""Scans of licences: only pictures, made anew in a bounded process before anything of ours touches them.

PDF is not taken: it holds scripts, forms and files besides pages, and a phone photographs a page in a second.
"""

import asyncio
import contextlib
import sys
from enum import StrEnum
from pathlib import Path

from server.kernel.errors import DomainError

MEGABYTES = 5
MEGAPIXELS = 25
_BYTES = MEGABYTES * 1024 * 1024
_LARGEST_ANSWER = 3 * _BYTES  # noise of nine megapixels
_SECONDS = 5.0
_AT_ONCE = 2
_REFUSED = 3
_WORKER = Path(__file__).with_name("scan_worker.py")
_JPEG = b"\xff\xd8\xff"
_PNG = b"\x89PNG\r\n\x1a\n"


class Refusal(StrEnum):
    """Why a scan is not taken: each is a problem of `content/problems.yaml`, with `scan_` before it."""

    TOO_LARGE = "too_large"
    TYPE = "type"
    PIXELS = "pixels"
    ANIMATED = "animated"
    BROKEN = "broken"
    """Incomplete, damaged, or more than its time and memory allow to read."""


_STATUS = {Refusal.TOO_LARGE: 413, Refusal.TYPE: 415}


class Scans:
    """Cleans scans, a few at once: each may take a core and 256 MB for some seconds."""

    def __init__(self) -> None:
        self._places = asyncio.Semaphore(_AT_ONCE)

    async def clean(self, data: bytes) -> bytes:
        """Return the picture in `data` as a JPEG of at most 3000 pixels a side that carries nothing but the picture.

        `data` is a JPEG or PNG, whatever its name says. Raises DomainError `scan_…` for all else, also for what takes
        more than 256 MB or five seconds; RuntimeError where the program that decodes does not run at all.
        """
        if len(data) > _BYTES:
            raise _refused(Refusal.TOO_LARGE)
        if not data.startswith((_JPEG, _PNG)):
            raise _refused(Refusal.TYPE)
        async with self._places:
            code, output = await _decoded(data)
        if code == 0 and output.startswith(_JPEG):
            return output
        if code == 1:
            raise RuntimeError("the program that decodes scans does not run")
        reasons = {name.encode(): name for name in Refusal}
        raise _refused(reasons.get(output, Refusal.BROKEN) if code == _REFUSED else Refusal.BROKEN)


def _refused(reason: Refusal) -> DomainError:
    status = _STATUS.get(reason, 422)
    return DomainError(f"scan_{reason}", status, megabytes=MEGABYTES, megapixels=MEGAPIXELS)


async def _decoded(data: bytes) -> tuple[int, bytes]:
    """Return how the worker ended (negative: by which signal) and what it said; it is gone afterwards, come what may.

    It gets none of our environment, where the keys are.
    """
    worker = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", str(_WORKER), str(MEGAPIXELS)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={},
    )
    try:
        async with asyncio.timeout(_SECONDS):
            output = await _exchanged(worker, data)
            return await worker.wait(), output
    except (TimeoutError, OverflowError):
        return _REFUSED, b""
    finally:
        with contextlib.suppress(ProcessLookupError):
            worker.kill()
        await worker.communicate()  # `wait` alone would wait for ever where output was left unread


async def _exchanged(worker: asyncio.subprocess.Process, data: bytes) -> bytes:
    """Hand `data` over and return the answer; raises OverflowError for one larger than any scan."""
    if worker.stdin is None or worker.stdout is None:
        raise RuntimeError("the worker has no pipes")
    with contextlib.suppress(ConnectionError):  # it may end without reading
        worker.stdin.write(data)
        await worker.stdin.drain()
    worker.stdin.close()
    try:
        await worker.stdout.readexactly(_LARGEST_ANSWER + 1)
    except asyncio.IncompleteReadError as end:
        return end.partial
    raise OverflowError
