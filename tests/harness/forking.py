"""Processes of ours that start at once: forked from one that has loaded our code, which takes a second each time.

They are processes like all others, each with an environment and an output of its own, and signals reach them.
"""

import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from server.settings import ROOT

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["tests.harness.loaded"])


class Forked:
    """`python -m module arguments…`, of which one can ask what one asks of a Popen; `err` is `out` unless given."""

    def __init__(
        self, module: str, arguments: Sequence[str], environment: Mapping[str, str], out: Path, err: Path | None = None
    ) -> None:
        start = (module, arguments, dict(environment), out, err or out)
        self._process = _CONTEXT.Process(target=_become, args=start, daemon=True)  # none outlives the tests
        self._process.start()

    def poll(self) -> int | None:
        return self._process.exitcode

    @property
    def pid(self) -> int | None:
        """Which process it is."""
        return self._process.pid

    def send_signal(self, number: int) -> None:
        if self.poll() is None and self._process.pid:
            os.kill(self._process.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def wait(self, timeout: float | None = None) -> int:
        self._process.join(timeout)
        code = self.poll()
        if code is None:
            raise subprocess.TimeoutExpired(str(self._process), timeout or 0)
        return code


def ours(**settings: str) -> dict[str, str]:
    """This process's environment with no setting of ours but `settings`."""
    return {name: value for name, value in os.environ.items() if not name.startswith("YZT_")} | settings


def command(*arguments: str, module: str = "server", **settings: str) -> subprocess.CompletedProcess[str]:
    """Run `python -m module arguments…` to its end; raises TimeoutExpired where that takes over a minute."""
    with tempfile.TemporaryDirectory() as directory:
        out, err = Path(directory) / "out", Path(directory) / "err"
        process = Forked(module, arguments, ours(**settings), out, err)
        try:
            code = process.wait(60)
        finally:
            process.kill()
        return subprocess.CompletedProcess(arguments, code, out.read_text(), err.read_text())


def _become(module: str, arguments: Sequence[str], environment: dict[str, str], out: Path, err: Path) -> None:
    os.chdir(ROOT)
    os.environ.clear()
    os.environ.update(environment)
    for number, path in ((1, out), (2, err)):
        with path.open("ab") as file:
            os.dup2(file.fileno(), number)
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
