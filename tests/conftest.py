"""Real servers for the tests: PostgreSQL, Temporal, and the API on both."""

import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import hypothesis
import psutil
import psycopg
import pytest
import structlog
from fastapi import FastAPI
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import WorkflowEnvironment

from activities.starter import Starter
from api.app import create_app
from api.services import Services
from models.database import Database, psycopg_url
from models.organization import Organization, create_organization
from settings import Settings
from stack.garbage import collect_less, collect_rarely
from stack.postgres import EmbeddedPostgres
from tests.builders import Caller, keyword_attributes, temporal_binary
from tests.shared_database import SharedDatabase

MEMORY = Path("/dev/shm")  # noqa: S108 - only for the data of tests
MEMORY_BYTES = 2 << 30
PREFIX = "linkwake-tests-"


LONGEST = (
    "test_demo.py",
    "test_up.py",
    "drills/test_clicks.py",
    "test_fuzz.py",
    "test_outage.py",
    "test_cli.py",
    "test_process.py",
)
"""Files that take half a minute and more, the longest first."""


def pytest_configure() -> None:
    collect_less()
    hypothesis.settings.register_profile("linkwake", deadline=None)  # tests never time
    hypothesis.settings.load_profile("linkwake")
    # By itself it writes the values of all variables below a traceback, which takes seconds.
    structlog.configure(processors=[structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)])


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """With several processes, one would be left alone with the longest tests at the end."""
    places = {item.path: len(LONGEST) for item in items}
    for place, name in enumerate(LONGEST):
        places |= {path: place for path in places if path.match(name)}
    items.sort(key=lambda item: places[item.path])


def pytest_collection_finish() -> None:
    collect_rarely()


@pytest.fixture(scope="session")
def data_directory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """In memory where there is room. What a killed run has left there is removed."""
    for left in MEMORY.glob(f"{PREFIX}*"):
        if not psutil.pid_exists(int(left.name.removeprefix(PREFIX).partition("-")[0])):
            shutil.rmtree(left, ignore_errors=True)
    if not (os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > MEMORY_BYTES):
        yield tmp_path_factory.mktemp("postgres")
        return
    prefix = f"{PREFIX}{os.getpid()}-"
    with tempfile.TemporaryDirectory(prefix=prefix, dir=MEMORY, ignore_cleanup_errors=True) as directory:
        yield Path(directory)


@pytest.fixture(scope="session")
def postgres(data_directory: Path) -> Iterator[EmbeddedPostgres]:
    # Nobody pulls the plug on a test; what a crash does to the servers is tested in tests/stack/ with their real settings.
    fast = {
        "fsync": "off",
        "full_page_writes": "off",
        "synchronous_commit": "off",
        "wal_level": "minimal",
        "max_wal_senders": "0",
        "autovacuum": "off",
        "jit": "off",
    }
    with EmbeddedPostgres(data_directory / "data", settings=fast) as server:
        yield server


@pytest.fixture(scope="session")
def admin(postgres: EmbeddedPostgres) -> Iterator[psycopg.Connection]:
    with psycopg.connect(psycopg_url(postgres.url("postgres")), autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="session")
async def shared_database(postgres: EmbeddedPostgres, admin: psycopg.Connection) -> AsyncIterator[SharedDatabase]:
    async with SharedDatabase(postgres, admin) as shared:
        yield shared


@pytest.fixture
async def database_url(shared_database: SharedDatabase) -> AsyncIterator[str]:
    """The URL of a migrated, empty database that only this test uses."""
    yield shared_database.open()
    await shared_database.close()


@pytest.fixture
async def database(database_url: str, shared_database: SharedDatabase) -> Database:
    return shared_database.database


@pytest.fixture(scope="session")
async def temporal_server() -> AsyncIterator[WorkflowEnvironment]:
    """The real Temporal server, one for all tests."""
    async with await _start_temporal() as environment:
        yield environment


@pytest.fixture
def temporal(temporal_server: WorkflowEnvironment) -> Client:
    return temporal_server.client


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    return Settings(
        _env_file=None,
        database_url=database_url,
        temporal_address="unused:1",
        token_keys="11" * 32,
        var_dir=tmp_path / "var",
        click_budget=timedelta(seconds=20),  # on a busy machine too, a click is in PostgreSQL when it is answered
        suspect_hold=timedelta(0),  # clicks count at once; tests/activities/test_held_clicks.py is about those that are held
    )


@pytest.fixture
async def organization(database: Database) -> tuple[Organization, str]:
    """An organization and the text of its API key."""
    async with database.transaction() as session:
        return await create_organization(session, "Test organization")


@pytest.fixture
async def services(settings: Settings, database: Database, temporal: Client) -> Services:
    return Services(settings, database, temporal, Starter(database, temporal))


@pytest.fixture(scope="session")
def api_app() -> FastAPI:
    """Made once, because reading all handlers takes as long as a test."""
    return create_app()


@pytest.fixture
async def api(api_app: FastAPI, services: Services, organization: tuple[Organization, str]) -> AsyncIterator[Caller]:
    """The API as the test organization calls it: `await api.post("/contacts", json={...})`."""
    api_app.state.services = services
    transport = httpx.ASGITransport(api_app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://api.test") as client:
        yield Caller(client, organization[1])


async def _start_temporal(tries: int = 3) -> WorkflowEnvironment:
    """The port is chosen before the server binds it, so on a busy machine somebody else may have taken it: once more, then."""
    try:
        return await WorkflowEnvironment.start_local(
            dev_server_existing_path=temporal_binary(),
            data_converter=pydantic_data_converter,
            search_attributes=keyword_attributes(),
            dev_server_log_level="error",
            dev_server_startup_timeout=timedelta(seconds=20),
        )
    except RuntimeError:
        if tries == 1:
            raise
        return await _start_temporal(tries - 1)
