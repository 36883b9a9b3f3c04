"""The keys that the tests and every server of theirs share, so that each reads what another made."""

import base64
import hashlib

from server.gateways.tokens import Tokens
from server.gateways.vault import Vault
from server.secrets import RINGS, Keys


def key(purpose: str) -> str:
    """A key as it is written in the environment, the same in every run."""
    return base64.b64encode(hashlib.sha256(purpose.encode()).digest()).decode()


ENVIRONMENT = {f"YZT_{ring.upper()}": f"tests:{key(ring)}" for ring in RINGS}
_RINGS = {ring: Keys.parse(ENVIRONMENT[f"YZT_{ring.upper()}"]).by_id for ring in RINGS}
AUDIT = _RINGS["audit_keys"]
VAULT = Vault(_RINGS["vault_keys"], _RINGS["index_keys"])
TOKENS = Tokens(_RINGS["token_keys"])
