"""Everything that differs between one place of running and another, read from the environment once."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_address
from pathlib import Path
from typing import Self

ROOT = Path(__file__).resolve().parent.parent
TRUE_FALSE = {"on": True, "off": False}


class SettingsError(Exception):
    """The environment is not one to start in; the message names every variable at fault."""


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
    database_url: str = ""
    """`sqlite://PATH` or `postgres://…`; empty is a SQLite file in `data_dir`."""
    redis_url: str = ""
    """Empty: served in process."""
    env: Env = Env.DEVELOPMENT
    log_level: str = "INFO"
    request_seconds: int = 15
    """How long a request may take to arrive, and how long to be answered; also how long an idle connection lives."""
    jobs: bool = True
    """Whether this process also runs the job loop (`on`, `off`)."""
    job_lease_seconds: int = 30
    """How long a silent worker keeps a job before another takes it over."""
    metrics_token: str = ""
    """Bearer token of `/metrics`; empty leaves it open, which production refuses."""

    @property
    def database(self) -> str:
        """The database URL in force."""
        return self.database_url or f"sqlite://{self.data_dir / 'yizhitong.sqlite3'}"

    @property
    def production(self) -> bool:
        """Whether real people depend on this process."""
        return self.env is Env.PRODUCTION

    @classmethod
    def from_env(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """Read `YZT_*` from `environ`.

        Raises SettingsError naming every variable that is malformed, and in production every one that is missing or
        unknown: a mistyped name there would leave a setting at its default unseen.
        """
        values, faults = _read(environ)
        if faults:
            raise SettingsError("; ".join(faults))
        settings = cls(**values)  # type: ignore[arg-type]
        faults = _refusals(settings)
        if settings.production:
            faults += [f"{variable} is not a setting" for variable in unknown(environ)]
        if faults:
            raise SettingsError("; ".join(faults))
        return settings


_PARSERS: Mapping[str, Callable[[str], object]] = {
    "host": str,
    "port": lambda text: _within(int(text), 0, 65535),
    "data_dir": lambda text: Path(text).absolute(),
    "database_url": str,
    "redis_url": str,
    "env": Env,
    "log_level": lambda text: _one_of(text.upper(), {"DEBUG", "INFO", "WARNING", "ERROR"}),
    "request_seconds": lambda text: _within(int(text), 1, 600),
    "jobs": TRUE_FALSE.__getitem__,
    "job_lease_seconds": lambda text: _within(int(text), 1, 3600),
    "metrics_token": str,
}


def unknown(environ: Mapping[str, str] = os.environ) -> list[str]:
    """Return the variables that look like settings and are none."""
    names = {f"YZT_{name.upper()}" for name in _PARSERS}
    return sorted(name for name, text in environ.items() if name.startswith("YZT_") and text and name not in names)


def _read(environ: Mapping[str, str]) -> tuple[dict[str, object], list[str]]:
    values: dict[str, object] = {}
    faults = []
    for name, parse in _PARSERS.items():
        variable = f"YZT_{name.upper()}"
        if not (text := environ.get(variable)):
            continue
        try:
            values[name] = parse(text)
        except (ValueError, KeyError):
            faults.append(f"{variable} has a value that cannot be used")
    return values, faults


def _refusals(settings: Settings) -> list[str]:
    """Return why `settings` must not start: development stays on this machine, production has its secrets."""
    if not settings.production:
        return [] if _is_loopback(settings.host) else ["YZT_HOST must be the loopback in development"]
    required = {"YZT_DATABASE_URL": settings.database_url, "YZT_METRICS_TOKEN": settings.metrics_token}
    faults = [f"{name} is required in production" for name, value in required.items() if not value]
    minimum = 16
    if settings.metrics_token and len(settings.metrics_token) < minimum:
        faults.append(f"YZT_METRICS_TOKEN needs {minimum} characters in production")
    return faults


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _within(number: int, low: int, high: int) -> int:
    if not low <= number <= high:
        raise ValueError(number)
    return number


def _one_of(text: str, choices: set[str]) -> str:
    if text not in choices:
        raise ValueError(text)
    return text
