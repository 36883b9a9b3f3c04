"""Servers as processes of their own, kept to one core, and what the system knows of them."""

import asyncio
import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from scripts.benches.load import LoadError, ask, request_bytes
from tests.harness.app import free_port

ROOT = Path(__file__).resolve().parent.parent.parent
START_SECONDS = 20.0
STOP_SECONDS = 5.0
_CORES = sorted(os.sched_getaffinity(0))


@dataclass(frozen=True, slots=True)
class Process:
    """A server that has answered once."""

    popen: subprocess.Popen[bytes]
    port: int
    seconds_to_first_answer: float

    @property
    def cpu_seconds(self) -> float:
        """Processor time of all its threads so far, user and system.

        It is utime + stime of /proc/PID/stat, read from the process's clock: nanoseconds instead of ticks of 10 ms.
        """
        return time.clock_gettime((~self.popen.pid << 3) | 2)

    @property
    def resident_mb(self) -> float:
        """Memory held now, in MB of 1,000,000 bytes."""
        return self._memory_mb("VmRSS:")

    @property
    def peak_mb(self) -> float:
        """The most memory held since the start or `forget_peak`, in MB of 1,000,000 bytes."""
        return self._memory_mb("VmHWM:")

    def forget_peak(self) -> None:
        """Let the peak begin anew with what is held now."""
        Path(f"/proc/{self.popen.pid}/clear_refs").write_text("5")

    def _memory_mb(self, what: str) -> float:
        status = Path(f"/proc/{self.popen.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith(what))
        return int(line.split()[1]) * 1024 / 1e6


def pinned() -> bool:
    """Whether servers and load have a core each."""
    return len(_CORES) > 1


def cores() -> str:
    """Return what this may run on, in words."""
    if pinned():
        return f"{len(_CORES)}; servers on core {_CORES[-1]}, load on core {_CORES[0]}"
    return "1; nothing could be pinned, servers and load share it"


@contextlib.contextmanager
def apart() -> Iterator[None]:
    """Keep this process, which makes the load, to the first core meanwhile."""
    if pinned():
        os.sched_setaffinity(0, _CORES[:1])
    try:
        yield
    finally:
        os.sched_setaffinity(0, _CORES)


@contextlib.contextmanager
def running(  # noqa: PLR0913 -- that much differs between one server and another
    module: str,
    arguments: Sequence[str] = (),
    *,
    log: Path,
    environment: Mapping[str, str] | None = None,
    ready: str,
    port_variable: str = "YZT_PORT",
    elsewhere: bool = False,
) -> Iterator[Process]:
    """Run `python -m module`, on the last core where there are two, or `elsewhere` on the first, until the block ends.

    The port is in `port_variable`; `ready` is a path that answers 200 when the server serves. Its output goes to `log`.
    Raises RuntimeError where it does not start.
    """
    port, started = free_port(), time.monotonic()
    settings = {port_variable: str(port), **(environment or {})}
    core = _CORES[:1] if elsewhere else _CORES[-1:]
    popen = _start([sys.executable, "-m", module, *arguments], log, settings, core)
    try:
        _wait_until_ready(popen, port, ready, log)
        yield Process(popen, port, time.monotonic() - started)
    finally:
        _stop(popen)


def migrate(**settings: str) -> None:
    """Bring the database that `settings` name up to date."""
    subprocess.run(
        [sys.executable, "-m", "server", "migrate"],
        cwd=ROOT,
        env=_environment(settings),
        check=True,
        timeout=60,
        stdout=subprocess.DEVNULL,
    )


def _start(
    command: list[str], log: Path, environment: Mapping[str, str], core: Sequence[int]
) -> subprocess.Popen[bytes]:
    """Start on a core: a child, with every thread it will have, inherits where its parent may run."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, core)
    try:
        with log.open("ab") as output:
            return subprocess.Popen(
                command,
                cwd=ROOT,
                env=_environment(environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
    finally:
        os.sched_setaffinity(0, before)


def _environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Return this process's environment with `settings` and no others of the server's."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("YZT_")}
    return {**kept, **settings}


def _wait_until_ready(popen: subprocess.Popen[bytes], port: int, path: str, log: Path) -> None:
    request, end = request_bytes("GET", path), time.monotonic() + START_SECONDS
    while time.monotonic() < end and popen.poll() is None:
        with contextlib.suppress(OSError, LoadError):
            if asyncio.run(ask(port, request, 1)).status == 200:  # noqa: PLR2004
                return
        time.sleep(0.005)
    raise RuntimeError(f"the server did not start:\n{log.read_text()[-2000:]}")


def _stop(popen: subprocess.Popen[bytes]) -> None:
    if popen.poll() is None:
        popen.terminate()
        try:
            popen.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            popen.kill()
    popen.wait()
