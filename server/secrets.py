"""Keys and credentials: how they are written in the environment, and those that development makes for itself."""

import base64
import binascii
import contextlib
import json
import os
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Self

DEVELOPMENT = "development"
"""The id of keys that a development machine made; production refuses them."""
KEY_BYTES = 32
_KEY_ID = re.compile(r"[a-z0-9-]{1,16}")
_FILE = "development-keys.json"


@dataclass(frozen=True, slots=True)
class Keys:
    """Keys by id. The first is in use; the others still open what was made with them."""

    by_id: Mapping[str, bytes] = field(repr=False)

    @property
    def current(self) -> tuple[str, bytes]:
        """The id and bytes of the key in use."""
        return next(iter(self.by_id.items()))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `id:BASE64,id:BASE64…`; raises ValueError for anything but distinct ids and 32 bytes each."""
        found: dict[str, bytes] = {}
        for part in text.split(","):
            name, _, encoded = part.strip().partition(":")
            key = _decoded(encoded)
            if not _KEY_ID.fullmatch(name) or name in found or len(key) != KEY_BYTES:
                raise ValueError("keys are written id:BASE64 of 32 bytes")
            found[name] = key
        return cls(found)


@dataclass(frozen=True, slots=True)
class WeChatAccount:
    """One account at WeChat: the mini-program or the service account."""

    appid: str
    secret: str = field(repr=False)
    callback_token: str = field(repr=False)
    callback_key: str = field(repr=False)
    """The 43 characters of WeChat's EncodingAESKey."""


DEVELOPMENT_MINI_PROGRAM = WeChatAccount(
    "wxdevelopment0001",
    "secret-of-the-stand-in",
    "callback-of-the-stand-in",
    "DevelopmentKeyOfTheMiniProgram0000000000000",
)
DEVELOPMENT_SERVICE_ACCOUNT = WeChatAccount(
    "wxdevelopment0002",
    "secret-of-the-stand-in",
    "callback-of-the-stand-in",
    "DevelopmentKeyOfTheServiceAccount0000000000",
)
ACCOUNTS = {"mini_program": DEVELOPMENT_MINI_PROGRAM, "service_account": DEVELOPMENT_SERVICE_ACCOUNT}
_PREFIXES = {"mini_program": "YZT_WECHAT", "service_account": "YZT_SERVICE"}
_ACCOUNT_FIELDS = tuple(item.name for item in fields(WeChatAccount))
ACCOUNT_VARIABLES = {f"{prefix}_{name.upper()}" for prefix in _PREFIXES.values() for name in _ACCOUNT_FIELDS}
"""`YZT_WECHAT_APPID`, `YZT_WECHAT_SECRET`, `YZT_WECHAT_CALLBACK_TOKEN`, `YZT_WECHAT_CALLBACK_KEY`, and the same with
`YZT_SERVICE`."""


def account(name: str, default: WeChatAccount, environ: Mapping[str, str]) -> WeChatAccount:
    """Return the account `name` as `environ` has it, the stand-in's where it says nothing."""
    texts = {item: environ.get(f"{_PREFIXES[name]}_{item.upper()}", "") for item in _ACCOUNT_FIELDS}
    return WeChatAccount(**{item: text or getattr(default, item) for item, text in texts.items()})


def account_faults(mini_program: WeChatAccount, service_account: WeChatAccount) -> list[str]:
    """Return which variables production lacks, or has from the stand-in, or malformed."""
    faults = []
    for name, found in (("mini_program", mini_program), ("service_account", service_account)):
        faults += [
            f"{_PREFIXES[name]}_{item.upper()} is required in production"
            for item in _ACCOUNT_FIELDS
            if getattr(found, item) == getattr(ACCOUNTS[name], item)
        ]
        if len(_decoded(found.callback_key + "=")) != KEY_BYTES:
            faults.append(f"{_PREFIXES[name]}_CALLBACK_KEY must be the 43 characters that WeChat gives")
    return faults


def development_keys(directory: Path) -> dict[str, Keys]:
    """Return this machine's own keys by setting, made once and kept in `directory`, readable by its owner only.

    Two processes that start together end up with the same ones.
    """
    path = directory / _FILE
    if not path.exists():
        directory.mkdir(parents=True, exist_ok=True)
        made = {name: new_key() for name in ("token_keys", "vault_keys", "index_keys")}
        with tempfile.NamedTemporaryFile("w", dir=directory, suffix=".json") as draft:
            json.dump(made, draft)
            draft.flush()
            with contextlib.suppress(FileExistsError):
                os.link(draft.name, path)
    found = json.loads(path.read_text(encoding="utf-8"))
    return {name: Keys({DEVELOPMENT: _decoded(text)}) for name, text in found.items()}


def new_key() -> str:
    """Return a fresh key as it is written in the environment."""
    return base64.b64encode(os.urandom(KEY_BYTES)).decode()


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
