from collections.abc import Iterator
from pathlib import Path

import pytest

from server.policy.book import PolicyBook, load
from tests.policy.shelf import CONTENT, Copy, read_once


@pytest.fixture(scope="module", autouse=True)
def _read_once() -> Iterator[None]:
    with read_once():
        yield


@pytest.fixture(scope="session")
def book() -> PolicyBook:
    return load(CONTENT)


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    return Copy(tmp_path)
