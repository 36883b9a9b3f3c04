"""Access tokens: python-jose behind a wrapper that knows one kind of token only, ours.

The library takes tokens without `exp`, unknown `crit`, trailing junk, and fails in its own ways over deep nesting and
huge numbers. So nothing but our own spelling gets to it: a header is looked up, not read, and claims are read only
once the signature holds.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NoReturn
from uuid import UUID

from jose import jwk, jws

from server.kernel.errors import DomainError
from server.kernel.ids import new_id_text, parse_id

if TYPE_CHECKING:
    from jose.backends.base import Key

ALGORITHM = "HS256"
TYPE = "at+jwt"
ISSUER = "yizhitong"
AUDIENCE = "yizhitong-api"
LIFETIME = timedelta(minutes=15)
LEEWAY = timedelta(seconds=5)
"""How far the clock of the process that issued may be ahead of ours."""
_LONGEST = 4096
_CLAIMS = {"iss", "aud", "sub", "sid", "jti", "iat", "exp"}
_SHAPE = re.compile(r"([A-Za-z0-9_-]+)\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]")
"""Three parts without padding; a last character with bits to spare would spell the same signature twice."""


class TokenError(DomainError):
    """A token is not one of ours in force; it says no more, since nobody honest needs to know."""

    def __init__(self) -> None:
        super().__init__("not_signed_in", 401)


@dataclass(frozen=True, slots=True)
class Claims:
    """Whom a token speaks for, and until when."""

    person_id: UUID
    session_id: UUID
    expires_at: datetime


class Tokens:
    """Issues and reads access tokens."""

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        """Take keys of 32 bytes by id; the first signs, every one verifies."""
        self._keys: dict[str, Key] = {key_id: jwk.construct(key, ALGORITHM) for key_id, key in keys.items()}
        self._current = next(iter(self._keys))
        self._by_header = {self._signed(key_id, {}).partition(".")[0]: key for key_id, key in self._keys.items()}

    def issue(self, person_id: UUID, session_id: UUID, now: datetime) -> str:
        """Return a token that speaks for a person's session for `LIFETIME` from `now`."""
        issued = int(now.timestamp())
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": str(person_id),
            "sid": str(session_id),
            "jti": new_id_text(),
            "iat": issued,
            "exp": issued + int(LIFETIME.total_seconds()),
        }
        return self._signed(self._current, claims)

    def read(self, text: str, now: datetime) -> Claims:
        """Return what a token says at `now`; raises TokenError for whatever else was sent."""
        try:
            return _checked(self._verified(text), now)
        except Exception:  # noqa: BLE001 -- a forger finds no way to any other answer
            raise TokenError from None

    def _signed(self, key_id: str, claims: dict[str, Any]) -> str:
        return jws.sign(claims, self._keys[key_id], headers={"kid": key_id, "typ": TYPE}, algorithm=ALGORITHM)

    def _verified(self, text: str) -> bytes:
        shape = _SHAPE.fullmatch(text) if len(text) <= _LONGEST else None
        if shape is None:
            raise TokenError
        return jws.verify(text, self._by_header[shape[1]], [ALGORITHM])

    def __reduce__(self) -> NoReturn:
        raise TypeError("keys are never pickled")


def _checked(payload: bytes, now: datetime) -> Claims:
    claims: dict[str, Any] = json.loads(payload, object_pairs_hook=_distinct)
    issued, expires = claims["iat"], claims["exp"]
    if (
        claims.keys() != _CLAIMS
        or (claims["iss"], claims["aud"]) != (ISSUER, AUDIENCE)
        or type(issued) is not int
        or type(expires) is not int
        or not 0 < expires - issued <= LIFETIME.total_seconds()
        or not issued - LEEWAY.total_seconds() <= now.timestamp() < expires
    ):
        raise TokenError
    person, session, _ = (_id(claims[name]) for name in ("sub", "sid", "jti"))
    return Claims(person, session, datetime.fromtimestamp(expires, UTC))


def _id(text: str) -> UUID:
    found = parse_id(text)
    if found is None:
        raise TokenError
    return found


def _distinct(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse a claim that comes twice: whoever reads the other one reads another token."""
    found = list(pairs)
    if len(claims := dict(found)) != len(found):
        raise TokenError
    return claims
