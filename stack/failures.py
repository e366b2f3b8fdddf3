"""Turns a failure that a person can do something about into one sentence."""

import errno
import re
from collections.abc import Callable, Mapping
from typing import Any

from safe_errors import first_line

# Errors are named by text, because importing their modules would make every command slow.
_SENTENCES: dict[str, Callable[[BaseException], str]] = {
    "stack.errors.StackError": str,
    "settings.SettingsError": str,
    "models.errors.LinkwakeError": str,
    "demo.client.DemoError": str,
    "drills.parts.patience.DrillError": str,
    "pydantic_core._pydantic_core.ValidationError": lambda error: _settings(error),
    "pydantic_settings.exceptions.SettingsError": lambda error: f"A setting cannot be read: {_in_short(error)}.",
    "psycopg.OperationalError": lambda error: _database(error),
    "sqlalchemy.exc.OperationalError": lambda error: _database(getattr(error, "orig", error)),
    "sqlalchemy.exc.ProgrammingError": lambda error: _refused(getattr(error, "orig", error)),
    "sqlalchemy.exc.ArgumentError": lambda _: (
        "DATABASE_URL is not an address like postgresql://user:password@host:5432/database."
    ),
    "temporalio.service.RPCError": lambda error: f"Temporal refused: {_in_short(error)}.",
}


_ANOTHER = "Run this as the user who ran it before, or set VAR_DIR to a directory this user may write to."
_FILES = {
    errno.EACCES: _ANOTHER,
    errno.EPERM: _ANOTHER,
    errno.EROFS: "Set VAR_DIR to a directory that can be written to.",
    errno.ENOSPC: "Make room on its disk, or set VAR_DIR to another one.",
}


def sentence(error: BaseException) -> str | None:
    """Returns a sentence for a person. Returns None for errors that only a programmer can judge, which should keep their
    traceback."""
    if hasattr(error, "format_message"):  # wrong use of the command line
        text = error.format_message()
        end = "" if text.endswith((".", "?")) else "."
        command = getattr(getattr(error, "ctx", None), "command_path", "./linkwake")
        return f"{text}{end} See {command} --help." if text else ""
    if isinstance(error, RuntimeError) and "client connect" in str(error):
        return _temporal(error)
    if isinstance(error, OSError) and error.filename and error.errno in _FILES:
        return f"{error.filename}: {error.strerror}. {_FILES[error.errno]}"
    for kind in type(error).__mro__:
        if make := _SENTENCES.get(f"{kind.__module__}.{kind.__name__}"):
            return make(error)
    return None


def _settings(error: BaseException) -> str:
    faults = error.errors() if hasattr(error, "errors") else []
    # The error's own text is never shown, because it repeats what was written, secrets included. Each member of a union has an
    # error of its own.
    parts = dict.fromkeys(f"{str(fault['loc'][0]).upper()}: {_words(fault)}" for fault in faults if fault["loc"])
    return f"A setting is wrong: {'; '.join(parts) or 'see .env.example'}."


# Keys are the beginnings of Pydantic's error types, and `{…}` comes from the error's context. setting_groups/ words the others.
_WORDS = {
    "literal_error": "write {expected}",
    "byte_size": "write a number of bytes, such as 256000000 or 256MB",
    "ip_v": "write networks such as 10.0.0.0/8, separated by commas",
}


def _words(fault: Mapping[str, Any]) -> str:
    for beginning, words in _WORDS.items():
        if fault["type"].startswith(beginning):
            return words.format_map(fault.get("ctx", {}))
    return str(fault["msg"]).removeprefix("Value error, ")


def _database(error: BaseException) -> str:
    from settings import Settings

    own = "DATABASE_URL" if Settings().database_url else None
    return f"PostgreSQL cannot be reached ({_in_short(error)}): {_start('DATABASE_URL', own)}."


def _temporal(error: BaseException) -> str:
    from settings import Settings

    settings = Settings()
    where = "TEMPORAL_ADDRESS" if settings.temporal_address else "the Temporal profile"
    advice = _start("TEMPORAL_ADDRESS", where if settings.temporal_client else None)
    return f"Temporal cannot be reached at {settings.effective_temporal_address} ({_reason(str(error))}): {advice}."


def _start(variable: str, own: str | None) -> str:
    """`own` names the variable that holds the address of a server that `./linkwake up` does not start."""
    if own:
        return f"start that server, correct {own}, or remove it to use the embedded server"
    return f"start it with ./linkwake up, or set {variable}"


def _reason(text: str) -> str:
    """The client's library shows its internal representation. The cause is the last text in quotes."""
    if "Certificate" in text:
        return "its certificate is not trusted"
    if "InvalidMessage" in text or "h2 protocol error" in text:
        return "what answers there is not Temporal, or one of both sides speaks TLS and the other does not"
    quoted = re.findall(r'(?:message|error): "([^"]+)"', text)
    return quoted[-1].rsplit(": ", 1)[-1].rstrip(".") if quoted else "there is no connection"


def _refused(error: BaseException) -> str:
    if type(error).__name__ not in {"UndefinedTable", "UndefinedColumn"}:
        return f"PostgreSQL or its library refused ({_in_short(error)}): look at the end of DATABASE_URL."
    return f"The database does not have the tables of this version ({_in_short(error)}): run ./linkwake migrate."


def _in_short(error: BaseException) -> str:
    return (first_line(str(error)) or type(error).__name__).rstrip(".")
