from collections.abc import Iterator
from pathlib import Path

import pytest

from server.guide.service import Guide, load
from server.policy import service as policy_service
from server.policy.book import PolicyBook
from tests.policy.shelf import CONTENT, Copy, read_once


@pytest.fixture(scope="module", autouse=True)
def _read_once() -> Iterator[None]:
    with read_once():
        yield


@pytest.fixture(scope="session")
def book() -> PolicyBook:
    return policy_service.load(CONTENT)


@pytest.fixture(scope="session")
def guide(book: PolicyBook) -> Guide:
    return load(CONTENT, book)


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    return Copy(tmp_path)
