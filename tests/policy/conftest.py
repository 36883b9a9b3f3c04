from pathlib import Path

import pytest

from server.policy.book import PolicyBook, load
from tests.policy.shelf import CONTENT, Copy


@pytest.fixture(scope="session")
def book() -> PolicyBook:
    return load(CONTENT)


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    return Copy(tmp_path)
