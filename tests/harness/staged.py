"""The stage of the story with processes that start at once; as in life it is in the drill of that story."""

import signal
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest

from scripts.story import stage
from scripts.story.stage import Stage
from tests.harness.forking import Forked, command


@contextmanager
def at_once() -> Iterator[None]:
    """Whatever stage is opened meanwhile has its processes forked."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(stage, "_prepare", _prepare)
        patched.setattr(stage, "_served", _served)
        yield


@asynccontextmanager
async def opened(folder: Path, database: str) -> AsyncIterator[Stage]:
    """Give a stage as the story's own does, on an empty database."""
    with at_once():
        async with stage.opened(folder, database) as made:
            yield made


def _prepare(environment: Mapping[str, str]) -> None:
    ours = {name: value for name, value in environment.items() if name.startswith("YZT_")}
    for done in (command("migrate", **ours), command(module="scripts.demo_people", **ours)):
        assert done.returncode == 0, done.stderr


@contextmanager
def _served(folder: Path, environment: Mapping[str, str]) -> Iterator[None]:
    process = Forked("server", (), environment, folder / "log")
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)
