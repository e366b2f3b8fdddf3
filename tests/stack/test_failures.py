"""A failure that a person can mend is one sentence; a mistake of ours keeps its traceback."""

import errno
import os

import psycopg
import pytest
import sqlalchemy.exc
from pydantic import ValidationError

from settings import Settings, SettingsError
from stack.errors import StackError
from stack.failures import sentence


def test_a_wrong_setting_is_named() -> None:
    with pytest.raises(ValidationError) as caught:
        Settings(_env_file=None, api_port="many", token_keys="short")
    text = sentence(caught.value) or ""
    assert "API_PORT: Input should be a valid integer" in text
    assert "TOKEN_KEYS: " in text
    assert "short" not in text


@pytest.mark.parametrize("error", [StackError("It is full."), SettingsError("It is full.")])
def test_our_own_errors_are_already_sentences(error: Exception) -> None:
    assert sentence(error) == "It is full."


@pytest.mark.parametrize(
    "error",
    [
        psycopg.OperationalError("connection refused\nIs it running?"),
        psycopg.errors.ConnectionTimeout("connection refused"),
        sqlalchemy.exc.OperationalError("SELECT 1", {}, psycopg.OperationalError("connection refused\nmore")),
    ],
)
def test_an_unreachable_database_is_one_line(error: Exception) -> None:
    expected = "PostgreSQL cannot be reached (connection refused): start it with ./linkwake up, or correct DATABASE_URL."
    assert sentence(error) == expected


def test_missing_tables_name_the_command_that_makes_them() -> None:
    error = sqlalchemy.exc.ProgrammingError("SELECT", {}, psycopg.errors.UndefinedTable('relation "x" does not exist'))
    assert (sentence(error) or "").endswith('(relation "x" does not exist): run ./linkwake migrate.')


def test_an_unreachable_temporal_is_one_line() -> None:
    error = RuntimeError("Failed client connect: Server connection error: refused\ndetails")
    assert (sentence(error) or "").startswith(
        "Temporal cannot be reached (Failed client connect: Server connection error: refused)"
    )


@pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC])
def test_a_file_that_cannot_be_written_is_named(number: int) -> None:
    words = sentence(OSError(number, os.strerror(number), "/srv/var/stack.json")) or ""
    assert words.startswith(f"/srv/var/stack.json: {os.strerror(number)}. ")
    assert "VAR_DIR" in words


def test_a_file_that_is_missing_is_a_mistake_of_ours() -> None:
    assert sentence(FileNotFoundError(errno.ENOENT, "No such file", "x")) is None


def test_a_mistake_of_ours_keeps_its_traceback() -> None:
    assert sentence(KeyError("x")) is None
