"""The large tables, made once for the suite on a server of its own, on the disk."""

import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from alembic import command

from migrations.config import alembic_config
from models.database import Database
from models.organizations.organization import Organization
from stack.own_directory import own_directory
from stack.servers.postgres import EmbeddedPostgres
from tests.builders import Caller
from tests.size.tables import Owner, make_tables

HERE = Path(__file__).parent
NEVER_CRASHES = {
    "shared_buffers": "512MB",
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "4GB",
    "autovacuum": "off",
    "jit": "off",
    "max_parallel_workers_per_gather": "0",  # a parallel plan reads the same blocks in another order
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.size)
            item.add_marker(pytest.mark.timeout(1800))  # the first test makes the tables


@pytest.fixture(scope="session")
def large_server() -> Iterator[EmbeddedPostgres]:
    temporary = Path(tempfile.gettempdir())
    with own_directory("tests", temporary) as directory, EmbeddedPostgres(directory / "data", settings=NEVER_CRASHES) as server:
        yield server


@pytest.fixture(scope="session")
async def large_database(large_server: EmbeddedPostgres) -> AsyncIterator[Database]:
    command.upgrade(alembic_config(large_server.url("postgres")), "head")
    database = Database(large_server.url("postgres"), 5)
    yield database
    await database.close()


@pytest.fixture(scope="session")
async def owners(large_database: Database) -> tuple[Owner, Owner]:
    """Of the large organization and of the small one."""
    return await make_tables(large_database)


@pytest.fixture(params=["large", "small"])
def owner(owners: tuple[Owner, Owner], request: pytest.FixtureRequest) -> Owner:
    return owners[request.param == "small"]


@pytest.fixture
def database(large_database: Database) -> Database:
    return large_database


@pytest.fixture
def database_url(large_server: EmbeddedPostgres) -> str:
    return large_server.url("postgres")


@pytest.fixture
def organization(owner: Owner) -> tuple[Organization, str]:
    return owner.organization, owner.key


@pytest.fixture
def api(api: Caller, owner: Owner) -> Caller:
    return api.with_key(owner.key)
