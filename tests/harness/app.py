"""Our server in a process of its own, with the probe's routes beside the real ones."""

import contextlib
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from server.settings import ROOT
from tests.harness import keys
from tests.harness.forking import Forked, ours

TOKEN = "metrics-token-of-the-tests"
NO_WECHAT = "http://127.0.0.1:9"
"""Nobody answers there, and with an address given no server plays WeChat itself."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Server:
    """A running server, or a worker; `log` holds what it wrote, and it is started as in life unless forked."""

    log: Path
    environment: dict[str, str]
    module: str = "tests.harness.probe"
    arguments: tuple[str, ...] = ()
    port: int = field(default_factory=free_port)
    forked: bool = True
    process: "subprocess.Popen[bytes] | Forked | None" = None

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        defaults = {"YZT_PORT": str(self.port), "YZT_METRICS_TOKEN": TOKEN, "YZT_WECHAT_URL": NO_WECHAT}
        environment = ours(**defaults | keys.ENVIRONMENT | self.environment)
        if self.forked:
            self.process = Forked(self.module, self.arguments, environment, self.log)
            return
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", self.module, *self.arguments],
                cwd=ROOT,
                env=environment,
                stdout=log,
                stderr=log,
            )

    def wait_until_live(self, seconds: float = 60, path: str = "/health/live") -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            assert self.process
            if self.process.poll() is not None:
                break
            with contextlib.suppress(OSError), urllib.request.urlopen(f"{self.base}{path}", timeout=1):  # noqa: S310
                return
            time.sleep(0.02)
        raise RuntimeError(f"the server did not start:\n{self.log.read_text()}")

    def signal(self, number: int) -> None:
        assert self.process
        self.process.send_signal(number)

    def kill(self) -> None:
        """End it as a power cut would."""
        assert self.process
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """Ask it to stop and return its exit code."""
        self.signal(signal.SIGTERM)
        return self.ended()

    def ended(self, seconds: float = 60) -> int:
        """Wait for its end and return its exit code; kill it where it does not come."""
        assert self.process
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise


@contextlib.contextmanager
def running(log: Path, **environment: str) -> Iterator[Server]:
    server = Server(log, environment)
    server.start()
    try:
        server.wait_until_live()
        yield server
    finally:
        if server.process and server.process.poll() is None:
            server.stop()


@contextlib.contextmanager
def worker(settings: dict[str, str], log: Path) -> Iterator[Server]:
    """A worker alone, killed in the end."""
    process = Server(log, settings, module="server", arguments=("worker",))
    process.start()
    try:
        yield process
    finally:
        process.kill()
