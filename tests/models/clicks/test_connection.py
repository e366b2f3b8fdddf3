"""The connection on which clicks are stored: what it says when something is wrong."""

import psycopg
import pytest

from models.clicks.columns import integers, texts
from models.clicks.connection import ClickConnection
from tests.stack.dummies import until


async def test_an_error_of_the_server_has_its_class_and_leaves_the_connection_usable(database_url: str) -> None:
    connection = await ClickConnection.open(database_url, {"divide": "SELECT 1 / unnest($1::int[])", "echo": "SELECT $1::text[]"})
    with pytest.raises(psycopg.errors.DivisionByZero, match="division by zero"):
        await connection.run("divide", [integers([0])])
    with pytest.raises(psycopg.DataError, match="invalid byte sequence"):
        await connection.run("echo", [texts(["\0"])])
    assert await connection.run("divide", [integers([1, 1])]) == [[b"\0\0\0\1"], [b"\0\0\0\1"]]
    await connection.close()


async def test_more_than_the_socket_takes_at_once_is_sent_whole(database_url: str) -> None:
    connection = await ClickConnection.open(database_url, {"size": "SELECT length($1)"})
    assert await connection.run("size", [b"x" * 30_000_000]) == [[(30_000_000).to_bytes(4)]]
    await connection.close()


async def test_a_connection_that_the_server_has_ended_says_so_at_once(database_url: str, admin: psycopg.Connection) -> None:
    connection = await ClickConnection.open(database_url, {"one": "SELECT 1", "me": "SELECT pg_backend_pid()"})
    [[pid]] = await connection.run("me", [])
    admin.execute("SELECT pg_terminate_backend(%s, 5000)", [int.from_bytes(pid or b"")])
    with pytest.raises(psycopg.OperationalError):
        await connection.run("one", [])
    with pytest.raises(psycopg.OperationalError):
        await connection.ping()
    await connection.close()


async def test_a_statement_that_is_wrong_leaves_no_connection(database_url: str, admin: psycopg.Connection) -> None:
    asked = "SELECT pid FROM pg_stat_activity WHERE application_name = 'linkwake-redirect'"
    others = set(admin.execute(asked).fetchall())  # of the redirect that other tests in this process share
    with pytest.raises(psycopg.errors.UndefinedTable):
        await ClickConnection.open(database_url, {"wrong": "SELECT * FROM nothing"})
    until(lambda: set(admin.execute(asked).fetchall()) <= others)
