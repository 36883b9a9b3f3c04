"""One database per test module, real servers, and a clock that is put right again."""

import asyncio
import gc
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import pytest
from hypothesis import settings as properties
from tortoise.backends.base.client import BaseDBAsyncClient

from server import db
from server.app import CONTENT_DIR, App, build
from server.awards import beginning as awards
from server.engagements import beginning
from server.kernel import audit, clock, sensitive
from server.notices import beginning as notices
from server.referrals import rules
from server.settings import Settings
from tests.harness import app, browser, postgres, redis, waiting
from tests.harness import standin as wechat
from tests.harness.app import Server
from tests.harness.keys import AUDIT, VAULT
from tests.harness.postgres import Postgres
from tests.harness.redis import Redis
from tests.harness.standin import StandIn

TOUCHES_DATABASE = "database_url"
HTTP = Path(__file__).with_name("http")
EXAMPLES = 25
"""Of each property, where it names no figure of its own, the same at every run; the drills try others, a hundred."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--database", choices=["sqlite", "postgres"], default="sqlite")
    parser.addoption("--part", choices=["http", "rest"], help="only what is in tests/http, or only the rest")
    parser.addoption("--drills", action="store_true", help="run the long drills too")
    parser.addoption("--sources", type=Path, help="folder of the official documents' texts, to compare ours with")


def pytest_configure(config: pytest.Config) -> None:
    gc.disable()  # until all is collected, nothing that is made is thrown away
    properties.register_profile("ordinary", max_examples=EXAMPLES, derandomize=True)
    if config.getoption("--drills"):
        waiting.leeway = 1.0
    else:
        properties.load_profile("ordinary")
    audit.use(AUDIT)
    sensitive.use(VAULT)
    rules.use(rules.load(CONTENT_DIR))
    beginning.begin_alone(CONTENT_DIR)
    awards.begin_alone(CONTENT_DIR)
    notices.begin(CONTENT_DIR)
    config.addinivalue_line("markers", "drill: takes long; runs with --drills only")
    config.addinivalue_line("markers", "browser: looks at pages in a Chromium; runs where one is found")
    config.addinivalue_line("markers", "sources: needs the official texts; runs with --sources only")
    config.addinivalue_line("markers", "once: shows what is alike on both databases; on PostgreSQL with --drills only")
    config.addinivalue_line("markers", "only(database): shows what exists on one of the two databases only")


def pytest_report_header() -> str:
    return f"browser: {browser.found() or 'no Chromium here, so the browser tests are left out'}"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out drills unless asked for, what needs a browser or the originals without them, and the other part.

    On PostgreSQL, whatever touches no database is left out, and unless asked for, what is alike on both.
    """
    database, part = config.getoption("--database"), config.getoption("--part")

    lacking = {
        "drill": not config.getoption("--drills"),
        "once": database == "postgres" and not config.getoption("--drills"),
        "sources": not config.getoption("--sources"),
        "browser": not browser.found(),
    }
    left_out = {marker for marker, lacks in lacking.items() if lacks}

    def wanted(item: pytest.Item) -> bool:
        only = item.get_closest_marker("only")
        if any(item.get_closest_marker(marker) for marker in left_out) or (only and only.args[0] != database):
            return False
        if database == "postgres" and TOUCHES_DATABASE not in getattr(item, "fixturenames", ()):
            return False
        return part in {None, "http" if item.path.is_relative_to(HTTP) else "rest"}

    config.hook.pytest_deselected(items=[item for item in items if not wanted(item)])
    items[:] = [item for item in items if wanted(item)]


