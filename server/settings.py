"""Everything that differs between one place of running and another, read from the environment once."""

import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from ipaddress import ip_address
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from server import secrets
from server.secrets import RINGS, Keys, WeChatAccount

ROOT = Path(__file__).resolve().parent.parent
SHORTEST_TOKEN = 16
_TOKEN = re.compile(rf"[!-~]{{{SHORTEST_TOKEN},}}")
_PUBLIC_NAME = re.compile(r"([a-z0-9-]+\.)+[a-z][a-z0-9-]*\.?")
"""The name of a server elsewhere. An address, however written, is none: its last part begins with no letter."""
_IN_MEMORY = re.compile(r"sqlite:((//)?(\?|$)|.*(:memory:|mode=memory))")
TRUE_FALSE = {"on": True, "off": False}
_LEVELS = {name: name for name in ("DEBUG", "INFO", "WARNING", "ERROR")}


class SettingsError(Exception):
    """The environment is not one to start in; the message names every variable at fault."""


@dataclass(frozen=True, slots=True)
class Qualification:
    """By what right the operator publishes jobs; `valid_to` is the last day on which it holds."""

    kind: str
    number: str
    valid_to: date

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `TYPE;NUMBER;YYYY-MM-DD`; raises ValueError."""
        kind, number, until = (part.strip() for part in text.split(";"))
        if not kind or not number:
            raise ValueError("a type and a number are needed")
        return cls(kind, number, date.fromisoformat(until))


DEVELOPMENT_QUALIFICATION = Qualification("示例资质", "DEV-0000", date(2099, 12, 31))


class Env(StrEnum):
    """Where the process runs."""

    DEVELOPMENT = "development"
    PRODUCTION = "production"


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one process. Each field is `YZT_` and its name in capitals."""

    host: str = "127.0.0.1"
    port: int = 8000
    data_dir: Path = ROOT / "var"
    """Where the SQLite database is."""
    database_url: str = field(default="", repr=False)
    """`sqlite://PATH` or `postgres://…`; empty is a SQLite file in `data_dir`."""
    redis_url: str = field(default="", repr=False)
    """Empty: served in process."""
    env: Env = Env.DEVELOPMENT
    log_level: str = "INFO"
    request_seconds: int = 15
    """How long a request may take to arrive, and how long to be answered; also how long an idle connection lives."""
    jobs: bool = True
    """Whether this process also runs the job loop (`on`, `off`)."""
    job_lease_seconds: int = 30
    """How long a silent worker keeps a job before another takes it over."""
    push_concurrency: int = 50
    """How many pushes this process has with WeChat at a time, of what is urgent and of the rest."""
    metrics_token: str = field(default="", repr=False)
    """Bearer token of `/metrics`; empty leaves it open, which production refuses."""
    proxies: int = 0
    """How many proxies of ours stand before us; the client's address is then taken from X-Forwarded-For."""
    sign_ins_per_minute: int = 600
    """How often one address may try to sign in; a whole school may stand behind one address."""
    wechat_url: str = ""
    """Where WeChat is; empty is the stand-in."""
    standin_port: int = 8001
    """Where the stand-in listens, on the loopback."""
    mini_program: WeChatAccount = secrets.DEVELOPMENT_MINI_PROGRAM
    service_account: WeChatAccount = secrets.DEVELOPMENT_SERVICE_ACCOUNT
    operator_qualification: Qualification | None = None
    """The operator's own qualification, `TYPE;NUMBER;VALID-TO`; production publishes no postings without one."""
    token_keys: Keys | None = field(default=None, repr=False)
    """Sign access tokens; without them, as in development, keys kept in `data_dir` are used."""
    vault_keys: Keys | None = field(default=None, repr=False)
    """Encrypt personal data."""
    index_keys: Keys | None = field(default=None, repr=False)
    """Make blind indexes."""
    audit_keys: Keys | None = field(default=None, repr=False)
    """Sign the audit."""

    @property
    def database(self) -> str:
        """The database URL in force."""
        return self.database_url or f"sqlite://{self.data_dir / 'yizhitong.sqlite3'}"

    @property
    def wechat(self) -> str:
        """The address of WeChat in force, without a slash at its end."""
        return self.wechat_url.rstrip("/") or f"http://127.0.0.1:{self.standin_port}"

    @property
    def base(self) -> str:
        """The address of this server."""
        return f"http://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"

    @property
    def operator(self) -> Qualification | None:
        """By what right postings are published, None where there is none; development stands in for it."""
        return self.operator_qualification or (None if self.production else DEVELOPMENT_QUALIFICATION)

    @property
    def production(self) -> bool:
        """Whether real people depend on this process."""
        return self.env is Env.PRODUCTION

    def keys(self) -> dict[str, Keys]:
        """Return the keys in force by ring: those given, this machine's own in development where none were.

        Raises KeyFileError or OSError where this machine's cannot be had.
        """
        given = {ring: keys for ring in RINGS if (keys := getattr(self, ring))}
        return given if len(given) == len(RINGS) else {**secrets.development_keys(self.data_dir), **given}

    @classmethod
    def from_env(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """Read `YZT_*` from `environ`.

        Raises SettingsError naming every variable that is malformed, and in production every one that is missing or
        unknown: a mistyped name there would leave a setting at its default unseen.
        """
        values, faults = _read(environ)
        for name, default in secrets.ACCOUNTS.items():
            values[name] = secrets.account(name, default, environ)
        settings = cls(**values)  # type: ignore[arg-type]
        for variable, reason in _refusals(settings):
            faults.setdefault(variable, reason)
        if settings.production:
            faults |= dict.fromkeys(unknown(environ), "is not a setting")
        if faults:
            raise SettingsError("; ".join(f"{variable} {reason}" for variable, reason in faults.items()))
        return settings


def unknown(environ: Mapping[str, str] = os.environ) -> list[str]:
    """Return the variables that look like settings and are none."""
    names = {f"YZT_{name.upper()}" for name in _PARSERS} | secrets.ACCOUNT_VARIABLES
    return sorted(name for name, text in environ.items() if name.startswith("YZT_") and text and name not in names)


def _read(environ: Mapping[str, str]) -> tuple[dict[str, object], dict[str, str]]:
    """Return the values by setting, and what is wrong by variable."""
    values: dict[str, object] = {}
    faults = {}
    for name, parse in _PARSERS.items():
        variable = f"YZT_{name.upper()}"
        if not (text := environ.get(variable)):
            continue
        try:
            values[name] = parse(text)
        except (ValueError, KeyError):
            faults[variable] = "has a value that cannot be used"
    return values, faults


def _refusals(settings: Settings) -> Iterator[tuple[str, str]]:
    """Yield what `settings` must not start with: development stays on this machine, production has its secrets."""
    accounts = {name: getattr(settings, name) for name in secrets.ACCOUNTS}
    yield from secrets.account_faults(accounts)
    if not settings.production:
        if not _is_loopback(settings.host):
            yield "YZT_HOST", "must be the loopback in development"
        return
    for name in ("database_url", "metrics_token"):
        if not getattr(settings, name):
            yield f"YZT_{name.upper()}", "is required in production"
    if not _TOKEN.fullmatch(settings.metrics_token):
        yield "YZT_METRICS_TOKEN", f"needs {SHORTEST_TOKEN} letters, digits or signs of ASCII in production"
    if _IN_MEMORY.match(settings.database_url):
        yield "YZT_DATABASE_URL", "must not be a database in memory in production"
    address = urlsplit(settings.wechat)
    if address.scheme != "https" or not _is_elsewhere(address.hostname or ""):
        yield "YZT_WECHAT_URL", "must be WeChat's own https address in production, not the stand-in"
    yield from secrets.standin_faults(accounts)
    yield from secrets.key_faults({ring: getattr(settings, ring) for ring in RINGS})


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _is_elsewhere(host: str) -> bool:
    return bool(_PUBLIC_NAME.fullmatch(host)) and "localhost" not in host.split(".")


def _within(number: int, low: int, high: int) -> int:
    if not low <= number <= high:
        raise ValueError(number)
    return number


def _address(text: str) -> str:
    """Return the address of a server, without a password in it."""
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username or parts.query or parts.fragment:
        raise ValueError("no address of a server")
    if parts.port == 0:  # one that is no port raises by itself
        raise ValueError("no address of a server")
    return text


_PARSERS: Mapping[str, Callable[[str], object]] = {
    "host": str,
    "port": lambda text: _within(int(text), 0, 65535),
    "data_dir": lambda text: Path(text).absolute(),
    "database_url": str,
    "redis_url": str,
    "env": Env,
    "log_level": lambda text: _LEVELS[text.upper()],
    "request_seconds": lambda text: _within(int(text), 1, 600),
    "jobs": TRUE_FALSE.__getitem__,
    "job_lease_seconds": lambda text: _within(int(text), 1, 3600),
    "push_concurrency": lambda text: _within(int(text), 1, 500),
    "metrics_token": str,
    "proxies": lambda text: _within(int(text), 0, 10),
    "sign_ins_per_minute": lambda text: _within(int(text), 1, 1_000_000),
    "wechat_url": _address,
    "standin_port": lambda text: _within(int(text), 0, 65535),
    "operator_qualification": Qualification.parse,
    "token_keys": Keys.parse,
    "vault_keys": Keys.parse,
    "index_keys": Keys.parse,
    "audit_keys": Keys.parse,
}
