"""Real servers for the tests: PostgreSQL, Temporal, and the API on both."""

import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import hypothesis
import psycopg
import pytest
import structlog
from fastapi import FastAPI
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from api.app import create_app
from api.handling.services import Services
from models.database import Database, psycopg_url
from models.organizations.organization import Organization, create_organization
from services.judging.judge import Judge
from services.notifications.apprise import Apprise
from services.starter import Starter
from services.way_out.way_out import WayOut
from settings import Settings
from stack.environment import forget_foreign
from stack.own_directory import own_directory, remove_left
from stack.roles.garbage import collect_less, collect_rarely
from stack.servers.postgres import EmbeddedPostgres
from stack.servers.temporal import DYNAMIC_CONFIG
from stack.session import nothing_set_but
from temporal_client import DATA_CONVERTER
from tests.builders import Caller, keyword_attributes, temporal_binary, watch_servers
from tests.by_file import ByFile
from tests.finite import hanging_up
from tests.rows import Rows
from tests.sending import Provider, Sending
from tests.shared_database import SharedDatabase
from tests.triggers import Machine

MEMORY = Path("/dev/shm")  # noqa: S108 - only for the data of tests
MEMORY_BYTES = 2 << 30


LONGEST = (
    "browser/*.py",
    "test_demo.py",
    "test_up.py",
    "drills/test_clicks.py",
    "drills/test_enrollments.py",
    "test_fuzz.py",
    "test_outage.py",
    "test_cli.py",
    "test_process.py",
    "test_neighbours.py",
)
"""Files that take half a minute and more, the longest first."""


def pytest_configure() -> None:
    forget_foreign()
    os.environ.update(nothing_set_but())  # no `.env` and no exported setting reaches a test or a process that it starts
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


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFile | None:
    return ByFile(config, log) if config.getoption("dist") == "loadfile" else None


def pytest_collection_finish() -> None:
    collect_rarely()


@pytest.fixture(autouse=True)
def umask() -> Iterator[None]:
    """Roles close what they write to others, for as long as their process lives; in a test that process goes on."""
    before = os.umask(0o022)
    os.umask(before)
    yield
    os.umask(before)


@pytest.fixture(scope="session")
def data_directory() -> Iterator[Path]:
    """In memory where there is room."""
    remove_left("tests", MEMORY)
    roomy = os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > MEMORY_BYTES
    with own_directory("tests", MEMORY if roomy else Path(tempfile.gettempdir())) as directory:
        yield directory


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
async def database_url(request: pytest.FixtureRequest, shared_database: SharedDatabase) -> AsyncIterator[str]:
    """The URL of a migrated, empty database that only this test uses. One that counts pages gets a database of its own, because
    pages of rows that earlier tests deleted would be counted too."""
    if request.node.get_closest_marker("counts_pages"):
        await shared_database.renew()
    yield shared_database.open()
    await shared_database.close()


@pytest.fixture
async def database(database_url: str, shared_database: SharedDatabase) -> Database:
    return shared_database.database


@pytest.fixture(scope="session")
async def temporal_server() -> AsyncIterator[WorkflowEnvironment]:
    """The real Temporal server, one for all tests."""
    async with await start_temporal() as environment:
        watch_servers()
        yield environment


@pytest.fixture
def temporal(temporal_server: WorkflowEnvironment) -> Client:
    return temporal_server.client


@pytest.fixture(scope="session")
def usual_settings() -> Settings:
    """Made once, because looking for each setting in the environment takes as long as a short test."""
    return Settings(
        _env_file=None,
        temporal_address="unused:1",
        token_keys="11" * 32,
        secret_keys="22" * 32,
        click_budget=timedelta(seconds=20),  # on a busy machine too, a click is in PostgreSQL when it is answered
        suspect_hold=timedelta(0),  # clicks count at once; tests/services/clicks/test_held_clicks.py is about those that are held
    )


@pytest.fixture
def settings(usual_settings: Settings, database_url: str, tmp_path: Path) -> Settings:
    return usual_settings.model_copy(update={"database_url": database_url, "var_dir": tmp_path / "var"})


@pytest.fixture
async def organization(database: Database) -> tuple[Organization, str]:
    """An organization and the text of its API key."""
    async with database.transaction() as session:
        return await create_organization(session, "Test organization")


@pytest.fixture(scope="session")
async def judge() -> AsyncIterator[Judge]:
    """One for all tests, because its processes take as long to start as many tests."""
    judge = Judge()
    yield judge
    await judge.close()


@pytest.fixture(scope="session")
async def apprise() -> AsyncIterator[Apprise]:
    """One for all tests, because its process takes as long to start as ten tests."""
    apprise = Apprise(WayOut())
    yield apprise
    await apprise.close()


@pytest.fixture
async def services(
    settings: Settings, database: Database, temporal: Client, judge: Judge, apprise: Apprise
) -> AsyncIterator[Services]:
    services = Services(settings, database, temporal, Starter(database, temporal), judge)
    apprise._way_out, services.notifications._apprise = services.outside.way_out, apprise
    yield services
    await services.live.close()
    if services.notifications._apprise is not apprise:  # the test has made one of its own
        await services.notifications.close()


@pytest.fixture(scope="session")
def api_app() -> FastAPI:
    """Made once, because reading all handlers takes as long as a test."""
    return create_app()


@pytest.fixture
async def api(api_app: FastAPI, services: Services, organization: tuple[Organization, str]) -> AsyncIterator[Caller]:
    """The API as the test organization calls it: `await api.post("/contacts", json={...})`."""
    api_app.state.services = services
    transport = httpx.ASGITransport(hanging_up(api_app), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://api.test") as client:
        yield Caller(client, organization[1])


async def start_temporal(tries: int = 3) -> WorkflowEnvironment:
    """The port is chosen before the server binds it, so on a busy machine somebody else may have taken it: once more, then."""
    try:
        return await WorkflowEnvironment.start_local(
            dev_server_existing_path=temporal_binary(),
            data_converter=DATA_CONVERTER,
            search_attributes=keyword_attributes(),
            dev_server_log_level="error",
            dev_server_startup_timeout=timedelta(seconds=20),
            dev_server_extra_args=[
                part for name, value in DYNAMIC_CONFIG.items() for part in ("--dynamic-config-value", f"{name}={value}")
            ],
        )
    except RuntimeError:
        if tries == 1:
            raise
        return await start_temporal(tries - 1)


@pytest.fixture
def provider() -> Provider:
    return Provider()


@pytest.fixture
def sending(database: Database, organization: tuple[Organization, str], provider: Provider) -> Sending:
    """By the provider."""
    return Sending(database, organization[0], provider)


@pytest.fixture
def simulated(database: Database, organization: tuple[Organization, str]) -> Sending:
    """By the simulator."""
    return Sending(database, organization[0])


@pytest.fixture
def machine(database: Database, temporal: Client) -> Machine:
    return Machine(database, temporal)


@pytest.fixture
def made(database: Database, organization: tuple[Organization, str]) -> Rows:
    return Rows(database, organization[0].id)
