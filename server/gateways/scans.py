"""Scans of licences: only pictures, made anew in a bounded process before anything of ours touches them.

PDF is not taken: it holds scripts, forms and files besides pages, and a phone photographs a page in a second.
"""

import asyncio
from enum import StrEnum
from pathlib import Path

from server.gateways import bounded
from server.kernel.errors import DomainError

MEGABYTES = 5
MEGAPIXELS = 25
_BYTES = MEGABYTES * 1024 * 1024
_LARGEST_ANSWER = 3 * _BYTES  # noise of nine megapixels
_SECONDS = 5.0
_AT_ONCE = 2
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

        `data` is a JPEG or PNG, whatever its name says. Raises DomainError `scan_…` 4xx for all else, also for what
        takes more than 256 MB or four seconds of a core; 503 where too much else is done for it to be cleaned in five
        seconds; RuntimeError where the program that decodes does not run at all.
        """
        if len(data) > _BYTES:
            raise _refused(Refusal.TOO_LARGE)
        if not data.startswith((_JPEG, _PNG)):
            raise _refused(Refusal.TYPE)
        try:
            async with self._places:
                code, output = await bounded.run(
                    _WORKER, data, [MEGAPIXELS], seconds=_SECONDS, largest_answer=_LARGEST_ANSWER
                )
        except TimeoutError:
            raise DomainError("scan_busy", 503, seconds=5) from None
        if code == 0 and output.startswith(_JPEG):
            return output
        reasons = {name.encode(): name for name in Refusal}
        raise _refused(reasons.get(output, Refusal.BROKEN) if code == bounded.REFUSED else Refusal.BROKEN)


def _refused(reason: Refusal) -> DomainError:
    status = _STATUS.get(reason, 422)
    return DomainError(f"scan_{reason}", status, megabytes=MEGABYTES, megapixels=MEGAPIXELS)
