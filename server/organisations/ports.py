"""What organisations need from outside."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID


class Scans(Protocol):
    """Makes pictures harmless."""

    async def clean(self, data: bytes) -> bytes:
        """Return a JPEG with nothing but the picture of `data`; raises DomainError `scan_…` for what is none."""


class Files(Protocol):
    """Keeps files sealed, each under the id that a row names."""

    async def write(self, row_id: UUID, data: bytes) -> None:
        """Keep `data`."""

    async def read(self, row_id: UUID) -> bytes:
        """Return what is kept; raises VaultError where it was altered."""

    async def delete(self, row_id: UUID) -> None:
        """Remove what is kept, if anything."""

    async def older(self, moment: datetime) -> Sequence[UUID]:
        """Return the ids of all that is kept and was written before `moment`."""

    async def drop_drafts(self, moment: datetime) -> int:
        """Remove what was left half written before `moment`; return how many there were."""


class Seals(Protocol):
    """Signs short texts that are printed and come back."""

    def sign(self, purpose: str, text: str) -> str:
        """Return the signature of `text`: ten characters of base64url."""

    def signatures(self, purpose: str, text: str) -> Sequence[str]:
        """Return every signature of `text` that holds: one for each key."""


class Codes(Protocol):
    """WeChat, which draws mini-program codes."""

    async def code_image(self, scene: str, page: str, width: int = 430, *, check_path: bool = True) -> bytes:
        """Return a picture, PNG or JPEG; raises DomainError 503 where WeChat does not answer."""


class Cache(Protocol):
    """What may be forgotten at any time."""

    async def get(self, key: str) -> bytes | None:
        """Return what was set, None where it is forgotten."""

    async def set(self, key: str, value: bytes, seconds: float) -> None:
        """Remember `value` for `seconds` at most."""