def pytest_collection_finish() -> None:
    """Look for rubbish seldom, and not in the thousands of tests: a tenth of the time goes into it otherwise."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    gc.enable()


@pytest.fixture(scope="session")
def product(tmp_path_factory: pytest.TempPathFactory) -> App:
    """The product as it is built, not served: its routes and what they state. A process can have one."""
    built = build(Settings(data_dir=tmp_path_factory.mktemp("product")))
    sensitive.use(VAULT)
    return built


@pytest.fixture(scope="session")
def dialect(request: pytest.FixtureRequest) -> str:
    return str(request.config.getoption("--database"))


@pytest.fixture(scope="session")
def postgres_server(dialect: str) -> Iterator[Postgres | None]:
    if dialect == "sqlite":
        yield None
        return
    with postgres.running() as server:
        yield server


@pytest.fixture(scope="session")
def crashable_postgres() -> Iterator[Postgres]:
    """One more, which may be crashed without disturbing the other tests; whoever crashes it starts it again."""
    with postgres.running() as server:
        yield server


@pytest.fixture(scope="session")
def sqlite_template(dialect: str, tmp_path_factory: pytest.TempPathFactory) -> Path | None:
    if dialect == "postgres":
        return None
    path = tmp_path_factory.mktemp("template") / "template.sqlite3"
    asyncio.run(db.migrate(f"sqlite://{path}"))
    return path


@pytest.fixture(scope="module")
def database_url(
    postgres_server: Postgres | None, sqlite_template: Path | None, tmp_path_factory: pytest.TempPathFactory
) -> str:
    """A fresh, migrated database."""
    if postgres_server:
        return postgres_server.fresh()
    assert sqlite_template
    path = tmp_path_factory.mktemp("database") / "test.sqlite3"
    shutil.copy(sqlite_template, path)
    return f"sqlite://{path}"


@pytest.fixture
def own_url(postgres_server: Postgres | None, sqlite_template: Path | None, tmp_path: Path, database_url: str) -> str:
    """A fresh, migrated database for one test, which may break it."""
    assert database_url  # by which a test is known to need a database
    if postgres_server:
        return postgres_server.fresh()
    assert sqlite_template
    shutil.copy(sqlite_template, tmp_path / "audit.sqlite3")
    return f"sqlite://{tmp_path / 'audit.sqlite3'}"


@pytest.fixture(scope="module")
async def database(database_url: str) -> AsyncIterator[BaseDBAsyncClient]:
    """The same database, opened in this process."""
    async with db.opened(database_url, everywhere=True) as connection:
        yield connection


@pytest.fixture(scope="session")
def standin_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandIn]:
    with wechat.running(tmp_path_factory.mktemp("standin") / "log") as running:
        yield running


@pytest.fixture(scope="module")
def standin(standin_process: StandIn) -> StandIn:
    """WeChat, played in a process of its own that serves the whole run; new for each module."""
    standin_process.point(None)
    return standin_process


@pytest.fixture(scope="module")
def server(database_url: str, standin: StandIn, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Our server with the probe's routes, in a process of its own; WeChat is the stand-in, its events come here."""
    directory = tmp_path_factory.mktemp("server")
    settings = {
        "YZT_DATABASE_URL": database_url,
        "YZT_DATA_DIR": str(directory),
        "YZT_JOB_LEASE_SECONDS": "1",
        "YZT_WECHAT_URL": standin.base,
    }
    with app.running(directory / "log", **settings) as running:
        standin.point(running.base)
        yield running


@pytest.fixture(scope="module")
async def client(server: Server) -> AsyncIterator[aiohttp.ClientSession]:
    """A client of that server; paths are enough."""
    async with aiohttp.ClientSession(server.base) as session:
        yield session


@pytest.fixture(scope="module")
def redis_server() -> Iterator[Redis]:
    with redis.running() as running:
        yield running


@pytest.fixture(autouse=True)
def real_time() -> Iterator[None]:
    yield
    clock.move_to(None)


@pytest.fixture(autouse=True)
def same_keys() -> Iterator[None]:
    """Whoever builds an app in this process hands it that app's vault and keys."""
    yield
    sensitive.use(VAULT)
    audit.use(AUDIT)
