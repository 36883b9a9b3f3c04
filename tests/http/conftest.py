"""What the tests of several processes share."""

from pathlib import Path

import pytest


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> dict[str, str]:
    """The environment of one more server on the module's database."""
    return {"YZT_DATABASE_URL": database_url, "YZT_DATA_DIR": str(tmp_path), "YZT_JOB_LEASE_SECONDS": "1"}
