"""Short signatures for texts that are printed once and come back for years, such as the scene of a mini-program code.

Sixty bits: enough where every guess is a request of its own, and all that a scene has room for.
"""

import base64
import hmac
from collections.abc import Mapping
from typing import NoReturn

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

CHARACTERS = 10
"""Six bits each."""


class Seals:
    """Signs with the first of the index keys; every one of them still proves, so a printed code outlives a rotation."""

    def __init__(self, index_keys: Mapping[str, bytes]) -> None:
        """Take keys of 32 bytes by id."""
        self._keys = tuple(_derived(key) for key in index_keys.values())

    def sign(self, purpose: str, text: str) -> str:
        """Return the signature of `text`, ten characters; `purpose` keeps it from serving as another."""
        return _signature(self._keys[0], purpose, text)

    def signatures(self, purpose: str, text: str) -> list[str]:
        """Return every signature of `text` that holds, one for each key."""
        return [_signature(key, purpose, text) for key in self._keys]

    def __reduce__(self) -> NoReturn:
        raise TypeError("keys are never pickled")


def _signature(key: bytes, purpose: str, text: str) -> str:
    digest = hmac.digest(key, f"{len(purpose)}:{purpose}{text}".encode(), "sha256")
    return base64.urlsafe_b64encode(digest).decode()[:CHARACTERS]


def _derived(key: bytes) -> bytes:
    """Return a key of its own kind, so that no blind index ever is a signature."""
    return HKDF(SHA256(), 32, salt=None, info=b"yizhitong short signatures").derive(key)
