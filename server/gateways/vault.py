"""The vault: AES-256-GCM envelopes bound to their cell, and blind indexes by which equal values meet.

An envelope is `v1.a.KEY_ID.DATA`, DATA being the unpadded base64url of nonce, ciphertext and tag; `a` is AES-256-GCM.
Header and cell are authenticated with it, so an envelope opens only unaltered and only where it was put. Nonces are
random, 96 bits: one key is good for four thousand million envelopes.
"""

import base64
import binascii
import hmac
import os
from collections.abc import Mapping
from functools import lru_cache
from typing import NoReturn

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from server.kernel.sensitive import Cell, Kind, VaultError

_VERSION = "v1.a"
_NONCE_BYTES = 12
_URL_SAFE = bytes.maketrans(b"+/", b"-_")


class Vault:
    """Seals, opens and indexes: `server.kernel.sensitive.Vault`."""

    def __init__(self, vault_keys: Mapping[str, bytes], index_keys: Mapping[str, bytes]) -> None:
        """Take keys of 32 bytes by id; the first of each is in use, every one opens or finds."""
        self._ciphers = {f"{_VERSION}.{key_id}": AESGCM(key) for key_id, key in vault_keys.items()}
        self._header = next(iter(self._ciphers))
        self._index_keys = {kind: {key_id: _derived(key, kind) for key_id, key in index_keys.items()} for kind in Kind}
        self._index_id = next(iter(index_keys))

    def seal(self, cell: Cell, value: str) -> str:
        """Return the envelope of `value` for `cell`."""
        nonce = os.urandom(_NONCE_BYTES)
        sealed = self._ciphers[self._header].encrypt(nonce, value.encode(), _bound(self._header, cell))
        return f"{self._header}.{_text(nonce + sealed)}"

    def open(self, cell: Cell, envelope: str) -> str:
        """Return what was sealed; raises VaultError for whatever is not an envelope of ours, unaltered, in `cell`."""
        header, _, text = envelope.rpartition(".")
        try:
            data = _data(text)
            value = self._ciphers[header].decrypt(data[:_NONCE_BYTES], data[_NONCE_BYTES:], _bound(header, cell))
            return value.decode()
        except Exception:  # noqa: BLE001 -- whatever is wrong with it, it does not open, and nobody learns why
            raise VaultError from None

    def index(self, kind: Kind, value: str) -> str:
        """Return the blind index of a normalised value, at most 60 characters, the key's id in front."""
        return self._index(kind, self._index_id, value)

    def indexes(self, kind: Kind, value: str) -> tuple[str, ...]:
        """Return the blind index of a value under every key, the one in use first."""
        return tuple(self._index(kind, key_id, value) for key_id in self._index_keys[kind])

    @property
    def header(self) -> str:
        """What an envelope under the key in use begins with."""
        return f"{self._header}."

    @property
    def index_header(self) -> str:
        """What an index under the key in use begins with."""
        return f"{self._index_id}."

    def __reduce__(self) -> NoReturn:
        raise TypeError("a vault is never pickled")

    def _index(self, kind: Kind, key_id: str, value: str) -> str:
        return f"{key_id}.{_text(hmac.digest(self._index_keys[kind][key_id], value.encode(), 'sha256'))}"


def _bound(header: str, cell: Cell) -> bytes:
    """Return what an envelope is bound to; lengths in front, so that no two cells read alike."""
    row = cell.row_id.hex
    return f"{_column(header, cell.table, cell.column)}{len(row)}:{row}".encode()


@lru_cache(maxsize=256)
def _column(*parts: str) -> str:
    return "".join(f"{len(part)}:{part}" for part in parts)


def _derived(key: bytes, kind: Kind) -> bytes:
    """Return the index key of one kind: a name and a phone that look alike share no index."""
    return HKDF(SHA256(), 32, salt=None, info=f"yizhitong blind index {kind}".encode()).derive(key)


def _text(data: bytes) -> str:
    return binascii.b2a_base64(data, newline=False).rstrip(b"=").translate(_URL_SAFE).decode()


def _data(text: str) -> bytes:
    """Read what `_text` wrote; any other spelling of the same bytes is an alteration."""
    data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if _text(data) != text:
        raise VaultError
    return data
