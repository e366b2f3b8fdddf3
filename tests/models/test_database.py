"""Connections as they are asked for, and when the server has ended them."""

import itertools

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from models import database as connections
from models.database import REQUESTS, WORK, Database, Patience
from tests.clicks import rows

SETTING = "SELECT setting, source = 'client' FROM pg_settings WHERE name = 'synchronous_commit'"


@pytest.mark.parametrize("repeatable", [True, False])
async def test_only_commits_that_can_be_repeated_do_not_wait_for_the_disk(database_url: str, repeatable: bool) -> None:
    database = Database(database_url, pool_size=1, repeatable=repeatable)
    # The server of the tests waits for no disk in any case: what matters is who said so.
    assert await rows(database, SETTING) == [("off", repeatable)]
    await database.close()


TIMEOUTS = """
SELECT name, setting FROM pg_settings WHERE name IN ('lock_timeout', 'statement_timeout', 'idle_in_transaction_session_timeout')
ORDER BY name
"""


@pytest.mark.parametrize("patience", [REQUESTS, WORK, Patience(lock=0.05, statement=1, idle=2), None])
async def test_postgresql_itself_ends_what_takes_too_long(database_url: str, patience: Patience | None) -> None:
    database = Database(database_url, pool_size=1, patience=patience)
    seconds = (patience.idle, patience.lock, patience.statement) if patience else (0, 0, 0)
    assert [float(setting) for _, setting in await rows(database, TIMEOUTS)] == [each * 1000 for each in seconds]
    await database.close()


async def ended_by_the_server(database_url: str) -> Database:
    """A pool whose connection worked, and whose session the server has ended since."""
    used, other = Database(database_url, pool_size=1), Database(database_url, pool_size=1)
    [session] = await rows(used, "SELECT pg_backend_pid()")
    assert await rows(other, f"SELECT pg_terminate_backend({session}, 20000)") == [True]
    await other.close()
    return used


async def test_a_connection_that_rested_and_was_ended_meanwhile_is_replaced(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "monotonic", itertools.count(0, 10).__next__)  # each look comes 10 s after the one before
    database = await ended_by_the_server(database_url)
    await database.ping()
    await database.close()


async def test_a_connection_in_use_is_not_asked_and_fails_only_once(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "monotonic", lambda: 0.0)
    database = await ended_by_the_server(database_url)
    with pytest.raises(OperationalError):
        await database.ping()
    await database.ping()
    await database.close()


async def test_a_statement_alone_is_committed_when_it_is_done(database_url: str) -> None:
    database, other = Database(database_url, pool_size=1), Database(database_url, pool_size=1)
    async with database.statement() as session:
        await session.execute(text("CREATE TABLE written_alone (number int)"))
        await session.execute(text("INSERT INTO written_alone VALUES (1)"))
        assert await rows(other, "SELECT number FROM written_alone") == [1]
    await database.close()
    await other.close()


async def test_a_transaction_after_a_statement_alone_is_a_transaction_again(database_url: str) -> None:
    """Both use the same connections."""
    database = Database(database_url, pool_size=1)
    async with database.statement() as session:
        await session.execute(text("CREATE TABLE written_together (number int)"))
    async with database.session() as session:
        await session.execute(text("INSERT INTO written_together VALUES (1)"))
        await session.rollback()
    assert await rows(database, "SELECT number FROM written_together") == []
    await database.close()
