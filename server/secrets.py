"""Keys and credentials: how they are written in the environment, and those that development makes for itself."""

import base64
import binascii
import fcntl
import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import NoReturn, Self

RINGS = ("token_keys", "vault_keys", "index_keys", "audit_keys")
"""The settings that hold keys: one ring per purpose."""
DEVELOPMENT = "development"
"""The id of keys that a development machine made; production refuses them."""
KEY_BYTES = 32
FEWEST_BYTES = 16
"""A key drawn at random has at least this many different bytes; zeros and pass phrases have not."""
CALLBACK_KEY_CHARACTERS = 43
_KEY_ID = re.compile(r"[a-z0-9-]{1,16}")
_CREDENTIAL = re.compile(r"[!-~]+")
_CALLBACK_TOKEN = re.compile(r"[A-Za-z0-9]{3,32}")
_FILE = "development-keys.json"


class KeyFileError(ValueError):
    """This machine's keys cannot be read."""


@dataclass(frozen=True, slots=True)
class Keys:
    """Keys by id. The first is in use; the others still open what was made with them."""

    by_id: Mapping[str, bytes] = field(repr=False)

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

    def __reduce__(self) -> NoReturn:
        raise TypeError("keys are never pickled")


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


def _variable(name: str, item: str) -> str:
    return f"{_PREFIXES[name]}_{item.upper()}"


ACCOUNT_VARIABLES = {_variable(name, item) for name in ACCOUNTS for item in _ACCOUNT_FIELDS}
"""`YZT_WECHAT_APPID`, `YZT_WECHAT_SECRET`, `YZT_WECHAT_CALLBACK_TOKEN`, `YZT_WECHAT_CALLBACK_KEY`, and the same with
`YZT_SERVICE`."""


def account(name: str, default: WeChatAccount, environ: Mapping[str, str]) -> WeChatAccount:
    """Return the account `name` as `environ` has it, the stand-in's where it says nothing."""
    texts = {item: environ.get(_variable(name, item), "") for item in _ACCOUNT_FIELDS}
    return WeChatAccount(**{item: text or getattr(default, item) for item, text in texts.items()})


def account_faults(accounts: Mapping[str, WeChatAccount]) -> Iterator[tuple[str, str]]:
    """Yield each variable of `accounts`, by setting, that nobody can work with, and why."""
    for name, found in accounts.items():
        for item in _ACCOUNT_FIELDS:
            if not _CREDENTIAL.fullmatch(getattr(found, item)):
                yield _variable(name, item), "holds what is no credential: a blank, or no letter of ASCII"
        if len(found.callback_key) != CALLBACK_KEY_CHARACTERS or len(_decoded(found.callback_key + "=")) != KEY_BYTES:
            yield _variable(name, "callback_key"), f"must be the {CALLBACK_KEY_CHARACTERS} characters that WeChat gives"
    if len({found.appid for found in accounts.values()}) < len(accounts):
        yield _variable("service_account", "appid"), "is also that of the mini-program"


def standin_faults(accounts: Mapping[str, WeChatAccount]) -> Iterator[tuple[str, str]]:
    """Yield each variable of `accounts`, by setting, that production lacks or has from the stand-in.

    Then those that WeChat's console would not take, or that one account has from the other.
    """
    known = {getattr(account, item) for account in ACCOUNTS.values() for item in _ACCOUNT_FIELDS}
    for name, found in accounts.items():
        for item in _ACCOUNT_FIELDS:
            if getattr(found, item) in known:
                yield _variable(name, item), "is required in production, and not the stand-in's"
        if not _CALLBACK_TOKEN.fullmatch(found.callback_token):
            yield _variable(name, "callback_token"), "must be 3 to 32 letters and digits"
    if len({found.callback_token for found in accounts.values()}) < len(accounts):
        yield _variable("service_account", "callback_token"), "is also that of the mini-program"


def key_faults(rings: Mapping[str, Keys | None]) -> Iterator[tuple[str, str]]:
    """Yield each variable of `rings`, by setting, whose keys production must not use."""
    owners: dict[bytes, str] = {}
    for ring, keys in rings.items():
        variable = f"YZT_{ring.upper()}"
        if keys is None or DEVELOPMENT in keys.by_id:
            yield variable, "is required in production, with keys of its own"
            continue
        for key_id, key in keys.by_id.items():
            if len(set(key)) < FEWEST_BYTES:
                yield variable, "holds a key that was not drawn at random"
            elif (owner := owners.setdefault(key, f"{variable} under {key_id}")) != f"{variable} under {key_id}":
                yield variable, f"repeats the key of {owner}"


def development_keys(directory: Path) -> dict[str, Keys]:
    """Return this machine's own keys by ring, made once and kept in `directory`, readable by their owner only.

    Processes that start together get the same ones. Raises KeyFileError for a file that holds anything else.
    """
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / _FILE
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # until it is closed
        try:
            found = json.loads(file.read() or "{}")
            made = {ring: found.get(ring) or new_key() for ring in RINGS}
            keys = {ring: Keys.parse(f"{DEVELOPMENT}:{text}") for ring, text in made.items()}
        except (ValueError, AttributeError):
            raise KeyFileError(
                f"{path} is broken; without it new keys are made, which open nothing sealed so far"
            ) from None
        if made != found:
            file.seek(0)
            file.truncate()
            json.dump(made, file)
    return keys


def new_key() -> str:
    """Return a fresh key as it is written in the environment."""
    return base64.b64encode(os.urandom(KEY_BYTES)).decode()


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
