"""Logs of a role: one line each on stderr, as text for people or JSON for machines, without personal data.

Errors are shown by kind and place in the code (`safe_errors`), because their texts quote what people wrote. That holds for our
lines, for those of our libraries and for a process that ends with an error.
"""

import logging
import os
import sys
import threading
from types import TracebackType
from typing import Any, TextIO

import structlog

from safe_errors import describe, first_line, in_one_line
from settings import Settings

LONGEST = 500
SHARED: list[structlog.typing.Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


def configure(settings: Settings) -> None:
    """Gives structlog and the standard library's logging, which our libraries use, the same level and form."""
    if not (sys.stdout.isatty() and sys.stderr.isatty()):
        os.environ["NO_COLOR"] = "1"  # includes the Temporal client, whose own lines would otherwise be coloured in a file
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    write_through_logging(level)
    logging.basicConfig(level=level, handlers=[handler(settings, sys.stderr)], force=True)
    for chatty in ("httpx", "httpcore"):  # it would log a line for each of our requests, which would hide the rest
        logging.getLogger(chatty).setLevel(max(level, logging.WARNING))
    sys.excepthook = _log_crash
    threading.excepthook = lambda caught: _log_crash(caught.exc_type, caught.exc_value, caught.exc_traceback)


def write_through_logging(level: int) -> None:
    """Our lines take the same way as our libraries' lines, so one handler gives all of them their form."""
    structlog.configure(
        processors=[*SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
    )


def handler(settings: Settings, stream: TextIO) -> logging.Handler:
    """Writes every line in the form that the settings ask for, whoever logs it."""
    made = logging.StreamHandler(stream)
    made.addFilter(without_quotes)
    made.setFormatter(structlog.stdlib.ProcessorFormatter(processors=_rendering(settings, stream), foreign_pre_chain=SHARED))
    return made


def without_quotes(record: logging.LogRecord) -> bool:
    """Keeps the first line of a library's message, up to `LONGEST` characters, and describes the errors in it. For example,
    asyncio writes a task's error into its message."""
    if not isinstance(record.msg, dict):  # one of our own lines
        if isinstance(record.args, tuple):
            record.args = tuple(describe(each) if isinstance(each, BaseException) else each for each in record.args)
        record.msg, record.args = first_line(record.getMessage())[:LONGEST], None
    return True


def errors_in_one_line(_logger: Any, _name: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Adds what was raised as one line under `raised`. Errors that are given as values are described."""
    event.pop("stack_info", None)
    raised = _raised(event.pop("exc_info", None))
    for name, value in event.items():
        if isinstance(value, BaseException):
            event[name] = describe(value)
    if raised is not None:
        event["raised"] = in_one_line(raised)
    return event


def _raised(given: Any) -> BaseException | None:
    if isinstance(given, BaseException):
        return given
    if isinstance(given, tuple):
        return given[1] if isinstance(given[1], BaseException) else None
    return sys.exc_info()[1] if given else None


def _log_crash(_kind: type[BaseException], error: BaseException | None, _trace: TracebackType | None) -> None:
    structlog.get_logger().error("ended by an error", exc_info=error)


def _rendering(settings: Settings, stream: TextIO) -> list[structlog.typing.Processor]:
    first = [structlog.stdlib.ProcessorFormatter.remove_processors_meta, errors_in_one_line]
    if settings.log_format == "json":
        return [*first, structlog.processors.JSONRenderer()]
    return [*first, structlog.dev.ConsoleRenderer(colors=stream.isatty())]
