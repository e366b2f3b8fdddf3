"""Logs of a role: one line each on stderr, text for people or JSON for machines."""

import logging
import os
import sys

import structlog

from settings import Settings


def configure(settings: Settings) -> None:
    """Give structlog and the standard library's logging (which our libraries use) the same level and form."""
    if not (sys.stdout.isatty() and sys.stderr.isatty()):
        os.environ["NO_COLOR"] = "1"  # to the Temporal client, whose own lines would be coloured in a file too
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(processors=_rendering(settings), foreign_pre_chain=shared))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for chatty in ("httpx", "httpcore"):  # a line for each request of ours would hide the rest
        logging.getLogger(chatty).setLevel(max(level, logging.WARNING))


def _rendering(settings: Settings) -> list[structlog.typing.Processor]:
    remove = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    if settings.log_format == "json":
        return [remove, structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    return [remove, structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback)]
