"""Errors in words: kind and place, and nothing that anybody wrote."""

import ast
import re
from pathlib import Path

import pytest
from pydantic import BaseModel, ValidationError
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from models.database import Database
from safe_errors import OwnWords, describe, first_line, in_one_line
from tests.test_imports import OURS, files, name

CANARY = "canary@example.com"


class Named(BaseModel):
    email: int


def raised(error: Exception, cause: Exception | None = None) -> Exception:
    try:
        raise error from cause
    except Exception as caught:
        return caught


def unreadable() -> Exception:
    with pytest.raises(ValidationError) as caught:
        Named.model_validate({"email": CANARY})
    return caught.value


@pytest.mark.parametrize(
    "error", [KeyError(CANARY), ValueError(CANARY), unreadable(), ExceptionGroup(CANARY, [ValueError(CANARY)])]
)
def test_the_text_of_an_error_that_is_not_ours_is_left_out(error: Exception) -> None:
    assert describe(error) == type(error).__name__


def test_an_error_of_the_system_says_what_the_system_said_and_no_path() -> None:
    with pytest.raises(FileNotFoundError) as caught:
        Path("/nonexistent", CANARY).read_text()
    assert describe(caught.value) == "FileNotFoundError: No such file or directory"


def test_words_of_ours_are_kept() -> None:
    assert describe(OwnWords("no answer within 3 s")) == "no answer within 3 s"


def test_a_line_names_where_it_was_raised_and_the_same_of_its_causes() -> None:
    line = in_one_line(raised(RuntimeError(CANARY), raised(KeyError(CANARY))))
    first, second = line.split("; because of ")
    assert first.startswith("RuntimeError at tests/test_safe_errors.py:")
    assert second.startswith("KeyError at tests/test_safe_errors.py:")
    assert first.endswith(" raised")


async def test_a_database_error_names_its_state_and_the_schema_and_no_row(database: Database) -> None:
    async with database.session() as session:
        await session.execute(text("CREATE TEMPORARY TABLE person (email text CONSTRAINT one_each UNIQUE)"))
        insert = text("INSERT INTO person VALUES (:email), (:email)")
        with pytest.raises(DBAPIError) as caught:
            await session.execute(insert, {"email": CANARY})
    assert describe(caught.value) == "UniqueViolation: 23505 one_each person"
    assert in_one_line(caught.value).startswith("UniqueViolation: 23505 one_each person at tests/test_safe_errors.py:")
    assert "[parameters: " not in str(caught.value)


def test_no_line_of_a_log_is_made_of_the_text_of_an_error() -> None:
    """`log.warning("…", error=error)`: the form of the log describes it."""
    wrong = []
    for path in files(*(OURS - {"tests", "bench", "demo", "drills"})):
        for call in (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)):
            if ast.unparse(call.func).startswith("log."):
                given = [keyword.value for keyword in call.keywords]
                texts = [ast.unparse(each) for each in given if isinstance(each, ast.Call) and "error" in ast.unparse(each)]
                wrong += [f"{name(path)}:{call.lineno} {each}" for each in texts if not each.startswith("describe(")]
    assert wrong == []


@pytest.mark.parametrize(
    ("text", "line"), [("one", "one"), ("\n  one  \ntwo", "one  "), ("", ""), (" \n ", ""), ("one\r\ntwo", "one")]
)
def test_of_a_long_text_the_first_line_is_shown(text: str, line: str) -> None:
    assert first_line(text) == line


def test_nobody_else_cuts_a_text_to_its_first_line() -> None:
    cutting = re.compile(r"splitlines\(\)(?: or \[[^\]]*\]\))?\[0\]|partition\(\"\\n\"\)\[0\]")
    ours = files(*(OURS - {"tests", "bench", "drills"}))
    assert [name(path) for path in ours if cutting.search(path.read_text())] == ["safe_errors.py"]
