"""A failure that a person can fix is one sentence; a mistake of ours keeps its traceback."""

import errno
import os
from pathlib import Path

import psycopg
import pytest
import sqlalchemy.exc
from pydantic import ValidationError
from temporalio.client import Client

from demo.client import DemoError, NoAnswer
from drills.parts.patience import DrillError
from settings import Settings, SettingsError
from stack.errors import StackError
from stack.failures import sentence
from stack.state import write_state


def test_a_wrong_setting_is_named() -> None:
    with pytest.raises(ValidationError) as caught:
        Settings(_env_file=None, api_port="many", token_keys="short")
    text = sentence(caught.value) or ""
    assert "API_PORT: write a whole number from 1 to 65535" in text
    assert "TOKEN_KEYS: " in text
    assert "short" not in text


def test_an_error_without_a_field_repeats_nothing() -> None:
    with pytest.raises(ValidationError) as caught:
        Settings.model_validate("secret")
    assert "secret" not in (sentence(caught.value) or "")


@pytest.mark.parametrize("error", [kind("It is full.") for kind in (StackError, SettingsError, DemoError, NoAnswer, DrillError)])
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
@pytest.mark.parametrize(
    ("url", "advice"),
    [
        ("", "start it with ./linkwake up, or set DATABASE_URL."),
        ("postgresql://db.test/x", "start that server, correct DATABASE_URL, or remove it to use the embedded server."),
    ],
)
def test_an_unreachable_database_is_one_line(monkeypatch: pytest.MonkeyPatch, error: Exception, url: str, advice: str) -> None:
    """`./linkwake up` starts no server whose address is a setting."""
    monkeypatch.setenv("DATABASE_URL", url)
    assert sentence(error) == f"PostgreSQL cannot be reached (connection refused): {advice}"


def test_missing_tables_name_the_command_that_makes_them() -> None:
    error = sqlalchemy.exc.ProgrammingError("SELECT", {}, psycopg.errors.UndefinedTable('relation "x" does not exist'))
    assert (sentence(error) or "").endswith('(relation "x" does not exist): run ./linkwake migrate.')


def test_what_postgresql_refuses_for_another_reason_is_not_said_to_be_tables() -> None:
    error = sqlalchemy.exc.ProgrammingError("", {}, psycopg.ProgrammingError('invalid connection option "foo"'))
    expected = 'PostgreSQL or its library refused (invalid connection option "foo"): look at the end of DATABASE_URL.'
    assert sentence(error) == expected


TRANSPORT = "Failed client connect: Server connection error: tonic::transport::Error(Transport, ConnectError("


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            TRANSPORT + 'ConnectError("tcp connect error", 127.0.0.1:1, Os { code: 111, kind: ConnectionRefused, '
            'message: "Connection refused" })))',
            "Connection refused",
        ),
        (
            TRANSPORT + 'ConnectError("dns error", Custom { kind: Uncategorized, '
            'error: "failed to lookup address information: Name or service not known" })))',
            "Name or service not known",
        ),
        (
            TRANSPORT + "Custom { kind: InvalidData, error: InvalidMessage(InvalidContentType) }))",
            "what answers there is not Temporal, or one of both sides speaks TLS and the other does not",
        ),
        (
            TRANSPORT + "Custom { kind: InvalidData, error: InvalidCertificate(UnknownIssuer) }))",
            "its certificate is not trusted",
        ),
        (
            "Failed client connect: `get_system_info` call error after connection: Status { code: PermissionDenied, "
            'message: "Request unauthorized.", source: None }',
            "Request unauthorized",
        ),
        ("Failed client connect: Something { else }", "there is no connection"),
    ],
)
def test_an_unreachable_temporal_is_one_line_without_the_words_of_a_programmer(
    monkeypatch: pytest.MonkeyPatch, text: str, reason: str
) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", "temporal.test:7233")
    expected = (
        f"Temporal cannot be reached at temporal.test:7233 ({reason}): start that server, correct TEMPORAL_ADDRESS, "
        "or remove it to use the embedded server."
    )
    assert sentence(RuntimeError(text)) == expected


async def test_the_real_client_gives_its_reason_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
    with pytest.raises(RuntimeError) as caught:
        await Client.connect("127.0.0.1:1")
    assert (sentence(caught.value) or "").startswith("Temporal cannot be reached at 127.0.0.1:1 (Connection refused): ")


def test_an_embedded_temporal_that_does_not_run_is_started_with_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", "")
    monkeypatch.setenv("VAR_DIR", str(tmp_path))
    write_state(tmp_path, {"temporal_address": "127.0.0.1:7233"})
    text = sentence(RuntimeError('Failed client connect: message: "Connection refused"')) or ""
    expected = "Temporal cannot be reached at 127.0.0.1:7233 (Connection refused): start it with ./linkwake up, "
    assert text == expected + "or set TEMPORAL_ADDRESS."


@pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC])
def test_a_file_that_cannot_be_written_is_named(number: int) -> None:
    words = sentence(OSError(number, os.strerror(number), "/srv/var/stack.json")) or ""
    assert words.startswith(f"/srv/var/stack.json: {os.strerror(number)}. ")
    assert "VAR_DIR" in words


def test_a_file_that_is_missing_is_a_mistake_of_ours() -> None:
    assert sentence(FileNotFoundError(errno.ENOENT, "No such file", "x")) is None


def test_a_mistake_of_ours_keeps_its_traceback() -> None:
    assert sentence(KeyError("x")) is None
