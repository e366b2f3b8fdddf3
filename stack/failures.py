"""Turn a failure that a person can do something about into one sentence."""

import errno
from collections.abc import Callable

# By name, because importing their modules would make every command slow.
_SENTENCES: dict[str, Callable[[BaseException], str]] = {
    "stack.errors.StackError": str,
    "settings.SettingsError": str,
    "models.errors.LinkwakeError": str,
    "pydantic_core._pydantic_core.ValidationError": lambda error: _settings(error),
    "pydantic_settings.exceptions.SettingsError": lambda error: f"A setting cannot be read: {_first_line(error)}.",
    "psycopg.OperationalError": lambda error: _database(error),
    "sqlalchemy.exc.OperationalError": lambda error: _database(getattr(error, "orig", error)),
    "sqlalchemy.exc.ProgrammingError": lambda error: _tables(getattr(error, "orig", error)),
    "sqlalchemy.exc.ArgumentError": lambda _: (
        "DATABASE_URL is not an address like postgresql://user:password@host:5432/database."
    ),
    "temporalio.service.RPCError": lambda error: f"Temporal refused: {_first_line(error)}.",
}


_ANOTHER = "Run this as the user who ran it before, or set VAR_DIR to a directory this user may write to."
_FILES = {
    errno.EACCES: _ANOTHER,
    errno.EPERM: _ANOTHER,
    errno.EROFS: "Set VAR_DIR to a directory that can be written to.",
    errno.ENOSPC: "Make room on its disk, or set VAR_DIR to another one.",
}


def sentence(error: BaseException) -> str | None:
    """For a person; None for what only a programmer can judge, which should keep its traceback."""
    if hasattr(error, "format_message"):  # wrong use of the command line
        text = error.format_message()
        return f"{text} See ./linkwake --help." if text else ""
    if isinstance(error, RuntimeError) and "client connect" in str(error):
        return f"Temporal cannot be reached ({_first_line(error)}): start it with ./linkwake up, or correct TEMPORAL_ADDRESS."
    if isinstance(error, OSError) and error.filename and error.errno in _FILES:
        return f"{error.filename}: {error.strerror}. {_FILES[error.errno]}"
    for kind in type(error).__mro__:
        if make := _SENTENCES.get(f"{kind.__module__}.{kind.__name__}"):
            return make(error)
    return None


def _settings(error: BaseException) -> str:
    faults = error.errors() if hasattr(error, "errors") else []
    parts = [f"{str(fault['loc'][0]).upper()}: {fault['msg'].removeprefix('Value error, ')}" for fault in faults if fault["loc"]]
    return f"A setting is wrong: {'; '.join(parts) or error}."


def _database(error: BaseException) -> str:
    return f"PostgreSQL cannot be reached ({_first_line(error)}): start it with ./linkwake up, or correct DATABASE_URL."


def _tables(error: BaseException) -> str:
    return f"The database does not have the tables of this version ({_first_line(error)}): run ./linkwake migrate."


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
