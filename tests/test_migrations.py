"""Migrations make exactly the tables that the code has, can be undone, and never queue up before everybody else."""

import ast
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlmodel import SQLModel

from models import tables
from models.base import first_id
from models.database import psycopg_url
from stack.servers.postgres import EmbeddedPostgres

ROOT = Path(__file__).parent.parent
VERSIONS = sorted((ROOT / "migrations" / "versions").glob("*.py"))


@pytest.fixture
def empty_database_url(postgres: EmbeddedPostgres) -> Iterator[str]:
    database = f"migrated_{uuid4().hex}"
    with psycopg.connect(psycopg_url(postgres.url("postgres")), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {database}".encode())
        yield postgres.url(database)
        connection.execute(f"DROP DATABASE {database} WITH (FORCE)".encode())


@pytest.fixture
def config(empty_database_url: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(ROOT / "migrations"))
    config.attributes["url"] = empty_database_url
    return config


def tables_in(url: str) -> set[str]:
    with psycopg.connect(psycopg_url(url)) as connection:
        rows = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
    return {row[0] for row in rows}


def test_migrations_and_models_are_equal(config: Config) -> None:
    command.upgrade(config, "head")
    command.check(config)


def test_every_migration_can_be_undone_and_done_again(config: Config, empty_database_url: str) -> None:
    command.upgrade(config, "head")
    made = tables_in(empty_database_url)
    command.downgrade(config, "base")
    assert tables_in(empty_database_url) == {"alembic_version"}
    command.upgrade(config, "head")
    assert tables_in(empty_database_url) == made


def test_migrating_twice_changes_nothing(config: Config) -> None:
    command.upgrade(config, "head")
    command.upgrade(config, "head")
    command.check(config)


def test_a_partition_made_while_running_is_no_difference(config: Config, empty_database_url: str) -> None:
    command.upgrade(config, "head")
    with psycopg.connect(psycopg_url(empty_database_url)) as connection:
        january, february = (first_id(datetime(2026, month, 1, tzinfo=UTC)) for month in (1, 2))
        partition = f"CREATE TABLE click_p202601 PARTITION OF click FOR VALUES FROM ('{january}') TO ('{february}')"
        connection.execute(partition)
    command.check(config)


def test_there_is_one_line_of_migrations(config: Config) -> None:
    assert len(ScriptDirectory.from_config(config).get_heads()) == 1


@pytest.mark.parametrize("path", VERSIONS, ids=lambda path: path.stem)
@pytest.mark.parametrize("function", ["upgrade", "downgrade"])
def test_every_migration_gives_up_waiting_for_a_lock(path: Path, function: str) -> None:
    (found,) = [node for node in ast.parse(path.read_text()).body if isinstance(node, ast.FunctionDef) and node.name == function]
    assert "SET LOCAL lock_timeout" in ast.unparse(found.body[0])


def test_every_table_is_known_to_the_migrations() -> None:
    """A file with a table that `models/tables.py` does not import would be missing in a new database."""
    with_tables = {path for path in (ROOT / "models").rglob("*.py") if "table=True" in path.read_text()} - {
        ROOT / "models/base.py"
    }
    known = {Path(str(getattr(tables, name).__file__)) for name in tables.__all__ if name != "metadata"}
    assert with_tables == known
    assert tables.metadata is SQLModel.metadata
