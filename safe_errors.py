"""Describes errors without quoting anybody: what kind of error, where it was raised, and what a server says about itself.

The text of an error can hold what somebody wrote, such as PostgreSQL's `Key (email)=(ann@example.com) already exists` or
pydantic's `input_value=…`. Logs, Temporal's histories and answers therefore show `describe(error)` and never `str(error)`.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from traceback import walk_tb

ROOT = Path(__file__).resolve().parent
FRAMES = 4
"""The number of calls of ours that a line names, the innermost first."""
CAUSES = 4
"""The number of causes that a line follows back."""


class OwnWords(Exception):
    """An error whose text is written by us. It may hold ids, names of settings and addresses of servers, and nothing that people
    wrote."""


def describe(error: BaseException) -> str:
    """Returns the kind, and what is known of the error without any value: `UniqueViolation 23505 contact_org_id_email_key`."""
    original = getattr(error, "orig", None)  # SQLAlchemy's errors are about the driver's
    if isinstance(original, BaseException):
        return describe(original)
    if isinstance(error, OwnWords):
        return str(error) or type(error).__name__
    words = _words(error)
    return f"{type(error).__name__}: {words}" if words else type(error).__name__


def in_one_line(error: BaseException) -> str:
    """Returns what `describe` says and where it was raised, for the error and its causes: up to four lines of ours, the innermost
    first, and the innermost line of a library."""
    return "; because of ".join(_with_place(each) for each in _chain(error))


def _words(error: BaseException) -> str:
    module = type(error).__module__
    if module.startswith("psycopg"):
        return _of_database(error)
    if module.startswith("temporalio.") and isinstance(message := getattr(error, "message", None), str):
        return first_line(message)  # Temporal's errors hold ids of ours and no personal data
    if isinstance(error, ImportError):
        return first_line(str(error))  # the texts are names of modules
    if isinstance(error, RuntimeError) and str(error).startswith("Failed client connect"):
        return first_line(str(error))
    if isinstance(error, OSError) and error.errno and error.errno > 0:
        return os.strerror(error.errno)
    return ""


def _of_database(error: BaseException) -> str:
    """Returns names of the schema. PostgreSQL's own text can quote a row; what the client says about its connection cannot."""
    state = getattr(error, "sqlstate", None)
    if state is None:
        about_connection = type(error).__name__ in {"OperationalError", "ConnectionTimeout", "InterfaceError"}
        return first_line(str(error)) if about_connection else ""
    found = getattr(error, "diag", None)
    names = (getattr(found, f"{each}_name", None) for each in ("constraint", "table", "column"))
    return " ".join(filter(None, (state, *names)))


def first_line(text: str) -> str:
    """Returns the first line that is not blank, or an empty text."""
    return (text.strip().splitlines() or [""])[0]


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yields the error and what led to it. SQLAlchemy's error and the driver's count as one."""
    seen: list[BaseException] = []
    here: BaseException | None = error
    while here is not None and here not in seen and len(seen) < CAUSES:
        if not (seen and getattr(seen[-1], "orig", None) is here):
            yield here
        seen.append(here)
        here = here.__cause__ or (None if here.__suppress_context__ else here.__context__)


def _with_place(error: BaseException) -> str:
    frames = [(frame.f_code.co_filename, line, frame.f_code.co_name) for frame, line in walk_tb(error.__traceback__)][::-1]
    ours = [f"{Path(file).relative_to(ROOT)}:{line} {name}" for file, line, name in frames if _is_ours(file)]
    at = f" at {' < '.join(ours[:FRAMES])}" if ours else ""
    inside = [f"{'/'.join(Path(file).parts[-2:])}:{line} {name}" for file, line, name in frames[:1] if not _is_ours(file)]
    return describe(error) + at + "".join(f" inside {place}" for place in inside)


def _is_ours(file: str) -> bool:
    return file.startswith(f"{ROOT}{os.sep}") and "site-packages" not in file
